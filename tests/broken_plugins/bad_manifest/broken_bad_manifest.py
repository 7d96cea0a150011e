"""A plugin whose manifest carries another name than its entry point, and no title."""

from medianest_core.sdk import Manifest

manifest = Manifest("someone_else", title="", api="1.0")
