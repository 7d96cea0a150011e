"""Pictures made fit for browsers, each fetched once and kept on disk below a size limit.

What a picture is and who may see it is the caller's to know; here it is a key and a way to fetch it.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from medianest_core.base.logging import get_logger
from medianest_core.cache.cached import Facts
from medianest_core.domain.library.pictures.pictures import (
    AVIF,
    JPEG,
    WEBP,
    WIDTHS,
    Format,
    bucket,
    fit,
    format_for,
)
from medianest_core.sdk.errors import NotFound

_log = get_logger(__name__)
_KNOWN = 20_000
_MISSING_FOR = 300.0
_AT_ONCE = 2
_PRUNE_TO = 0.9

Fetch = Callable[[int], Awaitable[bytes]]
"""The picture at about that width in pixels or larger. Raises NotFound and other ProviderErrors."""


@dataclass(frozen=True, slots=True)
class ServedImage:
    """content: the file's bytes. etag: quoted. current False: another version than asked for, not to be kept for long."""

    content: bytes
    media_type: str
    etag: str
    current: bool = True


class ImageStore:
    """folder: of the cache. capacity: bytes on disk."""

    def __init__(self, folder: Path, *, capacity: int = 1024 * 1024 * 1024) -> None:
        self._folder = folder
        self._capacity = capacity
        self._size: int | None = None
        self._hits = self._misses = 0
        self._running: dict[str, asyncio.Task[bytes]] = {}
        self._missing: dict[str, float] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def stored(self, key: str) -> bytes | None:
        """The smallest copy that is kept of a picture, in whichever format."""
        return await asyncio.to_thread(self._smallest, key)

    def _smallest(self, key: str) -> bytes | None:
        for size in WIDTHS:
            for form in (WEBP, JPEG, AVIF):
                if (content := _read(self._path(key, size, form)[1])) is not None:
                    return content
        return None

    def _path(self, key: str, size: int, form: Format) -> tuple[str, Path]:
        name = hashlib.sha256(f"{key}\0{size}\0{form.extension}".encode()).hexdigest()
        return name, self._folder / name[:2] / f"{name}.{form.extension}"

    async def serve(self, key: str, width: int, accept: str, fetch: Fetch) -> ServedImage:
        """The picture at the stored width next to `width`, in the best format that `accept` names.

        key: names the picture and its version. Raises what `fetch` raises where there is no stored copy; InvalidResponse where
        it brought no picture.
        """
        wanted, size = format_for(accept), bucket(width)
        name, path = self._path(key, size, wanted)
        content = await asyncio.to_thread(_read, path)
        if content is not None:
            self._hits += 1
        else:
            self._misses += 1
            content = await self._made(name, path, size, wanted, fetch)
        return ServedImage(content, wanted.media_type, f'"{name[:32]}"')

    async def _made(self, name: str, path: Path, width: int, wanted: Format, fetch: Fetch) -> bytes:
        """One fetch for all who ask at the same time; it goes on when the first of them leaves."""
        until = self._missing.get(name, 0.0)
        if until > time.monotonic():
            raise NotFound("The service has no such picture.")
        task = self._running.get(name)
        if task is None:
            task = asyncio.create_task(self._make(path, width, wanted, fetch), name="image")
            self._running[name] = task
            task.add_done_callback(lambda done: self._done(name, done))
        return await asyncio.shield(task)

    def _done(self, name: str, task: asyncio.Task[bytes]) -> None:
        self._running.pop(name, None)
        if not task.cancelled() and isinstance(task.exception(), NotFound):
            if len(self._missing) > _KNOWN:
                self._missing.clear()
            self._missing[name] = time.monotonic() + _MISSING_FOR

    async def _make(self, path: Path, width: int, wanted: Format, fetch: Fetch) -> bytes:
        sent = await fetch(width)
        async with self._slots:
            content = await asyncio.to_thread(fit, sent, width, wanted)
            await asyncio.to_thread(_write, path, content)
        await self._account(len(content))
        return content

    async def _account(self, added: int) -> None:
        """Keep the folder below its capacity; the longest unused go first."""
        if self._size is None:
            self._size = await asyncio.to_thread(_prune, self._folder, self._capacity)
            return
        self._size += added
        if self._size > self._capacity:
            self._size = await asyncio.to_thread(_prune, self._folder, int(self._capacity * _PRUNE_TO))

    async def facts(self) -> Facts:
        """Files are counted where they are, so by all processes together; hits and misses in this one."""
        entries, size, oldest = await asyncio.to_thread(_count, self._folder)
        return Facts(
            "images",
            entries,
            size,
            hits=self._hits,
            misses=self._misses,
            capacity=self._capacity,
            oldest_at=oldest,
        )

    async def clear(self) -> None:
        """Delete all files; pictures are fetched again when they are next looked at."""
        self._missing.clear()
        self._size = await asyncio.to_thread(_prune, self._folder, 0)

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


def _count(folder: Path) -> tuple[int, int, float | None]:
    """Files, their bytes, and when the longest unused one was last used (epoch seconds)."""
    entries, size, oldest = 0, 0, None
    for path in folder.glob("??/*"):
        try:
            state = path.stat()
        except FileNotFoundError:
            continue
        entries, size = entries + 1, size + state.st_size
        oldest = state.st_mtime if oldest is None else min(oldest, state.st_mtime)
    return entries, size, oldest


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
