"""One portal with all the broken plugins at once, and a sound one: what each of them did, and what was said of it.

Everything that must come has a minute; short limits are only for what must run out of time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from typer.testing import CliRunner

from medianest_core import runtime
from medianest_core.asgi import Portal
from medianest_core.base.flood import FloodGate
from medianest_core.base.loopwatch import LoopWatch, Stall
from medianest_core.base.settings import AppSettings
from medianest_core.cli.plugins import app as plugins_app
from medianest_core.domain.accounts.signin import Browser
from medianest_core.host import instance, lifecycle, listeners, survey
from medianest_core.host.discovery import discover
from medianest_core.host.registry import PluginInfo
from medianest_core.host.stages import Stages
from medianest_core.host.states import PluginState
from medianest_core.host.watchdog import LOOKS, STRIKES, Watchdog
from medianest_core.jobs import runner
from medianest_core.ledger.states import FINISHED, JobInfo, JobState
from medianest_core.sdk.events import Audience
from medianest_core.web.gate.services import Services
from medianest_core.web.portal.pages import plugin_pages
from tests.broken_plugins.at_start import AT_START
from tests.broken_plugins.at_work import AGAIN, AT_STARTUP, AT_WORK, GOOD
from tests.broken_plugins.distribution import Broken

ALL = (*AT_START, *AT_STARTUP, *AT_WORK.values(), AGAIN, GOOD)
PLACES = {
    "page": "/p/{name}/page",
    "route": "/p/{name}/route",
    "card": "/fragments/card/{name}:card",
    "slot": "/fragments/slot/{name}:slot/1",
}
HANGING = ("hangs_later", "swallows")
PATIENCE = 120.0
SHORT = 0.3
ORIGIN = "http://portal.test"
PASSWORD = "a long password"


@dataclass
class Evidence:
    """infos: as the host has them; pages: of each plugin; listed: by `plugins list`, all by name. answers: (plugin, place) → status, text.

    good: the same of the sound one, asked once everything else had gone wrong. safe: the same of safe mode. ended: whether the portal stopped by itself.
    """

    infos: dict[str, PluginInfo] = field(default_factory=dict)
    overview: str = ""
    pages: dict[str, str] = field(default_factory=dict)
    listed: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    jobs: dict[str, JobInfo] = field(default_factory=dict)
    instances: dict[str, tuple[str, str]] = field(default_factory=dict)
    good: dict[str, tuple[int, str]] = field(default_factory=dict)
    safe: dict[str, tuple[int, str]] = field(default_factory=dict)
    ended: bool = False


def collect(folder: Path) -> Evidence:
    """Install all of them, run the portal, let each do its worst."""
    site = folder / "site"
    for one in ALL:
        one.install(site)
    if not structlog.is_configured():
        # Until something does, it prints to where the command line prints its document.
        structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(site))
        patch.setattr(lifecycle, "STARTUP_DEADLINE", 5.0)
        patch.setattr(lifecycle, "TOLD_EVERY", 0.05)
        patch.setattr(lifecycle, "COUNT_EVERY", 0.2)
        patch.setattr(lifecycle, "Stages", partial(Stages, deadline=PATIENCE))
        patch.setattr(survey, "Stages", partial(Stages, deadline=PATIENCE))
        patch.setattr(runner, "_CANCEL_GRACE", SHORT)
        patch.setattr(runtime, "LoopWatch", partial(LoopWatch, threshold=0.2))
        patch.setattr(runtime, "GATE", gate := FloodGate())
        patch.setattr(Watchdog, "stalled", _releasing(Watchdog.stalled))
        log, root = _Nowhere(), logging.getLogger()
        log.addFilter(gate)
        root.addHandler(log)
        # The command line keeps quiet about everything but errors, for its own process.
        level = root.level
        try:
            return asyncio.run(_Run(folder, patch).all())
        finally:
            root.setLevel(level)
            root.removeHandler(log)
            for one in ALL:
                sys.modules.pop(one.module, None)


class _Nowhere(logging.Handler):
    """Stands for the portal's own log, which is not set up in a test."""

    def emit(self, record: logging.LogRecord) -> None:
        pass


def _module(name: str) -> Any:
    return sys.modules[f"broken_{name}"]


