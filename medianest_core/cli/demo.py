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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.request import urlopen

import typer

from medianest_core.cli.serve import address_of, make_settings, prepare, run

if TYPE_CHECKING:
    from medianest_core.asgi import Portal
    from medianest_core.web.gate.services import Services

ADMIN = "admin"
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
        simulators = stack.enter_context(_simulators(folder, items, given, settings.downloads))
        portal, bound = prepare(settings)
        address = address_of(settings, bound)

        async def announce() -> None:
            password = await _configure(portal, folder, simulators)
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
def _simulators(
    folder: Path, items: int, given: Mapping[str, str], downloads: Path
) -> Iterator[list[Running]]:
    from medianest_core.testing.simulators import load_simulators

    downloads.mkdir(parents=True, exist_ok=True)
    processes: list[tuple[str, subprocess.Popen[bytes]]] = []
    try:
        for name, simulator in sorted(load_simulators().items()):
            if name in given:
                continue
            home = folder / "simulators" / name
            home.mkdir(parents=True, exist_ok=True)
            command = [sys.executable, "-m", "medianest_core.cli", "sim", name, "--json", "--die-with-parent"]
            command += ["--items", str(items), "--data-dir", str(home), "--port", "0"]
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
                typer.echo(f"The {name} simulator did not start.", err=True)
                raise typer.Exit(1)
            told = json.loads(line)
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


def _ask(url: str) -> Any:
    with urlopen(url, timeout=10) as reply:  # noqa: S310  # a simulator's own http address
        return json.load(reply)


def _reused(name: str, url: str) -> Running:
    return Running(name, url.rstrip("/"), _ask(f"{url.rstrip('/')}/_sim/facts"))


async def _configure(portal: Portal, folder: Path, simulators: list[Running]) -> str:
    """Make the admin and the instances, as far as they are not there yet; returns the admin's password."""
    services = portal.runtime.services
    kept = folder / "admin-password"
    if kept.exists():
        password = kept.read_text(encoding="utf-8")
    else:
        password = secrets.token_urlsafe(9)
        admin = await services.accounts.setup.add_admin(ADMIN, password)
        kept.touch(mode=0o600)
        kept.write_text(password, encoding="utf-8")
        owners = {kind.name: plugin for plugin, kind in services.host.registry.service_types()}
        for simulator in simulators:
            for wanted in await asyncio.to_thread(_ask, f"{simulator.url}/_sim/instances"):
                await services.host.instances.create(
                    owners[wanted["service"]],
                    wanted["service"],
                    wanted["name"],
                    wanted["title"],
                    wanted["settings"],
                    admin.id,
                )
    await _library_filled(services)
    return password


async def _library_filled(services: Services) -> None:
    """Wait until the first sync is through; a simulator that is away must not hold up the demo for long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FIRST_SYNC):
            # The rows are the truth, and only the demo waits for them.
            while not any(section.first_complete_at for section in await services.library.sections()):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
