"""Makes a backup: reads everything at one moment, writes it into a file nobody sees yet, restores that file into a scratch
database, compares every table, and only then gives it its name."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from medianest_core.base.clock import Clock, SystemClock
from medianest_core.base.failpoints import failpoint
from medianest_core.base.logging import get_logger
from medianest_core.base.texts import N_
from medianest_core.store.backup import age
from medianest_core.store.backup.archive import Archive, ArchiveWriter
from medianest_core.store.backup.errors import BackupFailed, CannotRestore, Damaged, WrongPassphrase
from medianest_core.store.backup.files import Found, Places, facts_of, listed, sync_folder, write_durably
from medianest_core.store.backup.manifest import (
    FORMAT,
    README,
    ColumnEntry,
    FileEntry,
    Manifest,
    TableEntry,
    member_of,
)
from medianest_core.store.backup.rows import Digest, encode
from medianest_core.store.backup.scratch import Plugins, fill
from medianest_core.store.backup.shape import TableShape, left_out, owner_of
from medianest_core.store.backup.source import Source, open_source
from medianest_core.store.engine import Database

_log = get_logger(__name__)
_BLOCK = 1 << 18
Progress = Callable[[str, float, float], Awaitable[None]]
"""(stage, done, total): the stages are "reading" and "checking", counted in rows."""
_OPEN = N_(
    "It is not encrypted. It holds the keys of this portal, so whoever can read it can read the passwords and tokens of all services."
)
_MEDIA_WHY = {
    "files/downloads": N_("They are large and are in the media library; they are added on request."),
    "files/images": N_("They are fetched again from the services; they are added on request."),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """passphrase: encrypt with it. with_media: downloads and images too."""

    passphrase: str | None = None
    with_media: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was restored into a scratch database and found equal.

    passed: files left out for their names. absent: plugins with tables in it that are not active here, so that their rows were
    compared with what was read, and not restored.
    """

    path: Path
    size: int
    sha256: str
    manifest: Manifest
    encrypted: bool
    passed: int
    absent: Sequence[str] = ()

    @property
    def warning(self) -> str:
        return "" if self.encrypted else _OPEN


async def _quiet(stage: str, done: float, total: float) -> None:
    pass


async def make(
    db: Database,
    places: Places,
    plugins: Plugins,
    target: Path,
    wanted: Wanted = Wanted(),
    *,
    clock: Clock | None = None,
    progress: Progress = _quiet,
    facts: dict[str, Any] | None = None,
) -> Made:
    """Make the backup `target`. facts: written beside it as JSON, with what is known of the backup.

    Raises BackupFailed, DatabaseAway; nothing is left behind then.
    """
    if target.exists():
        raise BackupFailed(N_("There is already a file {name}.").format(name=target.name))
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        clear_leftovers(target.parent)
        partial = target.with_name(f".{target.name}.part")
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise BackupFailed(
            N_("The backup cannot be written: {reason}.").format(reason=error.strerror)
        ) from error
    try:
        with os.fdopen(descriptor, "w+b") as file:
            # Held as long as we live: whoever clears up sees by it that this is not left over.
            fcntl.flock(file, fcntl.LOCK_EX)
            writing = _Writing(db, places, plugins, wanted, clock or SystemClock(), progress, file)
            made = await writing.run(target)
            if facts is not None:
                beside = {**facts, **described(made)}
                await asyncio.to_thread(
                    write_durably, facts_of(target), json.dumps(beside, indent=1).encode()
                )
            failpoint("backup.before_name")
            partial.rename(target)
            await asyncio.to_thread(sync_folder, target.parent)
            return made
    except BaseException as error:
        partial.unlink(missing_ok=True)
        facts_of(target).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise BackupFailed(
                N_("The backup cannot be written: {reason}.").format(reason=error.strerror or error)
            ) from error
        raise


