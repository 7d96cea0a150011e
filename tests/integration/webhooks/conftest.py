"""What sends our webhooks, on a real database and to a real socket, with a clock that is set."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from medianest_core.base.clock import FakeClock
from medianest_core.base.crypto import Keyring
from medianest_core.base.http_factory import HttpFactory
from medianest_core.base.logging import get_logger
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.notify.reactions import Reactions
from medianest_core.domain.notify.service import Notifications
from medianest_core.domain.webhooks.catalogue import Catalogue
from medianest_core.domain.webhooks.entries import Message
from medianest_core.domain.webhooks.sending import SEND_JOB, SendArgs, Sender
from medianest_core.domain.webhooks.subscriptions import Subscriptions, Wanted
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.events import Audience, Event
from medianest_core.sdk.jobs import JobContext
from medianest_core.store.engine import Database
from medianest_core.store.repos.events import EventRepo
from medianest_core.store.tables.ledger import jobs
from medianest_core.testing.loopback import serving
from tests.databases import database_url, migrated

EVENT = "system:alert"


@dataclass
class Receiver:
    """Somebody who takes our messages. status, headers: of its answers. got: (headers, body) of what came."""

    url: str = ""
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: Request) -> Response:
        self.got.append((dict(request.headers), await request.body()))
        await asyncio.sleep(self.wait)
        return Response("thanks " * 1000, self.status, self.headers)

    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.got]


class Attempt(JobContext):
    """A job's context without a worker around it."""

    def __init__(self, db: Database, attempt: int) -> None:
        self.job_id, self.attempt, self.owner, self.correlation_id = "job", attempt, None, "c"
        self.log, self.plugin = get_logger("test"), None
        self._db = db

    async def progress(self, *_: Any, **__: Any) -> None:
        return

    def check_cancelled(self) -> None:
        return

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        async with self._db.begin() as tx:
            yield tx

    async def enqueue(self, *_: Any, **__: Any) -> str:
        raise AssertionError("sending makes no other jobs")


class World:
    def __init__(self, db: Database, folder: Path) -> None:
        self.db = db
        self.clock = FakeClock()
        self.bus = EventBus(EventRepo(db), clock=self.clock)
        self.ledger = Ledger(db, self.clock, self.bus)
        self.http = HttpFactory()
        keyring = Keyring.load_or_create(folder / "keys.json")
        self.subscriptions = Subscriptions(db, self.bus, keyring, self.clock, Catalogue())
        self.sender = Sender(db, self.bus, self.ledger, self.http, self.clock, self.subscriptions)
        self.reactions = Reactions(self.bus, Notifications(db, self.bus, clock=self.clock))

    async def subscribe(self, url: str, *events: str) -> tuple[str, str]:
        """(id, secret) of a new subscription; others that hear of it are up to date."""
        made, secret = await self.subscriptions.create(Wanted("Mine", events or (EVENT,), url), None)
        await self.sender.refresh()
        return made.id, secret

    async def publish(self, event: Event, to: Audience | None = None) -> None:
        async with self.db.begin() as tx:
            await self.bus.publish(tx, event, to or Audience.admins())

    async def log(self, subscription_id: str) -> list[Message]:
        found, _ = await self.subscriptions.log(subscription_id)
        return list(reversed(found))

    async def queued(self) -> list[dict[str, Any]]:
        async with self.db.read() as tx:
            rows = await tx.all(select(jobs).where(jobs.c.name == SEND_JOB).order_by(jobs.c.created_at))
        return [dict(row) for row in rows]

    async def send(self, message_id: str, attempt: int = 1, *, forced: bool = False) -> str | MediaNestError:
        """One attempt: what the job returned, or why it failed."""
        try:
            args = SendArgs(message_id=message_id, forced=forced)
            return await self.sender.send(Attempt(self.db, attempt), args)
        except MediaNestError as error:
            return error


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    found = Receiver()
    app = Starlette(routes=[Route("/{path:path}", found.take, methods=["POST"])])
    async with serving(app) as url:
        found.url = f"{url}/hook?key=canary"
        yield found


@pytest.fixture
async def world(tmp_path: Path, backend: str) -> AsyncIterator[World]:
    db = Database(database_url(tmp_path))
    await db.start()
    await migrated(db)
    world = World(db, tmp_path)
    await world.sender.start()
    world.reactions.start()
    yield world
    world.sender.stop()
    world.reactions.close()
    await world.bus.close()
    await world.http.close()
    await db.close()
