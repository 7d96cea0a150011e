"""The core's events. Fields are JSON types; times are epoch seconds; ids are text."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from medianest_core.sdk.events import Event


class ServiceStatus(Event):
    """A service instance went up or down."""

    name: ClassVar[str] = "service:status"
    instance_id: str
    plugin: str = ""
    service: str = ""
    title: str = ""
    up: bool
    state: str = ""
    reason: str = ""
    since_at: float | None = None


class InstanceChanged(Event):
    """An instance was made, edited, removed, or changed its state."""

    name: ClassVar[str] = "instance:changed"
    instance_id: str
    plugin: str = ""
    service: str = ""
    state: str = ""
    reason: str = ""


class PluginChanged(Event):
    """A plugin changed its state."""

    name: ClassVar[str] = "plugin:changed"
    plugin: str
    state: str
    reason: str = ""


class DownloadProgress(Event):
    """How far a download is. item_id None: the whole. speed: bytes a second. eta: seconds left."""

    name: ClassVar[str] = "download:progress"
    transient: ClassVar[bool] = True
    download_id: str
    item_id: str | None = None
    status: str = ""
    done_bytes: int | None = None
    total_bytes: int | None = None
    percent: float | None = None
    speed: float | None = None
    eta: float | None = None
    message: str = ""
    facts: dict[str, Any] = Field(default_factory=dict)


class DownloadChanged(Event):
    """A download, or one item of it, changed its status."""

    name: ClassVar[str] = "download:changed"
    download_id: str
    item_id: str | None = None
    user_id: str = ""
    title: str = ""
    status: str
    reason: str = ""


class JobProgress(Event):
    """How far a job is."""

    name: ClassVar[str] = "job:progress"
    transient: ClassVar[bool] = True
    job_id: str
    job: str
    title: str = ""
    done: float = 0.0
    total: float | None = None
    message: str = ""
    facts: dict[str, Any] = Field(default_factory=dict)


class JobChanged(Event):
    """A job changed its state. state: queued, leased, waiting, done, failed or cancelled. reason: why it waits or failed."""

    name: ClassVar[str] = "job:changed"
    job_id: str
    job: str
    title: str = ""
    state: str
    reason: str = ""
    owner: str | None = None


class SyncProgress(Event):
    """How far a library sync is, instance by instance. instances: id → {"done", "total", "eta", "state", …}."""

    name: ClassVar[str] = "sync:progress"
    transient: ClassVar[bool] = True
    run_id: str
    job_id: str = ""
    done: int = 0
    total: int | None = None
    eta: float | None = None
    message: str = ""
    instances: dict[str, dict[str, Any]] = Field(default_factory=dict)


class LibraryChanged(Event):
    """Titles came, changed or went. title_ids: at most some hundred of them; the counts are complete."""

    name: ClassVar[str] = "library:changed"
    run_id: str = ""
    added: int = 0
    changed: int = 0
    removed: int = 0
    title_ids: list[str] = Field(default_factory=list)


class UserNotification(Event):
    """A notification came into someone's inbox."""

    name: ClassVar[str] = "user:notification"
    notification_id: str
    kind: str
    title: str = ""
    body: str = ""
    link: str = ""
    params: dict[str, Any] = Field(default_factory=dict)
    unread: int | None = None


class SystemAlert(Event):
    """Something admins should know. key: the same alert again has the same key. active False: it is over."""

    name: ClassVar[str] = "system:alert"
    key: str
    level: str = "warning"
    title: str = ""
    message: str = ""
    link: str = ""
    active: bool = True


class RequestUpdate(Event):
    """A media request changed its status."""

    name: ClassVar[str] = "request:update"
    request_id: str
    status: str
    user_id: str = ""
    title: str = ""
    reason: str = ""


class AccountChanged(Event):
    """An account was made, approved, suspended, or edited. what: "created", "approved", "suspended", "role", "edited", …"""

    name: ClassVar[str] = "account:changed"
    user_id: str
    what: str = "edited"
    username: str = ""
    status: str = ""
    role: str = ""


class SessionsEnded(Event):
    """Sessions are over; their sockets must close. session_ids empty: all sessions of the user."""

    name: ClassVar[str] = "sessions:ended"
    user_id: str
    session_ids: list[str] = Field(default_factory=list)
