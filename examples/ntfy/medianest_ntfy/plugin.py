"""What the plugin brings."""

from __future__ import annotations

from medianest_core.sdk import Manifest, Notifiers, hookimpl
from medianest_ntfy.notify import NtfyNotifier

manifest = Manifest(
    "ntfy",
    title="ntfy",
    api="1.0",
    description="Sends notifications to phones and desktops through ntfy.",
    homepage="https://ntfy.sh",
    icon="bell",
)


@hookimpl
def register_notifiers() -> Notifiers:
    return [NtfyNotifier]
