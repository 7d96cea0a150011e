"""A plugin that uses everything there is: each hook, each provider kind with every ability, each contribution."""

from __future__ import annotations

from collections.abc import Sequence

from medianest_core.sdk import (
    Attempt,
    AuthProviders,
    BackendChoice,
    Catalogs,
    Contributions,
    Denial,
    Downloaders,
    FieldOwners,
    Manifest,
    MediaChoice,
    MediaSources,
    Notifiers,
    Permission,
    PluginContext,
    RequestBackends,
    RequestItem,
    Review,
    ReviewVerdict,
    ServiceSettings,
    ServiceType,
    ServiceTypes,
    StatusProviders,
    TitleKey,
    Viewer,
    WebhookReceivers,
    hookimpl,
)
from tests.kitchen_sink.auth import SinkAuth
from tests.kitchen_sink.catalog import SinkCatalog
from tests.kitchen_sink.downloads import SinkDownloader
from tests.kitchen_sink.extras import contributions
from tests.kitchen_sink.fields import SinkFields
from tests.kitchen_sink.media import SinkMedia
from tests.kitchen_sink.notify import SinkNotifier
from tests.kitchen_sink.requests import SinkRequests
from tests.kitchen_sink.status import SinkStatus
from tests.kitchen_sink.webhooks import SinkWebhooks

manifest = Manifest(
    "sink", title="Kitchen sink", api="1.0", permissions=(Permission("sink.open", "Open the kitchen sink"),)
)
TAP: ServiceType[ServiceSettings] = ServiceType("tap", ServiceSettings, title="Tap")
called: list[str] = []
"""Which lifecycle hooks were called, in order."""


@hookimpl
def register_services() -> ServiceTypes:
    return [TAP]


@hookimpl
def register_auth_providers() -> AuthProviders:
    return [SinkAuth]


@hookimpl
def register_media_sources() -> MediaSources:
    return [SinkMedia]


@hookimpl
def register_field_owners() -> FieldOwners:
    return [SinkFields]


@hookimpl
def register_status_providers() -> StatusProviders:
    return [SinkStatus]


@hookimpl
def register_downloaders() -> Downloaders:
    return [SinkDownloader]


@hookimpl
def register_request_backends() -> RequestBackends:
    return [SinkRequests]


@hookimpl
def register_catalogs() -> Catalogs:
    return [SinkCatalog]


@hookimpl
def register_notifiers() -> Notifiers:
    return [SinkNotifier]


@hookimpl
def register_webhook_receivers() -> WebhookReceivers:
    return [SinkWebhooks]


@hookimpl
def register_contributions() -> Contributions:
    return contributions()


@hookimpl
async def on_startup(context: PluginContext) -> None:
    called.append("on_startup")


@hookimpl
async def on_settings_changed(context: PluginContext, instance: str) -> None:
    called.append("on_settings_changed")


@hookimpl
async def on_shutdown(context: PluginContext) -> None:
    called.append("on_shutdown")


@hookimpl
async def on_uninstall(context: PluginContext) -> None:
    called.append("on_uninstall")


@hookimpl
async def review_request(context: PluginContext, item: RequestItem, user: str) -> Review | None:
    return Review(ReviewVerdict.HOLD, "It leaks.") if item.title == "The Leak" else None


@hookimpl
async def choose_backend(
    context: PluginContext, item: RequestItem, candidates: Sequence[BackendChoice]
) -> str | None:
    return next((one.instance for one in candidates if one.plugin == "sink"), None)


@hookimpl
async def authorize(context: PluginContext, viewer: Viewer, attempt: Attempt) -> Denial | None:
    return Denial("It is blocked.") if attempt.path == "/calendar" and attempt.method == "GET" else None


@hookimpl
async def resolve_media(
    context: PluginContext, title: TitleKey, candidates: Sequence[MediaChoice]
) -> str | None:
    return next((one.instance for one in candidates if one.plugin == "sink"), None)
