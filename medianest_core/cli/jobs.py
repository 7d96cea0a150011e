"""`medianest jobs …`: the ledger, read from the database."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from medianest_core.cli.store import database, run, settings_for

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The job ledger."""


@app.command("list")
def list_(
    state: Annotated[str | None, typer.Option(help="queued, leased, done, failed or cancelled.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array.")] = False,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of the portal; default ./data.")] = None,
) -> None:
    """Show jobs, newest first."""
    settings = settings_for(data_dir)
    jobs = run(_jobs(settings.database, state, limit))
    if as_json:
        typer.echo(json.dumps(jobs))
        return
    for job in jobs:
        typer.echo(f"{job['id']}  {job['state']:<9}  {job['name']:<32}  {job['error'] or ''}")


async def _jobs(url: str, state: str | None, limit: int) -> list[dict[str, Any]]:
    from medianest_core.ledger.enqueue import Ledger

    async with database(url) as db, db.read() as tx:
        found = await Ledger(db).list_jobs(tx, states=[state] if state else None, limit=limit)
    return [asdict(job) for job in found.items]
