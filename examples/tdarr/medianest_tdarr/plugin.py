"""What the plugin brings."""

from __future__ import annotations

from medianest_core.sdk import Contributions, Manifest, StatusProviders, hookimpl
from medianest_tdarr.card import CARD
from medianest_tdarr.stage import STAGE
from medianest_tdarr.status import TdarrStatus

manifest = Manifest(
    "tdarr",
    title="Tdarr",
    api="1.0",
    description="Shows what Tdarr converts, and when it is at work on what people asked for.",
    homepage="https://tdarr.io",
    icon="cpu",
)


@hookimpl
def register_status_providers() -> StatusProviders:
    return [TdarrStatus]


@hookimpl
def register_contributions() -> Contributions:
    return [CARD, STAGE]
