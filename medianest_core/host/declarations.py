"""What one plugin declared, after validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from medianest_core.sdk.auth import AuthProvider
from medianest_core.sdk.catalog import Catalog
from medianest_core.sdk.downloads import Downloader
from medianest_core.sdk.fields import FieldOwner
from medianest_core.sdk.manifest import Manifest
from medianest_core.sdk.media import MediaSource
from medianest_core.sdk.notify import Notifier
from medianest_core.sdk.requests import RequestBackend
from medianest_core.sdk.service import Provider, ServiceType
from medianest_core.sdk.status import StatusProvider
from medianest_core.sdk.webhooks import WebhookReceiver

Kind = type[Provider[Any, Any]]

KINDS: Mapping[str, Kind] = {
    "register_auth_providers": AuthProvider,
    "register_media_sources": MediaSource,
    "register_field_owners": FieldOwner,
    "register_status_providers": StatusProvider,
    "register_downloaders": Downloader,
    "register_request_backends": RequestBackend,
    "register_catalogs": Catalog,
    "register_notifiers": Notifier,
    "register_webhook_receivers": WebhookReceiver,
}


@dataclass(frozen=True, slots=True)
class Declarations:
    """services: by name. providers: kind → classes, in the order declared. contributions: with their full names."""

    plugin: str
    manifest: Manifest
    module: ModuleType
    services: Mapping[str, ServiceType[Any, Any]]
    providers: Mapping[Kind, Sequence[type[Provider[Any, Any]]]]
    contributions: Sequence[Any]

    def of_service(self, service: str) -> Mapping[Kind, type[Provider[Any, Any]]]:
        """The provider classes of one service type, one per kind."""
        return {
            kind: one
            for kind, several in self.providers.items()
            for one in several
            if one.service.name == service
        }
