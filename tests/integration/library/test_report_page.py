"""Admin → sync → report, as admins see it."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import text

from medianest_core.domain.library.checking.verification import JOB
from medianest_core.web.portal.app import Portal

FOUND = {
    "a": {
        "title": "Attic",
        "state": "partial",
        "message": "It broke off.",
        "listed": 1200,
        "stored": 1180,
        "affected": 80,
        "percent": 6.7,
        "categories": {
            "missing": {
                "count": 78,
                "percent": 6.5,
                "examples": [
                    {
                        "key": "1",
                        "title": "Heat <i>",
                        "kind": "movie",
                        "library": "1",
                        "title_id": None,
                        "groups": [],
                    }
                ],
            },
            "fields": {
                "count": 2,
                "percent": 0.2,
                "examples": [
                    {
                        "key": "2",
                        "title": "Ran",
                        "kind": "movie",
                        "library": "1",
                        "title_id": 7,
                        "groups": ["artwork", "text"],
                    }
                ],
            },
        },
        "groups": {"artwork": 2, "text": 1},
    },
    "b": {
        "title": "Barn",
        "state": "failed",
        "message": "Away.",
        "listed": 0,
        "stored": 0,
        "affected": 0,
        "percent": 0.0,
        "categories": {},
        "groups": {},
    },
}


async def put(db: Any, job: str, state: str, servers: dict[str, Any]) -> None:
    async with db.begin() as tx:
        await tx.execute(
            text(
                "INSERT INTO library_reports (job_id, state, started_at, ended_at, servers)"
                " VALUES (:job, :state, 1.0, 2.0, :servers)"
            ),
            {"job": job, "state": state, "servers": json.dumps(servers)},
        )


async def test_a_report_is_shown_by_server_and_asked_for(gate: Any) -> None:
    gate.serve(Portal(gate.services).routes())
    ann, ben = await gate.person("Ann", role="admin"), await gate.person("Ben")
    assert (await ben.client.get("/admin/sync/report")).status_code == 403
    empty = (await ann.client.get("/admin/sync/report")).text
    assert "Nothing was compared yet" in empty
    await put(gate.services.db, "j1", "done", FOUND)
    page = (await ann.client.get("/admin/sync/report")).text
    for words in (
        "Something is wrong with 80 records, 6.7 % of all.",
        "1,200 listed, 1,180 in the library",
        "Read in part",
        "It broke off.",
        "Heat &lt;i&gt;",
        "and 77 more",
        "pictures, texts",
        "Not read",
    ):
        assert words in page, words
    assert 'href="/title/7"' in page and 'aria-current="page"' in page
    await put(gate.services.db, "j2", "failed", {"b": FOUND["b"]})
    assert "No server could be read." in (await ann.client.get("/admin/sync/report")).text
    earlier = (await ann.client.get("/admin/sync/report", params={"id": "1"})).text
    assert "Something is wrong with 80 records" in earlier
    started = await ann.client.post("/admin/sync/report")
    assert started.status_code == 303
    async with gate.services.db.read() as tx:
        jobs = await gate.services.ledger.list_jobs(tx, text=JOB)
    assert [job.name for job in jobs.items] == [JOB]
    waiting = (await ann.client.get("/admin/sync/report")).text
    assert f'data-progress="job/{jobs.items[0].id}"' in waiting
