"""`medianest plugins doctor`: why a plugin or one of its services does not work, and what to do."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from medianest_core.cli.plugins_check import show
from medianest_core.cli.store import Folder, Json, database, run, settings_for

if TYPE_CHECKING:
    from medianest_core.base.finding import Finding
    from medianest_core.base.settings import AppSettings


def doctor(
    name: Annotated[str | None, typer.Argument(help="Name of a plugin; default: all of them.")] = None,
    as_json: Json = False,
    data_dir: Folder = None,
) -> None:
    """Explain what keeps plugins and their services from working. Ends with 1 when there is a problem; changes nothing."""
    from medianest_core.base.finding import Level

    settings = settings_for(data_dir)
    found = run(_examine(settings, name))
    problems = sum(one.level is Level.PROBLEM for one in found)
    if as_json:
        typer.echo(
            json.dumps({"healthy": not problems, "findings": [asdict(one) for one in found]}, indent=2)
        )
    else:
        show(found)
        typer.echo("All is well." if not problems else f"{problems} to put right.")
    if problems:
        raise typer.Exit(1)


async def _examine(settings: AppSettings, name: str | None) -> list[Finding]:
    from medianest_core.cli.author.illness import look
    from medianest_core.host.survey import database_exists
    from medianest_core.store.engine import Database
    from medianest_core.store.errors import DatabaseAway

    if database_exists(settings, Database(settings.database)):
        try:
            async with database(settings.database) as db:
                return await look(settings, db, name)
        except DatabaseAway as error:
            typer.echo(str(error), err=True)
    return await look(settings, None, name)
