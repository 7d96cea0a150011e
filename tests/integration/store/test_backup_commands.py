"""`medianest backup`, `restore` and `db copy`, as a person types them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import insert, text

from medianest_core.store.backup.shape import left_out
from medianest_core.store.engine import Database
from medianest_core.store.migrate import upgrade
from medianest_core.store.tables.plugins import plugin_states
from tests.databases import POSTGRESQL, VARIABLE
from tests.unit.store.backup.conftest import places_in
from tests.unit.store.backup.seeding import dump, empty, seed

pytestmark = pytest.mark.full
T = TypeVar("T")
STAYS = (*left_out("backup"), "audit", "jobs")


def ask(*arguments: str, code: int = 0, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "medianest_core.cli", *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **(env or {})},
        timeout=100,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


def with_db(url: str, work: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
    async def all_of_it() -> T:
        db = Database(url)
        await db.start()
        try:
            return await work(db)
        finally:
            await db.close()

    return asyncio.run(all_of_it())


async def _seeded(db: Database) -> None:
    await upgrade(db)
    await seed(db)
    async with db.begin() as tx:
        # The seed's processes have names that none has.
        await tx.execute(text("DELETE FROM plugin_states"))


@pytest.fixture
def data(tmp_path: Path, backend: str) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    places_in(folder)
    url = os.environ.get(VARIABLE) or f"sqlite+aiosqlite:///{folder / 'medianest.db'}"
    with_db(url, _seeded)
    return folder


def url_of(data: Path) -> str:
    return os.environ.get(VARIABLE) or f"sqlite+aiosqlite:///{data / 'medianest.db'}"


def test_backup_and_restore_by_hand(data: Path) -> None:
    before = with_db(url_of(data), lambda db: dump(db, *STAYS))
    told = json.loads(ask("backup", "--json", "--data-dir", str(data)))
    file = Path(told["file"])
    assert file.parent == data / "backups"
    assert told["size"] == file.stat().st_size
    assert "not encrypted" in told["warning"]
    with_db(url_of(data), empty)
    dry = ask("restore", str(file), "--dry-run", "--data-dir", str(data))
    assert "Nothing was changed." in dry
    assert [line.split() for line in dry.splitlines() if line.startswith("titles ")] == [
        ["titles", "0", "12", "0", "12", "0"]
    ]
    (data / "keys.json").unlink()
    done = json.loads(ask("restore", str(file), "--yes", "--json", "--data-dir", str(data)))
    assert done["safety"] is None
    assert with_db(url_of(data), lambda db: dump(db, *STAYS)) == before
    assert "of this portal" in (data / "keys.json").read_text()
    again = json.loads(ask("restore", str(file), "--yes", "--json", "--data-dir", str(data)))
    assert Path(again["safety"]).name.split("-")[2] == "safety"
    assert {one["table"] for one in again["changes"]} <= {"audit", "jobs"}


def test_the_passphrase_comes_from_a_file(data: Path, tmp_path: Path) -> None:
    secret = tmp_path / "passphrase"
    secret.write_text("correct horse\n")
    env = {"MEDIANEST_BACKUP_PASSPHRASE_FILE": str(secret)}
    target = tmp_path / "elsewhere.age"
    ask("backup", "--encrypt", "--to", str(target), "--data-dir", str(data), env=env)
    assert target.read_bytes().startswith(b"age-encryption.org/v1\n")
    assert list(tmp_path.glob("elsewhere*")) == [target]
    refused = ask("restore", str(target), "--dry-run", "--data-dir", str(data), code=2)
    assert "MEDIANEST_BACKUP_PASSPHRASE" in refused
    env = {"MEDIANEST_BACKUP_PASSPHRASE": "wrong"}
    assert "does not open" in ask(
        "restore", str(target), "--dry-run", "--data-dir", str(data), code=1, env=env
    )


def test_a_running_portal_is_not_restored_over(data: Path) -> None:
    file = json.loads(ask("backup", "--json", "--data-dir", str(data)))["file"]

    async def pretend(db: Database) -> dict[str, list[bytes]]:
        async with db.begin() as tx:
            await tx.execute(
                insert(plugin_states).values(
                    process="elsewhere:12:abcd", plugin="local", state="active", since_at=1.0, seen_at=9e9
                )
            )
        return await dump(db)

    before = with_db(url_of(data), pretend)
    refused = ask("restore", file, "--yes", "--data-dir", str(data), code=1)
    assert "elsewhere:12" in refused
    assert "Stop it first" in refused
    refused = ask(
        "db", "copy", "--to", f"sqlite+aiosqlite:///{data / 'x.db'}", "--data-dir", str(data), code=1
    )
    assert "elsewhere:12" in refused
    assert with_db(url_of(data), dump) == before


def test_a_damaged_file_is_refused_in_plain_words(data: Path, tmp_path: Path) -> None:
    file = Path(json.loads(ask("backup", "--json", "--data-dir", str(data)))["file"])
    before = with_db(url_of(data), dump)
    cut = tmp_path / "cut.zip"
    cut.write_bytes(file.read_bytes()[:-1])
    for wrong in (cut, tmp_path / "none.zip", tmp_path):
        said = ask("restore", str(wrong), "--yes", "--data-dir", str(data), code=1)
        assert said.count("\n") == 1
        assert "Traceback" not in said
    assert with_db(url_of(data), dump) == before


def test_everything_moves_to_the_other_database_and_back(
    data: Path, backend: str, request: Any, tmp_path: Path
) -> None:
    """SQLite → PostgreSQL → SQLite in one run of the test, PostgreSQL → SQLite in the other."""
    stays = tuple(left_out("copy"))
    before = with_db(url_of(data), lambda db: dump(db, *stays))
    if backend == POSTGRESQL:
        to = f"sqlite+aiosqlite:///{tmp_path / 'moved.db'}"
    else:
        to = request.getfixturevalue("postgres_url")
    told = json.loads(ask("db", "copy", "--to", to, "--json", "--data-dir", str(data)))
    assert {table: rows for table, rows in told["rows"].items() if rows} == {
        table: len(lines) for table, lines in before.items()
    }
    assert "sessions" in told["rows"]
    assert with_db(to, lambda db: dump(db, *stays)) == before
    refused = ask("db", "copy", "--to", to, "--data-dir", str(data), code=1)
    assert "not empty" in refused

    async def add(db: Database) -> int:
        async with db.begin() as tx:
            await tx.execute(
                text(
                    "INSERT INTO audit (at, action, target, details, correlation_id) VALUES (1, 'a.b', 'new', '{}', '')"
                )
            )
            return int(await tx.scalar(text("SELECT id FROM audit WHERE target = 'new'")))

    assert with_db(to, add) == 13
    if backend != POSTGRESQL:
        back = f"sqlite+aiosqlite:///{tmp_path / 'back.db'}"
        ask("db", "copy", "--to", back, "--data-dir", str(data), env={VARIABLE: to})
        after = with_db(back, lambda db: dump(db, *stays))
        assert {name: after[name] for name in after if name != "audit"} == {
            name: before[name] for name in before if name != "audit"
        }


def test_a_damaged_database_is_put_aside_on_request(data: Path, backend: str) -> None:
    if backend == POSTGRESQL:
        # Its files are its own affair.
        return
    before = with_db(url_of(data), lambda db: dump(db, *STAYS))
    file = json.loads(ask("backup", "--json", "--data-dir", str(data)))["file"]
    database = data / "medianest.db"
    for path in (database, data / "medianest.db-wal"):
        if path.exists():
            path.write_bytes(b"scrambled" * 1000)
    said = ask("restore", file, "--yes", "--data-dir", str(data), code=1)
    assert "--no-safety-copy" in said and "Traceback" not in said
    done = json.loads(ask("restore", file, "--yes", "--no-safety-copy", "--json", "--data-dir", str(data)))
    assert Path(done["safety"]).read_bytes().startswith(b"scrambled")
    assert with_db(url_of(data), lambda db: dump(db, *STAYS)) == before
