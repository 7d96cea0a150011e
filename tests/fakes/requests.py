"""A request backend in memory, with a ledger of what it did, that can die between what is sent and its answer; and a catalog."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from medianest_core.host.decisions import Reviewed
from medianest_core.sdk.catalog import Catalog, CatalogEntry, CatalogPage
from medianest_core.sdk.errors import NotFound, Rejected
from medianest_core.sdk.requests import (
    BackendChoice,
    BackendUser,
    Issue,
    OptionChoice,
    RequestBackend,
    RequestItem,
    RequestOption,
    RequestState,
    RequestStatus,
)


@dataclass
class FakeSeerr:
    """What stands behind a backend.

    effects: ("created" | "approved" | "cancelled" | "reported", reference), in order. before, after: errors raised by the next calls
    of submit before it does anything, or after it did it. finds: errors of the next calls of find. late: what was sent arrives only
    when `arrive` is called.
    """

    takes: frozenset[str] = frozenset({"movie", "show", "season", "episode"})
    held: dict[str, tuple[RequestItem, str]] = field(default_factory=dict)
    states: dict[str, RequestState] = field(default_factory=dict)
    effects: list[tuple[str, str]] = field(default_factory=list)
    before: list[Exception] = field(default_factory=list)
    after: list[Exception] = field(default_factory=list)
    finds: list[Exception] = field(default_factory=list)
    late: bool = False
    underway: list[tuple[RequestItem, str]] = field(default_factory=list)
    first_status: RequestStatus = RequestStatus.PROCESSING
    people: list[BackendUser] = field(default_factory=list)
    reports: list[Issue] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    on_submit: Callable[[], Any] | None = None
    down: Exception | None = None

    def created(self) -> list[str]:
        return [reference for what, reference in self.effects if what == "created"]

    def create(self, item: RequestItem, user: str) -> RequestState:
        reference = f"r{len(self.held) + 1}"
        self.held[reference] = (item, user)
        self.states[reference] = RequestState(reference, self.first_status)
        self.effects.append(("created", reference))
        return self.states[reference]

    def name_of(self, user: str) -> str:
        return next((one.name for one in self.people if one.id == user), "")

    def made_there(
        self, item: RequestItem, user: str = "", status: RequestStatus = RequestStatus.PROCESSING
    ) -> str:
        """Somebody asks at the backend's own page; returns its reference."""
        reference = f"t{len(self.held) + 1}"
        self.held[reference] = (item, user)
        self.states[reference] = RequestState(reference, status)
        return reference

    def arrive(self) -> None:
        """What is under way arrives."""
        while self.underway:
            self.create(*self.underway.pop(0))

    def say(self, reference: str, status: RequestStatus, **values: Any) -> None:
        self.states[reference] = replace(self.states[reference], status=status, **values)


class FakeBackend(RequestBackend[Any, Any]):
    """The required methods only."""

    def __init__(self, instance: str, seerr: FakeSeerr) -> None:
        self.instance = instance
        self.seerr = seerr

    def _call(self, name: str) -> FakeSeerr:
        self.seerr.calls.append(name)
        if self.seerr.down is not None:
            raise self.seerr.down
        return self.seerr

    def kinds(self) -> frozenset[str]:
        return self.seerr.takes

    async def submit(self, item: RequestItem, user: str) -> RequestState:
        seerr = self._call("submit")
        if seerr.before:
            raise seerr.before.pop(0)
        if seerr.late:
            seerr.underway.append((item, user))
        else:
            if any(_same(item, held) for held, _ in seerr.held.values()):
                raise Rejected("It was requested already.")
            made = seerr.create(item, user)
        if seerr.on_submit is not None:
            await seerr.on_submit()
        if seerr.after:
            raise seerr.after.pop(0)
        return made

    async def find(self, item: RequestItem, user: str) -> RequestState | None:
        seerr = self._call("find")
        if seerr.finds:
            raise seerr.finds.pop(0)
        for reference, (held, _) in seerr.held.items():
            if _same(item, held):
                return seerr.states[reference]
        return None

    async def state(self, reference: str) -> RequestState:
        states = self._call("state").states
        if reference not in states:
            return RequestState(reference, RequestStatus.GONE)
        return states[reference]

    async def cancel(self, reference: str) -> None:
        seerr = self._call("cancel")
        if reference in seerr.held:
            del seerr.held[reference], seerr.states[reference]
            seerr.effects.append(("cancelled", reference))


class FullBackend(FakeBackend):
    """With everything that is optional."""

    async def list(self, since: float) -> Sequence[RequestState]:
        seerr = self._call("list")
        return [
            replace(one, item=held, user=user, user_name=seerr.name_of(user), created_at=1_000_000.0)
            for key, one in seerr.states.items()
            for held, user in [seerr.held[key]]
        ]

    async def options(self, kind: str, variant: str = "") -> Sequence[RequestOption]:
        self._call("options")
        return [RequestOption("quality", "Quality", [OptionChoice("1", "HD"), OptionChoice("2", "4K")], "1")]

    async def approve(self, reference: str) -> RequestState:
        seerr = self._call("approve")
        seerr.effects.append(("approved", reference))
        seerr.say(reference, RequestStatus.PROCESSING)
        return seerr.states[reference]

    async def decline(self, reference: str) -> RequestState:
        self._call("decline").say(reference, RequestStatus.DECLINED)
        return self.seerr.states[reference]

    async def users(self) -> Sequence[BackendUser]:
        return self._call("users").people

    async def issues(self) -> Sequence[Issue]:
        return self._call("issues").reports

    async def report(self, issue: Issue, user: str) -> str:
        seerr = self._call("report")
        reference = f"i{len(seerr.reports) + 1}"
        seerr.reports.append(replace(issue, reference=reference))
        seerr.effects.append(("reported", reference))
        if seerr.after:
            raise seerr.after.pop(0)
        return reference

    async def resolve(self, reference: str) -> None:
        seerr = self._call("resolve")
        seerr.reports = [
            replace(one, open=False) if one.reference == reference else one for one in seerr.reports
        ]
        seerr.effects.append(("resolved", reference))


def _same(one: RequestItem, other: RequestItem) -> bool:
    return bool(
        one.ids.items() & other.ids.items()
        and one.variant == other.variant
        and set(one.seasons) == set(other.seasons)
        and set(one.episodes) == set(other.episodes)
    )


class FakeCatalog(Catalog[Any, Any]):
    """entries: by any of their ids, as "provider:value"."""

    def __init__(self, *entries: CatalogEntry, fail: Exception | None = None) -> None:
        self.instance = "catalog"
        self.fail = fail
        self.entries = {(one.kind, name, value): one for one in entries for name, value in one.ids.items()}

    async def search(self, text: str, page: int = 1, language: str = "en") -> CatalogPage:
        return CatalogPage(())

    async def details(self, kind: str, ids: Mapping[str, str], language: str = "en") -> CatalogEntry:
        if self.fail is not None:
            raise self.fail
        for name, value in ids.items():
            if (kind, name, value) in self.entries:
                return self.entries[kind, name, value]
        raise NotFound("There is no such title.")


@dataclass
class FakeDeciders:
    """What plugins answer. choice: an instance, or None."""

    reviewed: Reviewed = field(default_factory=Reviewed)
    choice: str | None = None
    asked: list[tuple[str, Any]] = field(default_factory=list)

    async def review_request(self, item: RequestItem, user: str) -> Reviewed:
        self.asked.append((user, item))
        return self.reviewed

    async def choose_backend(self, item: RequestItem, candidates: Sequence[BackendChoice]) -> str | None:
        return self.choice
