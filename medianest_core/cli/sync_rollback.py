"""`medianest sync rollback`: undo what a run did, or put a title or one of its values back.

It works beside a running portal and without one: each step is a transaction of the database.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medianest_core.cli.store import Folder, Json, database, run, settings_for

if TYPE_CHECKING:
    from medianest_core.domain.library.past.rollback import Report

_SHOWN = 60


def rollback(
    run_id: Annotated[
        int | None, typer.Argument(metavar="[RUN]", help="Number of the run, as `history` shows it.")
    ] = None,
    title: Annotated[
        int | None, typer.Option(help="Only this title, to before RUN, or one FIELD of it.")
    ] = None,
    field: Annotated[
        str | None,
        typer.Option(help='Undo the last change of this value, such as "summary" or "captions.en".'),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    as_json: Json = False,
    data_dir: Folder = None,
) -> None:
    """Put values back as they stood. They are held until their source says something else; locks win."""
    if (field is not None and (title is None or run_id is not None)) or (field is None and run_id is None):
        typer.echo("Give a RUN, or --title with a RUN, or --title with --field.", err=True)
        raise typer.Exit(2)
    settings = settings_for(data_dir)
    report = run(_rolled_back(settings.database, run_id, title, field, dry_run))
    if as_json:
        typer.echo(json.dumps(as_facts(report)))
        return
    for line in lines_of(report):
        typer.echo(line)


async def _rolled_back(
    url: str, run_id: int | None, title: int | None, field: str | None, dry_run: bool
) -> Report:
    from medianest_core.bus.outbox import EventBus
    from medianest_core.domain.library.past.rollback import Rollback
    from medianest_core.ledger.enqueue import Ledger
    from medianest_core.store.repos.events import EventRepo

    async with database(url) as db:
        bus = EventBus(EventRepo(db))
        ledger = Ledger(db, bus=bus)
        service = Rollback(db, bus, ledger, ledger.clock)
        try:
            if title is not None and field is not None:
                return await service.field_of(title, path_of(field), None, dry_run=dry_run)
            if title is not None:
                return await service.title(title, None, run=run_id, dry_run=dry_run)
            assert run_id is not None, "checked before"
            return await service.preview(run_id) if dry_run else await service.run(run_id, None)
        finally:
            await bus.close()


def path_of(dotted: str) -> Sequence[str]:
    """ "captions.en" as its two names; what follows the first dot is one name, whatever it holds."""
    name, _, leaf = dotted.partition(".")
    return (name, leaf) if leaf else (name,)


def as_facts(report: Report) -> dict[str, Any]:
    """As JSON. run: number of the rollback, null where it was only tried."""
    return {
        "run": report.run,
        "counts": {str(outcome): count for outcome, count in report.counts.items()},
        "rows": [
            {
                "title_id": one.title_id,
                "title": one.title,
                "path": list(one.path),
                "before": one.before,
                "after": one.after,
                "outcome": one.outcome,
            }
            for one in report.rows
        ],
    }


def lines_of(report: Report) -> list[str]:
    """As text: what became of how many, then the first of them."""
    told = (
        ", ".join(f"{count} {outcome}" for outcome, count in sorted(report.counts.items()))
        or "nothing to undo"
    )
    found = [f"Run {report.run}: {told}" if report.run is not None else f"Would be: {told}"]
    for one in report.rows[:_SHOWN]:
        where = ".".join(one.path) or "the title"
        change = f": {_short(one.before)} -> {_short(one.after)}" if one.path else ""
        found.append(f"  {one.outcome:<9} {one.title} ({one.title_id}) {where}{change}")
    return found


def _short(value: Any) -> str:
    text = "nothing" if value is None else value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 50 else text[:49] + "…"
