"""Schedules over HTTP and on their page: for admins, with versions, with words that people understand."""

from __future__ import annotations

from typing import Any

import pytest

from medianest_core.ledger.states import JobKind
from medianest_core.sdk.jobs import Schedule
from medianest_core.web.portal.app import Portal
from medianest_core.web.rest.mount import RestApi


@pytest.fixture
async def boss(gate: Any) -> Any:
    services = gate.services
    gate.serve([*RestApi(services).routes(), *Portal(services).routes()])
    services.ledger.declare(JobKind("core.look", title="Look around"))
    services.ledger.declare(JobKind("core.tidy", title="Tidy up"))
    declared = services.schedules._schedules
    declared.declare("core.look", Schedule(every=900), {})
    declared.declare("core.tidy", None, {})
    return await gate.person("Boss", role="admin")


async def test_admins_choose_times_by_the_api(gate: Any, boss: Any) -> None:
    client, base = boss.client, "/api/v1/schedules"
    assert (await (await gate.person("Ann")).client.get(base)).status_code == 403
    (found,) = (await client.get(base)).json()
    assert (found["name"], found["schedule"]["every"], found["version"]) == ("core.look", 900.0, 0)
    assert (await client.get(f"{base}/jobs")).json() == ["core.look", "core.tidy"]
    made = await client.post(base, json={"job": "core.tidy", "cron": "0 4 * * *", "timezone": "Asia/Tokyo"})
    assert made.status_code == 201 and made.json()["own"] and made.json()["next_at"] is not None
    wrong = await client.post(base, json={"job": "core.tidy", "cron": "0 4 31 2 *"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid")
    one = f"{base}/core.look"
    paused = await client.patch(one, json={"times": {"every": 3600}, "paused": True, "version": 0})
    assert paused.json()["paused_at"] and paused.json()["next_at"] is None
    assert paused.json()["schedule"]["every"] == 3600
    assert (await client.patch(one, json={"paused": False, "version": 1})).status_code == 409
    back = await client.patch(one, json={"times": "declared", "paused": False, "version": 2})
    assert back.json()["schedule"]["every"] == 900 and back.json()["paused_at"] is None
    started = await client.post(f"{one}/run")
    assert started.status_code == 202
    job = (await client.get(f"/api/v1/jobs/{started.json()['job_id']}")).json()["job"]
    assert (job["name"], job["state"]) == ("core.look", "queued")
    assert (await client.delete(f"{one}?version=4")).status_code == 422
    assert (await client.delete(f"{base}/{made.json()['name']}?version=1")).status_code == 204
    assert (await client.post(f"{base}/core.nothing/run")).status_code == 422


async def test_the_page_says_what_runs_when(gate: Any, boss: Any) -> None:
    client, base = boss.client, "/admin/schedules"
    page = (await client.get(base)).text
    assert "Look around" in page and "every 15 minutes" in page and "not yet run" in page
    assert "Tidy up" in (await client.get(f"{base}/add")).text
    refused = await client.post(f"{base}/add", data={"job": "core.tidy", "every": "soon", "timezone": "UTC"})
    assert refused.status_code == 422 and "Give a number of minutes" in refused.text
    data = {"job": "core.tidy", "cron": "30 3 * * 1", "timezone": "Europe/Berlin"}
    assert (await client.post(f"{base}/add", data=data)).status_code == 303
    assert "30 3 * * 1 (Europe/Berlin)" in (await client.get(base)).text
    assert (await client.post(f"{base}/core.look/pause", data={"version": "0"})).status_code == 303
    assert "Paused" in (await client.get(base)).text
    edit = {"every": "30", "timezone": "UTC", "version": "0"}
    conflict = await client.post(f"{base}/core.look", data=edit)
    assert conflict.status_code == 409 and "Someone else changed this" in conflict.text
    assert (await client.post(f"{base}/core.look", data={**edit, "version": "1"})).status_code == 303
    assert (await client.post(f"{base}/core.look/resume", data={"version": "2"})).status_code == 303
    page = (await client.get(base)).text
    assert "every 30 minutes" in page and "Paused" not in page and "Own times" in page
    run = await client.post(f"{base}/core.look/run")
    assert run.status_code == 303 and run.headers["location"].startswith("/admin/jobs/")
