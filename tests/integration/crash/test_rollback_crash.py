"""A rollback that is killed: never a half title, never a lost lock, and begun again it ends where it would have ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from medianest_core.base.clock import SystemClock
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.library.past.locking import Locking
from medianest_core.sdk.media import MediaRecord
from medianest_core.store.engine import Database
from medianest_core.store.repos.events import EventRepo
from tests.databases import migrated
from tests.fakes.media import movie
from tests.integration.library.rollbacks import Shelves, State

pytestmark = pytest.mark.full
TITLES = 450
"""More than two batches."""


async def opened(folder: Path) -> tuple[Database, Shelves]:
    db = Database(f"sqlite+aiosqlite:///{folder / 'medianest.db'}")
    await db.start()
    await migrated(db)
    return db, Shelves(db)


async def states(folder: Path) -> State:
    db, shelves = await opened(folder)
    found = await shelves.state()
    await db.close()
    return found


def command(folder: Path, *arguments: str, point: str = "") -> int:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MEDIANEST_")}
    if point:
        environment["MEDIANEST_FAILPOINTS"] = point
    line = [sys.executable, "-m", "medianest_core.cli", "sync", "rollback", *arguments]
    done = subprocess.run(
        [*line, "--data-dir", str(folder)], env=environment, capture_output=True, timeout=120, check=False
    )
    return done.returncode


def said(mark: str) -> dict[str, list[MediaRecord]]:
    return {
        "a": [
            movie(str(n), f"Film {n}", fields={"summary": f"{mark} {n}", "tagline": f"{mark} line {n}"})
            for n in range(TITLES)
        ]
    }


async def test_a_killed_rollback_goes_on_where_it_was(tmp_path: Path) -> None:
    db, shelves = await opened(tmp_path)
    await shelves.run(said("good"))
    before = await shelves.state()
    run = await shelves.run(said("bad"))
    after = await shelves.state()
    locked = min(after)
    await Locking(db, EventBus(EventRepo(db)), SystemClock()).lock(locked, ("summary",), None)
    after[locked] = (await shelves.state())[locked]
    await db.close()

    assert command(tmp_path, str(run), point="library.rollback.batch=kill") == -signal.SIGKILL
    halfway = await states(tmp_path)
    moved = [title for title in before if halfway[title] == before[title]]
    assert 0 < len(moved) < TITLES, "some batches are done, and others are not"
    rest = [title for title in before if halfway[title] != before[title] and title != locked]
    assert all(halfway[title] == after[title] for title in rest), "no title is half rolled back"
    assert halfway[locked][3]["summary"].startswith("bad"), "the lock stands"

    assert command(tmp_path, "--title", str(rest[0]), str(run), point="library.rollback.title=kill") == (
        -signal.SIGKILL
    )
    assert await states(tmp_path) == halfway, "what was not committed was not written"

    assert command(tmp_path, str(run)) == 0
    done = await states(tmp_path)
    assert done[locked][3]["summary"].startswith("bad") and done[locked][3]["tagline"].startswith("good")
    assert {title: one for title, one in done.items() if title != locked} == {
        title: one for title, one in before.items() if title != locked
    }
