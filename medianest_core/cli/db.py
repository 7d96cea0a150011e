"""`medianest db …`: the database as a whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medianest_core.cli.store import (
    Folder,
    Json,
    Meter,
    Skip,
    bring_up_to_date,
    database,
    run,
    settings_for,
    tables_here,
)

if TYPE_CHECKING:
    from medianest_core.base.settings import AppSettings

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The database as a whole."""


@app.command("copy")
def copy(
    to: Annotated[
        str,
        typer.Option(
            help="Address of an empty database, such as postgresql://medianest@db/medianest.",
            envvar="MEDIANEST_COPY_TO",
        ),
    ],
    skip_missing: Skip = False,
    as_json: Json = False,
    data_dir: Folder = None,
) -> None:
    """Copy everything into another database, SQLite or PostgreSQL, while the portal is stopped, and compare it there."""
    settings = settings_for(data_dir)
    meter = Meter(as_json)
    done = run(_copy(settings, to, skip_missing, meter))
    meter.end()
    if as_json:
        typer.echo(json.dumps(done))
        return
    typer.echo(f"{sum(done['rows'].values())} rows of {len(done['rows'])} tables were copied and compared.")
    for table, why in done["left_out"].items():
        typer.echo(f"Left out: {table}. {why}")
    typer.echo(
        "Start the portal with MEDIANEST_DATABASE_URL set to the new address and with the same data folder: it holds"
        " the keys, and the files of downloads and plugins."
    )


async def _copy(settings: AppSettings, to: str, skip_missing: bool, meter: Meter) -> dict[str, Any]:
    from medianest_core.domain.backups.running import check_stopped
    from medianest_core.store.backup.copy import copy_database
    from medianest_core.store.backup.errors import CannotRestore
    from medianest_core.store.backup.restore import alone

    plugins = await tables_here(settings)
    with alone(settings.data_dir):
        async with database(settings.database) as source, database(to) as target:
            if source.url == target.url:
                raise CannotRestore("This is the database that is in use already.")
            await bring_up_to_date(source, plugins)
            await check_stopped(source)
            await bring_up_to_date(target, plugins)
            await check_stopped(target)
            copied = await copy_database(source, target, plugins, skip_missing=skip_missing, told=meter.more)
    return {"rows": dict(copied.rows), "left_out": dict(copied.left_out)}
