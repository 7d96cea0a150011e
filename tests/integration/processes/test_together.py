"""Two web processes and a worker are one portal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.processes.cluster import (
    Cluster,
    Process,
    browser,
    cluster,
    eventually,
    sign_in,
    socket,
)
from tests.servers import Redis

pytestmark = [pytest.mark.full, pytest.mark.timeout(240)]
WALK = "/api/v1/plugins/steps/walk"


@pytest.fixture
def portal(tmp_path: Path, postgres_url: str, own_redis: Redis) -> Iterator[Cluster]:
    with cluster(tmp_path, postgres_url, own_redis.url) as made:
        yield made


@pytest.fixture
def webs(portal: Cluster) -> tuple[Process, Process]:
    pair = portal.web("--no-worker"), portal.web("--no-worker")
    portal.person("anna")
    return pair


async def test_a_session_is_good_everywhere_and_ends_everywhere(webs: tuple[Process, Process]) -> None:
    a, b = webs
    cookie = await sign_in(a, "anna")
    async with browser(a, cookie) as at_a, browser(b, cookie) as at_b, socket(b, cookie) as live:
        assert (await at_b.get("/api/v1/me")).status_code == 200
        assert (await at_a.post("/api/v1/sign-in/out")).status_code < 300

        async def refused() -> bool:
            return (await at_b.get("/api/v1/me")).status_code == 401

        await eventually(refused, within=60, what="the other process refuses the session")
        await asyncio.wait_for(live.ended.wait(), 60)


async def test_the_hundred_and_first_call_over_both_is_refused(webs: tuple[Process, Process]) -> None:
    a, b = webs
    cookie = await sign_in(a, "anna")
    async with browser(a, cookie) as at_a, browser(b, cookie) as at_b:
        replies = await asyncio.gather(*((at_a, at_b)[n % 2].get("/api/v1/me") for n in range(130)))
    codes = [reply.status_code for reply in replies]
    assert (codes.count(200), codes.count(429)) == (100, 30)


async def test_asked_here_run_there_seen_elsewhere(portal: Cluster, webs: tuple[Process, Process]) -> None:
    a, b = webs
    worker = portal.worker()
    cookie = await sign_in(a, "anna")
    async with browser(a, cookie) as at_a, browser(b, cookie) as at_b, socket(b, cookie) as live:
        asked = await at_a.post(WALK, json={"name": "one", "steps": 20})
        assert asked.status_code == 200, asked.text
        job_id = asked.json()["job_id"]
        await eventually(lambda: live.of("job:progress", job_id), what="progress through the other process")
        done = await eventually(
            lambda: [one for one in live.of("job:changed", job_id) if one["state"] == "done"],
            what="the end of the job through the other process",
        )
        assert done[0]["job"] == "steps.walk"
        shown = (await at_b.get(f"/api/v1/jobs/{job_id}")).json()["job"]
        assert shown["state"] == "done" and portal.marks() == ["one"]
    assert worker.end() == 0


async def test_a_worker_that_is_told_to_stop_hands_back(
    portal: Cluster, webs: tuple[Process, Process]
) -> None:
    a, b = webs
    first = portal.worker()
    cookie = await sign_in(a, "anna")
    async with browser(a, cookie) as at_a, socket(b, cookie) as live:
        job_id = (await at_a.post(WALK, json={"name": "long", "steps": 100_000})).json()["job_id"]
        await eventually(lambda: live.of("job:progress", job_id))
        assert first.end() == 0
        shown = (await at_a.get(f"/api/v1/jobs/{job_id}")).json()["job"]
        assert (shown["state"], shown["attempt"]) == ("queued", 0)
        second = portal.worker()
        before = len(live.of("job:progress", job_id))
        await eventually(lambda: len(live.of("job:progress", job_id)) > before, what="it runs again")
        assert (await at_a.post(f"/api/v1/jobs/{job_id}/cancel")).status_code < 300
        await eventually(
            lambda: any(one["state"] == "cancelled" for one in live.of("job:changed", job_id)),
            what="cancelled from another process",
        )
        assert second.end() == 0


@pytest.mark.parametrize("fault", ["flushall", "kill"])
async def test_redis_may_forget_everything(
    portal: Cluster, webs: tuple[Process, Process], own_redis: Redis, fault: str
) -> None:
    a, b = webs
    portal.worker()
    cookie = await sign_in(a, "anna")
    names = [f"n{number:02}" for number in range(40)]
    async with browser(a, cookie) as at_a, browser(b, cookie) as at_b:
        ids = []
        for number, name in enumerate(names):
            ids.append((await at_a.post(WALK, json={"name": name, "steps": 2})).json()["job_id"])
            if number == 20 and fault == "flushall":
                own_redis.flush()
            elif number == 20:
                own_redis.kill()
                assert (await at_b.get("/readyz")).status_code == 200

                async def degraded() -> bool:
                    return bool((await at_b.get("/readyz")).json()["degraded"] == ["redis"])

                await eventually(degraded, within=60, what="the portal says so")
                page = await at_b.get("/", headers={"Accept": "text/html"})
                assert "Live updates are degraded" in page.text
        if fault == "kill":
            await eventually(lambda: len(portal.marks()) >= len(names), what="jobs run without Redis")
            own_redis.start()

            async def back() -> bool:
                return bool((await at_b.get("/readyz")).json()["degraded"] == [])

            await eventually(back, within=60, what="the portal is back to normal")
        await eventually(lambda: len(portal.marks()) >= len(names), what="all jobs have run")
        assert portal.marks() == names, "each once"
        assert (await at_b.get("/api/v1/me")).status_code == 200, "nobody was signed out"


async def test_what_an_admin_changes_reaches_the_other_process(webs: tuple[Process, Process]) -> None:
    a, b = webs
    cookie = await sign_in(a, "anna")
    async with browser(a, cookie) as at_a, browser(b, cookie) as at_b:
        plugins = (await at_a.get("/api/v1/plugins")).json()
        (steps,) = [one for one in plugins if one["name"] == "steps"]
        change = {"enabled": False, "version": steps["row_version"]}
        changed = await at_a.patch("/api/v1/plugins/steps", json=change)
        assert changed.status_code < 300, changed.text

        async def gone() -> bool:
            return (await at_b.post(WALK, json={"name": "x"})).status_code == 404

        await eventually(gone, within=60, what="the plugin is off in the other process too")
