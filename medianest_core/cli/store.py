"""What the commands about the whole database share: opening it without a portal, passphrases, progress."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from medianest_core.sdk.errors import MediaNestError

if TYPE_CHECKING:
    from medianest_core.base.settings import AppSettings
    from medianest_core.sdk.storage import TableSet
    from medianest_core.store.backup.files import Places
    from medianest_core.store.engine import Database

T = TypeVar("T")
Opened = TypeVar("Opened")
Folder = Annotated[Path | None, typer.Option("--data-dir", help="Folder of the portal; default ./data.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]
Skip = Annotated[
    bool,
    typer.Option("--skip-missing-plugins", help="Leave out tables of plugins that are not installed here."),
]


def settings_for(data_dir: Path | None) -> AppSettings:
    """Settings of the portal in that folder, quiet."""
    from medianest_core.base.logging import configure
    from medianest_core.cli.serve import make_settings

    settings = make_settings(data_dir=data_dir).model_copy(update={"log_level": "error"})
    configure(settings, to_file=False)
    return settings


def places_of(settings: AppSettings) -> Places:
    from medianest_core.store.backup.files import Places

    return Places(settings.data_dir.absolute(), settings.downloads)


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result; a refusal is printed and ends with code 1."""
    try:
        return asyncio.run(work)
    except MediaNestError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def run_on(
    data_dir: Path | None,
    opened: Callable[[AppSettings], AbstractAsyncContextManager[Opened]],
    work: Callable[[Opened], Awaitable[T]],
) -> T:
    """The result of `work` on what `opened` opens for the portal in that folder."""
    settings = settings_for(data_dir)

    async def all_of_it() -> T:
        async with opened(settings) as something:
            return await work(something)

    return run(all_of_it())


PATIENCE = 10.0
"""Seconds that a command waits for a database that does not answer."""


@contextlib.asynccontextmanager
async def database(url: str, patience: float | None = None) -> AsyncIterator[Database]:
    """Started, and it has answered. Raises DatabaseAway, which says where it was looked for, after `patience` seconds."""
    from medianest_core.store.engine import Database
    from medianest_core.store.errors import DatabaseAway

    db = Database(url)
    reasons: list[str] = []

    def told(reason: str) -> None:
        if not reasons:
            typer.echo(f"Waiting for the database at {db.place} ({reason})", err=True)
        reasons.append(reason)

    await db.start()
    try:
        try:
            await db.wait(PATIENCE if patience is None else patience, told)
        except DatabaseAway as error:
            raise DatabaseAway(
                f"The database at {db.place} does not answer: {reasons[-1]}. Is it running, and is MEDIANEST_DATABASE_URL right?"
            ) from error
        yield db
    finally:
        await db.close()


def passphrase_of(settings: AppSettings, *, twice: bool) -> str:
    """From MEDIANEST_BACKUP_PASSPHRASE, its file, or asked for. twice: for a new one."""
    if settings.backup_passphrase is not None and settings.backup_passphrase.get_secret_value():
        return settings.backup_passphrase.get_secret_value()
    if not sys.stdin.isatty():
        typer.echo(
            "Give the passphrase in MEDIANEST_BACKUP_PASSPHRASE or MEDIANEST_BACKUP_PASSPHRASE_FILE.",
            err=True,
        )
        raise typer.Exit(2)
    return str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=twice))


async def tables_here(settings: AppSettings) -> dict[str, TableSet]:
    """The tables of all plugins that are installed."""
    from medianest_core.base.threads import in_thread
    from medianest_core.host.tablesets import installed_tables

    return await in_thread(installed_tables, settings, name="plugin-tables")


async def bring_up_to_date(db: Database, plugins: dict[str, TableSet]) -> None:
    """Make and upgrade all tables."""
    from medianest_core.store.migrate import upgrade, upgrade_plugin

    await upgrade(db)
    for plugin, tables in plugins.items():
        await upgrade_plugin(db, plugin, tables)


class Meter:
    """Progress on the terminal, where there is one."""

    def __init__(self, quiet: bool) -> None:
        self._shown = not quiet and sys.stderr.isatty()
        self._done = 0

    def more(self, rows: int) -> None:
        """So many rows more."""
        self._done += rows
        self.say(f"{self._done} rows")

    async def stage(self, stage: str, done: float, total: float) -> None:
        word = {"reading": "Reading", "checking": "Checking by restoring it"}.get(stage, stage)
        self.say(f"{word}: {done:.0f} of {total:.0f} rows")

    def say(self, text: str) -> None:
        if self._shown:
            typer.echo(f"\r\x1b[K{text}", nl=False, err=True)

    def end(self) -> None:
        if self._shown:
            typer.echo("\r\x1b[K", nl=False, err=True)
