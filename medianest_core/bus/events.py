"""The core's events. Fields are JSON types; times are epoch seconds; ids are text."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from medianest_core.sdk.events import Audience, Event


def to_owner(user_id: str) -> Audience:
    """A person who is no admin, for what admins are told as well: an admin would hear of their own things twice."""
    return Audience(f"owner:{user_id}")


class ServiceStatus(Event):
    """A service instance, or something that it watches, went up or down.

    monitor_id: what of the status page it is about; empty where the host tells of the instance itself.
    """

    name: ClassVar[str] = "service:status"
    monitor_id: str = ""
    instance_id: str
    plugin: str = ""
    service: str = ""
    title: str = ""
    up: bool
    state: str = ""
    reason: str = ""
    since_at: float | None = None


class ServiceTrouble(Event):
    """Something that is watched is down, came back, or does both all the time; said once, not for every flap.

    told: "down", "up", "flapping", or "over" where it is of no interest any more. count: how many things of `instance_id` it
    is about; several at once are told together, title then names them.
    """

    name: ClassVar[str] = "service:trouble"
    monitor_id: str = ""
    instance_id: str
    title: str
    told: str
    reason: str = ""
    since_at: float | None = None
    count: int = 1


class MonitorChanged(Event):
    """An admin decided who sees something that is watched, or whether people need it. Names nothing but its number."""

    name: ClassVar[str] = "monitor:changed"
    monitor_id: str


class IncidentChanged(Event):
    """An incident, a maintenance window or an announcement came, changed or ended. kind: as the status page tells them apart."""

    name: ClassVar[str] = "incident:changed"
    incident_id: str
    kind: str
    title: str = ""
    open: bool = True


class StatusHint(Event):
    """A service told us that something it watches may have changed: it is asked at once rather than at its next turn."""

    name: ClassVar[str] = "status:hint"
    instance_id: str


class WebhookChanged(Event):
    """A subscription to our events was made, edited, paused or removed, or a message to it was sent or not."""

    name: ClassVar[str] = "webhook:changed"
    subscription_id: str


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


class DownloadRemoved(Event):
    """A download that had ended was taken out of the list."""

    name: ClassVar[str] = "download:removed"
    download_id: str
    user_id: str = ""
    title: str = ""


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


class SyncEnded(Event):
    """A run that read servers ended. state: done, failed or cancelled. problems: how many. requested_by: user id of who asked for it,
    empty where nobody did. seconds: how long it took."""

    name: ClassVar[str] = "sync:ended"
    run_id: str
    job_id: str = ""
    state: str
    added: int = 0
    changed: int = 0
    removed: int = 0
    problems: int = 0
    seconds: float | None = None
    requested_by: str = ""


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
    """Something admins should know. key: the same alert again has the same key. active False: it is over.

    inbox: whether it is put into their inboxes too; not where a notification of its own tells of it.
    """

    name: ClassVar[str] = "system:alert"
    key: str
    level: str = "warning"
    title: str = ""
    message: str = ""
    link: str = ""
    active: bool = True
    inbox: bool = True


class RequestUpdate(Event):
    """A media request changed its status. Sent to each who follows it, with that person as user_id, and to admins, without one.

    previous: status before; empty for a new one. actor: user id of who did it, empty where no person did. undecided: it waits for an
    admin. version: of the request now.
    """

    name: ClassVar[str] = "request:update"
    request_id: str
    status: str
    user_id: str = ""
    title: str = ""
    reason: str = ""
    previous: str = ""
    actor: str = ""
    undecided: bool = False
    version: int = 0


class RequestProgress(Event):
    """How far a request is that services are working on. Sent as `RequestUpdate` is. stage: where it is now; empty where no service says
    anything any more. state: waiting, active, done or stuck. ends_at: expected end."""

    name: ClassVar[str] = "request:progress"
    transient: ClassVar[bool] = True
    request_id: str
    user_id: str = ""
    title: str = ""
    stage: str = ""
    state: str = ""
    percent: int | None = None
    ends_at: float | None = None
    message: str = ""


class RequestCommented(Event):
    """Someone said something about a request. Sent as `RequestUpdate` is. by: name of who said it."""

    name: ClassVar[str] = "request:comment"
    request_id: str
    comment_id: str
    user_id: str = ""
    title: str = ""
    actor: str = ""
    by: str = ""
    text: str = ""


class IssueChanged(Event):
    """A report of something wrong with a title came, or was answered. state: open or resolved. Sent to its reporter, and to admins
    without a user_id."""

    name: ClassVar[str] = "request:issue"
    issue_id: str
    state: str
    user_id: str = ""
    title: str = ""
    problem: str = ""
    message: str = ""
    answer: str = ""
    actor: str = ""


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
