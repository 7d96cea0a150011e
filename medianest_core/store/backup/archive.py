"""The archive itself: a ZIP file that any tool opens, sealed by a checksum over all of it in the comment at its end.

Written front to back without going back, so that it can be encrypted on the way. When it is read nothing is believed: size,
names, kinds of members and every byte are checked before anything is used.
"""

from __future__ import annotations

import contextlib
import json
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import IO, Any

from pydantic import ValidationError

from medianest_core.base.texts import N_
from medianest_core.store.backup.errors import CannotRestore, Damaged
from medianest_core.store.backup.manifest import (
    FORMAT,
    MANIFEST,
    README,
    Manifest,
    is_safe,
    member_of,
)
from medianest_core.store.backup.rows import Digest, decode
from medianest_core.store.backup.shape import Column, TableShape

_PREFIX = b"sha256:"
_SEAL = len(_PREFIX) + 64
MOST_MEMBERS = 500_000
MOST_RATIO = 400
"""Uncompressed to compressed; more is an attempt to fill the disk."""
_SMALL = 1 << 24
"""Bytes below which a good ratio harms nobody."""
LONGEST_LINE = 1 << 27
_LARGEST_MANIFEST = 1 << 26
_BLOCK = 1 << 18
_COMPRESSION = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    ValueError,
    NotImplementedError,
    EOFError,
    OSError,
    KeyError,
    RuntimeError,
    OverflowError,
    IndexError,
)
_NOT_WHOLE = N_("The archive is damaged, cut off, or no MediaNest backup.")


class _Sealing:
    """Passes bytes on and keeps the last few back: the checksum of all others takes their place."""

    def __init__(self, below: Any) -> None:
        self._below = below
        self._kept = b""
        self._hash = sha256()

    def write(self, data: Any) -> int:
        whole = self._kept + bytes(data)
        ready, self._kept = whole[:-_SEAL], whole[-_SEAL:]
        self._hash.update(ready)
        self._below.write(ready)
        return len(data)

    def flush(self) -> None:
        """The bytes kept back wait for the end."""

    def seal(self) -> None:
        self._below.write(_PREFIX + self._hash.hexdigest().encode())


class ArchiveWriter:
    """Writes members one after the other into `below`, an object with `write`. Blocking: use it in a thread."""

    def __init__(self, below: Any) -> None:
        self._sealing = _Sealing(below)
        # It cannot go back, which zipfile finds out from there being no `seek`.
        self._zip = zipfile.ZipFile(self._sealing, "w", zipfile.ZIP_DEFLATED, compresslevel=4)  # type: ignore[call-overload]  # see above
        self._member: IO[bytes] | None = None

    def begin(self, name: str, *, packed: bool = True) -> None:
        """Start a member."""
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        info.external_attr = (stat.S_IFREG | 0o600) << 16
        self._member = self._zip.open(info, "w", force_zip64=True)

    def write(self, data: bytes) -> None:
        """Add to the present member."""
        assert self._member is not None
        self._member.write(data)

    def lines(self, lines: Sequence[bytes]) -> None:
        self.write(b"\n".join(lines) + b"\n")

    def end(self) -> None:
        assert self._member is not None
        self._member.close()
        self._member = None

    def member(self, name: str, data: bytes) -> None:
        self.begin(name)
        self.write(data)
        self.end()

    def close(self, manifest: Manifest) -> None:
        """Write the manifest and the seal."""
        self.member(MANIFEST, json.dumps(manifest.model_dump(mode="json"), indent=1, sort_keys=True).encode())
        self._zip.comment = _PREFIX + b"0" * 64
        self._zip.close()
        self._sealing.seal()

    def abandon(self) -> None:
        """Leave it unfinished; nothing more is written."""
        with contextlib.suppress(Exception):
            if self._member is not None:
                self._member.close()
        self._zip.fp = None


