"""Taking over the people of a service in one step: accounts for those who can sign in here as who they are there.

They get no password: they sign in with the service that vouches for them, and are known by it from the first time on.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import select, update

from medianest_core.base.texts import N_
from medianest_core.domain.accounts.identities import Proven
from medianest_core.domain.requests.backends import Backend, Backends
from medianest_core.host.instances import Instances
from medianest_core.sdk.auth import AuthProvider, Identity
from medianest_core.sdk.errors import NotReady
from medianest_core.sdk.requests import BackendUser, RequestCapability
from medianest_core.store.engine import Database, Tx
from medianest_core.store.repos.audit import record
from medianest_core.store.tables.accounts import identities, users
from medianest_core.store.tables.requests import request_sources

NEW, KNOWN, NO_WAY_IN = "new", "known", "no_way_in"


class Accounts(Protocol):
    """Who makes accounts; see `accounts.identities`."""

    async def prove(
        self, tx: Tx, provider: str, instance_id: str, identity: Identity, *, approve: bool
    ) -> Proven: ...


@dataclass(frozen=True, slots=True)
class Someone:
    """A person of a service. state: "new", "known" (has an account here, `user_id`) or "no_way_in": nothing here signs them in."""

    id: str
    name: str
    email: str | None
    state: str
    user_id: str | None = None


class People:
    def __init__(
        self, db: Database, instances: Instances, backends: Backends, accounts: Accounts | None
    ) -> None:
        self._db = db
        self._instances = instances
        self._backends = backends
        self._accounts = accounts

    def sources(self) -> dict[str, str]:
        """instance id → title of those services whose people can be taken over."""
        return {
            one.instance.id: one.instance.title
            for one in self._backends.ready()
            if one.can(RequestCapability.USERS)
        }

    async def preview(self, instance_id: str) -> list[Someone]:
        """Everyone there, by name. Raises NotReady and other ProviderErrors."""
        people = await self._backends.people(self._source(instance_id), fresh=True)
        async with self._db.read() as tx:
            return sorted(
                await self._compared(tx, people), key=lambda one: (one.state != NEW, one.name.casefold())
            )

    async def take(
        self, instance_id: str, ids: Collection[str], *, active: bool, actor: str
    ) -> Sequence[Someone]:
        """Make accounts for these, of those that are new. active: they may come in at once; else an admin lets them in after their first
        sign-in. Raises NotReady and other ProviderErrors."""
        if self._accounts is None:
            raise NotReady(N_("Accounts cannot be made here."))
        handle = self._source(instance_id)
        people = {one.id: one for one in await self._backends.people(handle) if one.id in ids}
        made = []
        async with self._db.begin() as tx:
            for one in await self._compared(tx, list(people.values())):
                found = self._way_in(people[one.id])
                if one.state != NEW or found is None:
                    continue
                provider, subject, vouches = found
                identity = Identity(subject, one.name, one.email)
                proven = await self._accounts.prove(tx, provider, vouches, identity, approve=active)
                made.append(Someone(one.id, one.name, one.email, KNOWN, proven.user.id))
            if made:
                # What they asked for there is read once more, and becomes theirs.
                await tx.execute(
                    update(request_sources)
                    .where(request_sources.c.instance_id == instance_id)
                    .values(listed_at=0.0)
                )
                await record(
                    tx,
                    actor=actor,
                    action="user.imported",
                    target=instance_id,
                    details={"names": [one.name for one in made], "active": active},
                )
        return made

    def _source(self, instance_id: str) -> Backend:
        handle = self._backends.get(instance_id)
        if not handle.can(RequestCapability.USERS):
            raise NotReady(N_("This service does not tell who its people are."))
        return handle

    async def _compared(self, tx: Tx, people: Sequence[BackendUser]) -> list[Someone]:
        subjects = {subject for one in people for subject in one.identities.values()}
        rows = await tx.all(
            select(identities.c.provider, identities.c.subject, users.c.id)
            .join(users, users.c.id == identities.c.user_id)
            .where(identities.c.subject.in_(subjects))
        )
        known = {(row["provider"], row["subject"]): row["id"] for row in rows}
        found = []
        for one in people:
            user_id = next((known[who] for who in one.identities.items() if who in known), None)
            state = KNOWN if user_id else NEW if self._way_in(one) else NO_WAY_IN
            found.append(Someone(one.id, one.name, one.email, state, user_id))
        return found

    def _way_in(self, person: BackendUser) -> tuple[str, str, str] | None:
        """(auth provider, subject there, its instance) by which they can sign in here."""
        handles = self._instances.any(AuthProvider)  # type: ignore[type-abstract]  # a key, not made
        vouching = {one.instance.plugin: one.instance.id for one in handles}
        for provider, subject in person.identities.items():
            if provider in vouching:
                return provider, subject, vouching[provider]
        return None
