"""`medianest backup`: everything the portal keeps, in one file that was tested."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from medianest_core.cli.store import (
    Folder,
    Json,
    Meter,
    database,
    passphrase_of,
    places_of,
    run,
    settings_for,
    tables_here,
)


def backup(
    to: Annotated[
        Path | None, typer.Option(help="File or folder to write to; default: backups in the data folder.")
    ] = None,
    encrypt: Annotated[
        bool,
        typer.Option(
            "--encrypt", help="With a passphrase: MEDIANEST_BACKUP_PASSPHRASE, its _FILE, or asked for."
        ),
    ] = False,
    with_files: Annotated[
        bool, typer.Option("--with-files", help="Downloads and images too; they may be large.")
    ] = False,
    as_json: Json = False,
    data_dir: Folder = None,
) -> None:
    """Make a backup, also while the portal runs. It counts only once it was restored into a scratch database and compared."""
    from medianest_core.base.clock import SystemClock
    from medianest_core.domain.backups.catalogue import Kind, new_name
    from medianest_core.store.backup.make import Wanted, described, make

    settings = settings_for(data_dir)
    places = places_of(settings)
    passphrase = passphrase_of(settings, twice=True) if encrypt else None
    name = new_name(Kind.MANUAL, SystemClock().now(), encrypted=encrypt)
    target = (to / name if to is not None and to.is_dir() else to) or places.backups / name
    meter = Meter(as_json)

    async def work() -> dict[str, Any]:
        plugins = await tables_here(settings)
        async with database(settings.database) as db:
            made = await make(
                db,
                places,
                plugins,
                target.absolute(),
                Wanted(passphrase, with_files),
                progress=meter.stage,
                # A file somewhere else stands alone.
                facts={} if target.parent.absolute() == places.backups else None,
            )
        return {
            "file": str(made.path),
            "passed_over": made.passed,
            "warning": made.warning,
            **described(made),
        }

    done = run(work())
    meter.end()
    if as_json:
        typer.echo(json.dumps(done))
        return
    typer.echo(f"{done['file']}")
    typer.echo(
        f"{done['rows']} rows of {done['tables']} tables and {done['files']} files, {done['size'] / 1e6:.1f} MB;"
        " restored into a scratch database and compared."
    )
    if done["absent"]:
        typer.echo(f"Not active here, so only compared: tables of {', '.join(done['absent'])}.")
    if done["passed_over"]:
        typer.echo(f"{done['passed_over']} files were left out: links, or names that cannot travel.")
    for what, why in done["left_out"].items():
        typer.echo(f"Left out: {what}. {why}")
    if done["warning"]:
        typer.echo(done["warning"])
