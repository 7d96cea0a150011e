"""`medianest plugins …`: what is installed, whether it works, and why not."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True)


@app.callback()
def plugins() -> None:
    """Keeps `list` a command of its own while it is the only one."""


@app.command("list")
def list_plugins(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")] = False,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of the portal; default ./data.")] = None,
) -> None:
    """Show every installed plugin with its state; works with and without a running portal."""
    rows = asyncio.run(_rows(data_dir))
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
    from medianest_core.base.logging import configure
    from medianest_core.cli.serve import make_settings
    from medianest_core.host.survey import database_exists, survey
    from medianest_core.store.engine import Database

    settings = make_settings(data_dir=data_dir).model_copy(update={"log_level": "error"})
    configure(settings, to_file=False)
    db = Database(settings.database)
    there = database_exists(settings, db)
    if there:
        await db.start()
    try:
        found = await survey(settings, db if there else None)
    finally:
        if there:
            await db.close()
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
