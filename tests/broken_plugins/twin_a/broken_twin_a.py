"""One of two plugins of the same name."""

from medianest_core.sdk import Manifest

manifest = Manifest("twin", title="Twin", api="1.0")
