"""`medianest serve`: the portal."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medianest_core.base.settings import AppSettings

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
) -> None:
    """Serve the portal until Ctrl+C or SIGTERM."""
    settings = make_settings(
        host=host, port=port, data_dir=data_dir, safe_mode=safe_mode or None, dev=dev or None
    )
    portal, bound = prepare(settings)
    address = address_of(settings, bound)

    async def announce() -> None:
        typer.echo(f"MediaNest is at {address}")
        if link := await portal.setup_link(address):
            typer.echo(f"Set it up here (the link works once): {link}")

    run(portal, bound, announce)


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


def prepare(settings: AppSettings) -> tuple[Portal, socket.socket]:
    """The portal, not yet started, and the socket it will answer on."""
    # Nothing that a start makes is garbage; looking for it all the same takes a tenth of the start. See `run`.
    gc.disable()
    bound = listen(settings.host, settings.port)
    from medianest_core.asgi import Portal
    from medianest_core.base import logging
    from medianest_core.web.portal.render import AssetsMissing, assets

    try:
        assets.check()
    except AssetsMissing as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    logging.configure(settings)
    return Portal(settings), bound


def run(portal: Portal, bound: socket.socket, announce: Callable[[], Awaitable[None]]) -> None:
    """Serve until a signal; `announce` is called once requests are answered. Exits 3 when the portal cannot start."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            gc.enable()
            gc.freeze()
            if not self.should_exit:
                await announce()

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
            h11_max_incomplete_event_size=64 * 1024,
            ws="websockets-sansio",
        )
    )
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(server.serve([bound]))
    if not server.started:
        sys.exit(3)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
