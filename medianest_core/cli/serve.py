"""`medianest serve`: the portal."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from medianest_core.base.arenas import share_arenas
from medianest_core.base.settings import AppSettings
from medianest_core.base.tasks import spawn

if TYPE_CHECKING:
    from types import FrameType

    from medianest_core.asgi import Portal


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; default 127.0.0.1.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; default 8484, 0 picks a free one.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder for everything the portal keeps; default ./data.")
    ] = None,
    safe_mode: Annotated[
        bool, typer.Option("--safe-mode", help="Start with the built-in plugins only.")
    ] = False,
    dev: Annotated[
        bool, typer.Option("--dev", help="Development checks: unknown template names are errors.")
    ] = False,
    processes: Annotated[
        int, typer.Option(min=1, max=64, help="How many processes serve; more than one needs PostgreSQL.")
    ] = 1,
    worker: Annotated[
        bool | None,
        typer.Option("--worker/--no-worker", help="Run jobs here too, or leave them to `medianest worker`."),
    ] = None,
    given: Annotated[str | None, typer.Option("--socket", hidden=True)] = None,
    quiet: Annotated[bool, typer.Option("--quiet", hidden=True)] = False,
) -> None:
    """Serve the portal until Ctrl+C or SIGTERM."""
    settings = make_settings(
        host=host, port=port, data_dir=data_dir, safe_mode=safe_mode or None, dev=dev or None, worker=worker
    )
    _refuse_what_cannot_work(settings, processes)
    refuse_closed_folder(settings)
    if processes > 1:
        _serve_many(settings, processes)
    handle, _, parent = (given or "").partition(":")
    portal, bound = prepare(settings, int(handle) if handle else None)
    address = address_of(settings, bound)

    async def announce() -> None:
        if parent:
            spawn(end_with(int(parent)), "end with the parent")
        if quiet:
            return
        typer.echo(f"MediaNest is at {address}")
        if link := await portal.setup_link(address):
            typer.echo(f"Set it up here (the link works once): {link}")

    run(portal, bound, announce)


def _refuse_what_cannot_work(settings: AppSettings, processes: int) -> None:
    if settings.shared:
        return
    if processes > 1:
        typer.echo(
            "SQLite has room for one process. To serve with several, keep the portal's data in PostgreSQL and set"
            " MEDIANEST_DATABASE_URL.",
            err=True,
        )
        raise typer.Exit(2)
    if not settings.worker:
        typer.echo(
            "With SQLite nobody else can run the jobs: leave out --no-worker and MEDIANEST_WORKER=off, or keep the"
            " portal's data in PostgreSQL.",
            err=True,
        )
        raise typer.Exit(2)


def refuse_closed_folder(settings: AppSettings) -> None:
    """Exit with a message where nothing can be kept: the log and the database would each fail in their own words."""
    from medianest_core.base.finding import Level
    from medianest_core.checkup.folders import writable

    found = writable("data folder", settings.data_dir.absolute())
    if found.level is Level.PROBLEM:
        typer.echo(f"{found.text} {found.remedy}", err=True)
        raise typer.Exit(1)


def _serve_many(settings: AppSettings, processes: int) -> NoReturn:
    from medianest_core.base import logging
    from medianest_core.cli.processes import Family, child_command

    logging.configure(settings)
    if settings.redis_url is None:
        typer.echo(
            "Without MEDIANEST_REDIS_URL each process counts rate limits for itself, and progress shows only where a job"
            " runs.",
            err=True,
        )
    bound = listen(settings.host, settings.port)
    arguments = ["--host", settings.host, "--data-dir", str(settings.data_dir.absolute())]
    arguments += ["--safe-mode"] if settings.safe_mode else []
    arguments += ["--dev"] if settings.dev else []
    arguments += ["--worker" if settings.worker else "--no-worker"]
    raise typer.Exit(Family(processes, child_command(arguments), bound).run())


async def end_with(parent: int) -> None:
    """Whoever started us looks after us; when it was killed, so are we."""
    while os.getppid() == parent:  # noqa: ASYNC110  # the kernel tells nobody
        await asyncio.sleep(1)
    signal.raise_signal(signal.SIGTERM)


def make_settings(**given: object) -> AppSettings:
    """Settings from the environment, with what the command line says on top; exits with a message when they are wrong."""
    from pydantic import ValidationError

    try:
        return AppSettings.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_context=False, include_url=False):
            typer.echo(f"MEDIANEST_{str(problem['loc'][0]).upper()}: {problem['msg']}", err=True)
        raise typer.Exit(2) from None


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; exits with a message when the address is taken."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        typer.echo(f"Cannot listen on {host}:{port}: {error.strerror}. Choose another with --port.", err=True)
        raise typer.Exit(1) from None
    bound.listen(1024)
    bound.setblocking(False)
    return bound


def address_of(settings: AppSettings, bound: socket.socket) -> str:
    """What a person types into the browser on this machine."""
    if settings.public_url:
        return settings.public_url
    host = settings.host if settings.host not in ("0.0.0.0", "::", "") else "127.0.0.1"  # noqa: S104  # compared, not bound
    return f"http://{f'[{host}]' if ':' in host else host}:{bound.getsockname()[1]}{settings.root_path}"


def prepare(
    settings: AppSettings, handle: int | None = None, make: Callable[[AppSettings], Portal] | None = None
) -> tuple[Portal, socket.socket]:
    """The portal, not yet started, and the socket it will answer on. handle: number of one that listens already.

    make: what makes the portal, where it is not the plain one.
    """
    # Nothing that a start makes is garbage; looking for it all the same takes a tenth of the start. See `run`.
    gc.disable()
    share_arenas()
    bound = listen(settings.host, settings.port) if handle is None else socket.socket(fileno=handle)
    from medianest_core.asgi import Portal
    from medianest_core.base import logging
    from medianest_core.web.portal.render import AssetsMissing, assets

    try:
        assets.check()
    except AssetsMissing as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    logging.configure(settings)
    return (make or Portal)(settings), bound


def run(portal: Portal, bound: socket.socket, announce: Callable[[], Awaitable[None]]) -> None:
    """Serve until a signal; `announce` is called once the portal has started. Exits 3 when it cannot start."""
    import uvicorn

    from medianest_core.cli.connection import Connection
    from medianest_core.cli.websocket import Websocket

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            gc.enable()
            gc.freeze()
            portal.give_up = self._give_up
            if self.should_exit:
                return
            if portal.up.is_set():
                await announce()
            else:
                spawn(_announce_later(portal, announce), "announce the portal")

        def _give_up(self) -> None:
            self.should_exit = True

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            # Not noted for raising it again at the end: that would kill the process before it has tidied up.
            self.force_exit = self.should_exit and sig == signal.SIGINT
            self.should_exit = True

    server = Server(
        uvicorn.Config(
            portal,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            lifespan="on",
            timeout_graceful_shutdown=5,
            timeout_keep_alive=30,
            http=Connection,
            ws=Websocket,
            # Events are small and go to many: packing them for each anew costs more than it saves, in memory too.
            ws_per_message_deflate=False,
            # Socket.IO has a pulse of its own.
            ws_ping_interval=None,
        )
    )
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(server.serve([bound]))
    if portal.failed or not server.started:
        sys.exit(3)


async def _announce_later(portal: Portal, announce: Callable[[], Awaitable[None]]) -> None:
    await portal.up.wait()
    await announce()


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
