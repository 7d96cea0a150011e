"""The whole portal in the test's own process, with only the plugins that are named: see `opened`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from medianest_core.asgi import Portal
from medianest_core.base.settings import AppSettings
from medianest_core.domain.accounts.signin import Browser
from medianest_core.host.discovery import discover
from medianest_core.host.instance import InstanceInfo
from medianest_core.ledger.states import UNFINISHED, JobInfo
from medianest_core.sdk.events import Audience, Event
from medianest_core.sdk.storage import Transaction
from medianest_core.testing.contracts.watching import no_secrets
from medianest_core.testing.simulators import Simulator, running
from medianest_core.web.gate.services import Services

ORIGIN = "http://portal.test"
PASSWORD = "correct horse battery"
ROLES = ("admin", "user")
LINGERING = 1000
"""How often it is looked whether everything has ended, 20 ms apart."""
PATIENCE = 60.0
"""Seconds to wait for what must come, on a busy machine."""


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in. client: their browser, on the portal's own pages."""

    id: str
    name: str
    client: httpx.AsyncClient


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))


class TestPortal:
    """events: everything that was published, in its order. logs: lines of the log."""

    __test__ = False

    def __init__(self, portal: Portal, stack: AsyncExitStack) -> None:
        self._portal = portal
        self._stack = stack
        self._people: dict[str, Person] = {}
        self._secrets: list[str] = []
        self.events: list[Event] = []
        self.logs: list[str] = []

    @property
    def services(self) -> Services:
        """The portal's own parts, for what no page tells."""
        return self._portal.runtime.services

    def stranger(self) -> httpx.AsyncClient:
        """A browser in which nobody is signed in."""
        transport = httpx.ASGITransport(self._portal, client=("127.0.0.1", 1))
        return httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers={"origin": ORIGIN})

    async def person(self, role: str = "user") -> Person:
        """Somebody of that role, the same one each time."""
        if role in self._people:
            return self._people[role]
        accounts, name = self.services.accounts, f"{role}-ann"
        actor = (await self.person("admin")).id if role != "admin" else None
        user = await accounts.setup.add_admin(name, PASSWORD)
        if role != "admin":
            user = await accounts.users.set_role(user.id, role, None, actor)
        signed_in = await accounts.sign_in.local(name, PASSWORD, Browser("test", "127.0.0.1"))
        client = await self._stack.enter_async_context(self.stranger())
        client.cookies.set("mn", signed_in.cookie)
        self._people[role] = Person(user.id, name, client)
        return self._people[role]

    async def instance(
        self, plugin: str, service: str, settings: Mapping[str, Any], title: str = ""
    ) -> InstanceInfo:
        """A configured instance, once its first attempt to connect is over."""
        instances = self.services.host.instances
        made = await instances.create(plugin, service, "", title, settings, None)
        await instances.settle(PATIENCE)
        found = instances.info(made.id)
        assert found is not None
        return found

    async def simulated(self, kind: type[Simulator], folder: Path, **options: Any) -> list[InstanceInfo]:
        """The simulator, and the instances that its demo would configure."""
        made = kind(data_dir=folder, **options)
        await self._stack.enter_async_context(running(made))
        plugin = kind.name if self.services.host.registry.plugin(kind.name) else ""
        found = []
        for one in made.demo_instances():
            owner = plugin or self._owner(one.service)
            found.append(await self.instance(owner, one.service, one.settings, one.title))
        return found

    def plugin(self, name: str) -> str:
        """State of a plugin, and why: "active", or "invalid: …"."""
        info = self.services.host.registry.plugin(name)
        if info is None:
            return "not found"
        return f"{info.state.value}: {info.reason}" if info.reason else info.state.value

    async def run_jobs(self) -> Sequence[JobInfo]:
        """Wait until no job is left to do; → all jobs, the newest first. TimeoutError where they do not end."""
        async with asyncio.timeout(PATIENCE):
            while any(one.due_at <= time.time() for one in await self.jobs(*UNFINISHED)):  # noqa: ASYNC110  # workers tell nobody
                await asyncio.sleep(0.02)
        await self.services.bus.drain()
        return await self.jobs()

    async def jobs(self, *states: str) -> Sequence[JobInfo]:
        """Jobs in these states, or all of them; the newest first."""
        async with self.services.db.read() as tx:
            page = await self.services.ledger.list_jobs(tx, states=states or None, limit=200)
        return page.items

    def keeps_secret(self, secret: str) -> None:
        """Fail at the end where this came into the log or into an event."""
        self._secrets.append(secret)

    def look_for_secrets(self) -> None:
        """Raises AssertionError where one of those came out."""
        no_secrets("\n".join(self.logs), self._secrets, "the log")
        no_secrets("\n".join(one.model_dump_json() for one in self.events), self._secrets, "an event")

    def _owner(self, service: str) -> str:
        return next(one.plugin for one in self.services.host.registry.active() if service in one.services)


@contextlib.asynccontextmanager
async def opened(folder: Path, plugins: Sequence[str] = (), **settings: Any) -> AsyncIterator[TestPortal]:
    """`async with opened(tmp_path, ["pihole"]) as portal`: a portal on a fresh database in `folder`, with the built-in plugins and
    these. settings: further ones of the portal. Nothing leaves the process but what plugins send.

    Raises AssertionError at the end where a secret came out, see `TestPortal.keeps_secret`, and where tasks run on after the portal
    has stopped."""
    others = [one.name for one in discover().found if not one.builtin and one.name not in plugins]
    made = Portal(
        AppSettings(data_dir=folder / "portal", plugins_disabled=others, _env_file=None, **settings)
    )
    before = asyncio.all_tasks()
    async with AsyncExitStack() as stack:
        stack.push_async_exit(_end_of_tasks(before))
        found = TestPortal(made, stack)
        handler = _Lines(found.logs)
        logging.getLogger().addHandler(handler)
        stack.callback(logging.getLogger().removeHandler, handler)
        await stack.enter_async_context(_living(made))

        async def keep(tx: Transaction, event: Event, to: Audience) -> None:
            found.events.append(event)

        stack.callback(found.services.bus.subscribe_stored(keep))
        yield found
        found.look_for_secrets()


def _end_of_tasks(before: set[asyncio.Task[Any]]) -> Callable[..., Awaitable[None]]:
    async def look(kind: type[BaseException] | None, *_: object) -> None:
        left: list[str] = []
        for _round in range(LINGERING):
            running = [one for one in asyncio.all_tasks() - before if not one.done()]
            left = [
                f"{one.get_name()} ({one.get_coro()})" for one in running if one is not asyncio.current_task()
            ]
            if not left:
                return
            await asyncio.sleep(0.02)
        # What went wrong before is what should be read.
        assert kind is not None or not left, f"still running: {'; '.join(left)}"

    return look


@contextlib.asynccontextmanager
async def _living(portal: Portal) -> AsyncIterator[None]:
    """What an ASGI server does at the beginning and the end."""
    asked: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    told: asyncio.Queue[Any] = asyncio.Queue()
    task = asyncio.create_task(portal({"type": "lifespan"}, asked.get, told.put))
    await asked.put({"type": "lifespan.startup"})
    answer = await told.get()
    if answer["type"] != "lifespan.startup.complete":
        await task
        raise RuntimeError(f"the portal does not start: {answer.get('message')}")
    try:
        await portal.up.wait()
        yield
    finally:
        await asked.put({"type": "lifespan.shutdown"})
        await task
