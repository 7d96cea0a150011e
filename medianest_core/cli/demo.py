"""`medianest demo`: the portal with every installed plugin's simulator, configured and filled.

Only this command and the simulators know that a demo exists: it starts each simulator as a process of its own, then does what
an admin would do in the portal.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import typer

from medianest_core.cli.serve import address_of, make_settings, prepare, run
from medianest_core.sdk.routes import Viewer

if TYPE_CHECKING:
    from medianest_core.asgi import Portal
    from medianest_core.web.gate.services import Services

ADMIN = "admin"
PORT = "port"
"""File in a simulator's folder that keeps its port for the next start with the same --data-dir."""
FIRST_SYNC = 60.0
"""Seconds that the library may take to fill before the demo says it is ready."""


@dataclass(frozen=True)
class Running:
    """A simulator that answers. facts: what it tells about itself, e.g. the name of a demo user."""

    name: str
    url: str
    facts: Mapping[str, Any]


def demo(
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; default 8484, 0 picks a free one.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; default 127.0.0.1.")] = None,
    json_line: Annotated[bool, typer.Option("--json", help="Print one JSON line when ready.")] = False,
    browser: Annotated[bool, typer.Option(help="Open the portal in a browser.")] = True,
    data_dir: Annotated[
        Path | None, typer.Option(help="Keep the demo in this folder; default: a temporary one.")
    ] = None,
    items: Annotated[int, typer.Option(help="How many titles the simulated library holds.")] = 420,
    use: Annotated[
        list[str] | None,
        typer.Option(help="NAME=URL of a simulator that runs already, instead of starting one."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Name of a simulator to start, instead of all; may be repeated."),
    ] = None,
    still: Annotated[
        bool, typer.Option("--still", help="An empty household: nobody has asked for anything yet.")
    ] = False,
) -> None:
    """Serve the portal with simulated services on loopback: nothing to configure, nothing left behind."""
    given = dict(entry.split("=", 1) for entry in use or () if "=" in entry)
    with contextlib.ExitStack() as stack:
        folder = (
            data_dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="medianest-demo-")))
        ).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        settings = make_settings(
            host=host, port=port, data_dir=folder / "portal", log_level="warning" if json_line else None
        )
        simulators = stack.enter_context(start_simulators(folder, items, given, only, settings.downloads))
        portal, bound = prepare(settings)
        address = address_of(settings, bound)

        async def announce() -> None:
            password = await _configure(portal, folder, simulators, still)
            ready = {
                "url": address,
                "admin": {"username": ADMIN, "password": password},
                "user": {
                    "plex_username": next(
                        (s.facts["plex_username"] for s in simulators if "plex_username" in s.facts), None
                    )
                },
                "simulators": {simulator.name: simulator.url for simulator in simulators},
                "data_dir": str(settings.data_dir),
            }
            if json_line:
                print(json.dumps(ready), flush=True)
                return
            typer.echo(f"MediaNest's demo is at {address}")
            typer.echo(f"Sign in as {ADMIN} with the password {password}, or with a simulated service.")
            for simulator in simulators:
                typer.echo(f"  {simulator.name} simulator: {simulator.url}")
            typer.echo("Press Ctrl+C to end it.")
            if browser:
                await asyncio.to_thread(typer.launch, address)

        run(portal, bound, announce)