def described(made: Made) -> dict[str, Any]:
    """What is known of a backup, as JSON."""
    manifest = made.manifest
    return {
        "created_at": manifest.created_at,
        "medianest": manifest.medianest,
        "size": made.size,
        "sha256": made.sha256,
        "encrypted": made.encrypted,
        "schemas": {plugin: list(found) for plugin, found in manifest.schemas.items()},
        "tables": len(manifest.tables),
        "rows": manifest.rows,
        "files": len(manifest.files),
        "left_out": dict(manifest.left_out),
        "absent": list(made.absent),
        "verified_at": SystemClock().now(),
    }


def clear_leftovers(folder: Path) -> None:
    """Remove what backups left behind that were killed."""
    for path in folder.glob(".*.part"):
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
        except OSError:
            # Still being written.
            continue
    for path in folder.glob("*.json"):
        backup = path.with_suffix("")
        if not backup.exists() and not backup.with_name(f".{backup.name}.part").exists():
            path.unlink(missing_ok=True)


class _Writing:
    """One backup."""

    def __init__(
        self,
        db: Database,
        places: Places,
        plugins: Plugins,
        wanted: Wanted,
        clock: Clock,
        progress: Progress,
        file: IO[bytes],
    ) -> None:
        self._db = db
        self._places = places
        self._plugins = plugins
        self._wanted = wanted
        self._clock = clock
        self._progress = progress
        self._file = file

    async def run(self, target: Path) -> Made:
        async with open_source(self._db) as source:
            if not source.schemas.get("") or not source.tables:
                raise BackupFailed(N_("The database is empty: there is nothing to back up."))
            manifest, passed = await self._write(source)
        failpoint("backup.written")
        await asyncio.to_thread(os.fsync, self._file.fileno())
        rows = manifest.rows
        await self._progress("checking", 0, rows)
        try:
            await self._verify(rows)
        except (Damaged, CannotRestore) as error:
            raise BackupFailed(
                N_("The backup did not pass its test: {reason}").format(reason=error)
            ) from error
        size, digest = await asyncio.to_thread(_measure, self._file)
        return Made(
            target,
            size,
            digest,
            manifest,
            self._wanted.passphrase is not None,
            passed,
            self._absent(manifest),
        )

    def _absent(self, manifest: Manifest) -> list[str]:
        return sorted(plugin for plugin in manifest.schemas if plugin and plugin not in self._plugins)

    async def _write(self, source: Source) -> tuple[Manifest, int]:
        below: Any = self._file
        if self._wanted.passphrase is not None:
            below = await asyncio.to_thread(age.Encrypting, self._file, self._wanted.passphrase)
        archive = ArchiveWriter(below)
        try:
            behind = left_out("backup", *(one.metadata for one in self._plugins.values()))
            shapes = [shape for shape in source.tables if shape.name not in behind]
            total = sum([await source.count(shape.name) for shape in shapes])
            tables: dict[str, TableEntry] = {}
            done = 0
            archive.member(README, _readme(self._wanted.passphrase is not None))
            for shape in shapes:
                entry = await self._table(source, shape, archive, done, total)
                tables[shape.name] = entry
                done += entry.rows
            found, passed = await asyncio.to_thread(listed, self._places, with_media=self._wanted.with_media)
            files: dict[str, FileEntry] = {}
            for one in found:
                if (facts := await asyncio.to_thread(_put_file, archive, one)) is not None:
                    files[one.member] = facts
            manifest = Manifest(
                format=FORMAT,
                medianest=version("medianest"),
                created_at=self._clock.now(),
                schemas={plugin: found for plugin, found in source.schemas.items() if found},
                tables=tables,
                sequences={
                    table: last
                    for table, last in source.sequences.items()
                    if table in tables or table in behind
                },
                files=files,
                left_out={
                    **{shape.name: behind[shape.name] for shape in source.tables if shape.name in behind},
                    **({} if self._wanted.with_media else _MEDIA_WHY),
                },
            )
            await asyncio.to_thread(archive.close, manifest)
        except BaseException:
            archive.abandon()
            raise
        if below is not self._file:
            await asyncio.to_thread(below.close)
        await asyncio.to_thread(self._file.flush)
        return manifest, passed

    async def _table(
        self, source: Source, shape: TableShape, archive: ArchiveWriter, done: int, total: int
    ) -> TableEntry:
        digest = Digest()
        archive.begin(member_of(shape.name))

        def put(batch: list[list[Any]]) -> None:
            lines = encode(shape, batch)
            digest.add(lines)
            archive.lines(lines)

        async with contextlib.aclosing(source.batches(shape)) as batches:
            async for batch in batches:
                await asyncio.to_thread(put, batch)
                await self._progress("reading", done + digest.rows, total)
                failpoint("backup.reading")
        await asyncio.to_thread(archive.end)
        return TableEntry(
            plugin=owner_of(shape.name, source.schemas),
            columns=[ColumnEntry(name=column.name, kind=column.kind) for column in shape.columns],
            rows=digest.rows,
            digest=digest.value,
        )

    async def _verify(self, rows: int) -> None:
        done = 0

        def told(more: int) -> None:
            nonlocal done
            done += more

        with tempfile.TemporaryDirectory(prefix="medianest-check-") as folder:
            async with opened(self._file, self._wanted.passphrase, Path(folder)) as archive:
                work = asyncio.ensure_future(
                    fill(
                        Path(folder) / "scratch.db",
                        archive,
                        self._plugins,
                        skip=self._absent(archive.manifest),
                        told=told,
                    )
                )
                try:
                    while not work.done():
                        await asyncio.wait({work}, timeout=0.5)
                        await self._progress("checking", done, rows)
                finally:
                    if not work.done():
                        work.cancel()
                        await asyncio.gather(work, return_exceptions=True)
                work.result()
                await asyncio.to_thread(_read_through, archive, self._absent(archive.manifest))


