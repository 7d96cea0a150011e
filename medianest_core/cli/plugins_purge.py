"""`medianest plugins purge`: takes away what a plugin has left behind. Shows what that is unless told to do it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medianest_core.cli.store import Folder, database, run, settings_for

if TYPE_CHECKING:
    from medianest_core.base.settings import AppSettings
    from medianest_core.host.purge import Remains


def purge(
    name: Annotated[
        str, typer.Argument(help="Name of a plugin; to do it, of one that is uninstalled or switched off.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do it. Without this, only say what would go.")] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only say what would go, also of a plugin that runs. The default."),
    ] = False,
    data_dir: Folder = None,
) -> None:
    """Show the tables, services, jobs and files that a plugin has left behind; with --yes, remove them for good."""
    if yes and dry_run:
        typer.echo("Give --yes or --dry-run, not both.", err=True)
        raise typer.Exit(2)
    settings = settings_for(data_dir)
    remains = run(_purge(settings, name, yes))
    if remains.nothing:
        typer.echo(f"{name} has left nothing behind.")
        return
    typer.echo("Removed:" if yes else "This would be removed:")
    for line in lines(remains):
        typer.echo(f"  {line}")
    if not yes:
        typer.echo(
            f"\nNothing was changed. Make a backup (medianest backup), then: medianest plugins purge {name} --yes"
        )


def lines(remains: Remains) -> list[str]:
    """What there is, one line each."""
    found = [f"table {table}: {rows} rows" for table, rows in remains.tables.items()]
    found += [f"service {title}, with its settings and secrets" for title in remains.services]
    if remains.jobs:
        found.append(f"{remains.jobs} jobs")
    if remains.known:
        found.append("what was chosen on the plugins page")
    if remains.folder is not None:
        found.append(f"folder {remains.folder}: {remains.files} files, {remains.size} bytes")
    return found


async def _purge(settings: AppSettings, name: str, yes: bool) -> Remains:
    from medianest_core.host import plugin_rows
    from medianest_core.host.discovery import discover
    from medianest_core.host.purge import refuse_names, remains_of, take_away
    from medianest_core.host.survey import database_exists
    from medianest_core.sdk.errors import MediaNestError
    from medianest_core.store.engine import Database

    if not database_exists(settings, Database(settings.database)):
        raise MediaNestError(
            f"There is no database in {settings.data_dir}. Run this in the folder of the portal, or name its data with --data-dir."
        )
    discovery = discover(folder=settings.data_dir / "plugins")
    installed = {one.name for one in discovery.found} | set(discovery.conflicts)
    async with database(settings.database) as db:
        async with db.read() as tx:
            off = {plugin for plugin, row in (await plugin_rows.load(tx)).items() if not row.enabled}
        builtin = {one.name for one in discovery.found if one.builtin}
        if yes:
            refuse_names(name, installed, (off | set(settings.plugins_disabled)) - builtin)
        remains = await remains_of(db, Path(settings.data_dir), name, installed - {name})
        if yes and not remains.nothing:
            await take_away(db, remains)
    return remains
