"""The public contract: everything a plugin imports comes from here.

Importing a name loads only the file that defines it, so that a small plugin starts fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medianest_core.sdk.auth import AuthCapability as AuthCapability
    from medianest_core.sdk.auth import AuthFlow as AuthFlow
    from medianest_core.sdk.auth import AuthProvider as AuthProvider
    from medianest_core.sdk.auth import Challenge as Challenge
    from medianest_core.sdk.auth import Identity as Identity
    from medianest_core.sdk.auth import Standing as Standing
    from medianest_core.sdk.auth import WatchlistTitle as WatchlistTitle
    from medianest_core.sdk.calendar import CalendarEntry as CalendarEntry
    from medianest_core.sdk.calendar import CalendarSource as CalendarSource
    from medianest_core.sdk.capabilities import Capability as Capability
    from medianest_core.sdk.capabilities import capabilities_of as capabilities_of
    from medianest_core.sdk.capabilities import optional as optional
    from medianest_core.sdk.capabilities import unsupported as unsupported
    from medianest_core.sdk.catalog import Catalog as Catalog
    from medianest_core.sdk.catalog import CatalogCapability as CatalogCapability
    from medianest_core.sdk.catalog import CatalogEntry as CatalogEntry
    from medianest_core.sdk.catalog import CatalogPage as CatalogPage
    from medianest_core.sdk.catalog import CatalogPerson as CatalogPerson
    from medianest_core.sdk.catalog import CatalogSeason as CatalogSeason
    from medianest_core.sdk.catalog import Feed as Feed
    from medianest_core.sdk.commands import Command as Command
    from medianest_core.sdk.context import PluginCache as PluginCache
    from medianest_core.sdk.context import PluginContext as PluginContext
    from medianest_core.sdk.deprecation import PluginDeprecation as PluginDeprecation
    from medianest_core.sdk.downloads import Availability as Availability
    from medianest_core.sdk.downloads import Choice as Choice
    from medianest_core.sdk.downloads import DownloadCapability as DownloadCapability
    from medianest_core.sdk.downloads import Downloaded as Downloaded
    from medianest_core.sdk.downloads import DownloadedFile as DownloadedFile
    from medianest_core.sdk.downloads import Downloader as Downloader
    from medianest_core.sdk.downloads import DownloadFailed as DownloadFailed
    from medianest_core.sdk.downloads import DownloadTask as DownloadTask
    from medianest_core.sdk.downloads import FoundItem as FoundItem
    from medianest_core.sdk.downloads import Inspection as Inspection
    from medianest_core.sdk.downloads import Limits as Limits
    from medianest_core.sdk.downloads import Options as Options
    from medianest_core.sdk.downloads import ProgressSink as ProgressSink
    from medianest_core.sdk.errors import AuthFailed as AuthFailed
    from medianest_core.sdk.errors import Cancelled as Cancelled
    from medianest_core.sdk.errors import ChallengeExpired as ChallengeExpired
    from medianest_core.sdk.errors import EgressDenied as EgressDenied
    from medianest_core.sdk.errors import InvalidResponse as InvalidResponse
    from medianest_core.sdk.errors import MediaNestError as MediaNestError
    from medianest_core.sdk.errors import NotFound as NotFound
    from medianest_core.sdk.errors import NotReady as NotReady
    from medianest_core.sdk.errors import ProviderError as ProviderError
    from medianest_core.sdk.errors import RateLimited as RateLimited
    from medianest_core.sdk.errors import Rejected as Rejected
    from medianest_core.sdk.errors import RetryLater as RetryLater
    from medianest_core.sdk.errors import SignInDenied as SignInDenied
    from medianest_core.sdk.errors import Unsupported as Unsupported
    from medianest_core.sdk.errors import UserError as UserError
    from medianest_core.sdk.events import Audience as Audience
    from medianest_core.sdk.events import Event as Event
    from medianest_core.sdk.events import Listener as Listener
    from medianest_core.sdk.fields import FieldCapability as FieldCapability
    from medianest_core.sdk.fields import FieldOwner as FieldOwner
    from medianest_core.sdk.fields import FieldReport as FieldReport
    from medianest_core.sdk.fields import TitleKey as TitleKey
    from medianest_core.sdk.hookspecs import AuthProviders as AuthProviders
    from medianest_core.sdk.hookspecs import Catalogs as Catalogs
    from medianest_core.sdk.hookspecs import Contribution as Contribution
    from medianest_core.sdk.hookspecs import Contributions as Contributions
    from medianest_core.sdk.hookspecs import Downloaders as Downloaders
    from medianest_core.sdk.hookspecs import FieldOwners as FieldOwners
    from medianest_core.sdk.hookspecs import MediaSources as MediaSources
    from medianest_core.sdk.hookspecs import Notifiers as Notifiers
    from medianest_core.sdk.hookspecs import RequestBackends as RequestBackends
    from medianest_core.sdk.hookspecs import ServiceTypes as ServiceTypes
    from medianest_core.sdk.hookspecs import StatusProviders as StatusProviders
    from medianest_core.sdk.hookspecs import WebhookReceivers as WebhookReceivers
    from medianest_core.sdk.http import Http as Http
    from medianest_core.sdk.http import Params as Params
    from medianest_core.sdk.http import Response as Response
    from medianest_core.sdk.http import StreamedResponse as StreamedResponse
    from medianest_core.sdk.jobs import Isolation as Isolation
    from medianest_core.sdk.jobs import Job as Job
    from medianest_core.sdk.jobs import JobContext as JobContext
    from medianest_core.sdk.jobs import Retry as Retry
    from medianest_core.sdk.jobs import Schedule as Schedule
    from medianest_core.sdk.manifest import NAME_PATTERN as NAME_PATTERN
    from medianest_core.sdk.manifest import Manifest as Manifest
    from medianest_core.sdk.markers import API_MAJOR as API_MAJOR
    from medianest_core.sdk.markers import API_MINOR as API_MINOR
    from medianest_core.sdk.markers import ENTRY_POINT_GROUP as ENTRY_POINT_GROUP
    from medianest_core.sdk.markers import PROJECT as PROJECT
    from medianest_core.sdk.markers import hookimpl as hookimpl
    from medianest_core.sdk.markers import hookspec as hookspec
    from medianest_core.sdk.media import EPISODE as EPISODE
    from medianest_core.sdk.media import MOVIE as MOVIE
    from medianest_core.sdk.media import SEASON as SEASON
    from medianest_core.sdk.media import SHOW as SHOW
    from medianest_core.sdk.media import Collection as Collection
    from medianest_core.sdk.media import Image as Image
    from medianest_core.sdk.media import Library as Library
    from medianest_core.sdk.media import MediaCapability as MediaCapability
    from medianest_core.sdk.media import MediaChange as MediaChange
    from medianest_core.sdk.media import MediaChoice as MediaChoice
    from medianest_core.sdk.media import MediaRecord as MediaRecord
    from medianest_core.sdk.media import MediaSource as MediaSource
    from medianest_core.sdk.media import RawRecord as RawRecord
    from medianest_core.sdk.media import RecordPage as RecordPage
    from medianest_core.sdk.notify import MaybeSent as MaybeSent
    from medianest_core.sdk.notify import Message as Message
    from medianest_core.sdk.notify import MessageItem as MessageItem
    from medianest_core.sdk.notify import Notifier as Notifier
    from medianest_core.sdk.notify import NotifyCapability as NotifyCapability
    from medianest_core.sdk.permissions import ADMIN as ADMIN
    from medianest_core.sdk.permissions import OWNER as OWNER
    from medianest_core.sdk.permissions import PENDING as PENDING
    from medianest_core.sdk.permissions import PUBLIC as PUBLIC
    from medianest_core.sdk.permissions import USER as USER
    from medianest_core.sdk.permissions import Access as Access
    from medianest_core.sdk.permissions import Attempt as Attempt
    from medianest_core.sdk.permissions import Denial as Denial
    from medianest_core.sdk.permissions import Permission as Permission
    from medianest_core.sdk.permissions import Policy as Policy
    from medianest_core.sdk.permissions import needs as needs
    from medianest_core.sdk.pipeline import MediaType as MediaType
    from medianest_core.sdk.pipeline import PipelineStage as PipelineStage
    from medianest_core.sdk.pipeline import QuotaMeter as QuotaMeter
    from medianest_core.sdk.pipeline import StageAction as StageAction
    from medianest_core.sdk.pipeline import StageReport as StageReport
    from medianest_core.sdk.pipeline import StageState as StageState
    from medianest_core.sdk.pipeline import Tracked as Tracked
    from medianest_core.sdk.portal import Action as Action
    from medianest_core.sdk.portal import Card as Card
    from medianest_core.sdk.portal import NavItem as NavItem
    from medianest_core.sdk.portal import Page as Page
    from medianest_core.sdk.portal import Slot as Slot
    from medianest_core.sdk.process import WATCHDOG as WATCHDOG
    from medianest_core.sdk.process import Child as Child
    from medianest_core.sdk.requests import BackendChoice as BackendChoice
    from medianest_core.sdk.requests import BackendUser as BackendUser
    from medianest_core.sdk.requests import Issue as Issue
    from medianest_core.sdk.requests import OptionChoice as OptionChoice
    from medianest_core.sdk.requests import Quota as Quota
    from medianest_core.sdk.requests import RequestBackend as RequestBackend
    from medianest_core.sdk.requests import RequestCapability as RequestCapability
    from medianest_core.sdk.requests import RequestItem as RequestItem
    from medianest_core.sdk.requests import RequestOption as RequestOption
    from medianest_core.sdk.requests import RequestState as RequestState
    from medianest_core.sdk.requests import RequestStatus as RequestStatus
    from medianest_core.sdk.requests import Review as Review
    from medianest_core.sdk.requests import ReviewVerdict as ReviewVerdict
    from medianest_core.sdk.routes import ApiRoute as ApiRoute
    from medianest_core.sdk.routes import File as File
    from medianest_core.sdk.routes import Handler as Handler
    from medianest_core.sdk.routes import Html as Html
    from medianest_core.sdk.routes import Json as Json
    from medianest_core.sdk.routes import Redirect as Redirect
    from medianest_core.sdk.routes import Reply as Reply
    from medianest_core.sdk.routes import Request as Request
    from medianest_core.sdk.routes import Route as Route
    from medianest_core.sdk.routes import Viewer as Viewer
    from medianest_core.sdk.service import CheckResult as CheckResult
    from medianest_core.sdk.service import Provider as Provider
    from medianest_core.sdk.service import ServiceType as ServiceType
    from medianest_core.sdk.settings import MASK as MASK
    from medianest_core.sdk.settings import HttpUrl as HttpUrl
    from medianest_core.sdk.settings import JsonObject as JsonObject
    from medianest_core.sdk.settings import Secret as Secret
    from medianest_core.sdk.settings import ServiceSettings as ServiceSettings
    from medianest_core.sdk.settings import SettingsGroup as SettingsGroup
    from medianest_core.sdk.settings import secret_fields as secret_fields
    from medianest_core.sdk.status import Beat as Beat
    from medianest_core.sdk.status import Incident as Incident
    from medianest_core.sdk.status import Item as Item
    from medianest_core.sdk.status import Snapshot as Snapshot
    from medianest_core.sdk.status import StatusCapability as StatusCapability
    from medianest_core.sdk.status import StatusProvider as StatusProvider
    from medianest_core.sdk.storage import TableSet as TableSet
    from medianest_core.sdk.storage import Transaction as Transaction
    from medianest_core.sdk.storage import core_stub as core_stub
    from medianest_core.sdk.storage import instance_fk as instance_fk
    from medianest_core.sdk.storage import user_fk as user_fk
    from medianest_core.sdk.texts import N_ as N_
    from medianest_core.sdk.version import API_VERSION as API_VERSION
    from medianest_core.sdk.version import compatible as compatible
    from medianest_core.sdk.webhooks import Delivery as Delivery
    from medianest_core.sdk.webhooks import Hint as Hint
    from medianest_core.sdk.webhooks import WebhookCapability as WebhookCapability
    from medianest_core.sdk.webhooks import WebhookReceiver as WebhookReceiver

_FILES: dict[str, tuple[str, ...]] = {
    "auth": (
        "AuthCapability",
        "AuthFlow",
        "AuthProvider",
        "Challenge",
        "Identity",
        "Standing",
        "WatchlistTitle",
    ),
    "calendar": (
        "CalendarEntry",
        "CalendarSource",
    ),
    "capabilities": (
        "Capability",
        "capabilities_of",
        "optional",
        "unsupported",
    ),
    "catalog": (
        "Catalog",
        "CatalogCapability",
        "CatalogEntry",
        "CatalogPage",
        "CatalogPerson",
        "CatalogSeason",
        "Feed",
    ),
    "commands": ("Command",),
    "context": ("PluginCache", "PluginContext"),
    "deprecation": ("PluginDeprecation",),
    "downloads": (
        "Availability",
        "Choice",
        "DownloadCapability",
        "DownloadFailed",
        "DownloadTask",
        "Downloaded",
        "DownloadedFile",
        "Downloader",
        "FoundItem",
        "Inspection",
        "Limits",
        "Options",
        "ProgressSink",
    ),
    "errors": (
        "AuthFailed",
        "Cancelled",
        "ChallengeExpired",
        "EgressDenied",
        "InvalidResponse",
        "MediaNestError",
        "NotFound",
        "NotReady",
        "ProviderError",
        "RateLimited",
        "Rejected",
        "RetryLater",
        "SignInDenied",
        "Unsupported",
        "UserError",
    ),
    "events": (
        "Audience",
        "Event",
        "Listener",
    ),
    "fields": (
        "FieldCapability",
        "FieldOwner",
        "FieldReport",
        "TitleKey",
    ),
    "hookspecs": (
        "AuthProviders",
        "Catalogs",
        "Contribution",
        "Contributions",
        "Downloaders",
        "FieldOwners",
        "MediaSources",
        "Notifiers",
        "RequestBackends",
        "ServiceTypes",
        "StatusProviders",
        "WebhookReceivers",
    ),
    "http": (
        "Http",
        "Params",
        "Response",
        "StreamedResponse",
    ),
    "jobs": (
        "Isolation",
        "Job",
        "JobContext",
        "Retry",
        "Schedule",
    ),
    "manifest": (
        "Manifest",
        "NAME_PATTERN",
    ),
    "markers": (
        "API_MAJOR",
        "API_MINOR",
        "ENTRY_POINT_GROUP",
        "PROJECT",
        "hookimpl",
        "hookspec",
    ),
    "media": (
        "Collection",
        "EPISODE",
        "Image",
        "Library",
        "MOVIE",
        "MediaCapability",
        "MediaChange",
        "MediaChoice",
        "MediaRecord",
        "MediaSource",
        "RawRecord",
        "RecordPage",
        "SEASON",
        "SHOW",
    ),
    "notify": (
        "MaybeSent",
        "Message",
        "MessageItem",
        "Notifier",
        "NotifyCapability",
    ),
    "permissions": (
        "ADMIN",
        "Access",
        "Attempt",
        "Denial",
        "OWNER",
        "PENDING",
        "PUBLIC",
        "Permission",
        "Policy",
        "USER",
        "needs",
    ),
    "pipeline": (
        "MediaType",
        "PipelineStage",
        "QuotaMeter",
        "StageAction",
        "StageReport",
        "StageState",
        "Tracked",
    ),
    "portal": (
        "Action",
        "Card",
        "NavItem",
        "Page",
        "Slot",
    ),
    "process": (
        "Child",
        "WATCHDOG",
    ),
    "requests": (
        "BackendChoice",
        "BackendUser",
        "Issue",
        "OptionChoice",
        "Quota",
        "RequestBackend",
        "RequestCapability",
        "RequestItem",
        "RequestOption",
        "RequestState",
        "RequestStatus",
        "Review",
        "ReviewVerdict",
    ),
    "routes": (
        "ApiRoute",
        "File",
        "Handler",
        "Html",
        "Json",
        "Redirect",
        "Reply",
        "Request",
        "Route",
        "Viewer",
    ),
    "service": (
        "CheckResult",
        "Provider",
        "ServiceType",
    ),
    "settings": (
        "HttpUrl",
        "JsonObject",
        "MASK",
        "Secret",
        "ServiceSettings",
        "SettingsGroup",
        "secret_fields",
    ),
    "status": (
        "Beat",
        "Incident",
        "Item",
        "Snapshot",
        "StatusCapability",
        "StatusProvider",
    ),
    "storage": (
        "TableSet",
        "Transaction",
        "core_stub",
        "instance_fk",
        "user_fk",
    ),
    "texts": ("N_",),
    "version": (
        "API_VERSION",
        "compatible",
    ),
    "webhooks": (
        "Delivery",
        "Hint",
        "WebhookCapability",
        "WebhookReceiver",
    ),
}
_HOME = {name: file for file, names in _FILES.items() for name in names}


_RENAMED: dict[str, tuple[str, str, str]] = {}
"""Former name → (present name, deprecated since, gone in): versions of the API."""


def __getattr__(name: str) -> Any:
    if name in _RENAMED:
        present, since, gone_in = _RENAMED[name]
        telling = importlib.import_module(f"{__name__}.deprecation")
        telling.deprecated(name, since=since, gone_in=gone_in, instead=present)
        return globals().get(present) or __getattr__(present)
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
