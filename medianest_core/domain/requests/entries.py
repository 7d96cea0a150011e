"""What requests look like from outside: plain values, as pages, the API and live updates show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Person:
    """name: as others see it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Request:
    """state: see `State`. held_by: "review" waits for an admin, "backend" goes on by itself. reason: why it is held, declined or
    failed, or what the backend says of its progress. user: whose wish it is; None where the account is gone. created_by: who entered it. seasons, episodes: none means all.
    parts: season → status at the backend. participants: how many people follow it. mine: whether the viewer is one of them.
    needs_decision: it waits for an admin. title_id: of the library, once it is there. origin: "backend" where it was made
    at the service itself, "watchlist" where somebody's list asked for it. origin_name: whose it is there, where that is nobody known here.
    Times: epoch seconds."""

    id: str
    kind: str
    root_kind: str
    ids: Mapping[str, str]
    title: str
    year: int | None
    image: str | None
    seasons: Sequence[int]
    episodes: Sequence[tuple[int, int]]
    variant: str
    state: str
    held_by: str
    reason: str
    user: Person | None
    created_by: Person | None
    profile_id: str | None
    options: Mapping[str, str]
    instance_id: str | None
    reference: str | None
    parts: Mapping[str, str]
    title_id: int | None
    participants: int
    mine: bool
    version: int
    created_at: float
    changed_at: float
    finished_at: float | None
    needs_decision: bool = False
    origin: str = ""
    origin_name: str = ""


@dataclass(frozen=True, slots=True)
class RequestPage:
    """next_cursor: None at the end."""

    items: Sequence[Request]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Comment:
    """by: None where the account is gone."""

    id: str
    by: Person | None
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Decision:
    """One change of state. before: empty for the first. by: the person who decided, None where a rule or a service did. rule: "person",
    "policy", "hook:<plugin>", "backend:<instance>", "library" or "system"."""

    at: float
    before: str
    after: str
    by: Person | None
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class RequestDetail:
    """people: who follows it, in the order they came; for others than admins only the viewer. timeline: oldest first."""

    request: Request
    people: Sequence[Person]
    comments: Sequence[Comment]
    timeline: Sequence[Decision]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a wish. result: "created", "joined" (someone had asked already) or "available" (all of it is there). request: the
    new or joined one. also: ids of further requests that cover parts of it, which the person follows now. title_id: of the library."""

    result: str
    request: Request | None = None
    also: Sequence[str] = ()
    title_id: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """How far the household's wish for a title is, without saying whose. request_id: only where the viewer follows it (`mine`), and for
    admins. seasons: those asked for; none: all."""

    state: str
    variant: str
    seasons: Sequence[int] = ()
    request_id: str | None = None
    mine: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """What a role or a person may ask for. subject: "role" or "user". kind: a media type or "*". variant: "", "4k" or "*". quota: how
    much of `meter` within `window_days`; None: no limit. watchlist: people's lists at services may ask for it. id empty: built in, in force where no other fits."""

    id: str
    subject: str
    subject_id: str
    kind: str = "*"
    variant: str = ""
    allowed: bool = True
    auto_approve: bool = False
    watchlist: bool = True
    meter: str = "requests"
    quota: float | None = None
    window_days: int = 7
    version: int = 0


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a person may ask for of one kind. used: of `limit` within the window; limit None: no limit. left None: no limit. next_at: when the
    first of what is used comes back."""

    kind: str
    variant: str
    allowed: bool
    auto_approve: bool
    meter: str = "requests"
    used: float = 0.0
    limit: float | None = None
    window_days: int = 7
    next_at: float | None = None
    left: float | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A title that nobody may ask for."""

    id: str
    root_kind: str
    ids: Mapping[str, str]
    title: str
    year: int | None
    reason: str
    blocked_by: str | None
    at: float


@dataclass(frozen=True, slots=True)
class Profile:
    """A named way for requests: to an instance, with options of its backend. kinds: media types it is for; none: all. preferred: taken where
    nobody chooses. instance_id None: any backend."""

    id: str
    name: str
    kinds: Sequence[str] = ()
    variant: str = ""
    instance_id: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    position: int = 0
    preferred: bool = False
    admins_only: bool = False
    version: int = 0


@dataclass(frozen=True, slots=True)
class Taker:
    """Who takes requests of a kind where nobody chooses. by: "profile" (`profile` is its name), "people" (it knows people and hands requests
    on itself) or "order" (all that can, in the order in which they were set up). services: (instance id, title, whether it answers)."""

    kind: str
    variant: str
    by: str
    services: Sequence[tuple[str, str, bool]]
    profile: str = ""


@dataclass(frozen=True, slots=True)
class IssueReport:
    """Something wrong with a title that is here. problem: video, audio, subtitles or other. state: open or resolved. answer: what an admin
    said to it. origin_name: who reported it at the service itself, where that is nobody known here."""

    id: str
    by: Person | None
    title_id: int | None
    request_id: str | None
    kind: str
    ids: Mapping[str, str]
    title: str
    year: int | None
    seasons: Sequence[int]
    episodes: Sequence[tuple[int, int]]
    problem: str
    message: str
    answer: str
    state: str
    version: int
    created_at: float
    resolved_at: float | None
    origin_name: str = ""


@dataclass(frozen=True, slots=True)
class IssuePage:
    items: Sequence[IssueReport]
    next_cursor: str | None
