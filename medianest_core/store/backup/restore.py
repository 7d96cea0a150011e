"""The way back: an archive is restored into a scratch database, brought up to date there, and put in place in one step.

Files cannot be part of a database's transaction. They are laid out beside their places first, with a note (`restore.json`); the
restore counts from the moment the database is replaced, which shows by an audit row; whoever opens the portal's keys next
finishes or forgets what the note says.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from medianest_core.base.clock import Clock, SystemClock
from medianest_core.base.failpoints import failpoint
from medianest_core.base.ids import new_id
from medianest_core.base.logging import get_logger
from medianest_core.base.texts import N_
from medianest_core.store.backup import RESTORED
from medianest_core.store.backup.archive import Archive
from medianest_core.store.backup.difference import TableDifference, differences
from medianest_core.store.backup.errors import CannotRestore
from medianest_core.store.backup.files import LOCK, Places, sync_folder, write_durably
from medianest_core.store.backup.make import opened
from medianest_core.store.backup.manifest import DOWNLOADS, IMAGES, KEYS, PLUGIN_FILES, Manifest
from medianest_core.store.backup.put import replace_database
from medianest_core.store.backup.scratch import Plugins, Told, fill, upgrade
from medianest_core.store.backup.shape import left_out
from medianest_core.store.backup.source import open_source, open_sqlite
from medianest_core.store.engine import Database
from medianest_core.store.tables.system import audit

_log = get_logger(__name__)
NOTE = "restore.json"
_STAGED, _TRIAL = ".restore-", ".trial-"
_OLD = 86_400.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """An archive that fits here, restored to `scratch` and brought to the newest revisions.

    without: tables whose rows stay behind. skipped: plugins whose tables are left out.
    """

    archive: Archive
    scratch: Path
    folder: Path
    plugins: Plugins
    without: Collection[str]
    skipped: Collection[str]

    @property
    def manifest(self) -> Manifest:
        return self.archive.manifest


@contextlib.asynccontextmanager
async def prepared(
    file: Path,
    places: Places,
    plugins: Plugins,
    *,
    passphrase: str | None = None,
    skip_missing: bool = False,
    told: Told = lambda _: None,
) -> AsyncIterator[Prepared]:
    """Open and try an archive; nothing of the portal is touched. skip_missing: leave out tables of plugins that are not here.

    Raises Damaged, WrongPassphrase, CannotRestore.
    """
    places.data.mkdir(parents=True, exist_ok=True)
    try:
        reading = file.open("rb")
    except OSError as error:
        raise CannotRestore(
            N_("The file {name} cannot be read: {reason}.").format(name=file.name, reason=error.strerror)
        ) from error
    with reading, tempfile.TemporaryDirectory(prefix=_TRIAL, dir=places.data) as name:
        folder = Path(name)
        async with opened(reading, passphrase, folder) as archive:
            absent = [plugin for plugin in archive.manifest.schemas if plugin and plugin not in plugins]
            skipped = absent if skip_missing else []
            scratch = folder / "scratch.db"
            await fill(scratch, archive, plugins, skip=skipped, told=told)
            kept = {name: at for name, at in archive.manifest.schemas.items() if name not in skipped}
            await upgrade(scratch, plugins, kept)
            without = left_out("backup", *(one.metadata for one in plugins.values()))
            yield Prepared(archive, scratch, folder, plugins, without, skipped)


async def changes(db: Database, ready: Prepared) -> list[TableDifference]:
    """What `apply` would change in the database. Raises DatabaseAway, BackupFailed where there is none."""
    async with open_source(db) as here, open_sqlite(ready.scratch) as there:
        return await differences(here, there, ready.without)


async def apply(
    db: Database,
    places: Places,
    ready: Prepared,
    *,
    actor: str | None = None,
    clock: Clock | None = None,
    told: Told = lambda _: None,
) -> str:
    """Put it in place; returns the id of this restore, which is the target of its audit row.

    db: started, its tables at the newest revisions. The caller holds `alone` and has seen to it that nobody else uses the database.
    Raises CannotRestore, Damaged, DatabaseAway; nothing has changed then.
    """
    identifier = new_id()
    await asyncio.to_thread(_settle, ready, identifier, actor, (clock or SystemClock()).now())
    await asyncio.to_thread(_stage, places, ready, identifier)
    failpoint("restore.staged")
    try:
        await replace_database(ready.scratch, db, told)
    except BaseException:
        if not await _happened(db, identifier):
            await asyncio.to_thread(_forget, places)
        raise
    failpoint("restore.committed")
    await asyncio.to_thread(_place, places)
    await asyncio.to_thread(_media, places, ready.archive)
    _log.warning("a backup was restored", restore=identifier, made_at=ready.manifest.created_at)
    return identifier


def _settle(ready: Prepared, identifier: str, actor: str | None, now: float) -> None:
    """What must not be as it was: jobs that ran then do not run now."""
    with contextlib.closing(sqlite3.connect(ready.scratch, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        # As a worker hands them back: without being charged for it.
        connection.execute(
            "UPDATE jobs SET state = 'queued', attempt = max(attempt - 1, 0), fence = fence + 1, worker = NULL,"
            " lease_until = NULL, due_at = ?, send_at = ?, handled_at = NULL,"
            " unique_key = CASE WHEN unique_text IS NOT NULL AND NOT EXISTS"
            " (SELECT 1 FROM jobs AS other WHERE other.unique_key = jobs.unique_text)"
            " THEN unique_text END WHERE state = 'leased'",
            (now, now),
        )
        # The one that made this archive is among them, and would make another one.
        connection.execute(
            "UPDATE jobs SET state = 'cancelled', unique_key = NULL, finished_at = ?"
            " WHERE state = 'queued' AND name LIKE 'backups.%'",
            (now,),
        )
        manifest = ready.manifest
        details = {"created_at": manifest.created_at, "medianest": manifest.medianest, "rows": manifest.rows}
        connection.execute(
            "INSERT INTO audit (at, actor, action, target, details, correlation_id) VALUES (?, ?, ?, ?, ?, '')",
            (now, actor, RESTORED, identifier, json.dumps(details)),
        )
        connection.execute("COMMIT")


def _stage(places: Places, ready: Prepared, identifier: str) -> None:
    """Lay out the files, durably, then the note."""
    folder = places.data / f"{_STAGED}{identifier}"
    folder.mkdir(mode=0o700)
    (folder / "plugins").mkdir()
    for member in ready.manifest.files:
        if member == KEYS:
            _unpack(ready.archive, member, folder / "keys.json")
        elif member.startswith(PLUGIN_FILES):
            _unpack(ready.archive, member, folder / "plugins" / member[len(PLUGIN_FILES) :])
    write_durably(places.data / NOTE, json.dumps({"id": identifier}).encode())


def _unpack(archive: Archive, member: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        for block in archive.file(member):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())


def _place(places: Places) -> None:
    """Put staged files where they belong. May be done again after a crash at any point."""
    note = places.data / NOTE
    folder = _staged(places)
    if folder is not None:
        keys, plugins = folder / "keys.json", folder / "plugins"
        if keys.exists():
            keys.replace(places.keys)
        failpoint("restore.keys_placed")
        if plugins.exists():
            if places.plugins.exists():
                _keep_code(places.plugins, plugins)
                places.plugins.replace(folder / f"plugins-before-{new_id()}")
            plugins.replace(places.plugins)
        sync_folder(places.data)
    note.unlink(missing_ok=True)
    sync_folder(places.data)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def _keep_code(present: Path, staged: Path) -> None:
    """Plugins of one file are code that is installed here, which no archive holds: like other plugins they stay as they are."""
    for path in present.glob("*.py"):
        if path.is_symlink():
            (staged / path.name).unlink(missing_ok=True)
            (staged / path.name).symlink_to(path.readlink())
        elif path.is_file():
            shutil.copy2(path, staged / path.name)


def _forget(places: Places) -> None:
    folder = _staged(places)
    (places.data / NOTE).unlink(missing_ok=True)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def _staged(places: Places) -> Path | None:
    identifier = _noted(places)
    folder = places.data / f"{_STAGED}{identifier}" if identifier else None
    return folder if folder is not None and folder.is_dir() else None


def _noted(places: Places) -> str | None:
    try:
        note: Any = json.loads((places.data / NOTE).read_bytes())
        return str(note["id"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _media(places: Places, archive: Archive) -> None:
    """Downloads and images that are missing here; what is here stays as it is."""
    for prefix, root in ((DOWNLOADS, places.downloads), (IMAGES, places.images)):
        for member in archive.manifest.files:
            if not member.startswith(prefix):
                continue
            path = root / member[len(prefix) :]
            if path.exists():
                continue
            partial = path.with_name(f".{path.name[:200]}.part")
            partial.unlink(missing_ok=True)
            try:
                _unpack(archive, member, partial)
                partial.rename(path)
            except OSError as error:
                _log.warning("a file could not be restored", file=member, error=str(error))


async def _happened(db: Database, identifier: str) -> bool:
    try:
        async with db.read() as tx:
            found = await tx.scalar(
                select(audit.c.id).where(audit.c.action == RESTORED, audit.c.target == identifier)
            )
    except Exception as error:
        # Not known: the note stays, and the next start finds out.
        _log.warning("whether the restore happened is not known yet", error=str(error))
        return True
    return found is not None


@contextlib.contextmanager
def alone(data: Path) -> Iterator[None]:
    """Held while restoring. Raises CannotRestore where somebody else does."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / LOCK).open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotRestore(N_("A restore is under way. Wait until it is done.")) from error
        yield


async def recover(db: Database, data: Path) -> None:
    """Finish or forget a restore that was interrupted; call before the keys are read. Raises CannotRestore while one runs."""
    places = Places(data, data)
    if not (data / LOCK).exists():
        return
    with alone(data):
        identifier = _noted(places)
        if identifier is not None:
            if await _happened(db, identifier):
                await asyncio.to_thread(_place, places)
                _log.warning("an interrupted restore was finished", restore=identifier)
            else:
                await asyncio.to_thread(_forget, places)
                _log.warning("an interrupted restore had changed nothing and was forgotten")
        # A trial may be under way beside us, but not for a day.
        old = [left for left in data.glob(f"{_TRIAL}*") if left.stat().st_mtime < time.time() - _OLD]
        for left in (*data.glob(f"{_STAGED}*"), *old):
            await asyncio.to_thread(shutil.rmtree, left, ignore_errors=True)
