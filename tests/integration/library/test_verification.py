"""Reports that hold the library against live listings: on real servers in memory, and by the API."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from sqlalchemy import text, update

from medianest_core.domain.library.checking.verification import KEPT, Report
from medianest_core.host.states import InstanceState
from medianest_core.ledger.states import JobState
from medianest_core.sdk.errors import NotReady
from medianest_core.sdk.media import MediaRecord
from medianest_core.sdk.status import StatusProvider
from medianest_core.store.tables.library import titles
from medianest_core.web.rest.mount import RestApi
from tests.fakes.media import movie
from tests.fakes.portal import Writes
from tests.integration.library.conftest import Shelf

FILE = {"files": [{"path": "/m.mkv", "size": 1}]}


async def verified(shelf: Shelf, *instance_ids: str) -> Report:
    reports = shelf.library.verification
    job_id = await reports.request(instance_ids)
    await shelf.floor.finished(job_id)
    report = await reports.of_job(job_id)
    assert report is not None
    return report


def names(report: Report, server: str) -> dict[str, list[str]]:
    told = report.servers[server]["categories"]
    return {name: sorted(one["key"] for one in category["examples"]) for name, category in told.items()}


async def test_nothing_is_found_where_all_is_as_it_was(shelf: Shelf) -> None:
    shelf.server("a").put(*(movie(str(number), fields=FILE) for number in range(30)))
    await shelf.sync()
    before = await shelf.dump()
    with Writes(shelf.floor.db) as writes:
        report = await verified(shelf)
    assert (report.state, report.servers["a"]["state"]) == ("done", "done")
    assert report.totals == {"listed": 30, "stored": 30, "affected": 0, "percent": 0.0, "categories": {}}
    assert await shelf.dump() == before
    assert not writes.tables.keys() & {"records", "record_data", "titles", "title_docs", "sync_changes"}


async def test_every_category_is_found_on_its_server(shelf: Shelf) -> None:
    one, other = shelf.server("a"), shelf.server("b")
    one.put(*(movie(str(number), fields=FILE) for number in range(6)))
    one.put(
        MediaRecord("s", "show", "Lost", "1"),
        MediaRecord("s1", "season", "Season 1", "1", parent="s", index=1),
        MediaRecord("e1", "episode", "Pilot", "1", parent="s1", index=1, fields=FILE),
    )
    other.put(movie("9", "Movie 1", fields=FILE))
    await shelf.sync()
    del one.records["0"]
    one.put(replace(one.records["1"], fields={**FILE, "summary": "Other.", "assets": {"poster": "/new"}}))
    one.put(replace(one.records["2"], fields={"files": []}))
    one.put(movie("new", fields=FILE), movie("twin", "Movie 3", fields=FILE))
    async with shelf.floor.db.begin() as tx:
        await tx.execute(update(titles).where(titles.c.kind == "episode").values(parent_id=None))
    report = await verified(shelf)
    assert names(report, "a") == {
        "missing": ["new", "twin"],
        "not_ready": ["2"],
        "extra": ["0"],
        "fields": ["1", "2"],
        "parent": ["e1"],
    }
    assert report.servers["a"]["groups"] == {"media": 1, "text": 2, "artwork": 2}
    assert names(report, "b") == {}
    told = report.servers["a"]
    assert (told["listed"], told["stored"], told["affected"], told["percent"]) == (10, 9, 6, 60.0)
    example = told["categories"]["extra"]["examples"][0]
    assert (example["title"], example["title_id"] is not None) == ("Movie 0", True)
    await shelf.sync(force=True)
    assert names(await verified(shelf), "a") == {
        "extra": ["0"],
        "duplicate": ["3", "twin"],
        "not_ready": ["2"],
    }


async def test_what_cannot_be_read_or_is_not_answered_is_named(shelf: Shelf) -> None:
    broken, dying, silent = shelf.server("a"), shelf.server("b"), shelf.server("c")
    for server in (broken, dying, silent):
        server.put(*(movie(str(number)) for number in range(250)))
    await shelf.sync()
    broken.put(replace(movie("7"), key="7", fields={"summary": object()}))
    dying.fail_after = 200
    shelf.instances.states["c"] = InstanceState.RETRYING
    report = await verified(shelf)
    assert {name: told["state"] for name, told in report.servers.items()} == {
        "a": "done",
        "b": "partial",
        "c": "failed",
    }
    assert names(report, "a") == {"unreadable": ["7"]}
    assert names(report, "b") == {} and "connection was reset" in report.servers["b"]["message"]
    assert names(report, "c") == {} and report.servers["c"]["message"] == "It does not answer."
    assert report.state == "done"


async def test_a_report_of_which_no_server_answers_failed(shelf: Shelf) -> None:
    shelf.server("a").fail = NotReady("away")
    job_id = await shelf.library.verification.request()
    info = await shelf.floor.job(job_id)
    while (info := await shelf.floor.job(job_id)).attempt == 0 or info.state is JobState.LEASED:
        await asyncio.sleep(0.01)
    report = await shelf.library.verification.of_job(job_id)
    assert report is not None and (report.state, report.servers["a"]["message"]) == ("failed", "away")


async def test_a_service_without_media_is_named(shelf: Shelf) -> None:
    shelf.server("a").put(movie("1"))
    shelf.instances.add("radarr", StatusProvider, object())
    await shelf.sync()
    both = await verified(shelf, "a", "radarr")
    assert (both.state, both.servers["a"]["state"]) == ("done", "done")
    assert both.servers["radarr"]["message"].startswith("It lists no media")


async def test_the_last_reports_are_kept_and_one_server_can_be_asked_alone(shelf: Shelf) -> None:
    shelf.server("a").put(movie("1"))
    shelf.server("b").put(movie("1"))
    await shelf.sync()
    only = await verified(shelf, "b")
    assert list(only.servers) == ["b"]
    async with shelf.floor.db.begin() as tx:
        for number in range(KEPT):
            await tx.execute(
                text(
                    "INSERT INTO library_reports (job_id, state, started_at, servers) VALUES (:job, 'done', 1.0, '{}')"
                ),
                {"job": f"j{number}"},
            )
    newest = await verified(shelf)
    kept = await shelf.library.verification.latest(100)
    assert len(kept) == KEPT and kept[0].id == newest.id
    assert await shelf.library.verification.report(only.id) is None


async def test_progress_is_told_server_by_server(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.put(*(movie(str(number)) for number in range(300)))
    job_id = await shelf.library.verification.request()
    await shelf.floor.finished(job_id)
    job = await shelf.floor.job(job_id)
    assert job.result is not None and job.result["listed"] == 300
    assert job.done == 300 and job.total == 300


async def test_the_api_makes_lists_and_shows_reports(gate: Any) -> None:
    gate.serve(RestApi(gate.services).routes())
    ann, ben = await gate.person("Ann", role="admin"), await gate.person("Ben")
    base = "/api/v1/sync/reports"
    assert (await ben.client.get(base)).status_code == 403
    assert (await ann.client.get(f"{base}/latest")).status_code == 404
    started = await ann.client.post(base, json={})
    again = await ann.client.post(base, json={})
    assert (started.status_code, again.json()) == (202, started.json())
    async with gate.services.db.begin() as tx:
        await tx.execute(
            text(
                "INSERT INTO library_reports (job_id, state, started_at, ended_at, servers) VALUES ('j', 'done', 1.0, 2.0, :told)"
            ),
            {
                "told": '{"a": {"title": "A", "state": "done", "message": "", "listed": 4, "stored": 3, "affected": 1, "percent": 25.0,'
                ' "categories": {"missing": {"count": 1, "percent": 25.0, "examples": []}}, "groups": {}}}'
            },
        )
    listed = (await ann.client.get(base)).json()
    totals = {"listed": 4, "stored": 3, "affected": 1, "percent": 25.0, "categories": {"missing": 1}}
    assert [(one["state"], one["totals"]) for one in listed] == [("done", totals)]
    shown = (await ann.client.get(f"{base}/{listed[0]['id']}")).json()
    assert shown["servers"]["a"]["categories"]["missing"]["count"] == 1
    assert (await ann.client.get(f"{base}/latest")).json() == shown
    assert (await ann.client.get(f"{base}/{2**40}")).status_code == 404
