"""Accounts over a fresh database, with one made-up service that vouches for people."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import pytest

from medianest_core.base.clock import FakeClock
from medianest_core.base.crypto import Keyring
from medianest_core.bus.outbox import EventBus
from medianest_core.cache.limits import RateLimiter
from medianest_core.domain.accounts.service import Accounts
from medianest_core.host.errors import UnknownInstance
from medianest_core.host.instances import Instances
from medianest_core.sdk.auth import AuthCapability, AuthFlow, Challenge, Identity, Standing
from medianest_core.sdk.errors import MediaNestError, NotReady
from medianest_core.sdk.settings import Secret
from medianest_core.store.engine import Database
from medianest_core.store.repos.events import EventRepo
from tests.databases import database_url, migrated


@dataclass
class Club:
    """A service people belong to. answer: what `complete` gives or raises. standings: by subject."""

    title: ClassVar[str] = "Club"
    flows: Sequence[AuthFlow] = (AuthFlow.CODE, AuthFlow.POPUP)
    answer: Identity | MediaNestError | None = None
    standings: dict[str, Standing | MediaNestError] = field(default_factory=dict)
    asked: int = 0
    poll_every: float = 1.0

    async def begin(self, flow: AuthFlow, *, return_url: str) -> Challenge:
        return Challenge({"pin": "77", "flow": flow.value}, 300.0, code="ABCD", poll_every=self.poll_every)

    async def complete(self, state: Mapping[str, str], form: Mapping[str, str]) -> Identity | None:
        assert state["pin"] == "77"
        if state["flow"] == "form":
            return self.answer if form.get("password") == "club secret" else None  # type: ignore[return-value]  # set by the test
        self.asked += 1
        if isinstance(self.answer, MediaNestError):
            raise self.answer
        return self.answer

    async def revalidate(self, subject: str, token: Secret | None) -> Standing:
        found = self.standings.get(subject, Standing.VALID)
        if isinstance(found, MediaNestError):
            raise found
        return found


@dataclass
class Clubs:
    """Stands in for the host's instances."""

    clubs: dict[str, Club]
    away: set[str] = field(default_factory=set)

    def any(self, kind: Any) -> list[Any]:
        return [self._handle(name) for name in self.clubs]

    def ready(self, kind: Any) -> list[Any]:
        return [handle for handle in self.any(kind) if handle.instance.ready]

    def get(self, kind: Any, instance_id: str) -> Any:
        if instance_id not in self.clubs:
            raise UnknownInstance("There is no such service.")
        if instance_id in self.away:
            raise NotReady("The club does not answer.")
        return self._handle(instance_id)

    def _handle(self, name: str) -> Any:
        ready = name not in self.away
        return SimpleNamespace(
            instance=SimpleNamespace(
                id=name, plugin="club", title=name, ready=ready, reason="" if ready else "away"
            ),
            api=self.clubs[name],
            can=lambda capability: capability is AuthCapability.REVALIDATE,
        )


@dataclass
class House:
    accounts: Accounts
    db: Database
    bus: EventBus
    clock: FakeClock
    keyring: Keyring
    clubs: Clubs
    steady: list[float]

    @property
    def club(self) -> Club:
        return self.clubs.clubs["club-1"]

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.steady[0] += seconds

    def another_process(self) -> Accounts:
        return make_accounts(self.db, EventBus(EventRepo(self.db)), self.keyring, self.clubs, self)


def make_accounts(db: Database, bus: EventBus, keyring: Keyring, clubs: Clubs, house: Any) -> Accounts:
    return Accounts(
        db=db,
        bus=bus,
        keyring=keyring,
        limiter=RateLimiter(house.clock),
        instances=cast(Instances, clubs),
        clock=house.clock,
        steady=lambda: house.steady[0],
    )


@pytest.fixture
async def house(tmp_path: Path, backend: str) -> AsyncIterator[House]:
    db = Database(database_url(tmp_path))
    await db.start()
    await migrated(db)
    bus = EventBus(EventRepo(db))
    keyring = Keyring.load_or_create(tmp_path / "keys.json")
    clubs = Clubs({"club-1": Club()})
    time = SimpleNamespace(clock=FakeClock(), steady=[0.0])
    accounts = make_accounts(db, bus, keyring, clubs, time)
    yield House(accounts, db, bus, time.clock, keyring, clubs, time.steady)
    await accounts.close()
    await bus.close()
    await db.close()
