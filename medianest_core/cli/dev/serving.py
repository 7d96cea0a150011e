"""The process that serves the portal for `medianest dev`. It lives until a file is saved; its parent keeps the socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import secrets
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from medianest_core.base.settings import AppSettings
from medianest_core.base.tasks import spawn
from medianest_core.cli.demo import ADMIN, Running, ask
from medianest_core.cli.dev.page import Broken, Catching, DevPages, Mistake
from medianest_core.cli.serve import address_of, end_with, prepare, run
from medianest_core.host.errors import InvalidSettings
from medianest_core.host.states import PluginState
from medianest_core.sdk.errors import MediaNestError
from medianest_core.store.steps import tidy

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from medianest_core.asgi import Portal

_WELL = {PluginState.ACTIVE, PluginState.DISABLED, PluginState.STOPPED}
CANNOT_START = 3
MOST_FAULTS = 3
"""Mistakes of one running plugin on a page, the newest; the others stand on the plugins page."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to serve. folder: of everything. plugins: names of those that are worked on. mistake: why the projects cannot be read."""

    settings: AppSettings
    folder: Path
    plugins: Sequence[str]
    simulators: Sequence[Running] = ()
    mistake: Mistake | None = None
    json_line: bool = False
    browser: bool = False
    first: bool = True
    run: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def crash(self) -> Path:
        """File that says why the portal could not start."""
        return self.folder / "crash"

    @property
    def modules(self) -> Path:
        """File in which a process tells what it has imported: name and file of each module, one a line."""
        return self.folder / "modules"


def serve_forked(plan: Plan, bound: socket.socket) -> int:
    """Serve in a child process; returns its number. The child never comes back."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    parent = os.getpid()
    child = os.fork()
    return child or _child(plan, bound, parent)


def _child(plan: Plan, bound: socket.socket, parent: int) -> NoReturn:
    code = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        if plan.mistake is not None:
            _serve_broken(plan, bound, plan.mistake)
        else:
            _serve(plan, bound, parent)
        code = 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 1
    except BaseException:
        traceback.print_exc()
        _note(plan, traceback.format_exc())
    finally:
        with contextlib.suppress(Exception):
            tidy()
            sys.stdout.flush()
        # What the parent would tidy up at its end is not this process's.
        os._exit(code)


def _note(plan: Plan, trace: str) -> None:
    plan.crash.write_text(trace, "utf-8")


class _Last(logging.Handler):
    """Keeps what the log says at last of a portal that cannot start."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(logging.CRITICAL)
        self._plan = plan

    def emit(self, record: logging.LogRecord) -> None:
        said = record.msg if isinstance(record.msg, dict) else {}
        _note(self._plan, str(said.get("exception") or said.get("event") or record.getMessage()))


def _serve(plan: Plan, bound: socket.socket, parent: int) -> None:
    plan.crash.unlink(missing_ok=True)
    portal, listening = prepare(plan.settings, os.dup(bound.fileno()), _maker(plan))
    for handler in (Catching(), _Last(plan)):
        logging.getLogger().addHandler(handler)
    address = address_of(plan.settings, bound)

    async def announce() -> None:
        spawn(end_with(parent), "end with the parent")
        password = await furnish(portal, plan.folder, plan.simulators)
        _note_modules(plan)
        if not plan.first:
            typer.echo("Reloaded.", err=True)
        elif plan.json_line:
            ready = {"url": address, "admin": {"username": ADMIN, "password": password}}
            print(json.dumps(ready), flush=True)
        else:
            typer.echo(f"MediaNest is at {address}; sign in as {ADMIN} with the password {password}")
            typer.echo(f"Working on {', '.join(plan.plugins)}: save a file and look. Ctrl+C ends it.")
        if plan.first and plan.browser:
            await asyncio.to_thread(typer.launch, address)

    run(portal, listening, announce)
    _note_modules(plan)


def _note_modules(plan: Plan) -> None:
    found = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
    partial = plan.modules.with_suffix(".part")
    partial.write_text("".join(f"{name}\t{file}\n" for name, file in found.items() if file), "utf-8")
    partial.replace(plan.modules)


def _maker(plan: Plan) -> Callable[[AppSettings], Portal]:
    from medianest_core.asgi import Portal

    class Watched(Portal):
        """The portal with what development adds to its pages."""

        def __init__(self, settings: AppSettings) -> None:
            super().__init__(settings)
            self._pages = DevPages(super().__call__, plan.run, lambda: mistakes_of(self, plan.plugins))

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await self._pages(scope, receive, send)

    return Watched


def mistakes_of(portal: Portal, plugins: Sequence[str]) -> list[Mistake]:
    """Why plugins that are worked on do not run, and what went wrong in those that do; empty where all is well."""
    services = getattr(portal.runtime, "services", None)
    if services is None:
        return []
    known = {info.name: info for info in services.host.registry.plugins()}
    found = []
    for name in plugins:
        info = known.get(name)
        if info is None:
            found.append(Mistake(f"{name}: the portal does not find it."))
        elif info.state not in _WELL:
            link = portal.settings.data_dir / "plugins" / f"{name}.py"
            # The author knows the file by the place where it is edited.
            trace = info.trace.replace(str(link), str(link.resolve())) if link.is_symlink() else info.trace
            found.append(Mistake(f"{name}: {info.reason or info.state.value}", trace))
        else:
            found += [
                Mistake(f"{name}: {one.sentence()}", one.trace)
                for one in services.host.faults.of(name)[:MOST_FAULTS]
            ]
            if not services.host.faults.of(name):
                unread = services.status.collector.unread
                found += [
                    Mistake(f"{name}: {one.title} tells no status: {unread[one.id]}")
                    for one in services.host.instances.all()
                    if one.plugin == name and one.id in unread
                ]
    return found


async def furnish(portal: Portal, folder: Path, simulators: Sequence[Running]) -> str:
    """Make the admin and an instance for each simulator, as far as they are missing; returns the admin's password."""
    services = portal.runtime.services
    kept = folder / "admin-password"
    if not kept.exists():
        password = secrets.token_urlsafe(9)
        await services.accounts.setup.add_admin(ADMIN, password)
        kept.touch(mode=0o600)
        kept.write_text(password, "utf-8")
    owners = {kind.name: plugin for plugin, kind in services.host.registry.service_types()}
    there = {(one.plugin, one.service, one.name) for one in services.host.instances.all()}
    for simulator in simulators:
        for wanted in await asyncio.to_thread(ask, f"{simulator.url}/_sim/instances"):
            plugin = owners.get(wanted["service"])
            if plugin is None or (plugin, wanted["service"], wanted["name"]) in there:
                continue
            try:
                await services.host.instances.create(
                    plugin, wanted["service"], wanted["name"], wanted["title"], wanted["settings"], None
                )
            except InvalidSettings as error:
                typer.echo(f"The instance {wanted['name']} of the simulator: {error.errors}", err=True)
            except MediaNestError as error:
                typer.echo(f"The instance {wanted['name']} of the simulator: {error}", err=True)
    return kept.read_text("utf-8")


def _serve_broken(plan: Plan, bound: socket.socket, mistake: Mistake) -> None:
    import uvicorn

    typer.echo(mistake.what if not mistake.trace else f"{mistake.what}\n{mistake.trace}", err=True)
    app = DevPages(Broken(mistake), plan.run, lambda: ())
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
    )
    asyncio.run(server.serve([socket.socket(fileno=os.dup(bound.fileno()))]))
