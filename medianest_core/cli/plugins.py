"""`medianest plugins …`: what is installed, whether it works, and why not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from medianest_core.cli import (
    plugins_audit,
    plugins_check,
    plugins_compat,
    plugins_doctor,
    plugins_new,
    plugins_purge,
    plugins_trace,
)
from medianest_core.cli.store import database, run, settings_for

app = typer.Typer(no_args_is_help=True)
app.command("new")(plugins_new.new)
app.command("check")(plugins_check.check)
app.command("audit")(plugins_audit.audit)
app.command("compat")(plugins_compat.compat)
app.command("doctor")(plugins_doctor.doctor)
app.command("trace")(plugins_trace.trace)
app.command("purge")(plugins_purge.purge)


@app.command("list")
def list_plugins(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")] = False,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of the portal; default ./data.")] = None,
) -> None:
    """Show every installed plugin with its state; works with and without a running portal."""
    rows = run(_rows(data_dir))
    if json:
        import orjson

        typer.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
        return
    columns = ("name", "distribution", "version", "api", "state")
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in columns} if rows else {}
    typer.echo(
        "  ".join(name.upper().ljust(widths.get(name, 0)) for name in columns) + "  PROVIDERS, INSTANCES"
    )
    for row in rows:
        services = [f"{one['title']} ({one['state']})" for one in row["instances"]]
        rest = ", ".join([*row["providers"], *services])
        typer.echo("  ".join(row[name].ljust(widths[name]) for name in columns) + f"  {rest}")
        if row["reason"]:
            typer.echo(f"    {row['reason']}")


async def _rows(data_dir: Path | None) -> list[dict[str, Any]]:
    from medianest_core.host.survey import database_exists, survey
    from medianest_core.store.engine import Database
    from medianest_core.store.errors import DatabaseAway

    settings = settings_for(data_dir)
    found = None
    if database_exists(settings, Database(settings.database)):
        try:
            async with database(settings.database) as db:
                found = await survey(settings, db)
        except DatabaseAway as error:
            # What is installed can be shown all the same.
            typer.echo(str(error), err=True)
    if found is None:
        found = await survey(settings, None)
    return [
        {
            "name": info.name,
            "title": info.title,
            "distribution": info.distribution,
            "version": info.version,
            "api": info.api,
            "state": info.state.value,
            "reason": info.reason,
            "builtin": info.builtin,
            "providers": list(info.providers),
            "services": list(info.services),
            "instances": [
                {
                    "name": one.name,
                    "title": one.title,
                    "service": one.service,
                    "state": one.state,
                    "reason": one.reason,
                }
                for one in found.instances
                if one.plugin == info.name
            ],
        }
        for info in found.plugins
    ]
