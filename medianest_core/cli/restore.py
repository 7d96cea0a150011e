"""`medianest restore`: a backup put in the place of what is there."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medianest_core.cli.store import (
    Folder,
    Json,
    Meter,
    Skip,
    bring_up_to_date,
    database,
    passphrase_of,
    places_of,
    run,
    settings_for,
    tables_here,
)

if TYPE_CHECKING:
    from medianest_core.base.settings import AppSettings
    from medianest_core.store.backup.difference import TableDifference
    from medianest_core.store.backup.restore import Prepared
    from medianest_core.store.engine import Database


def restore(
    file: Annotated[Path, typer.Argument(help="What `medianest backup` made.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would change, table by table.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    no_safety_copy: Annotated[
        bool,
        typer.Option(
            "--no-safety-copy",
            help="Do not back up what is there now, e.g. because it is damaged; a SQLite file is put aside.",
        ),
    ] = False,
    skip_missing: Skip = False,
    as_json: Json = False,
    data_dir: Folder = None,
) -> None:
    """Restore a backup while the portal is stopped. What is there now is backed up first."""
    from medianest_core.store.backup import age

    settings = settings_for(data_dir)
    passphrase = None
    if file.is_file():
        with file.open("rb") as opened:
            if age.is_encrypted(opened):
                passphrase = passphrase_of(settings, twice=False)
    done = run(_restore(settings, file, passphrase, dry_run, yes, no_safety_copy, skip_missing, as_json))
    if as_json:
        typer.echo(json.dumps(done))
    elif dry_run:
        typer.echo("Nothing was changed.")
    else:
        if done["safety"]:
            typer.echo(f"What was there before: {done['safety']}")
        typer.echo("Restored. Everybody signs in again; start the portal now.")


async def _restore(
    settings: AppSettings,
    file: Path,
    passphrase: str | None,
    dry_run: bool,
    yes: bool,
    no_safety_copy: bool,
    skip_missing: bool,
    quiet: bool,
) -> dict[str, Any]:
    from medianest_core.base.clock import SystemClock
    from medianest_core.domain.backups.present import put_aside, readable
    from medianest_core.domain.backups.running import check_stopped
    from medianest_core.host.survey import database_exists
    from medianest_core.store.backup.restore import alone, apply, changes, prepared, recover
    from medianest_core.store.backup.source import sqlite_path

    places, plugins = places_of(settings), await tables_here(settings)
    meter = Meter(quiet)
    async with database(settings.database) as db:
        exists = database_exists(settings, db)
        looks = exists and not (no_safety_copy and db.dialect == "sqlite")
        if looks:
            with readable():
                if not dry_run:
                    await bring_up_to_date(db, plugins)
                await check_stopped(db)
        if looks and not dry_run:
            await recover(db, places.data)
        async with prepared(
            file, places, plugins, passphrase=passphrase, skip_missing=skip_missing, told=meter.more
        ) as ready:
            meter.end()
            found: list[TableDifference] = []
            if looks:
                with readable():
                    found = await changes(db, ready)
            told = _described(ready, found)
            if not quiet:
                _show(told, found, fresh=not exists, seen=looks)
            if dry_run:
                return told
            if not yes:
                typer.confirm("Replace what is there now?", abort=True)
            with alone(places.data):
                safety: str | None = None
                if looks and not no_safety_copy:
                    with readable():
                        safety = await _safety(settings, db, passphrase)
                elif exists and db.dialect == "sqlite":
                    await db.close()
                    safety = str(put_aside(sqlite_path(db), SystemClock().now()))
                    await db.start()
                # Also a database that is new, or that was never started, gets its tables first.
                await bring_up_to_date(db, plugins)
                await check_stopped(db)
                identifier = await apply(db, places, ready)
    return {**told, "restored": identifier, "safety": safety}


async def _safety(settings: AppSettings, db: Database, passphrase: str | None) -> str | None:
    """A backup of what is there now; None where that is nothing."""
    from medianest_core.domain.backups.safety import make_safety_copy

    made = await make_safety_copy(db, places_of(settings), await tables_here(settings), passphrase=passphrase)
    return None if made is None else str(made.path)


def _described(ready: Prepared, found: list[TableDifference]) -> dict[str, Any]:
    manifest = ready.manifest
    return {
        "created_at": manifest.created_at,
        "medianest": manifest.medianest,
        "schemas": {plugin: list(at) for plugin, at in manifest.schemas.items()},
        "rows": manifest.rows,
        "skipped_plugins": list(ready.skipped),
        "changes": [asdict(one) for one in found if not one.equal],
    }


def _show(told: dict[str, Any], found: list[TableDifference], *, fresh: bool, seen: bool) -> None:
    made_at = datetime.fromtimestamp(told["created_at"], UTC).strftime("%Y-%m-%d %H:%M UTC")
    typer.echo(f"Made {made_at} by MediaNest {told['medianest']}, {told['rows']} rows.")
    for plugin, revisions in told["schemas"].items():
        typer.echo(f"  schema of {plugin or 'medianest'}: {', '.join(revisions)}")
    if told["skipped_plugins"]:
        typer.echo(f"Left out: tables of {', '.join(told['skipped_plugins'])}.")
    if fresh:
        typer.echo("There is no database here yet.")
        return
    if not seen:
        return
    different = [one for one in found if not one.equal]
    if not different:
        typer.echo("The database holds the same rows.")
        return
    typer.echo(f"{'TABLE':<28}{'NOW':>10}{'BACKUP':>10}{'REMOVED':>10}{'ADDED':>10}{'CHANGED':>10}")
    for one in different:
        typer.echo(
            f"{one.table:<28}{one.here:>10}{one.there:>10}{one.removed:>10}{one.added:>10}{one.changed:>10}"
            + ("" if one.comparable else "  (other columns)")
        )
