"""kill -9 at any point of a backup, a restore or a copy: no half file under a final name, and the old state or the new one."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from medianest_core.store.backup.shape import left_out
from medianest_core.store.engine import Database
from medianest_core.store.repos.keys import open_keys
from tests.databases import POSTGRESQL, VARIABLE
from tests.integration.store.test_backup_commands import STAYS, ask, url_of, with_db
from tests.integration.store.test_backup_commands import data as data
from tests.unit.store.backup.seeding import dump, empty, seed

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]


def killed(*arguments: str, at: str = "", after: float = 0.0) -> bool:
    """Run a command that dies at a failpoint, or after so many seconds. → whether it died."""
    environment = {**os.environ, **({"MEDIANEST_FAILPOINTS": f"{at}=kill"} if at else {})}
    command = [sys.executable, "-m", "medianest_core.cli", *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
    ) as process:
        try:
            output, _ = process.communicate(timeout=after or 100)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
    if process.returncode == -signal.SIGKILL:
        return True
    assert process.returncode == 0, output.decode()
    return False


State = tuple[dict[str, list[bytes]], str, list[str]]


def state_of(folder: Path) -> State:
    """What people would find: rows, keys, files of plugins."""
    # Opens the keys as the portal's start does, which finishes or forgets what was begun.
    with_db(url_of(folder), lambda db: open_keys(folder / "keys.json", db))
    files = sorted(
        f"{path.relative_to(folder)}:{path.read_text()}"
        for path in (folder / "plugins").rglob("*")
        if path.is_file()
    )
    assert not (folder / "restore.json").exists()
    assert not list(folder.glob(".restore-*"))
    return with_db(url_of(folder), lambda db: dump(db, *STAYS)), (folder / "keys.json").read_text(), files


KEYS = '{"keys": {"k1": "%s"}, "current": "k1", "signing": "%s"}'
ONE, TWO = ("A" * 43 + "=", "B" * 43 + "=")


def _other_state(folder: Path) -> State:
    """Change what there is, everywhere; returns what there is then."""

    async def other(db: Database) -> None:
        await empty(db)
        await seed(db, number=99)
        async with db.begin() as tx:
            await tx.execute(text("DELETE FROM plugin_states"))

    with_db(url_of(folder), other)
    (folder / "keys.json").write_text(KEYS % (TWO, TWO))
    (folder / "plugins" / "toy" / "deep" / "notes.txt").write_text("something else")
    return state_of(folder)


def _two_states(folder: Path) -> tuple[Path, State, State]:
    """A backup of the one state, while the other is there: (file, state in the backup, state now)."""
    (folder / "keys.json").write_text(KEYS % (ONE, ONE))
    there = state_of(folder)
    file = Path(json.loads(ask("backup", "--json", "--data-dir", str(folder)))["file"])
    return file, there, _other_state(folder)


def test_a_killed_backup_leaves_no_half_file(data: Path) -> None:
    folder = data / "backups"
    for at in ("backup.reading", "backup.written", "backup.before_name"):
        assert killed("backup", "--data-dir", str(data), at=at)
        assert [
            path.name
            for path in folder.iterdir()
            if path.name.startswith("medianest") and path.suffix == ".zip"
        ] == [], at
    made = json.loads(ask("backup", "--json", "--data-dir", str(data)))
    name = Path(made["file"]).name
    assert sorted(path.name for path in folder.iterdir()) == [name, f"{name}.json"]


OLD, NEW = ("restore.staged", "restore.before_commit"), ("restore.committed", "restore.keys_placed")
"""Where a restore is killed: before it counts, and after."""


def test_a_killed_restore_is_done_or_not(data: Path) -> None:
    file, there, now = _two_states(data)
    assert there != now
    for at in OLD:
        assert killed("restore", str(file), "--yes", "--data-dir", str(data), at=at)
        assert state_of(data) == now, at
    for at in NEW:
        _other_state(data)
        assert killed("restore", str(file), "--yes", "--data-dir", str(data), at=at)
        assert state_of(data) == there, at
    ask("restore", str(file), "--yes", "--data-dir", str(data))
    assert state_of(data) == there


def test_a_restore_killed_at_any_moment_is_done_or_not(data: Path, backend: str) -> None:
    file, there, now = _two_states(data)
    began = time.monotonic()
    ask("restore", str(file), "--yes", "--data-dir", str(data))
    took = time.monotonic() - began
    assert state_of(data) == there
    pick = random.Random(backend)
    kills = 0
    for _ in range(15):
        before = _other_state(data)
        moment = took * pick.uniform(0.4, 1.0)
        if killed("restore", str(file), "--yes", "--data-dir", str(data), after=moment):
            kills += 1
        else:
            # The machine is less busy than it was when the first one was timed.
            took *= 0.8
        assert state_of(data) in (before, there)
        if kills == 4:
            break
    assert kills
    assert now != there


def test_a_killed_copy_leaves_the_target_empty(
    data: Path, backend: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if backend == POSTGRESQL:
        to = f"sqlite+aiosqlite:///{tmp_path / 'moved.db'}"
    else:
        to = request.getfixturevalue("postgres_url")
    stays = tuple(left_out("copy"))
    before = with_db(url_of(data), lambda db: dump(db, *stays))
    assert killed("db", "copy", "--to", to, "--data-dir", str(data), at="copy.before_commit")
    assert not any(with_db(to, dump).values())
    ask("db", "copy", "--to", to, "--data-dir", str(data))
    assert with_db(to, lambda db: dump(db, *stays)) == before
    assert os.environ.get(VARIABLE, "") != to
