"""A portal in this process with one instance of every installed simulator, whose services fail at a test's command.

Deadlines and pauses are short, and what is too much is little; nothing else is different from a portal that runs at home.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import func, select

from medianest_core.asgi import Portal
from medianest_core.base import http as base_http
from medianest_core.base.retry import RetryPlan
from medianest_core.base.settings import AppSettings
from medianest_core.domain.requests.service import Requests
from medianest_core.host import guard, instance
from medianest_core.host.instance import InstanceInfo
from medianest_core.host.states import InstanceState
from medianest_core.sdk.routes import Viewer
from medianest_core.store.tables.library import titles
from medianest_core.testing import distortion
from medianest_core.testing.simulators import Simulator, load_simulator, running, simulator_names
from medianest_core.web.gate.services import Services
from medianest_uptimekuma import session

ORIGIN = "http://portal.test"
PASSWORD = "correct horse"
WITHIN = 120.0
"""Seconds that anything may take on a busy machine."""
LARGEST = 2_000_000
"""Bytes of an answer in these tests."""
PATIENT = 60.0


@dataclass
class Hurry:
    """How long a call to a service may take, seconds: short only where a time-out is what should come."""

    seconds: float = PATIENT


@dataclass
class Town:
    """portal: running. simulators: by name. named: simulator's name → instance's id."""

    portal: Portal
    browser: httpx.AsyncClient
    hurry: Hurry
    admin: Viewer
    simulators: dict[str, Simulator] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    settings: dict[str, tuple[str, str, Mapping[str, Any]]] = field(default_factory=dict)

    @property
    def services(self) -> Services:
        return self.portal.runtime.services

    def info(self, name: str) -> InstanceInfo:
        return self.services.host.instances.info(self.named[name])

    async def add(self, name: str, simulator: Simulator) -> str:
        """An instance as an admin would add it; returns once it is ready."""
        wanted = simulator.demo_instances()[0]
        host = self.services.host
        owners = {kind.name: plugin for plugin, kind in host.registry.service_types()}
        plugin = owners[wanted.service]
        made = await host.instances.create(
            plugin, wanted.service, name, f"The {name}", wanted.settings, self.admin.id
        )
        self.simulators[name], self.named[name] = simulator, made.id
        self.settings[name] = plugin, wanted.service, wanted.settings
        return made.id

    async def until(self, condition: Callable[[], Any], what: str) -> Any:
        """The condition's first true value."""
        try:
            async with asyncio.timeout(WITHIN):
                while True:
                    value = condition()
                    if isinstance(value, Awaitable):
                        value = await value
                    if value:
                        return value
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"did not happen within {WITHIN:g} s: {what}") from None

    async def whole(self, *names: str) -> None:
        """All services behave, and the portal knows."""
        for name in names or tuple(self.named):
            self.simulators[name].faults.clear()
            await self.services.host.instances.retry(self.named[name])
        self.hurry.seconds = PATIENT
        for name in names or tuple(self.named):
            await self.reaches(name, InstanceState.READY)

    def _is(self, name: str, state: InstanceState) -> bool:
        return self.info(name).state is state

    async def reaches(self, name: str, state: InstanceState) -> None:
        """Wait until the service is in this state."""
        await self.until(partial(self._is, name, state), f"{name} is {state}: {self.info(name)}")

    async def page(self, path: str) -> httpx.Response:
        answer = await self.browser.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:300])
        assert "Traceback" not in answer.text, path
        return answer

    async def filled(self) -> bool:
        """Whether each library was read in full."""
        sections = await self.services.library.sections()
        return bool(sections) and all(one.first_complete_at for one in sections)

    async def synced(self) -> None:
        """One try of the sync, whatever comes of it."""
        job_id = await self.services.library.request_sync(force=True)

        async def over() -> bool:
            async with self.services.db.read() as tx:
                job = await self.services.ledger.get_job(tx, job_id)
            assert job is not None
            # One that failed waits for its next try.
            return job.finished_at is not None or (job.attempt >= 1 and job.state.value == "queued")

        await self.until(over, "the sync is over")

    async def held(self) -> int:
        """How many titles the library has."""
        async with self.services.db.read() as tx:
            return int(await tx.scalar(select(func.count()).select_from(titles)) or 0)


@asynccontextmanager
async def opened(folder: Path, hurry: Hurry) -> AsyncIterator[Town]:
    """A portal without any service yet, and its admin's browser."""
    settings = AppSettings(data_dir=folder / "portal", _env_file=None)
    portal = Portal(settings)
    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    outgoing: asyncio.Queue[Any] = asyncio.Queue()
    task = asyncio.ensure_future(portal({"type": "lifespan"}, incoming.get, outgoing.put))
    await incoming.put({"type": "lifespan.startup"})
    assert (await outgoing.get())["type"] == "lifespan.startup.complete"
    await portal.up.wait()
    transport = httpx.ASGITransport(portal, client=("9.9.9.9", 1))
    try:
        async with httpx.AsyncClient(
            transport=transport, base_url=ORIGIN, headers={"origin": ORIGIN}, timeout=WITHIN
        ) as browser:
            services = portal.runtime.services
            user = await services.accounts.setup.add_admin("ada", PASSWORD)
            answer = await browser.post(
                "/api/v1/sign-in/local", json={"username": "ada", "password": PASSWORD}
            )
            assert answer.status_code == 200, answer.text
            admin = Viewer(user.id, "ada", "admin", frozenset())
            # A page waits this long for a catalog.
            services.discover.patience = 0.3
            yield Town(portal, browser, hurry, admin)
    finally:
        await incoming.put({"type": "lifespan.shutdown"})
        await task


@pytest.fixture(scope="module")
def hurry() -> Iterator[Hurry]:
    """Shortens what a portal at home waits for."""
    wanted = Hurry()
    send = base_http.GuardedHttp._send

    def hasty(self: Any, request: Any, timeout: float, max_bytes: int | None) -> Any:
        most = min(max_bytes or LARGEST, LARGEST)
        return send(self, request, min(timeout, wanted.seconds), most)

    defaults = Requests.__init__.__kwdefaults__ or {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base_http.GuardedHttp, "_send", hasty)
        patch.setattr(distortion, "HUGE", 2 * LARGEST)
        patch.setattr(guard, "RetryPlan", partial(RetryPlan, attempts=2, first=0.02, longest=0.1))
        patch.setattr(instance, "_CONFIRM_AFTER", 0.01)
        patch.setattr(instance, "_QUIET", 0.05)
        patch.setattr(instance, "BACK_OFF", (0.05, 0.1, 0.3, 1.0))
        patch.setattr(instance, "REAUTH_BACK_OFF", (0.1, 0.3, 1.0))
        patch.setattr(session, "_REFUSED_PAUSE", 0.2)
        patch.setattr(session, "_PAUSES", (0.1, 0.2, 0.5))
        patch.setitem(defaults, "settle", 0.3)
        patch.setitem(defaults, "away", 0.2)
        yield wanted


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(hurry: Hurry, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """All services, one instance of each, working."""
    folder = tmp_path_factory.mktemp("town")
    async with AsyncExitStack() as stack:
        simulators = {
            name: load_simulator(name)(items=40, data_dir=folder / name) for name in simulator_names()
        }
        for name, simulator in simulators.items():
            (folder / name).mkdir()
            await stack.enter_async_context(running(simulator))
        made = await stack.enter_async_context(opened(folder, hurry))
        for name, simulator in simulators.items():
            await made.add(name, simulator)
        await made.whole()
        await made.until(made.filled, "the library is filled")
        yield made