@contextlib.asynccontextmanager
async def opened(file: IO[bytes], passphrase: str | None, folder: Path) -> AsyncIterator[Archive]:
    """The archive in `file`, decrypted where it is encrypted. folder: on the disk that has room for it, unpacked.

    Raises Damaged, WrongPassphrase, CannotRestore.
    """
    room = shutil.disk_usage(folder).free
    with contextlib.ExitStack() as stack:
        plain = file
        if await asyncio.to_thread(age.is_encrypted, file):
            # Without a name: whatever happens to us, nobody finds it.
            plain = stack.enter_context(tempfile.TemporaryFile(dir=folder))
            if not passphrase:
                raise WrongPassphrase(N_("The archive is encrypted: its passphrase is needed."))
            await asyncio.to_thread(age.decrypt, file, plain, passphrase)
        archive = await asyncio.to_thread(lambda: Archive(plain, room=room))
        stack.callback(archive.close)
        yield archive


def _readme(encrypted: bool) -> bytes:
    lines = [
        "A backup of MediaNest.",
        "",
        "tables/*.jsonl: one row a line; manifest.json says what the columns are.",
        "files/: the portal's keys and files. Restore all of it with `medianest restore FILE`.",
        "",
        "It was encrypted when it was written." if encrypted else _OPEN,
        "",
    ]
    return "\n".join(lines).encode()


def _put_file(archive: ArchiveWriter, found: Found) -> FileEntry | None:
    try:
        file = found.path.open("rb")
    except FileNotFoundError:
        # Removed since it was listed.
        return None
    digest, size = sha256(), 0
    with file:
        archive.begin(found.member, packed=found.packed)
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
            archive.write(block)
        archive.end()
    return FileEntry(size=size, sha256=digest.hexdigest())


def _read_through(archive: Archive, absent: Sequence[str]) -> None:
    """Check what was not restored: files, and rows of plugins that are not here."""
    for member in archive.manifest.files:
        for _ in archive.file(member):
            pass
    for name, entry in archive.manifest.tables.items():
        if entry.plugin in absent:
            for _ in archive.rows(name):
                pass


def _measure(file: IO[bytes]) -> tuple[int, str]:
    file.seek(0)
    digest, size = sha256(), 0
    while block := file.read(_BLOCK):
        digest.update(block)
        size += len(block)
    return size, digest.hexdigest()
