"""Pictures of titles through our own address: fetched from the source once, made fit, kept on disk below a size limit.

Image ids are minted from what a sync stored and name a title, an asset and a version; there is no way to ask for anything else.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from medianest_core.base.logging import get_logger
from medianest_core.domain.library.columns import image_version
from medianest_core.domain.library.document import parse
from medianest_core.domain.library.pictures import Format, bucket, fit, format_for
from medianest_core.host.instances import Instances
from medianest_core.sdk.errors import NotFound
from medianest_core.sdk.media import MediaSource
from medianest_core.store.engine import Database
from medianest_core.store.tables.library import collections, title_docs

_log = get_logger(__name__)
_TITLE_IMAGE = re.compile(r"(\d{1,12})-([a-z_]{1,20})(\d{0,3})-([0-9a-f]{12})")
_COLLECTION_IMAGE = re.compile(r"collection-([0-9a-f]{12})")
_KNOWN = 20_000
_MISSING_FOR = 300.0
_AT_ONCE = 2
_PRUNE_TO = 0.9
_TALL = frozenset({"poster", "cast"})


@dataclass(frozen=True, slots=True)
class ServedImage:
    """content: the file's bytes. etag: quoted. current False: another version than asked for, not to be kept for long."""

    content: bytes
    media_type: str
    etag: str
    current: bool


@dataclass(frozen=True, slots=True)
class _Origin:
    instance_id: str
    reference: str
    asset: str
    current: bool


def collection_image_id(instance_id: str, reference: str) -> str:
    return f"collection-{image_version(instance_id, reference)}"


class Images:
    """folder: of the cache. capacity: bytes on disk."""

    def __init__(
        self, db: Database, instances: Instances, folder: Path, *, capacity: int = 1024 * 1024 * 1024
    ) -> None:
        self._db = db
        self._instances = instances
        self._folder = folder
        self._capacity = capacity
        self._size: int | None = None
        self._origins: OrderedDict[str, _Origin] = OrderedDict()
        self._running: dict[str, asyncio.Task[bytes]] = {}
        self._missing: dict[str, float] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def serve(self, image_id: str, width: int, accept: str = "") -> ServedImage:
        """The picture at the stored width next to `width`, in the best format that `accept` names.

        Raises NotFound for an id that was never given out; NotReady and other ProviderErrors where the source cannot send it
        now and there is no stored copy; InvalidResponse where it sent no picture.
        """
        origin = await self._origin(image_id)
        wanted, size = format_for(accept), bucket(width)
        name = hashlib.sha256(
            f"{origin.instance_id}\0{origin.reference}\0{size}\0{wanted.extension}".encode()
        ).hexdigest()
        path = self._folder / name[:2] / f"{name}.{wanted.extension}"
        content = await asyncio.to_thread(_read, path)
        if content is None:
            content = await self._made(name, path, origin, size, wanted)
        return ServedImage(content, wanted.media_type, f'"{name[:32]}"', origin.current)

    async def _made(self, name: str, path: Path, origin: _Origin, width: int, wanted: Format) -> bytes:
        """One fetch for all who ask at the same time; it goes on when the first of them leaves."""
        until = self._missing.get(name, 0.0)
        if until > time.monotonic():
            raise NotFound("The service has no such picture.")
        task = self._running.get(name)
        if task is None:
            task = asyncio.create_task(self._make(name, path, origin, width, wanted), name="image")
            self._running[name] = task
            task.add_done_callback(lambda done: self._done(name, done))
        return await asyncio.shield(task)

    def _done(self, name: str, task: asyncio.Task[bytes]) -> None:
        self._running.pop(name, None)
        if not task.cancelled() and isinstance(task.exception(), NotFound):
            if len(self._missing) > _KNOWN:
                self._missing.clear()
            self._missing[name] = time.monotonic() + _MISSING_FOR

    async def _make(self, name: str, path: Path, origin: _Origin, width: int, wanted: Format) -> bytes:
        api = self._instances.get(MediaSource, origin.instance_id).api  # type: ignore[type-abstract]  # a key, not made
        height = width * 3 // 2 if origin.asset in _TALL else width * 9 // 16
        sent = await api.image(origin.reference, width, height)
        async with self._slots:
            content = await asyncio.to_thread(fit, sent.content, width, wanted)
            await asyncio.to_thread(_write, path, content)
        await self._account(len(content))
        return content

    async def _origin(self, image_id: str) -> _Origin:
        if (known := self._origins.get(image_id)) is not None:
            self._origins.move_to_end(image_id)
            return known
        if match := _TITLE_IMAGE.fullmatch(image_id):
            origin = await self._title_image(int(match[1]), match[2], match[3], match[4])
        elif match := _COLLECTION_IMAGE.fullmatch(image_id):
            origin = await self._collection_image(match[1])
        else:
            origin = None
        if origin is None:
            raise NotFound("There is no such picture.")
        if origin.current:
            self._origins[image_id] = origin
            while len(self._origins) > _KNOWN:
                self._origins.popitem(last=False)
        return origin

    async def _title_image(self, title_id: int, asset: str, number: str, version: str) -> _Origin | None:
        async with self._db.read() as tx:
            data = await tx.scalar(select(title_docs.c.doc).where(title_docs.c.id == title_id))
        if data is None:
            return None
        doc = parse(data)
        if number:
            people = doc.values.get("cast") or []
            reference = people[int(number)].get("image") if int(number) < len(people) else None
            instance = doc.source_of("cast")
        else:
            reference = (doc.values.get("assets") or {}).get(asset)
            instance = doc.source_of("assets", asset)
        if not reference or not instance:
            return None
        return _Origin(instance, str(reference), asset, image_version(instance, str(reference)) == version)

    async def _collection_image(self, version: str) -> _Origin | None:
        async with self._db.read() as tx:
            rows = await tx.all(
                select(collections.c.instance_id, collections.c.image).where(collections.c.image.is_not(None))
            )
        for row in rows:
            if image_version(row["instance_id"], row["image"]) == version:
                return _Origin(row["instance_id"], row["image"], "poster", True)
        return None

    async def _account(self, added: int) -> None:
        """Keep the folder below its capacity; the longest unused go first."""
        if self._size is None:
            self._size = await asyncio.to_thread(_prune, self._folder, self._capacity)
            return
        self._size += added
        if self._size > self._capacity:
            self._size = await asyncio.to_thread(_prune, self._folder, int(self._capacity * _PRUNE_TO))

    async def close(self) -> None:
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _read(path: Path) -> bytes | None:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    os.utime(path)
    return content or None


def _write(path: Path, content: bytes) -> None:
    """A full disk costs the stored copy, not the picture."""
    partial = path.with_suffix(f".{os.getpid()}.{time.monotonic_ns()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        _log.warning("a picture could not be stored", reason=error.strerror or str(error))
        partial.unlink(missing_ok=True)


def _prune(folder: Path, capacity: int) -> int:
    """Delete the longest unused files until all together have at most `capacity` bytes; returns what is left."""
    files = []
    for path in folder.glob("??/*"):
        try:
            state = path.stat()
        except FileNotFoundError:
            continue
        files.append((state.st_mtime, state.st_size, path))
    size = sum(one for _, one, _ in files)
    for _, one, path in sorted(files, key=lambda entry: entry[:2]):
        if size <= capacity:
            break
        path.unlink(missing_ok=True)
        size -= one
    return size
