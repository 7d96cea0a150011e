"""Requests over backends, a catalog and a media server in memory, on a real database, ledger and worker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.crypto import Keyring
from medianest_core.bus.events import InstanceChanged, RequestUpdate
from medianest_core.domain.accounts.identities import Identities
from medianest_core.domain.accounts.passwords import Passwords
from medianest_core.domain.accounts.roles import Roles
from medianest_core.domain.accounts.sessions import Sessions
from medianest_core.domain.accounts.users import Users
from medianest_core.domain.library.service import Library
from medianest_core.domain.notify.reactions import Reactions
from medianest_core.domain.notify.service import Notifications
from medianest_core.domain.requests.entries import Outcome, Request, RequestDetail
from medianest_core.domain.requests.polling import POLL_JOB
from medianest_core.domain.requests.service import Requests
from medianest_core.domain.requests.wishes import Wish
from medianest_core.host.instances import Instances
from medianest_core.host.states import InstanceState
from medianest_core.ledger.states import JobInfo
from medianest_core.sdk.events import Audience
from medianest_core.sdk.media import Library as Section
from medianest_core.sdk.media import MediaRecord, MediaSource
from medianest_core.sdk.requests import RequestBackend
from medianest_core.sdk.routes import Viewer
from medianest_core.sdk.settings import Secret
from medianest_core.store.tables.ledger import jobs
from tests.fakes.media import FakeInstances, FakeServer, FakeSource, movie
from tests.fakes.portal import Floor, floor
from tests.fakes.requests import FakeDeciders, FakeSeerr, FullBackend

ANN = Viewer("11111111-ann", "Ann", "user", frozenset())
BOB = Viewer("22222222-bob", "Bob", "user", frozenset())
ADMIN = Viewer("33333333-adm", "Root", "admin", frozenset())
SETTLE = 0.3
MATRIX = Wish("movie", {"tmdb": "603", "imdb": "tt0133093"}, "The Matrix", 1999)


def show(**values: Any) -> Wish:
    return Wish("show", {"tvdb": "81189"}, "Breaking Bad", 2008, **values)


@dataclass
class Bench:
    floor: Floor
    instances: FakeInstances
    seerr: FakeSeerr
    server: FakeServer
    library: Library
    deciders: FakeDeciders
    requests: Requests
    notify: Notifications
    folder: Path
    extra: list[FakeSeerr] = field(default_factory=list)

    async def ask(self, viewer: Viewer, wish: Wish = MATRIX) -> Request:
        """Submit something that is new."""
        done: Outcome = await self.requests.submit(viewer, wish)
        assert done.result == "created" and done.request is not None, done
        return done.request

    async def approved(self, viewer: Viewer = ANN, wish: Wish = MATRIX) -> str:
        """A request that an admin has let through; returns its id."""
        made = await self.ask(viewer, wish)
        assert await self.requests.approve(ADMIN, made.id) is not None
        return made.id

    async def until(self, request_id: str, *states: str, viewer: Viewer = ADMIN) -> Request:
        async with asyncio.timeout(30):
            while True:
                found = await self.requests.get(viewer, request_id)
                assert found is not None
                if found.state in states:
                    return found
                await asyncio.sleep(0.01)

    async def eventually(self, condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(30):
            while True:
                value = condition()
                if isinstance(value, Awaitable):
                    value = await value
                if value:
                    return
                await asyncio.sleep(0.01)

    async def poll(self) -> JobInfo:
        """One round of asking backends."""
        async with self.floor.db.begin() as tx:
            job_id = await self.floor.ledger.enqueue(tx, POLL_JOB, {}, unique=None)
        return await self.floor.finished(job_id)

    async def idle(self) -> None:
        """Wait until no job of requests is waiting or running."""

        async def none() -> bool:
            async with self.floor.db.read() as tx:
                busy = await tx.scalar(
                    select(func.count()).where(
                        jobs.c.name.like("requests.%"),
                        jobs.c.state.in_(("queued", "leased")),
                        jobs.c.due_at < self.floor.clock.now() + 30,
                    )
                )
            return not busy

        await self.eventually(none)

    async def now(self) -> None:
        """Let jobs that wait for their time run at once."""
        async with self.floor.db.begin() as tx:
            await tx.execute(update(jobs).where(jobs.c.state == "queued").values(due_at=0.0, send_at=0.0))

    async def has(self, *records: MediaRecord) -> None:
        """The media server has these now, and the library knows."""
        self.server.put(*records)
        await self.floor.finished(await self.library.request_sync(force=True))
        await self.floor.bus.drain()

    async def state_of(self, instance_id: str, state: InstanceState) -> None:
        """A backend goes or comes back."""
        self.instances.states[instance_id] = state
        async with self.floor.db.begin() as tx:
            await self.floor.bus.publish(
                tx, InstanceChanged(instance_id=instance_id, state=state.value), Audience.admins()
            )
        await self.floor.bus.drain()

    async def detail(self, request_id: str) -> RequestDetail:
        found = await self.requests.detail(ADMIN, request_id)
        assert found is not None
        return found

    async def steps(self, request_id: str) -> list[tuple[str, str]]:
        """(state, rule) of its timeline."""
        return [(one.after, one.rule) for one in (await self.detail(request_id)).timeline]

    def told(self, user_id: str = "") -> list[str]:
        """Statuses that this person (or admins) heard of, in order."""
        return [
            one.status
            for one in self.floor.heard
            if isinstance(one, RequestUpdate) and one.user_id == user_id
        ]

    async def inbox(self, viewer: Viewer) -> list[str]:
        return [one.kind for one in (await self.notify.inbox(viewer.id)).items]


def film(key: str = "1", **values: Any) -> MediaRecord:
    """The Matrix, as a server has it."""
    return movie(key, "The Matrix", year=1999, ids={"imdb": "tt0133093"}, **values)


def episodes(season: int, count: int) -> list[MediaRecord]:
    """The show with one season and its first episodes."""
    return [
        movie("s", "Breaking Bad", kind="show", library="2", year=2008, ids={"tvdb": "81189"}),
        movie(f"s{season}", f"Season {season}", kind="season", library="2", parent="s", index=season),
        *(
            movie(f"s{season}e{n}", f"Part {n}", kind="episode", library="2", parent=f"s{season}", index=n)
            for n in range(1, count + 1)
        ),
    ]


class OpenIdentities(Identities):
    """Tokens that are kept as they are."""

    def token_of(self, row: RowMapping) -> Secret | None:
        return Secret(row["token_sealed"]) if row["token_sealed"] else None


def identities(base: Floor, folder: Path) -> Identities:
    """Who people are, as the accounts know it."""
    keyring = Keyring.load_or_create(folder / "keys.json")
    sessions = Sessions(base.db, base.bus, keyring, Roles(lambda: ()), base.clock, time.monotonic)
    users = Users(base.db, base.bus, sessions, base.clock)
    return OpenIdentities(base.db, users, sessions, Passwords(base.db, base.clock), keyring, base.clock)


@pytest.fixture
async def bench(tmp_path: Path, backend: str) -> AsyncIterator[Bench]:
    async with floor(tmp_path) as base:
        async with base.db.begin() as tx:
            for who in (ANN, BOB, ADMIN):
                await tx.execute(
                    text(
                        "INSERT INTO users (id, username, display_name, role, status, created_at, version)"
                        " VALUES (:id, :name, :name, :role, 'active', 0, 1)"
                    ),
                    {"id": who.id, "name": who.username, "role": who.role},
                )
        instances = FakeInstances()
        seerr, server, deciders = FakeSeerr(), FakeServer(), FakeDeciders()
        server.libraries = [Section("1", "Movies", "movie", ("/m",)), Section("2", "Shows", "show", ("/s",))]
        instances.add("seerr", RequestBackend, FullBackend("seerr", seerr))
        instances.add("plex", MediaSource, FakeSource("plex", server))
        shared: dict[str, Any] = {
            "db": base.db,
            "bus": base.bus,
            "ledger": base.ledger,
            "clock": base.clock,
            "instances": cast(Instances, instances),
        }
        library = Library(**shared)
        requests = Requests(
            **shared,
            library=library,
            deciders=deciders,
            settle=SETTLE,
            away=0.2,
            every=3600.0,
            patience=60.0,
            accounts=identities(base, tmp_path),
        )
        for job in (*library.jobs(), *requests.jobs()):
            base.registry.add(job)
        notify = Notifications(base.db, base.bus)
        reactions = Reactions(base.bus, notify)
        reactions.start()
        await requests.start()
        yield Bench(base, instances, seerr, server, library, deciders, requests, notify, tmp_path)
        await requests.stop()
        await library.stop()
        reactions.close()
