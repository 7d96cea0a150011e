"""`medianest sync verify`: have a running portal hold its library against what the servers list, and show the report."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from medianest_core.cli.store import Folder, Json, database, run, settings_for

if TYPE_CHECKING:
    from medianest_core.domain.library.checking.verification import Report, Reports
    from medianest_core.store.engine import Database

_LOOK = 0.3


def verify(
    instance: Annotated[
        list[str] | None, typer.Option(help="Id, name or title of a server; may be given several times.")
    ] = None,
    last: Annotated[bool, typer.Option("--last", help="Show the newest report; compare nothing.")] = False,
    wait: Annotated[float, typer.Option(min=1, help="Seconds to wait for the report.")] = 600.0,
    as_json: Json = False,
    data_dir: Folder = None,
) -> None:
    """Compare the library with its servers. Ends with 1 where no report came."""
    settings = settings_for(data_dir)
    report = run(_newest(settings.database) if last else _compared(settings.database, instance or [], wait))
    if report is None:
        typer.echo("There is no report yet." if last else "No report came: does the portal run?", err=True)
        raise typer.Exit(1)
    if as_json:
        typer.echo(json.dumps({**asdict(report), "totals": report.totals}))
    else:
        for line in lines_of(report):
            typer.echo(line)
    if report.state == "failed":
        raise typer.Exit(1)


async def _newest(url: str) -> Report | None:
    async with database(url) as db:
        return next(iter(await _reports(db).latest(1)), None)


async def _compared(url: str, instance_ids: list[str], wait: float) -> Report | None:
    from medianest_core.cli.sync import need_portal, servers_in
    from medianest_core.domain.library.syncing.orders import servers_of

    async with database(url) as db:
        await need_portal(db)
        reports = _reports(db)
        job_id = await reports.request(servers_of(await servers_in(db), instance_ids or None))
        until = time.monotonic() + wait
        while time.monotonic() < until:
            found = await reports.of_job(job_id)
            if found is not None and found.state != "running":
                return found
            await asyncio.sleep(_LOOK)
    return None


def _reports(db: Database) -> Reports:
    """The reports of a database that no portal needs to be started for."""
    from medianest_core.domain.library.checking.verification import Reports
    from medianest_core.ledger.enqueue import Ledger

    return Reports(db, Ledger(db))


def lines_of(report: Report) -> list[str]:
    """As text: each server, with what was found of its records."""
    at = time.strftime("%Y-%m-%d %H:%M", time.localtime(report.started_at))
    found = [f"Report {report.id} of {at}: {report.state}"]
    for told in report.servers.values():
        note = f"  ({told['message']})" if told["message"] else ""
        found.append(
            f"{told['title']}: {told['state']}, {told['listed']} listed, {told['stored']} in the library, "
            f"{told['affected']} affected ({told['percent']} %){note}"
        )
        for name, category in told["categories"].items():
            titles = ", ".join(one["title"] for one in category["examples"][:3])
            found.append(f"  {name:<10} {category['count']:>7}  {category['percent']:>5} %  {titles}")
    return found
