"""The hooks: what the core asks a plugin.

Colour by name: `register_*` is sync and pure, called once at start-up to learn what the plugin brings; everything else is
`async def`. The core's own caller runs each implementation by itself, so that one plugin's failure stays its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from medianest_core.sdk.auth import AuthProvider
from medianest_core.sdk.calendar import CalendarSource
from medianest_core.sdk.catalog import Catalog
from medianest_core.sdk.commands import Command
from medianest_core.sdk.downloads import Downloader
from medianest_core.sdk.events import Event, Listener
from medianest_core.sdk.fields import FieldOwner, TitleKey
from medianest_core.sdk.jobs import Job
from medianest_core.sdk.markers import hookspec
from medianest_core.sdk.media import MediaChoice, MediaSource
from medianest_core.sdk.notify import Notifier
from medianest_core.sdk.permissions import Attempt, Denial
from medianest_core.sdk.pipeline import MediaType, PipelineStage, QuotaMeter
from medianest_core.sdk.portal import Action, Card, NavItem, Page, Slot
from medianest_core.sdk.requests import BackendChoice, RequestBackend, RequestItem, Review
from medianest_core.sdk.routes import ApiRoute, Route, Viewer
from medianest_core.sdk.service import ServiceType
from medianest_core.sdk.status import StatusProvider
from medianest_core.sdk.storage import TableSet
from medianest_core.sdk.webhooks import WebhookReceiver

if TYPE_CHECKING:
    from medianest_core.sdk.context import PluginContext

AuthProviders: TypeAlias = Sequence[type[AuthProvider[Any, Any]]]
MediaSources: TypeAlias = Sequence[type[MediaSource[Any, Any]]]
FieldOwners: TypeAlias = Sequence[type[FieldOwner[Any, Any]]]
StatusProviders: TypeAlias = Sequence[type[StatusProvider[Any, Any]]]
Downloaders: TypeAlias = Sequence[type[Downloader[Any, Any]]]
RequestBackends: TypeAlias = Sequence[type[RequestBackend[Any, Any]]]
Catalogs: TypeAlias = Sequence[type[Catalog[Any, Any]]]
Notifiers: TypeAlias = Sequence[type[Notifier[Any, Any]]]
WebhookReceivers: TypeAlias = Sequence[type[WebhookReceiver[Any, Any]]]
Contribution: TypeAlias = (
    Job[Any]
    | Page
    | NavItem
    | Card
    | Slot
    | Action
    | Route
    | ApiRoute
    | TableSet
    | type[Event]
    | Listener
    | Command
    | MediaType
    | QuotaMeter
    | PipelineStage
    | CalendarSource
)
Contributions: TypeAlias = Sequence[Contribution]
ServiceTypes: TypeAlias = Sequence[ServiceType[Any, Any]]


@hookspec
def register_services() -> ServiceTypes:
    """Service types that no provider names, e.g. one that only has jobs. Types named by providers need not be listed."""
    raise NotImplementedError


@hookspec
def register_auth_providers() -> AuthProviders:
    """Ways to sign in."""
    raise NotImplementedError


@hookspec
def register_media_sources() -> MediaSources:
    """Servers that hold media."""
    raise NotImplementedError


@hookspec
def register_field_owners() -> FieldOwners:
    """Services that know fields of titles."""
    raise NotImplementedError


@hookspec
def register_status_providers() -> StatusProviders:
    """Services that say whether things are up."""
    raise NotImplementedError


@hookspec
def register_downloaders() -> Downloaders:
    """Services that fetch media from pasted addresses."""
    raise NotImplementedError


@hookspec
def register_request_backends() -> RequestBackends:
    """Services that take over requests for missing titles."""
    raise NotImplementedError


@hookspec
def register_catalogs() -> Catalogs:
    """Services that know titles of the world."""
    raise NotImplementedError


@hookspec
def register_notifiers() -> Notifiers:
    """Ways to reach people outside the portal."""
    raise NotImplementedError


@hookspec
def register_webhook_receivers() -> WebhookReceivers:
    """Services that post to us."""
    raise NotImplementedError


@hookspec
def register_contributions() -> Contributions:
    """Everything else: jobs, pages, navigation, cards, routes, tables, events, listeners, commands, media types, quota meters, pipeline stages, calendars."""
    raise NotImplementedError


@hookspec
async def on_startup(context: PluginContext) -> None:
    """The plugin is active in this process. Runs beside the portal's start, never before its first page."""


@hookspec
async def on_settings_changed(context: PluginContext, instance: str) -> None:
    """An instance of this plugin was added, changed, enabled or disabled."""


@hookspec
async def on_shutdown(context: PluginContext) -> None:
    """The process ends; five seconds at most."""


@hookspec
async def on_uninstall(context: PluginContext) -> None:
    """The admin removes the plugin's data."""


@hookspec
async def review_request(context: PluginContext, item: RequestItem, user: str) -> Review | None:
    """Someone asks for this title (`user`: id of the account). None: nothing to say. The strictest answer wins; one that fails or
    takes longer than ten seconds holds the request for an admin."""


@hookspec
async def choose_backend(
    context: PluginContext, item: RequestItem, candidates: Sequence[BackendChoice]
) -> str | None:
    """Which instance of `candidates` shall take the request; None leaves it to others. The first answer in order counts; one that
    fails or is no candidate is passed over."""


@hookspec
async def authorize(context: PluginContext, viewer: Viewer, attempt: Attempt) -> Denial | None:
    """Somebody whom the portal's own rules let in opens a page or calls the API. Any Denial wins, and one that fails or takes longer
    than five seconds denies. Never asked about signing in and out, about the plugins page for admins, and in safe mode: what a plugin
    locks can always be unlocked. Asked before each page, so answer from what you know."""


@hookspec
async def resolve_media(
    context: PluginContext, title: TitleKey, candidates: Sequence[MediaChoice]
) -> str | None:
    """Several instances hold this title: which one shall open it where the person did not say? None leaves it to others. The first
    answer in order counts; one that fails or is no candidate is passed over."""
