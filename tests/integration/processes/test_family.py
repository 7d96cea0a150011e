"""`medianest serve --processes`: one socket, several processes, looked after."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.integration.processes.cluster import PYTHON, Cluster, browser, cluster, eventually, sign_in, socket

pytestmark = [pytest.mark.timeout(240)]


@pytest.fixture
def portal(tmp_path: Path, postgres_url: str, redis_url: str) -> Iterator[Cluster]:
    with cluster(tmp_path, postgres_url, redis_url) as made:
        yield made


@pytest.mark.full
async def test_a_process_that_dies_is_replaced_and_none_outlives_its_parent(portal: Cluster) -> None:
    web = portal.web("--processes", "2")
    portal.person("anna")
    parent = psutil.Process(web.process.pid)
    await eventually(lambda: len(parent.children()) == 2)
    cookie = await sign_in(web, "anna")
    async with browser(web, cookie) as client:
        for _ in range(4):
            assert (await client.get("/api/v1/me", headers={"Connection": "close"})).status_code == 200
    async with socket(web, cookie) as live:
        assert live.of("hello")
    first = parent.children()[0].pid
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: len(parent.children()) == 2 and first not in [p.pid for p in parent.children()])
    async with browser(web, cookie) as client:
        assert (await client.get("/api/v1/me")).status_code == 200
    children = parent.children()
    web.process.kill()
    await eventually(
        lambda: not [p for p in children if p.is_running() and p.status() != psutil.STATUS_ZOMBIE],
        what="the processes end with the one that looked after them",
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["serve", "--processes", "2"], "SQLite has room for one process"),
        (["serve", "--no-worker"], "With SQLite nobody else can run the jobs"),
        (["worker"], "SQLite has room for one process"),
    ],
)
def test_sqlite_refuses_what_it_cannot_do(tmp_path: Path, arguments: list[str], said: str) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MEDIANEST_")}
    done = subprocess.run(
        [*PYTHON, *arguments, "--data-dir", str(tmp_path / "portal")],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_folder_that_is_none_is_refused_in_one_sentence(tmp_path: Path, command: str) -> None:
    (tmp_path / "portal").touch()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MEDIANEST_")}
    environment["MEDIANEST_DATABASE_URL"] = "postgresql://nobody@127.0.0.1:9/none"
    done = subprocess.run(
        [*PYTHON, command, "--data-dir", str(tmp_path / "portal")],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "is no folder. Name another one" in done.stderr


@pytest.mark.full
async def test_a_second_signal_ends_a_worker_at_once(portal: Cluster) -> None:
    worker = portal.worker("--queues", "default")
    assert "default" in worker.first
    worker.process.send_signal(signal.SIGTERM)
    worker.process.send_signal(signal.SIGINT)
    assert worker.process.wait(60) == 1


@pytest.mark.full
async def test_without_redis_changes_still_reach_the_other_process(tmp_path: Path, postgres_url: str) -> None:
    with cluster(tmp_path, postgres_url, None) as portal:
        a, b = portal.web("--no-worker"), portal.web("--no-worker")
        portal.person("anna")
        portal.worker()
        cookie = await sign_in(a, "anna")
        async with browser(a, cookie) as at_a, browser(b, cookie) as at_b, socket(b, cookie) as live:
            asked = await at_a.post("/api/v1/plugins/steps/walk", json={"name": "one"})
            job_id = asked.json()["job_id"]
            await eventually(
                lambda: [one for one in live.of("job:changed", job_id) if one["state"] == "done"],
                what="a job of one process, run by another, is seen to end in a third",
            )
            assert portal.marks() == ["one"]
            assert (await at_a.post("/api/v1/sign-in/out")).status_code < 300

            async def refused() -> bool:
                return (await at_b.get("/api/v1/me")).status_code == 401

            await eventually(refused, within=60)
            await eventually(live.ended.is_set, within=60)
