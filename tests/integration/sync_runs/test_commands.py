"""`medianest sync …` beside a portal, and without one."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from medianest_core.cli import sync as commands
from medianest_core.cli.app import app
from medianest_core.cli.store import database, settings_for
from medianest_core.domain.library.checking.verification import Reports
from medianest_core.domain.library.syncing.runs import SyncArgs
from medianest_core.ledger.enqueue import Ledger
from medianest_core.store.tables.library import sync_changes
from medianest_core.store.tables.plugins import instances
from medianest_core.store.tables.verification import library_reports
from tests.databases import migrated


@pytest.fixture
async def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A portal's data with one server, a finished run and one that waits."""
    for name in ("MEDIANEST_DATABASE_URL", "MEDIANEST_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    settings = settings_for(tmp_path)
    async with database(settings.database) as db:
        await migrated(db)
        runs = commands.desk_on(db).runs
        done = await runs.request(SyncArgs(instance_ids=("i1",)))
        run = await runs.of_job(done)
        assert run is not None
        async with db.begin() as tx:
            await tx.execute(
                instances.insert().values(
                    id="i1",
                    plugin="fake",
                    service="fake",
                    name="attic",
                    title="The attic",
                    settings_json={},
                    created_at=0.0,
                    updated_at=0.0,
                )
            )
            await runs.finish(
                tx, run.id, state="done", counts={"changed": 1}, problems=[], failed={"i1": ["k1"]}
            )
            await tx.execute(
                sync_changes.insert().values(
                    run_id=run.id,
                    title_id=7,
                    at=1.0,
                    path=["captions", "en"],
                    before=None,
                    after={"format": "srt"},
                    instance_id="i1",
                    rule="only",
                )
            )
            await Ledger(db).cancel(tx, done)
    return tmp_path


def call(folder: Path, *words: str) -> Any:
    return CliRunner().invoke(app, ["sync", *words, "--data-dir", str(folder)])


def test_looking_works_without_a_portal(folder: Path) -> None:
    history = call(folder, "history")
    assert history.exit_code == 0 and "1 changed" in history.output
    (run,) = json.loads(call(folder, "history", "--json").output)
    assert (run["state"], run["failed"], run["args"]) == ("done", {"i1": ["k1"]}, {"instance_ids": ["i1"]})
    diff = call(folder, "diff", str(run["id"]))
    assert 'captions.en: - -> {"format": "srt"}  (only)' in diff.output
    assert json.loads(call(folder, "diff", str(run["id"]), "--json").output)[0]["path"] == ["captions", "en"]
    status = call(folder, "status")
    assert "No portal runs" in status.output and "Nothing runs or waits." in status.output
    assert call(folder, "diff", "99").exit_code == 1


@pytest.mark.parametrize("words", [("run",), ("retry", "1"), ("verify",)])
def test_work_is_not_left_where_nobody_does_it(folder: Path, words: tuple[str, ...]) -> None:
    refused = call(folder, *words)
    assert refused.exit_code == 1 and "medianest serve" in refused.output
    assert json.loads(call(folder, "status", "--json").output) == {"portal": False, "runs": []}


def test_orders_stand_in_the_ledger_for_the_portal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def one(*_: object) -> list[str]:
        return ["here:1"]

    monkeypatch.setattr("medianest_core.domain.backups.running.others", one)
    made = call(folder, "run", "--instance", "the ATTIC", "--op", "captions", "--no-wait", "--json")
    assert made.exit_code == 0, made.output
    (run,) = json.loads(made.output)["runs"]
    assert (run["state"], run["args"]) == ("queued", {"instance_ids": ["i1"], "ops": ["captions"]})
    new = json.loads(call(folder, "run", "--title", "k9", "--force", "--no-wait", "--json").output)["runs"]
    assert new[0]["args"] == {"keys": ["k9"], "force": True}
    # A number is one of ours only where a title has it: films are called so, and keys of servers are numbers, too.
    for words in (("--title", "1917"), ("--key", "1917"), ("--title", "9" * 30)):
        found = json.loads(call(folder, "run", *words, "--no-wait", "--json").output)["runs"]
        assert found[0]["args"] == {"keys": [words[1]]}
    again = json.loads(call(folder, "retry", "1", "--no-wait", "--json").output)["runs"]
    assert again[0]["args"] == {"instance_ids": ["i1"], "keys": ["k1"], "force": True}
    status = json.loads(call(folder, "status", "--json").output)
    assert status["portal"] and len(status["runs"]) == 5
    for wrong in (
        ("run", "--op", "sound"),
        ("run", "--instance", "nowhere"),
        ("verify", "--instance", "nowhere"),
    ):
        refused = call(folder, *wrong)
        assert refused.exit_code == 1 and "There is no" in refused.output


async def test_a_report_is_shown(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no report yet" in (await asyncio.to_thread(call, folder, "verify", "--last")).output
    told = {
        "title": "The attic",
        "state": "partial",
        "message": "Films: it broke off.",
        "listed": 40,
        "stored": 42,
        "affected": 2,
        "percent": 4.8,
        "categories": {"missing": {"count": 2, "percent": 4.8, "examples": [{"title": "Heat"}]}},
        "groups": {},
    }
    values = {"state": "done", "requested_by": None, "started_at": 0.0, "ended_at": 1.0}
    asked: list[tuple[str, ...] | None] = []

    async def one(*_: object) -> list[str]:
        return ["here:1"]

    async def request(self: Reports, instance_ids: tuple[str, ...] | None = None) -> str:
        """As the portal does it, at once."""
        asked.append(instance_ids)
        async with database(settings_for(folder).database) as db, db.begin() as tx:
            row = {"job_id": f"j{len(asked)}", "servers": {"i1": told}, **values}
            await tx.execute(library_reports.insert().values(row))
        return f"j{len(asked)}"

    monkeypatch.setattr("medianest_core.domain.backups.running.others", one)
    monkeypatch.setattr(Reports, "request", request)
    shown = await asyncio.to_thread(call, folder, "verify", "--instance", "ATTIC")
    assert shown.exit_code == 0 and asked == [("i1",)]
    assert "The attic: partial, 40 listed, 42 in the library, 2 affected (4.8 %)  (Films: it broke off.)" in (
        shown.output
    )
    assert re.search(r"missing +2 +4.8 %  Heat", shown.output)
    last = await asyncio.to_thread(call, folder, "verify", "--last", "--json")
    assert json.loads(last.output)["totals"]["categories"] == {"missing": 2}
