"""`medianest sync …`: ask a running portal to read its servers, and see what came of it.

Requests go through the ledger: the command writes them into the database, and the portal that runs on it does the work.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medianest_core.cli.store import Folder, Json, Meter, database, run, settings_for
from medianest_core.sdk.errors import UserError

if TYPE_CHECKING:
    from medianest_core.base.settings import AppSettings
    from medianest_core.domain.library.syncing.orders import Named, Order
    from medianest_core.domain.library.syncing.run_changes import RunChange
    from medianest_core.domain.library.syncing.runs import Run, Runs
    from medianest_core.ledger.enqueue import Ledger
    from medianest_core.store.engine import Database

app = typer.Typer(no_args_is_help=True)
_LOOK = 0.25
Number = Annotated[int, typer.Argument(metavar="RUN", help="Number of the run, as `history` shows it.")]
NOBODY = "No portal runs on this database, so nobody would do the work. Start it with `medianest serve`."


@app.callback()
def _group() -> None:
    """Syncs of the library. They work beside a running portal."""


@app.command("run")
def run_(
    instance: Annotated[
        list[str] | None, typer.Option(help="Id, name or title of a server; may be given several times.")
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option(help="movie, show, season, episode, or one of a plugin.")
    ] = None,
    title: Annotated[
        list[str] | None,
        typer.Option(help="Number, name, or a server's own key. What hangs under it goes with it."),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(help="A server's own key, also of a title that is not in the library yet."),
    ] = None,
    op: Annotated[
        list[str] | None, typer.Option(help="Only this operation, such as captions or posters.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Compare also what seems unchanged.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing, and say what would change.")
    ] = False,
    wait: Annotated[bool, typer.Option(help="Wait for the end, and say what came of it.")] = True,
    as_json: Json = False,
    data_dir: Folder = None,
) -> None:
    """Sync everything, or only what the options name. Ends with code 1 where a run fails."""
    from medianest_core.domain.library.syncing.orders import Order

    order = Order(
        instances=instance or None,
        titles=title or None,
        keys=key or (),
        kinds=kind or None,
        ops=op or None,
        force=force,
        dry_run=dry_run,
    )
    _report(run(_run(settings_for(data_dir), order, wait=wait, meter=Meter(as_json))), as_json)


@app.command("retry")
def retry(
    number: Number,
    wait: Annotated[bool, typer.Option(help="Wait for the end, and say what came of it.")] = True,
    as_json: Json = False,
    data_dir: Folder = None,
) -> None:
    """Read again what a run could not read."""
    _report(run(_retry(settings_for(data_dir), number, wait=wait, meter=Meter(as_json))), as_json)


@app.command("status")
def status(as_json: Json = False, data_dir: Folder = None) -> None:
    """Show what runs and waits now, and whether a portal does the work."""
    found = run(_status(settings_for(data_dir)))
    if as_json:
        typer.echo(json.dumps(found))
        return
    typer.echo("A portal runs on this database." if found["portal"] else NOBODY)
    for one in found["runs"]:
        typer.echo(line_of(one))
        for server in (one["progress"] or {}).get("instances", {}).values():
            left = f", {server['eta']:.0f} s left" if server.get("eta") is not None else ""
            typer.echo(f"        {server['title']}: {server['state']}, {_part(server)}{left}")
    if not found["runs"]:
        typer.echo("Nothing runs or waits.")


@app.command("history")
def history(
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20, as_json: Json = False, data_dir: Folder = None
) -> None:
    """Show runs, newest first."""
    found = run(_history(settings_for(data_dir), limit))
    if as_json:
        typer.echo(json.dumps(found))
        return
    for one in found:
        typer.echo(line_of(one))


@app.command("diff")
def diff(
    number: Number,
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 500,
    as_json: Json = False,
    data_dir: Folder = None,
) -> None:
    """Show what a run changed, value by value."""
    found = run(_diff(settings_for(data_dir), number, limit))
    if as_json:
        typer.echo(json.dumps(found))
        return
    _print_changes(found)


@dataclass(frozen=True)
class Desk:
    """What the commands work with: the runs of a database, without a portal around them."""

    db: Database
    ledger: Ledger
    runs: Runs


@contextlib.asynccontextmanager
async def desk(settings: AppSettings) -> AsyncIterator[Desk]:
    async with database(settings.database) as db:
        yield desk_on(db)


def desk_on(db: Database) -> Desk:
    from medianest_core.domain.library.syncing.runs import Runs
    from medianest_core.ledger.enqueue import Ledger

    ledger = Ledger(db)
    # No worker listens in this process.
    ledger.heard = lambda: False
    return Desk(db, ledger, Runs(db, ledger, ledger.clock))


async def need_portal(db: Database) -> None:
    """Raises UserError where no portal would do the work."""
    from medianest_core.domain.backups.running import others

    if not await others(db):
        raise UserError(NOBODY)


async def _run(settings: AppSettings, order: Order, *, wait: bool, meter: Meter) -> list[dict[str, Any]]:
    from medianest_core.domain.library.syncing.orders import Orders

    async with desk(settings) as at:
        await need_portal(at.db)
        servers = await servers_in(at.db)
        orders = Orders(at.db, at.runs, lambda: servers)
        if order.titles is not None:
            order = replace(order, titles=await orders.typed([str(one) for one in order.titles]))
        return await _followed(at, await orders.request(order, None), wait=wait, meter=meter)


async def _retry(settings: AppSettings, number: int, *, wait: bool, meter: Meter) -> list[dict[str, Any]]:
    async with desk(settings) as at:
        await need_portal(at.db)
        return await _followed(at, await at.runs.retry(number, None), wait=wait, meter=meter)


async def servers_in(db: Database) -> Sequence[Named]:
    """All services by id, name and title: which of them list media is known to the portal alone."""
    from medianest_core.host.instance_rows import load_rows

    async with db.read() as tx:
        return [_Server(row.id, row.name, row.title) for row in await load_rows(tx)]


@dataclass(frozen=True)
class _Server:
    id: str
    name: str
    title: str


async def _followed(at: Desk, job_ids: Sequence[str], *, wait: bool, meter: Meter) -> list[dict[str, Any]]:
    found = [await at.runs.of_job(one) for one in job_ids]
    runs = [one.id for one in found if one is not None]
    while wait:
        shown = [await _view(at, await at.runs.get(one)) for one in runs]
        open_ = [one for one in shown if one["state"] in ("queued", "running")]
        if not open_:
            break
        progress = open_[0]["progress"] or {}
        meter.say(f"Run {open_[0]['id']}: {open_[0]['state']}, {_part(progress)}")
        await asyncio.sleep(_LOOK)
    meter.end()
    return [await _view(at, await at.runs.get(one)) for one in runs]


async def _view(at: Desk, one: Run) -> dict[str, Any]:
    progress = None
    if one.open:
        async with at.db.read() as tx:
            job = await at.ledger.get_job(tx, one.job_id)
        if job is not None:
            progress = {"done": job.done, "total": job.total, **(job.facts or {})}
    return {**as_json_of(one), "progress": progress}


def as_json_of(one: Run) -> dict[str, Any]:
    return {
        "id": one.id,
        "job_id": one.job_id,
        "state": one.state,
        "args": one.args.model_dump(mode="json", exclude_defaults=True) if one.args is not None else None,
        "created_at": one.created_at,
        "started_at": one.started_at,
        "ended_at": one.ended_at,
        "counts": dict(one.counts),
        "problems": [dict(problem) for problem in one.problems],
        "failed": {instance: list(keys) for instance, keys in one.failed.items()},
    }


async def _status(settings: AppSettings) -> dict[str, Any]:
    from medianest_core.domain.backups.running import others

    async with desk(settings) as at:
        portal = await others(at.db)
        runs = [await _view(at, one) for one in await at.runs.latest(50) if one.open]
    return {"portal": bool(portal), "runs": runs}


async def _history(settings: AppSettings, limit: int) -> list[dict[str, Any]]:
    async with desk(settings) as at:
        return [as_json_of(one) for one in await at.runs.latest(limit)]


async def _diff(settings: AppSettings, number: int, limit: int) -> list[dict[str, Any]]:
    from medianest_core.domain.library.syncing.run_changes import run_changes

    async with desk(settings) as at:
        found = await run_changes(at.db, await at.runs.get(number), 0, limit)
    return [change_as_json(one) for one in found.items]


def change_as_json(one: RunChange) -> dict[str, Any]:
    return {
        "title_id": one.title_id,
        "title": one.title,
        "path": list(one.path),
        "before": one.before,
        "after": one.after,
        "instance_id": one.instance_id,
        "rule": one.rule,
    }


def _report(found: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"runs": found}))
    else:
        for one in found:
            typer.echo(line_of(one))
            for problem in one["problems"]:
                typer.echo(f"        {problem['message']}")
            if (would := one["counts"].get("would")) is not None:
                for new in would["added"]:
                    typer.echo(f"+ {new['title']}" + (f" ({new['year']})" if new["year"] else ""))
                _print_changes(would["changes"])
    if any(one["state"] in ("failed", "cancelled") for one in found):
        raise typer.Exit(1)


def _print_changes(changes: Sequence[dict[str, Any]]) -> None:
    for one in changes:
        before, after = (_text(one[name]) for name in ("before", "after"))
        where = ".".join(one["path"]) or "the title"
        typer.echo(f"{one['title'] or one['title_id']}  {where}: {before} -> {after}  ({one['rule']})")


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "-" if value in (None, "") else text if len(text) <= 60 else text[:59] + "…"


def _part(progress: Any) -> str:
    done, total = progress.get("done") or 0, progress.get("total")
    return f"{done:.0f} of {total:.0f}" if total else f"{done:.0f}"


def line_of(one: dict[str, Any]) -> str:
    counts = one["counts"]
    done = ", ".join(f"{counts[name]} {name}" for name in ("added", "changed", "removed") if counts.get(name))
    at = time.strftime("%Y-%m-%d %H:%M", time.localtime(one["started_at"] or one["created_at"]))
    problems = f"  {len(one['problems'])} problems" if one["problems"] else ""
    outcome = (done or "nothing changed") if one["state"] not in ("queued", "running") else ""
    return f"{one['id']:>6}  {at}  {one['state']:<9}  {outcome}{problems}".rstrip()
