"""What comes back is what was there."""

from __future__ import annotations

import asyncio
import contextlib
import json
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, text, update

from medianest_core.base.clock import FakeClock
from medianest_core.store.backup import RESTORED
from medianest_core.store.backup.copy import copy_database
from medianest_core.store.backup.errors import BackupFailed, CannotRestore, WrongPassphrase
from medianest_core.store.backup.files import facts_of
from medianest_core.store.backup.make import Wanted, make
from medianest_core.store.backup.restore import alone, apply, changes, prepared
from medianest_core.store.backup.shape import left_out
from medianest_core.store.engine import Database
from medianest_core.store.migrate import upgrade
from medianest_core.store.repos.audit import record
from medianest_core.store.tables.accounts import sessions, users
from medianest_core.store.tables.ledger import jobs
from medianest_core.store.tables.system import audit
from tests.databases import POSTGRESQL
from tests.unit.store.backup.conftest import Portal
from tests.unit.store.backup.seeding import dump, empty, seed

pytestmark = pytest.mark.full

STAYS = tuple(left_out("backup"))
# What a restore itself changes: its own audit row, and jobs that ran then.
TOUCHED = (*STAYS, "audit", "jobs")


async def test_a_restored_database_holds_the_same_bytes(portal: Portal) -> None:
    before = await dump(portal.db, *STAYS)
    made = await make(portal.db, portal.places, {}, portal.archive)
    assert made.manifest.rows == sum(map(len, before.values())) > 200
    await empty(portal.db)
    await seed(portal.db, number=99)
    assert await dump(portal.db, *TOUCHED) != {name: before[name] for name in before if name not in TOUCHED}
    with alone(portal.places.data):
        async with prepared(portal.archive, portal.places, {}) as ready:
            identifier = await apply(portal.db, portal.places, ready, clock=FakeClock())
    after = await dump(portal.db, *STAYS)
    assert {name: after[name] for name in after if name not in TOUCHED} == {
        name: before[name] for name in before if name not in TOUCHED
    }
    assert set(before["audit"]) < set(after["audit"])
    assert len(after["audit"]) == len(before["audit"]) + 1
    async with portal.db.read() as tx:
        assert await tx.scalar(select(audit.c.target).where(audit.c.action == RESTORED)) == identifier
        assert await tx.scalar(select(func.count()).select_from(sessions)) == 0


async def test_new_rows_get_new_numbers_after_a_restore(portal: Portal) -> None:
    async with portal.db.begin() as tx:
        for _ in range(3):
            await record(tx, actor=None, action="a.b", target="late")
        newest = await tx.scalar(select(func.max(audit.c.id)))
    await make(portal.db, portal.places, {}, portal.archive)
    async with prepared(portal.archive, portal.places, {}) as ready:
        await apply(portal.db, portal.places, ready)
    async with portal.db.begin() as tx:
        await record(tx, actor=None, action="a.b", target="later")
        found = await tx.scalar(select(audit.c.id).where(audit.c.target == "later"))
    assert found > newest


async def test_a_running_job_is_handed_back(portal: Portal) -> None:
    async with portal.db.begin() as tx:
        first = await tx.scalar(select(func.min(jobs.c.id)))
        await tx.execute(
            update(jobs)
            .where(jobs.c.id == first)
            .values(state="leased", attempt=2, fence=5, worker="w", lease_until=9e9)
        )
    await make(portal.db, portal.places, {}, portal.archive)
    clock = FakeClock()
    async with prepared(portal.archive, portal.places, {}) as ready:
        await apply(portal.db, portal.places, ready, clock=clock)
    async with portal.db.read() as tx:
        row = await tx.one(select(jobs).where(jobs.c.id == first))
    assert (row["state"], row["attempt"], row["fence"], row["worker"]) == ("queued", 1, 6, None)
    assert (row["lease_until"], row["send_at"]) == (None, clock.now())


async def test_files_and_keys_come_back(portal: Portal) -> None:
    made = await make(portal.db, portal.places, {}, portal.archive, Wanted(with_media=True))
    assert made.passed == 0
    notes = portal.places.plugins / "toy" / "deep" / "notes.txt"
    film = portal.places.downloads / "film.mkv"
    kept = film.read_bytes()
    portal.places.keys.write_text("other")
    notes.write_text("forgotten")
    (portal.places.plugins / "toy" / "newer.txt").write_text("made later")
    film.unlink()
    (portal.places.downloads / "newer.mkv").write_bytes(b"stays")
    async with prepared(portal.archive, portal.places, {}) as ready:
        await apply(portal.db, portal.places, ready)
    assert json.loads(portal.places.keys.read_text()) == {"keys": "of this portal"}
    assert notes.read_text() == "remember"
    assert not (portal.places.plugins / "toy" / "newer.txt").exists()
    assert film.read_bytes() == kept
    assert (portal.places.downloads / "newer.mkv").read_bytes() == b"stays"
    assert not list(portal.places.data.glob(".restore-*"))