def _releasing(stalled: Callable[[Watchdog, Stall], None]) -> Callable[[Watchdog, Stall], None]:
    """Lets go of whoever blocks once that was noticed: the loop can not."""

    def told(self: Watchdog, stall: Stall) -> None:
        stalled(self, stall)
        if stall.owner == "blocks" and not stall.over:
            _module(stall.owner).released.set()

    return told


class _Run:
    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self._folder = folder / "portal"
        self._patch = patch
        self.found = Evidence()
        self._browser: httpx.AsyncClient
        self._services: Services

    async def all(self) -> Evidence:
        try:
            await self._everything()
        finally:
            for name in (*AT_WORK, AGAIN.name):
                if (module := sys.modules.get(f"broken_{name}")) is not None:
                    module.released.set()
        return self.found

    async def _everything(self) -> None:
        async with self._portal():
            await self._sound()
            for name in ("raises", "exits", "cancels", "garbage", "leaks"):
                await self._visit(name)
            with self._impatient():
                await asyncio.gather(*(self._visit(name) for name in HANGING))
                await self._events()
            await self._status()
            await self._jobs()
            await self._block()
            await self._told()
            self.found.good = {place: await self._ask(GOOD.name, place) for place in PLACES}
            await self._look()
            await self._safe_mode()
        self.found.ended = True

    @contextlib.asynccontextmanager
    async def _portal(self) -> AsyncIterator[None]:
        ours = {one.plugin or one.name for one in ALL}
        others = [one.name for one in discover().found if not one.builtin and one.name not in ours]
        portal = Portal(AppSettings(data_dir=self._folder, plugins_disabled=others, _env_file=None))
        asked: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        answers: asyncio.Queue[Any] = asyncio.Queue()
        task = asyncio.create_task(portal({"type": "lifespan"}, asked.get, answers.put))
        await asked.put({"type": "lifespan.startup"})
        answer = await answers.get()
        assert answer["type"] == "lifespan.startup.complete", answer
        await portal.up.wait()
        self._services = portal.runtime.services
        accounts = self._services.accounts
        await accounts.setup.add_admin("anna", PASSWORD)
        signed_in = await accounts.sign_in.local("anna", PASSWORD, Browser("test", "9.9.9.9"))
        transport = httpx.ASGITransport(portal, client=("9.9.9.9", 1))
        async with httpx.AsyncClient(
            transport=transport, base_url=ORIGIN, headers={"origin": ORIGIN}, cookies={"mn": signed_in.cookie}
        ) as self._browser:
            yield
        await asked.put({"type": "lifespan.shutdown"})
        await asyncio.wait_for(task, 2 * PATIENCE)

    @contextlib.contextmanager
    def _impatient(self) -> Iterator[None]:
        with self._patch.context() as patch:
            patch.setattr(plugin_pages, "DEADLINE", SHORT)
            patch.setattr(listeners, "DEADLINE", SHORT)
            patch.setattr(instance, "CHECK_DEADLINE", SHORT)
            yield

    async def _sound(self) -> None:
        await self._set_up(GOOD.name)
        await _until(lambda: self.found.instances[GOOD.name][0] == "ready", lambda: self._state(GOOD.name))

    async def _set_up(self, name: str) -> None:
        await self._services.host.instances.create(name, name, "", name, {}, None)
        await self._services.host.instances.settle(PATIENCE)
        await self._state(name)

    async def _state(self, name: str) -> None:
        (one,) = (info for info in self._services.host.instances.all() if info.plugin == name)
        self.found.instances[name] = (one.state.value, one.reason)

    async def _ask(self, name: str, place: str) -> tuple[int, str]:
        reply = await self._browser.get(PLACES[place].format(name=name), timeout=2 * PATIENCE)
        return reply.status_code, reply.text

    async def _visit(self, name: str) -> None:
        for place in PLACES:
            self.found.answers[name, place] = await self._ask(name, place)

    async def _events(self) -> None:
        for name in ("raises", "exits", "cancels", *HANGING):
            happened = _module(name).Happened()
            await self._services.host.context(name).emit(happened, Audience.admins())
            await _until(partial(self._noted, name, f"listener {name}:happened"))

    async def _status(self) -> None:
        for name in ("raises", "exits", "cancels", "garbage", "leaks"):
            await self._set_up(name)
        with self._impatient():
            for name in HANGING:
                await self._set_up(name)

    async def _jobs(self) -> None:
        services, ids = self._services, dict[str, str]()
        for name in (*AT_WORK, GOOD.name):
            if name != "blocks":
                ids[name] = await services.host.context(name).enqueue("work", _module(name).Nothing())
        for name in HANGING:
            await self._reached(name, ids[name], {JobState.LEASED})
            async with services.db.begin() as tx:
                await services.ledger.cancel(tx, ids[name])
        for name, job_id in ids.items():
            await self._reached(name, job_id, FINISHED)

    async def _reached(self, name: str, job_id: str, states: Collection[JobState]) -> None:
        def there() -> bool:
            return self.found.jobs[name].state in states

        await _until(there, partial(self._job, name, job_id))

    async def _job(self, name: str, job_id: str) -> None:
        async with self._services.db.read() as tx:
            found = await self._services.ledger.get_job(tx, job_id)
        assert found is not None
        self.found.jobs[name] = found

    async def _block(self) -> None:
        for place in ("page", "card"):
            _module("blocks").released.clear()
            self.found.answers["blocks", place] = await self._ask("blocks", place)
        # What the loop's watch would tell of one that blocks it long and often.
        place = f"/site/{AGAIN.module}/__init__.py"
        for _ in range(STRIKES):
            stall = Stall(2.5, AGAIN.module, place, 12, "", AGAIN.name, looks=LOOKS, over=True)
            await asyncio.to_thread(self._services.host.watchdog.stalled, stall)
        await _until(lambda: self._info(AGAIN.name).state is PluginState.SUSPENDED)
        self.found.answers[AGAIN.name, "page"] = await self._ask(AGAIN.name, "page")

    async def _told(self) -> None:
        """Until the rows say what the memory of this process knows, and the forgotten tasks are counted."""
        await _until(lambda: any("tasks" in one.text for one in self._faults("leaks")))
        wanted = [*AT_WORK, *(one.name for one in AT_STARTUP)]

        def all_told() -> bool:
            aside = self.found.listed[AGAIN.name]["state"] == PluginState.SUSPENDED.value
            return aside and all(self.found.listed[name]["reason"] for name in wanted)

        await _until(all_told, self._list)

    async def _safe_mode(self) -> None:
        """The way out of all this, and back."""
        for name in ("wrong", "on", "off"):
            data = {"on": str(name != "off").lower(), "password": "wrong" if name == "wrong" else PASSWORD}
            reply = await self._browser.post("/admin/plugins/safe-mode", data=data, timeout=PATIENCE)
            self.found.safe[f"{name}: answer"] = (reply.status_code, reply.text)
            for path in ("/admin/plugins", "/", PLACES["page"].format(name=GOOD.name)):
                page = await self._browser.get(path, timeout=PATIENCE)
                self.found.safe[f"{name}: {path}"] = (page.status_code, page.text)

    async def _list(self) -> None:
        arguments = ["list", "--json", "--data-dir", str(self._folder)]
        result = await asyncio.to_thread(CliRunner().invoke, plugins_app, arguments)
        assert result.exit_code == 0, result.output
        self.found.listed = {row["name"]: row for row in json.loads(result.stdout)}

    async def _look(self) -> None:
        self.found.overview = (await self._browser.get("/admin/plugins")).text
        for info in self._services.host.registry.plugins():
            if not info.builtin and info.name not in self._services.settings.plugins_disabled:
                self.found.infos[info.name] = info
                self.found.pages[info.name] = (await self._browser.get(f"/admin/plugins/{info.name}")).text
        home = await self._browser.get("/")
        assert home.status_code == 200, home.text

    def _faults(self, name: str) -> Any:
        return self._services.host.faults.of(name)

    def _noted(self, name: str, where: str) -> bool:
        return any(one.where == where for one in self._faults(name))

    def _info(self, name: str) -> PluginInfo:
        info = self._services.host.registry.plugin(name)
        assert info is not None
        return info


async def _until(condition: Callable[[], bool], look: Callable[[], Awaitable[None]] | None = None) -> None:
    """Wait for a condition, looking often."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if look is not None:
                await look()
            if condition():
                return
            await asyncio.sleep(0.05)


def named(broken: Broken) -> str:
    """What the portal calls it."""
    return broken.plugin or broken.name
