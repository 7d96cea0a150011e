"""`medianest worker`: runs jobs and serves nothing. Any number of them, on any host that reaches the database."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medianest_core.cli.serve import loop_factory, make_settings, refuse_closed_folder

if TYPE_CHECKING:
    from medianest_core.base.settings import AppSettings

NEEDS_POSTGRES = (
    "SQLite has room for one process, which runs the jobs itself. To run them apart, keep the portal's data in PostgreSQL and"
    " set MEDIANEST_DATABASE_URL for each process."
)


def worker(
    queues: Annotated[
        str | None, typer.Option(help="Only jobs of these queues, separated by commas; default: all.")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of the portal; default ./data.")] = None,
    safe_mode: Annotated[
        bool, typer.Option("--safe-mode", help="Start with the built-in plugins only.")
    ] = False,
) -> None:
    """Run the portal's jobs until Ctrl+C or SIGTERM; what is not finished then is handed back. A second signal ends it at once."""
    settings = make_settings(data_dir=data_dir, safe_mode=safe_mode or None)
    if not settings.shared:
        typer.echo(NEEDS_POSTGRES, err=True)
        raise typer.Exit(2)
    refuse_closed_folder(settings)
    from medianest_core.base import logging
    from medianest_core.base.arenas import share_arenas

    share_arenas()
    logging.configure(settings)
    wanted = [name.strip() for name in queues.split(",") if name.strip()] if queues is not None else None
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_run(settings, wanted))


async def _run(settings: AppSettings, queues: list[str] | None) -> None:
    from medianest_core.boot import Boot
    from medianest_core.runtime import Runtime

    ended = asyncio.Event()

    def on_signal() -> None:
        if ended.is_set():
            # Whoever asks twice does not want to wait. The leases of what was running end by themselves.
            os._exit(1)
        ended.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    boot = Boot(lambda waits: Runtime(settings, works=True, queues=queues, serves=False, waits=waits))
    start = asyncio.create_task(boot.run())
    signalled = asyncio.create_task(ended.wait())
    try:
        await asyncio.wait({start, signalled}, return_when=asyncio.FIRST_COMPLETED)
        if ended.is_set():
            await boot.end()
        if await start:
            typer.echo(f"MediaNest's worker runs jobs of {', '.join(queues) if queues else 'all queues'}")
            await signalled
    finally:
        await boot.runtime.stop()