async def test_an_archive_is_a_zip_for_its_owner_only(portal: Portal) -> None:
    made = await make(portal.db, portal.places, {}, portal.archive, facts={"kind": "manual"})
    assert stat.S_IMODE(portal.archive.stat().st_mode) == 0o600
    assert made.size == portal.archive.stat().st_size
    with zipfile.ZipFile(portal.archive) as opened:
        names = opened.namelist()
        assert opened.testzip() is None
        assert b"not encrypted" in opened.read("README.txt")
    assert "tables/users.jsonl" in names
    assert "files/keys.json" in names
    assert not [name for name in names if "downloads/" in name or "sessions" in name]
    assert set(made.manifest.left_out) == {*STAYS, "files/downloads", "files/images"}
    assert json.loads(facts_of(portal.archive).read_text())["sha256"] == made.sha256


async def test_an_encrypted_archive_opens_with_its_passphrase_only(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medianest_core.store.backup.age.WORK", 4)
    before = await dump(portal.db, *TOUCHED)
    made = await make(portal.db, portal.places, {}, portal.archive, Wanted(passphrase="correct horse"))
    assert made.encrypted
    assert b"keys.json" not in portal.archive.read_bytes()
    for wrong in (None, "", "wrong"):
        with pytest.raises(WrongPassphrase):
            async with prepared(portal.archive, portal.places, {}, passphrase=wrong):
                pass
    await empty(portal.db)
    async with prepared(portal.archive, portal.places, {}, passphrase="correct horse") as ready:
        await apply(portal.db, portal.places, ready)
    assert await dump(portal.db, *TOUCHED) == before


async def test_a_dry_run_says_what_would_change_and_changes_nothing(portal: Portal) -> None:
    await make(portal.db, portal.places, {}, portal.archive)
    async with portal.db.begin() as tx:
        first = await tx.scalar(select(func.min(users.c.id)))
        await tx.execute(update(users).where(users.c.id == first).values(display_name="Changed"))
        await tx.execute(insert(users).values(id="zz", username="new", created_at=1.0))
        await tx.execute(text("DELETE FROM titles WHERE id = 3"))
    before = await dump(portal.db)
    async with prepared(portal.archive, portal.places, {}) as ready:
        found = {one.table: one for one in await changes(portal.db, ready)}
    assert (found["users"].removed, found["users"].added, found["users"].changed) == (1, 0, 1)
    assert (found["titles"].removed, found["titles"].added, found["titles"].changed) == (0, 1, 0)
    assert [name for name, one in found.items() if not one.equal] == ["titles", "users"]
    assert not set(STAYS) & set(found)
    assert await dump(portal.db) == before


async def test_it_shows_one_moment_while_others_write(portal: Portal) -> None:
    """Each transaction writes two rows; an archive with one of them is torn."""
    stop = asyncio.Event()
    written = 0

    async def write() -> None:
        nonlocal written
        while not stop.is_set():
            async with portal.db.begin() as tx:
                await record(tx, actor=None, action="pair.first", target=str(written))
                await tx.execute(
                    insert(users).values(id=f"pair-{written}", username=f"pair{written}", created_at=1.0)
                )
            written += 1

    writers = [asyncio.create_task(write())]
    try:
        await make(portal.db, portal.places, {}, portal.archive)
        during = written
    finally:
        stop.set()
        await asyncio.gather(*writers)
    assert during > 5
    with zipfile.ZipFile(portal.archive) as opened:
        first = opened.read("tables/audit.jsonl").count(b'"pair.first"')
        second = opened.read("tables/users.jsonl").count(b'"pair-')
    assert first == second


async def test_from_either_database_the_archive_holds_the_same_rows(
    portal: Portal, tmp_path: Path, backend: str
) -> None:
    """The rows of one database, restored to SQLite, make the same archive there."""
    made = await make(portal.db, portal.places, {}, portal.archive)
    other = Database(f"sqlite+aiosqlite:///{tmp_path / 'other.db'}")
    await other.start()
    try:
        await upgrade(other)
        async with prepared(portal.archive, portal.places, {}) as ready:
            await apply(other, portal.places, ready)
        again = await make(other, portal.places, {}, tmp_path / "again.zip")
    finally:
        await other.close()
    tables = set(made.manifest.tables) - {"audit", "jobs"}
    assert {name: made.manifest.tables[name] for name in tables} == {
        name: again.manifest.tables[name] for name in tables
    }
    assert backend in ("sqlite", POSTGRESQL)


async def test_a_newer_archive_is_refused(portal: Portal) -> None:
    async with portal.db.begin() as tx:
        await tx.execute(text("UPDATE medianest_versions SET version_num = 'from_the_future'"))
    with pytest.raises(BackupFailed, match="newer MediaNest"):
        await make(portal.db, portal.places, {}, portal.archive)
    assert list(portal.places.backups.iterdir()) == []


async def test_an_older_archive_is_brought_up_to_date(
    portal: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from medianest_core.store import migrate
    from medianest_core.store.backup import migrating, scratch

    await make(portal.db, portal.places, {}, portal.archive)
    head = next(iter(migrate.newest([Path(migrating.CORE[0])]) or {""}))
    later = tmp_path / "later"
    later.mkdir()
    (later / "later.py").write_text(
        f"""import sqlalchemy as sa
from alembic import op

revision = "later"
down_revision = "{head}"


def upgrade() -> None:
    op.add_column("users", sa.Column("shoe_size", sa.Integer(), nullable=False, server_default="42"))
"""
    )
    folders = (*migrating.CORE, str(later))
    monkeypatch.setattr(scratch, "CORE", folders)
    await migrate._run(portal.db, migrate.CORE_VERSIONS, [Path(folder) for folder in folders])
    await empty_but_schema(portal.db)
    async with prepared(portal.archive, portal.places, {}) as ready:
        assert ready.manifest.schemas[""] == [head]
        await apply(portal.db, portal.places, ready)
    async with portal.db.read() as tx:
        sizes = list((await tx.execute(text("SELECT shoe_size FROM users"))).scalars())
        at = await tx.scalar(text("SELECT version_num FROM medianest_versions"))
    assert sizes == [42] * 12
    assert at == "later"


async def empty_but_schema(db: Database) -> None:
    async with db.begin() as tx:
        await tx.execute(text("DELETE FROM users"))


async def test_only_one_restore_at_a_time(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(CannotRestore, match="under way"), alone(tmp_path):
        pass
    with contextlib.ExitStack() as stack:
        stack.enter_context(alone(tmp_path))


async def test_a_backup_that_fails_leaves_nothing(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(stage: str, done: float, total: float) -> None:
        if stage == "checking":
            raise OSError(28, "No space left on device")

    with pytest.raises(BackupFailed, match="No space left"):
        await make(portal.db, portal.places, {}, portal.archive, facts={}, progress=full)
    assert list(portal.places.backups.iterdir()) == []


async def test_a_value_that_cannot_travel_is_named(portal: Portal, backend: str) -> None:
    if backend == POSTGRESQL:
        # It has no such values: its types are kept.
        return
    async with portal.db.begin() as tx:
        await tx.execute(text("UPDATE users SET created_at = 'soon' WHERE id = (SELECT min(id) FROM users)"))
    with pytest.raises(BackupFailed, match=r"users .* created_at"):
        await make(portal.db, portal.places, {}, portal.archive)


@pytest.mark.full
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(number=st.integers(0, 10**6), rows=st.integers(1, 8))
async def test_any_rows_come_back(portal: Portal, number: int, rows: int) -> None:
    await empty(portal.db)
    await seed(portal.db, rows=rows, number=number)
    before = await dump(portal.db, *TOUCHED)
    portal.archive.unlink(missing_ok=True)
    await make(portal.db, portal.places, {}, portal.archive)
    await empty(portal.db)
    async with prepared(portal.archive, portal.places, {}) as ready:
        await apply(portal.db, portal.places, ready)
    assert await dump(portal.db, *TOUCHED) == before


async def test_what_postgresql_cannot_hold_is_refused_and_nothing_changes(
    tmp_path: Path, postgres_url: str
) -> None:
    source, target = Database(f"sqlite+aiosqlite:///{tmp_path / 'source.db'}"), Database(postgres_url)
    await source.start()
    await target.start()
    try:
        await upgrade(source)
        async with source.begin() as tx:
            await record(tx, actor=None, action="a.b", target="nul\x00inside")
        with pytest.raises(CannotRestore, match="row of audit"):
            await copy_database(source, target, {})
        assert not await dump(target)
    finally:
        await source.close()
        await target.close()