class Archive:
    """An archive that was found to be whole. Blocking: use it in a thread."""

    def __init__(self, file: IO[bytes], *, room: int) -> None:
        """file: seekable, not encrypted. room: bytes that unpacking may take. Raises Damaged, CannotRestore."""
        _check_seal(file)
        try:
            self._zip = zipfile.ZipFile(file)
            infos = self._zip.infolist()
        except _ZIP_ERRORS as error:
            raise Damaged(_NOT_WHOLE) from error
        self._infos = _check_members(infos, room)
        self.manifest = self._manifest()
        self._check_contents()

    def _manifest(self) -> Manifest:
        info = self._infos.get(MANIFEST)
        if info is None or info.file_size > _LARGEST_MANIFEST:
            raise Damaged(_NOT_WHOLE)
        try:
            text = b"".join(self.blocks(MANIFEST))
            plain = json.loads(text, object_pairs_hook=_no_twins)
        except (ValueError, RecursionError) as error:
            raise Damaged(_NOT_WHOLE) from error
        if isinstance(plain, dict) and type(plain.get("format")) is int and plain["format"] > FORMAT:
            raise CannotRestore(
                N_("The archive was made by a newer MediaNest ({version}). Update this one first.").format(
                    version=str(plain.get("medianest", "?"))[:60]
                )
            )
        try:
            manifest = Manifest.model_validate_json(text)
        except (ValidationError, RecursionError) as error:
            raise Damaged(_NOT_WHOLE) from error
        if manifest.format != FORMAT:
            raise Damaged(_NOT_WHOLE)
        return manifest

    def _check_contents(self) -> None:
        manifest = self.manifest
        named = {MANIFEST, *(member_of(table) for table in manifest.tables), *manifest.files}
        present = set(self._infos) - {README}
        if named != present:
            raise Damaged(N_("The archive holds other files than it says."))
        for member, entry in manifest.files.items():
            if not is_safe(member) or self._infos[member].file_size != entry.size:
                raise Damaged(N_("The archive holds a file with a forbidden name or a wrong size."))
        for name, table in manifest.tables.items():
            if len({column.name for column in table.columns}) != len(table.columns):
                raise Damaged(_NOT_WHOLE)
            if table.plugin not in manifest.schemas or name in ("sqlite_master", "sqlite_sequence"):
                raise Damaged(_NOT_WHOLE)
        if not set(manifest.sequences) <= set(manifest.tables) | set(manifest.left_out):
            raise Damaged(_NOT_WHOLE)

    def shape(self, table: str) -> TableShape:
        """The columns as the archive has them."""
        entry = self.manifest.tables[table]
        return TableShape(table, tuple(Column(column.name, column.kind) for column in entry.columns))

    def rows(self, table: str, batch: int = 500) -> Iterator[list[list[Any]]]:
        """The rows of a table, as both databases mean them. Raises Damaged, at the end also for a wrong count or digest."""
        shape, entry, digest = self.shape(table), self.manifest.tables[table], Digest()
        for lines in self._lines(member_of(table), batch):
            digest.add(lines)
            if digest.rows > entry.rows:
                break
            yield [decode(shape, line) for line in lines]
        if digest.rows != entry.rows or digest.value != entry.digest:
            raise Damaged(N_("The rows of {table} are not those that were written.").format(table=table))

    def _lines(self, member: str, batch: int) -> Iterator[list[bytes]]:
        rest = b""
        lines: list[bytes] = []
        for block in self.blocks(member):
            *whole, rest = (rest + block).split(b"\n")
            if len(rest) > LONGEST_LINE:
                raise Damaged(_NOT_WHOLE)
            lines += whole
            while len(lines) >= batch:
                yield lines[:batch]
                del lines[:batch]
        if rest:
            raise Damaged(_NOT_WHOLE)
        if lines:
            yield lines

    def blocks(self, member: str) -> Iterator[bytes]:
        """A member's bytes in pieces. Raises Damaged."""
        info = self._infos[member]
        left = info.file_size
        try:
            with self._zip.open(info) as file:
                while block := file.read(_BLOCK):
                    left -= len(block)
                    if left < 0:
                        raise Damaged(_NOT_WHOLE)
                    yield block
        except _ZIP_ERRORS as error:
            raise Damaged(_NOT_WHOLE) from error
        if left:
            raise Damaged(_NOT_WHOLE)

    def file(self, member: str) -> Iterator[bytes]:
        """The bytes of one of `manifest.files`. Raises Damaged, at the end also for a wrong checksum."""
        found = sha256()
        for block in self.blocks(member):
            found.update(block)
            yield block
        if found.hexdigest() != self.manifest.files[member].sha256:
            raise Damaged(_NOT_WHOLE)

    def close(self) -> None:
        self._zip.close()


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name twice")
    return made


def _check_seal(file: IO[bytes]) -> None:
    size = file.seek(0, 2)
    if size <= _SEAL:
        raise Damaged(_NOT_WHOLE)
    file.seek(0)
    found, left = sha256(), size - _SEAL
    while left:
        block = file.read(min(_BLOCK, left))
        if not block:
            raise Damaged(_NOT_WHOLE)
        found.update(block)
        left -= len(block)
    if file.read() != _PREFIX + found.hexdigest().encode():
        raise Damaged(_NOT_WHOLE)


def _check_members(infos: Sequence[zipfile.ZipInfo], room: int) -> dict[str, zipfile.ZipInfo]:
    if len(infos) > MOST_MEMBERS:
        raise Damaged(N_("The archive holds too many files."))
    found: dict[str, zipfile.ZipInfo] = {}
    total = 0
    for info in infos:
        kind = stat.S_IFMT(info.external_attr >> 16)
        if (
            info.orig_filename != info.filename
            or info.filename in found
            or info.is_dir()
            or kind not in (0, stat.S_IFREG)
            or info.compress_type not in _COMPRESSION
            or info.flag_bits & 0x1
        ):
            raise Damaged(N_("The archive holds something that no backup holds."))
        if info.file_size > _SMALL and info.file_size > MOST_RATIO * max(1, info.compress_size):
            raise Damaged(N_("The archive would grow beyond all measure when it is unpacked."))
        found[info.filename] = info
        total += info.file_size
    if total > room:
        raise Damaged(
            N_("The archive needs {needed} MB when it is unpacked; {room} MB are free.").format(
                needed=total >> 20, room=room >> 20
            )
        )
    return found
