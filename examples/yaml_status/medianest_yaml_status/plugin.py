"""What the plugin brings."""

from __future__ import annotations

from medianest_core.sdk import Manifest, StatusProviders, hookimpl
from medianest_yaml_status.status import BoardStatus

manifest = Manifest(
    "yaml_status",
    title="Status file",
    api="1.0",
    description="Shows what a YAML file says is up and what is down.",
    icon="list",
)


@hookimpl
def register_status_providers() -> StatusProviders:
    return [BoardStatus]