@contextlib.contextmanager
def start_simulators(
    folder: Path, items: int, given: Mapping[str, str], only: Collection[str] | None, downloads: Path
) -> Iterator[list[Running]]:
    from medianest_core.testing.simulators import load_simulators

    installed = load_simulators()
    if unknown := set(only or ()) - set(installed):
        typer.echo(
            f"There is no simulator {', '.join(sorted(unknown))}. Installed: {', '.join(sorted(installed))}.",
            err=True,
        )
        raise typer.Exit(2)
    downloads.mkdir(parents=True, exist_ok=True)
    processes: list[tuple[str, subprocess.Popen[bytes]]] = []
    try:
        for name, simulator in sorted(installed.items()):
            if name in given or (only and name not in only):
                continue
            home = folder / "simulators" / name
            home.mkdir(parents=True, exist_ok=True)
            command = [sys.executable, "-m", "medianest_core.cli", "sim", name, "--json", "--die-with-parent"]
            command += ["--items", str(items), "--data-dir", str(home), "--port", str(_kept_port(home))]
            if "library_dir" in inspect.signature(simulator).parameters:
                # A media server that reads a real folder: the one where the portal puts finished downloads.
                command += ["--option", f"library_dir={downloads}"]
            for option, value in simulator.demo_options.items():
                command += ["--option", f"{option}={value}"]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            processes.append((name, process))
        running = [_reused(name, url) for name, url in given.items()]
        for name, process in processes:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                typer.echo(
                    f"The {name} simulator did not start. If its port is taken by now, remove"
                    f" {folder / 'simulators' / name / PORT} or use another --data-dir.",
                    err=True,
                )
                raise typer.Exit(1)
            told = json.loads(line)
            (folder / "simulators" / name / PORT).write_text(
                str(urlsplit(told["url"]).port), encoding="utf-8"
            )
            running.append(Running(name, told["url"], told["facts"]))
        yield sorted(running, key=lambda simulator: simulator.name)
    finally:
        for _, process in processes:
            process.terminate()
        for _, process in processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _kept_port(home: Path) -> int:
    """Where this simulator answered the last time, which is what the stored instances know; 0 at the first start."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        return int((home / PORT).read_text(encoding="utf-8"))
    return 0


def ask(url: str) -> Any:
    with urlopen(url, timeout=10) as reply:  # noqa: S310  # a simulator's own http address
        return json.load(reply)


def _reused(name: str, url: str) -> Running:
    return Running(name, url.rstrip("/"), ask(f"{url.rstrip('/')}/_sim/facts"))


async def _configure(portal: Portal, folder: Path, simulators: list[Running], still: bool) -> str:
    """Make the admin, the instances and some life, as far as they are not there yet; returns the admin's password."""
    services = portal.runtime.services
    kept = folder / "admin-password"
    if kept.exists():
        await _library_filled(services)
        return kept.read_text(encoding="utf-8")
    password = secrets.token_urlsafe(9)
    admin = await services.accounts.setup.add_admin(ADMIN, password)
    kept.touch(mode=0o600)
    kept.write_text(password, encoding="utf-8")
    owners = {kind.name: plugin for plugin, kind in services.host.registry.service_types()}
    homes: dict[str, str] = {}
    for simulator in simulators:
        for wanted in await asyncio.to_thread(ask, f"{simulator.url}/_sim/instances"):
            made = await services.host.instances.create(
                owners[wanted["service"]],
                wanted["service"],
                wanted["name"],
                wanted["title"],
                wanted["settings"],
                admin.id,
            )
            homes[made.id] = simulator.url
    await _library_filled(services)
    if not still:
        from medianest_core.cli.demo_life import Life

        # Requests go to whoever is ready to take them.
        await services.host.instances.settle(FIRST_SYNC)
        person = Viewer(admin.id, admin.username, admin.role, frozenset())
        await Life(services, person, [(one.url, one.facts) for one in simulators], homes).begin()
    return password


async def _library_filled(services: Services) -> None:
    """Wait until the first sync is through; a simulator that is away must not hold up the demo for long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FIRST_SYNC):
            while not await _read_all(services):  # noqa: ASYNC110  # rows are the truth, and only the demo waits for them
                await asyncio.sleep(0.1)


async def _read_all(services: Services) -> bool:
    """Whether every server of media has been read once."""
    from medianest_core.sdk.media import MediaSource

    servers = {one.instance.id for one in services.host.instances.any(MediaSource)}  # type: ignore[type-abstract]  # a key, not made
    sections = await services.library.sections()
    read = {one.instance_id for one in sections if one.first_complete_at}
    return servers <= read - {one.instance_id for one in sections if not one.first_complete_at}
