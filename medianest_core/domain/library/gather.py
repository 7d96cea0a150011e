"""Reads one source and hands over what changed: digests first, decoding only what missed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from medianest_core.base.logging import get_logger
from medianest_core.domain.library.absence import Known
from medianest_core.domain.library.columns import level_of
from medianest_core.domain.library.membership import Incoming
from medianest_core.domain.library.progress import InstanceProgress
from medianest_core.domain.library.records import encode
from medianest_core.sdk.media import Library, MediaRecord, MediaSource, RawRecord, RecordPage

BATCH = 1000
_MAX_KEY = 190
_RECORDS_OF_ONE_PROBLEM = 5
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be read. library: None where it concerns the whole instance."""

    instance_id: str
    library: str | None
    message: str

    def as_json(self) -> dict[str, str | None]:
        return {"instance_id": self.instance_id, "library": self.library, "message": self.message}


@dataclass(slots=True)
class Listing:
    """What a listing brought. seen: all keys it named. returned: keys that had been missing and are back unchanged."""

    seen: set[str] = field(default_factory=set)
    returned: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    total: int | None = None

    @property
    def complete(self) -> bool:
        """The source says how many there are, and they came."""
        return self.total is None or len(self.seen) >= self.total


Hand = Callable[[list[Incoming]], Awaitable[None]]


class Gatherer:
    """One source during one run. known: its stored records by key. hand: takes batches, in order, and may make us wait."""

    def __init__(
        self,
        instance_id: str,
        known: Mapping[str, Known],
        hand: Hand,
        progress: InstanceProgress,
        step: Callable[[], Awaitable[None]],
        *,
        force: bool = False,
    ) -> None:
        self._instance = instance_id
        self._known = known
        self._hand = hand
        self._progress = progress
        self._step = step
        self._force = force

    async def library(self, library: Library, pages: AsyncIterator[RecordPage]) -> Listing:
        """Reads `pages` to their end. Raises what the source raises; then the listing is not complete."""
        listing = Listing()
        misses: list[RawRecord] = []
        self._progress.before = self._progress.done
        async for page in pages:
            if page.total is not None:
                listing.total = page.total
                self._progress.expected = self._progress.before + page.total
            for raw in page.records:
                listing.seen.add(raw.key)
                known = self._known.get(raw.key)
                if (
                    known is not None
                    and known.digest == raw.digest
                    and known.library == library.key
                    and not self._force
                ):
                    self._progress.unchanged += 1
                    if known.missing:
                        listing.returned.append(raw.key)
                else:
                    misses.append(raw)
            self._progress.done += len(page.records)
            if len(misses) >= BATCH:
                misses = await self._pass_on(library.key, misses, listing)
            await self._step()
        if misses:
            await self._pass_on(library.key, misses, listing)
        return listing

    async def _pass_on(self, library: str, misses: list[RawRecord], listing: Listing) -> list[RawRecord]:
        incoming, unreadable = await asyncio.to_thread(decode_all, self._instance, library, misses)
        listing.unreadable += unreadable
        self._progress.changed += len(incoming)
        if incoming:
            await self._hand(incoming)
        return []

    async def titles(self, api: MediaSource, keys: Sequence[str]) -> tuple[list[Incoming], list[str]]:
        """Reads single records again, with parents that are not known yet. Returns what changed, and keys that are gone."""
        found: dict[str, Incoming] = {}
        gone: list[str] = []
        waiting = list(dict.fromkeys(keys))
        self._progress.expected = len(waiting)
        while waiting:
            key = waiting.pop()
            raw = await api.record(key)
            self._progress.done += 1
            if raw is None:
                gone.append(key)
                continue
            known = self._known.get(key)
            if known is not None and known.digest == raw.digest and not known.missing and not self._force:
                self._progress.unchanged += 1
                continue
            incoming, _ = await asyncio.to_thread(
                decode_all, self._instance, known.library if known else None, [raw]
            )
            for one in incoming:
                found[key] = one
                parent = one.record.parent
                if parent and parent not in self._known and parent not in found and parent not in waiting:
                    waiting.append(parent)
            await self._step()
        self._progress.changed += len(found)
        return sorted(found.values(), key=lambda one: level_of(one.record.kind)), gone


def decode_all(
    instance_id: str, library: str | None, raws: Sequence[RawRecord]
) -> tuple[list[Incoming], list[str]]:
    """Decoded and encoded records, and the keys of those that cannot be read: one bad record spoils no other.

    library: the section they were listed in; None where the record itself says it.
    """
    found: dict[str, Incoming] = {}
    unreadable: list[str] = []
    for raw in raws:
        try:
            record = _checked(raw, raw.decode(), library)
            found[raw.key] = Incoming(instance_id, record, raw.digest, encode(record))
        except Exception as error:
            unreadable.append(raw.key)
            if len(unreadable) <= _RECORDS_OF_ONE_PROBLEM:
                _log.warning(
                    "a record cannot be read", instance=instance_id, key=raw.key[:80], reason=str(error)[:200]
                )
    return list(found.values()), unreadable


def _checked(raw: RawRecord, record: MediaRecord, library: str | None) -> MediaRecord:
    if record.key != raw.key or not record.key or len(record.key) > _MAX_KEY:
        raise ValueError("its key is not usable")
    if record.parent is not None and len(record.parent) > _MAX_KEY:
        raise ValueError("its parent's key is not usable")
    if library is not None and record.library != library:
        return replace(record, library=library)
    return record


class Pace:
    """Lets something happen at most every `seconds`."""

    def __init__(self, seconds: float, timer: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._timer = timer
        self._last = float("-inf")

    def due(self) -> bool:
        now = self._timer()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True
