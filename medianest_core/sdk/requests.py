"""RequestBackend: takes over a request for a title that the household does not have yet. Provisional.

A request must have one effect even where the answer got lost: the core asks `find` before it sends anything a second time.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from medianest_core.sdk.capabilities import Capability, optional, unsupported
from medianest_core.sdk.service import C, Provider, S


class RequestCapability(Capability):
    CANCEL = "cancel"
    LIST = "list"
    OPTIONS = "options"
    APPROVE = "approve"
    ISSUES = "issues"
    USERS = "users"
    QUOTA = "quota"


class RequestStatus(StrEnum):
    """How far a backend is with a request."""

    PENDING = "pending"
    """It waits for someone's approval there."""
    APPROVED = "approved"
    PROCESSING = "processing"
    PARTIALLY_AVAILABLE = "partially_available"
    AVAILABLE = "available"
    DECLINED = "declined"
    FAILED = "failed"
    GONE = "gone"
    """The backend has forgotten it: someone deleted it there."""


@dataclass(frozen=True, slots=True)
class RequestItem:
    """What is asked for.

    kind: a media type such as "movie", "show", "season" or "episode". ids: external ids of the title, for seasons and episodes of their show;
    "tmdb", "tvdb", "imdb" → id. seasons: numbers; empty means all there are. episodes: (season, episode). variant: "" or "4k".
    options: name → chosen value, of `RequestBackend.options`.
    """

    kind: str
    ids: Mapping[str, str]
    title: str
    year: int | None = None
    seasons: Sequence[int] = ()
    episodes: Sequence[tuple[int, int]] = ()
    variant: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RequestState:
    """Where a request stands at the backend.

    reference: the backend's id of it. message: why, in plain words. seasons: number → status. changed_at, created_at: epoch seconds.
    item: what it is for, user: the backend's id of whose it is, user_name: as the backend calls them; where `RequestBackend.list` says
    these, requests that were made at the backend itself are taken over. item.title may be empty.
    """

    reference: str
    status: RequestStatus
    message: str = ""
    seasons: Mapping[int, RequestStatus] = field(default_factory=dict)
    changed_at: float | None = None
    item: RequestItem | None = None
    user: str = ""
    user_name: str = ""
    created_at: float | None = None


@dataclass(frozen=True, slots=True)
class OptionChoice:
    value: str
    title: str


@dataclass(frozen=True, slots=True)
class RequestOption:
    """Something to choose for a request, e.g. a quality profile, root folder or tags. default: a value, or None. many: several
    values may be chosen, joined by commas."""

    name: str
    title: str
    choices: Sequence[OptionChoice]
    default: str | None = None
    many: bool = False


@dataclass(frozen=True, slots=True)
class BackendUser:
    """A person as the backend knows them. identities: auth provider → subject there, e.g. {"plex": "12345"}."""

    id: str
    name: str
    email: str | None = None
    identities: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Quota:
    """limit: None where there is none. window_days: length of the window. used: within it."""

    kind: str
    used: int
    limit: int | None = None
    window_days: int | None = None


@dataclass(frozen=True, slots=True)
class Issue:
    """Something wrong with a title that the household has. kind: video, audio, subtitles or other. reference: the backend's id of it, empty for a new one.
    user, user_name, created_at: as of a RequestState; what says no created_at is not taken over."""

    kind: str
    message: str
    item: RequestItem
    reference: str = ""
    open: bool = True
    user: str = ""
    user_name: str = ""
    created_at: float | None = None


class ReviewVerdict(StrEnum):
    """What a plugin says to a new request, from the mildest to the strictest."""

    PASS = "pass"
    """Nothing against it."""
    HOLD = "hold"
    """An admin shall look at it, whatever the rules for the person are."""
    DECLINE = "decline"


@dataclass(frozen=True, slots=True)
class Review:
    """reason: shown to the person and to admins, in plain words."""

    verdict: ReviewVerdict
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BackendChoice:
    """An instance that could take a request now."""

    instance: str
    title: str
    plugin: str
    service: str


class RequestBackend(Provider[S, C]):
    @abstractmethod
    def kinds(self) -> frozenset[str]:
        """The media types it takes requests for."""

    @abstractmethod
    async def submit(self, item: RequestItem, user: str) -> RequestState:
        """Send a request on behalf of `user` (the backend's user id, or empty for the owner).

        Raises Rejected where the backend says no, NotReady and its like where nothing is known of the outcome.
        """

    @abstractmethod
    async def find(self, item: RequestItem, user: str) -> RequestState | None:
        """The request for exactly this, if the backend has it; None where it surely has not."""

    @abstractmethod
    async def state(self, reference: str) -> RequestState:
        """Where a request stands now; status GONE where the backend knows it no more."""

    @optional(RequestCapability.CANCEL)
    async def cancel(self, reference: str) -> None:
        """Withdraw a request; one that is gone already counts as withdrawn."""
        raise unsupported(self, RequestCapability.CANCEL)

    @optional(RequestCapability.LIST)
    async def list(self, since: float) -> Sequence[RequestState]:
        """Requests changed since `since` (epoch seconds), newest first."""
        raise unsupported(self, RequestCapability.LIST)

    @optional(RequestCapability.OPTIONS)
    async def options(self, kind: str, variant: str = "") -> Sequence[RequestOption]:
        """What can be chosen for a request of this media type."""
        raise unsupported(self, RequestCapability.OPTIONS)

    @optional(RequestCapability.APPROVE)
    async def approve(self, reference: str) -> RequestState:
        """Approve a request that waits there."""
        raise unsupported(self, RequestCapability.APPROVE)

    @optional(RequestCapability.APPROVE)
    async def decline(self, reference: str) -> RequestState:
        """Decline a request that waits there."""
        raise unsupported(self, RequestCapability.APPROVE)

    @optional(RequestCapability.ISSUES)
    async def report(self, issue: Issue, user: str) -> str:
        """Tell the backend of an issue; returns its reference."""
        raise unsupported(self, RequestCapability.ISSUES)

    @optional(RequestCapability.ISSUES)
    async def issues(self) -> Sequence[Issue]:
        """All open issues and those that were resolved lately."""
        raise unsupported(self, RequestCapability.ISSUES)

    @optional(RequestCapability.ISSUES)
    async def resolve(self, reference: str) -> None:
        """Mark an issue as resolved."""
        raise unsupported(self, RequestCapability.ISSUES)

    @optional(RequestCapability.USERS)
    async def users(self) -> Sequence[BackendUser]:
        """Everyone the backend knows."""
        raise unsupported(self, RequestCapability.USERS)

    @optional(RequestCapability.QUOTA)
    async def quota(self, user: str) -> Sequence[Quota]:
        """What the backend itself allows that person."""
        raise unsupported(self, RequestCapability.QUOTA)
