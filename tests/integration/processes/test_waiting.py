"""`medianest serve`, `worker` and the commands beside a PostgreSQL and a Redis that are not there yet."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from medianest_core.cli import store
from medianest_core.cli.app import app
from tests.integration.processes.cluster import PYTHON, Cluster, Process, eventually
from tests.servers import Postgres, free_port

AWAY = "waiting for the database"


@contextlib.contextmanager
def running(portal: Cluster, *arguments: str) -> Iterator[Process]:
    """A command that is not waited for."""
    log, out = portal.folder / f"{arguments[0]}.log", portal.folder / f"{arguments[0]}.out"
    with log.open("w") as errors, out.open("w") as said:
        process = subprocess.Popen(
            [*PYTHON, *arguments, "--data-dir", str(portal.data_dir)],
            stdout=said,
            stderr=errors,
            text=True,
            env=portal.environment,
            cwd=portal.folder,
        )
    try:
        yield Process(process, log)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def told(process: Process) -> str:
    """All it has said."""
    return "".join(
        path.read_text(encoding="utf-8") for path in (process.log, process.log.with_suffix(".out"))
    )


@pytest.mark.full
@pytest.mark.timeout(240)
async def test_web_and_worker_wait_for_their_database_and_end_at_a_signal(
    tmp_path: Path, own_postgres: Postgres
) -> None:
    port = free_port()
    # Redis never comes: that is only told.
    portal = Cluster(
        tmp_path, own_postgres.make_database(), f"redis://127.0.0.1:{free_port()}/0", plugin=False
    )
    own_postgres.stop()
    serve = ("serve", "--safe-mode", "--port", str(port))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        with running(portal, *serve) as web, running(portal, "worker", "--safe-mode") as worker:
            await eventually(lambda: AWAY in told(web) and AWAY in told(worker), within=60)
            assert f"127.0.0.1:{own_postgres.port}" in told(web)
            assert (await client.get("/healthz")).status_code == 200
            ready = await client.get("/readyz")
            assert (ready.status_code, ready.json()["missing"]) == (503, ["database"])
            page = await client.get("/library", headers={"accept-language": "de"})
            assert page.status_code == 503 and "wartet auf seine Datenbank" in page.text
            assert page.headers["retry-after"] and page.headers["refresh"].endswith("url=/")
            api = await client.get("/api/v1/me")
            assert (api.status_code, api.json()["code"]) == (503, "database_away")
            assert "MediaNest is at" not in told(web)
            for one in (web, worker):
                assert one.end(signal.SIGTERM) == 0, told(one)
                assert "Traceback" not in told(one)
        with running(portal, *serve) as web, running(portal, "worker", "--safe-mode") as worker:
            await eventually(lambda: AWAY in told(web) and AWAY in told(worker), within=60)
            own_postgres.start()
            await eventually(lambda: "Set it up here" in told(web), within=60, what="the portal starts")
            await eventually(lambda: "runs jobs of all" in told(worker), within=60, what="the worker starts")
            ready = await client.get("/readyz")
            assert (ready.status_code, ready.json()["degraded"]) == (200, ["redis"])
            for one in (web, worker):
                assert one.end(signal.SIGTERM) == 0, told(one)
                assert "Traceback" not in told(one)


@pytest.fixture
def nothing_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a database that is away, set for commands."""
    place = f"127.0.0.1:{free_port()}/medianest"
    monkeypatch.setenv("MEDIANEST_DATABASE_URL", f"postgresql://me:very-secret@{place}")
    monkeypatch.setenv("MEDIANEST_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(store, "PATIENCE", 0.0)
    return place


@pytest.mark.parametrize(
    "command", [["users", "list"], ["jobs", "list"], ["keys", "rotate"], ["backup"]], ids=" ".join
)
def test_a_command_says_where_it_looked_in_vain(nothing_there: str, command: list[str]) -> None:
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 1
    assert f"Waiting for the database at {nothing_there}" in done.stderr
    assert f"The database at {nothing_there} does not answer" in done.stderr
    assert "very-secret" not in done.output


def test_installed_plugins_are_shown_all_the_same(nothing_there: str) -> None:
    done = CliRunner().invoke(app, ["plugins", "list", "--json"])
    assert done.exit_code == 0
    assert {"links", "local"} <= {one["name"] for one in json.loads(done.stdout)}
    assert nothing_there in done.stderr


@pytest.mark.full
async def test_a_command_waits_a_moment_for_a_database_that_starts(
    tmp_path: Path, own_postgres: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    url = own_postgres.make_database()
    own_postgres.stop()

    async def ask() -> None:
        async with store.database(url, 60) as db:
            await db.ping()

    asking = asyncio.create_task(ask())
    while "Waiting for the database" not in capsys.readouterr().err:
        await asyncio.sleep(0.02)
    await asyncio.to_thread(own_postgres.start)
    await asking
