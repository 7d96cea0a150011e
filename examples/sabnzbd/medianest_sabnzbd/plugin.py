"""What the plugin brings."""

from __future__ import annotations

from medianest_core.sdk import Contributions, Manifest, StatusProviders, hookimpl
from medianest_sabnzbd.card import CARD
from medianest_sabnzbd.stage import STAGE
from medianest_sabnzbd.status import SabnzbdStatus

manifest = Manifest(
    "sabnzbd",
    title="SABnzbd",
    api="1.0",
    description="Shows what SABnzbd fetches, and how far it is with what people asked for.",
    homepage="https://sabnzbd.org",
    icon="download",
)


@hookimpl
def register_status_providers() -> StatusProviders:
    return [SabnzbdStatus]


@hookimpl
def register_contributions() -> Contributions:
    return [CARD, STAGE]
