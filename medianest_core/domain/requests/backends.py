"""The services that take requests over: which there are, what each is asked, and who people are to them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.logging import get_logger
from medianest_core.host.decisions import Reviewed
from medianest_core.host.errors import UnknownInstance
from medianest_core.host.instances import Handle, Instances
from medianest_core.sdk.errors import MediaNestError, NotReady
from medianest_core.sdk.requests import (
    BackendChoice,
    BackendUser,
    RequestBackend,
    RequestCapability,
    RequestItem,
)
from medianest_core.store.engine import Database
from medianest_core.store.tables.accounts import identities

KNOWN_FOR = 600.0
"""Seconds for which a backend's people are remembered."""
_log = get_logger(__name__)
Backend = Handle[RequestBackend[Any, Any]]


class Deciders(Protocol):
    """Plugins that are asked; see `host.decisions`."""

    async def review_request(self, item: RequestItem, user: str) -> Reviewed: ...

    async def choose_backend(self, item: RequestItem, candidates: Sequence[BackendChoice]) -> str | None: ...


class Backends:
    def __init__(self, db: Database, instances: Instances, deciders: Deciders, clock: Clock) -> None:
        self._db = db
        self._instances = instances
        self._deciders = deciders
        self._clock = clock
        self._people: dict[str, tuple[float, Sequence[BackendUser]]] = {}

    def ready(self) -> list[Backend]:
        found: list[Backend] = self._instances.ready(RequestBackend)  # type: ignore[type-abstract]  # a key, not made
        return found

    def is_ready(self, instance_id: str) -> bool:
        return any(one.instance.id == instance_id for one in self.ready())

    def get(self, instance_id: str) -> Backend:
        """Raises NotReady."""
        try:
            found: Backend = self._instances.get(RequestBackend, instance_id)  # type: ignore[type-abstract]  # a key, not made
        except UnknownInstance as error:
            raise NotReady(str(error)) from error
        return found

    def exists(self, instance_id: str) -> bool:
        """Whether it is set up still, ready or not."""
        try:
            self._instances.info(instance_id)
        except UnknownInstance:
            return False
        return True

    def title(self, instance_id: str) -> str:
        try:
            return self._instances.info(instance_id).title
        except (UnknownInstance, KeyError):
            return instance_id

    def plugin(self, instance_id: str) -> str:
        return self._instances.info(instance_id).plugin

    async def candidates(self, item: RequestItem, pinned: str | None) -> list[Backend]:
        """Who can take it now, the best first: the one that a plugin names, then those of `usual`. pinned: only this one. Raises
        NotReady where there is none."""
        if pinned is not None:
            return [self.get(pinned)]
        able = [one for one in self.ready() if takes(one, item)]
        first: str | None = None
        if able:
            choices = [
                BackendChoice(one.instance.id, one.instance.title, one.instance.plugin, one.instance.service)
                for one in able
            ]
            first = await self._deciders.choose_backend(item, choices)
        usual = self.usual(item)
        found = [one for one in able if one.instance.id == first]
        chosen = {one.instance.id for one in usual} - {first}
        found += [one for one in able if one.instance.id in chosen]
        if not found:
            raise NotReady(_away(usual))
        return found

    def usual(self, item: RequestItem) -> list[Backend]:
        """Who takes such a request where nobody chooses, whether they answer now or not: those that know people and their requests, as
        they hand them on themselves; where there is none, all that take it. In the order in which they were set up."""
        known: list[Backend] = self._instances.any(RequestBackend)  # type: ignore[type-abstract]  # a key, not made
        able = [one for one in known if takes(one, item)]
        return [one for one in able if one.can(RequestCapability.USERS)] or able

    async def user_of(self, handle: Backend, user_id: str | None) -> str:
        """The person's id at the backend; empty, which means its owner, where it does not know them."""
        if user_id is None or not handle.can(RequestCapability.USERS):
            return ""
        async with self._db.read() as tx:
            own = await tx.all(
                select(identities.c.provider, identities.c.subject).where(identities.c.user_id == user_id)
            )
        if not own:
            return ""
        try:
            people = _by_identity(await self.people(handle))
        except MediaNestError as error:
            _log.info("a backend's people cannot be read", instance=handle.instance.id, reason=str(error))
            return ""
        return next((people[one] for row in own if (one := (row["provider"], row["subject"])) in people), "")

    async def people(self, handle: Backend, *, fresh: bool = False) -> Sequence[BackendUser]:
        """Everyone that the backend knows. fresh: not as remembered. Raises ProviderErrors."""
        known = self._people.get(handle.instance.id)
        if not fresh and known is not None and known[0] > self._clock.now():
            return known[1]
        found = list(await handle.api.users())
        self._people[handle.instance.id] = (self._clock.now() + KNOWN_FOR, found)
        return found

    async def known_as(self, handle: Backend, ids: Collection[str]) -> dict[str, str]:
        """The backend's ids of people → the accounts here that they are, of those who have one. Raises ProviderErrors."""
        if not ids or not handle.can(RequestCapability.USERS):
            return {}
        people = await self.people(handle)
        if not set(ids) <= {one.id for one in people}:
            people = await self.people(handle, fresh=True)
        theirs = {known: one for known, one in _by_identity(people).items() if one in ids}
        if not theirs:
            return {}
        async with self._db.read() as tx:
            rows = await tx.all(
                select(identities.c.provider, identities.c.subject, identities.c.user_id).where(
                    identities.c.subject.in_({subject for _, subject in theirs})
                )
            )
        return {
            theirs[who]: row["user_id"]
            for row in rows
            if (who := (row["provider"], row["subject"])) in theirs
        }


def _by_identity(people: Sequence[BackendUser]) -> Mapping[tuple[str, str], str]:
    return {(provider, subject): one.id for one in people for provider, subject in one.identities.items()}


def _away(usual: Sequence[Backend]) -> str:
    """Why none of these takes it now."""
    for one in usual:
        if not one.instance.ready:
            return f"{one.instance.title}: {one.instance.reason}" if one.instance.reason else ""
    return ""


def takes(handle: Backend, item: RequestItem) -> bool:
    try:
        kinds = handle.api.kinds()
    except MediaNestError:
        return False
    return item.kind in kinds or (item.kind == "season" and "show" in kinds)


def spoken(handle: Backend, item: RequestItem) -> RequestItem:
    """The item as this backend knows it: one that has no seasons of their own takes them as parts of a show."""
    if item.kind == "season" and "season" not in handle.api.kinds():
        return replace(item, kind="show")
    return item


def item_of(row: RowMapping) -> RequestItem:
    return RequestItem(
        row["kind"],
        dict(row["ids"]),
        row["title"],
        row["year"],
        tuple(row["seasons"]),
        tuple((one[0], one[1]) for one in row["episodes"]),
        row["variant"],
        dict(row["options"]),
    )
