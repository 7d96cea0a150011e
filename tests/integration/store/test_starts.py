"""Many processes start at the same moment on one empty database: it is migrated once and all of them start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from medianest_core.store.engine import Database
from medianest_core.store.migrate import CORE_VERSIONS
from tests.databases import POSTGRESQL
from tests.servers import Postgres

SCRIPT = Path(__file__).with_name("starts.py")


def _start_all(url: str, count: int) -> list[str]:
    processes = [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(count)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.close()
        said = []
        for process in processes:
            assert process.stdout is not None
            said.append(process.stdout.read().strip())
            assert process.wait(60) == 0
        return said
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.mark.full
@pytest.mark.parametrize("kind", ["sqlite", POSTGRESQL])
async def test_twenty_starts_migrate_once(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    if kind == POSTGRESQL:
        cluster: Postgres = request.getfixturevalue("postgres")
        url = cluster.make_database("template0")
    else:
        url = f"sqlite+aiosqlite:///{tmp_path / 'test.db'}"
    said = _start_all(url, 20)
    assert sorted(said) == ["found it done"] * 19 + ["migrated"]
    database = Database(url)
    await database.start()
    try:
        async with database.read() as tx:
            assert await tx.scalar(text(f"SELECT count(*) FROM {CORE_VERSIONS}")) == 1
    finally:
        await database.close()
