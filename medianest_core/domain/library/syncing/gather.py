"""Reads one source and hands over what changed: digests first, decoding only what missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from medianest_core.base.failpoints import failpoint
from medianest_core.base.logging import get_logger
from medianest_core.base.texts import N_
from medianest_core.domain.library.columns import level_of
from medianest_core.domain.library.records import decoded, encode
from medianest_core.domain.library.syncing.absence import Known
from medianest_core.domain.library.syncing.known import StoredLibrary
from medianest_core.domain.library.syncing.progress import InstanceProgress
from medianest_core.domain.library.writing.membership import Incoming
from medianest_core.sdk.errors import InvalidResponse, NotFound, Rejected
from medianest_core.sdk.media import Library, MediaRecord, MediaSource, RawRecord, RecordPage

BATCH = 500
"""Records of one transaction. Sources and runs have two such batches in memory at the same time, decoded; other writers wait for as
long as one takes."""
PAGES = 16
"""Pages with something new after which it is decoded although it is no whole batch: a record that is not decoded yet may hold all of
the page it came with."""
NO_MEDIA = N_("It lists no media: it is another service, or its plugin does not run.")
_MAX_KEY = 190
_RECORDS_OF_ONE_PROBLEM = 5
_OF_ONE = (InvalidResponse, NotFound, Rejected)
"""What an answer about one title says of that title alone."""
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
    """What a listing brought. stored: what was stored of the library. unseen: keys of that which it has not named. new: keys that it
    named and that were not stored. returned: keys that had been missing and are back unchanged."""

    stored: StoredLibrary
    unseen: set[str] = field(init=False)
    new: set[str] = field(default_factory=set)
    returned: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    total: int | None = None

    def __post_init__(self) -> None:
        self.unseen = set(self.stored.digests)

    def see(self, keys: Sequence[str]) -> None:
        self.unseen.difference_update(keys)
        known = self.stored.digests
        self.new.update([key for key in keys if key not in known])

    @property
    def seen(self) -> int:
        """How many records it named."""
        return len(self.stored.digests) - len(self.unseen) + len(self.new)

    @property
    def complete(self) -> bool:
        """The source says how many there are, and they came."""
        return self.total is None or self.seen >= self.total


@dataclass(slots=True)
class Found:
    """What reading single records brought. gone: keys that the source no longer has. failed: key → why it could not be read."""

    incoming: list[Incoming] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


Hand = Callable[[list[Incoming]], Awaitable[int]]


Recall = Callable[[Sequence[str]], Awaitable[Mapping[str, Known]]]


class Gatherer:
    """One source during one run. hand: takes batches, in order, may make us wait, and says how many of them differ from what is
    stored. kinds: others are seen, and no more. at_once: single records asked for at the same time. batch: records handed over at
    once."""

    def __init__(
        self,
        instance_id: str,
        hand: Hand,
        progress: InstanceProgress,
        step: Callable[[], Awaitable[None]],
        *,
        force: bool = False,
        kinds: Collection[str] | None = None,
        at_once: int = 1,
        batch: int = BATCH,
    ) -> None:
        self._batch = batch
        self._kinds = None if kinds is None else frozenset(kinds)
        self._at_once = max(1, at_once)
        self._instance = instance_id
        self._known: Mapping[str, Known] = {}
        self._hand = hand
        self._progress = progress
        self._step = step
        self._force = force

    async def library(
        self, library: Library, stored: StoredLibrary, pages: AsyncIterator[RecordPage]
    ) -> Listing:
        """Reads `pages` to their end. stored: what is stored of the library. Raises what the source raises; then the listing is not
        complete."""
        listing = Listing(stored)
        misses: list[RawRecord] = []
        pages_held = 0
        self._progress.before = self._progress.done
        async for page in pages:
            if page.total is not None:
                listing.total = page.total
                self._progress.expected = self._progress.before + page.total
            listing.see([raw.key for raw in page.records])
            found = self._misses(page.records, listing)
            misses += found
            pages_held += bool(found)
            self._progress.done += len(page.records)
            failpoint("library.gathering")
            if len(misses) >= self._batch or pages_held >= PAGES:
                left = len(misses) % self._batch if pages_held < PAGES else 0
                await self._pass_on(library.key, misses, listing, left)
                pages_held = bool(misses)
            await self._step()
        await self._pass_on(library.key, misses, listing)
        return listing

    def _misses(self, raws: Sequence[RawRecord], listing: Listing) -> list[RawRecord]:
        """Those that are not stored as they are now. This looks at every record of every listing: nothing costs as little."""
        if self._kinds is not None:
            raws = [raw for raw in raws if raw.kind in self._kinds]
        self._progress.kinds.update([raw.kind for raw in raws])
        if self._force:
            return list(raws)
        digest_of, missing = listing.stored.digests.get, listing.stored.missing
        misses = [raw for raw in raws if digest_of(raw.key) != raw.digest]
        self._progress.unchanged += len(raws) - len(misses)
        if missing:
            changed = {raw.key for raw in misses}
            listing.returned += [raw.key for raw in raws if raw.key in missing and raw.key not in changed]
        return misses

    async def _pass_on(self, library: str, misses: list[RawRecord], listing: Listing, left: int = 0) -> None:
        """Batch by batch, until `left` of them are left in `misses`."""
        while len(misses) > left:
            batch = misses[: self._batch]
            # Their bytes are not needed any more once they are decoded; it may take a while until the batch is taken.
            del misses[: self._batch]
            incoming, unreadable = await asyncio.to_thread(decode_all, self._instance, library, batch)
            batch.clear()
            listing.unreadable += unreadable
            if incoming:
                count = len(incoming)
                changed = await self._hand(incoming)
                # Whoever took it lets it go when it is written; the next is decoded meanwhile.
                del incoming
                self._progress.changed += changed
                self._progress.unchanged += count - changed

    def _meant(self, kind: str) -> bool:
        return self._kinds is None or kind in self._kinds

    async def titles(self, api: MediaSource, keys: Sequence[str], recall: Recall) -> Found:
        """Reads single records again, with parents that are not stored yet; nothing is handed over. recall: looks up stored records.

        Raises what says that the source as a whole does not answer; one that cannot be read spoils no other.
        """
        found = Found()
        ready: dict[str, Incoming] = {}
        waiting = list(dict.fromkeys(keys))
        asked = set(waiting)
        self._known = await recall(waiting)
        self._progress.expected = len(waiting)
        while waiting:
            wave, waiting = waiting[: self._at_once], waiting[self._at_once :]
            answers = await asyncio.gather(*(api.record(key) for key in wave), return_exceptions=True)
            for key, answer in zip(wave, answers, strict=True):
                self._progress.done += 1
                if isinstance(answer, BaseException):
                    if not isinstance(answer, _OF_ONE):
                        raise answer
                    found.failed[key] = str(answer)
                elif answer is None:
                    found.gone.append(key)
                else:
                    await self._single(answer, ready, found)
            parents = {one.record.parent for one in ready.values() if one.record.parent} - asked
            unsure = parents - self._known.keys()
            if unsure:
                self._known = {**self._known, **await recall(sorted(unsure))}
            new = sorted(unsure - self._known.keys())
            asked.update(new)
            waiting.extend(new)
            await self._step()
        found.incoming = sorted(ready.values(), key=lambda one: level_of(one.record.kind))
        return found

    async def _single(self, raw: RawRecord, ready: dict[str, Incoming], found: Found) -> None:
        if not self._meant(raw.kind):
            return
        self._progress.kinds[raw.kind] += 1
        known = self._known.get(raw.key)
        if known is not None and known.digest == raw.digest and not known.missing and not self._force:
            self._progress.unchanged += 1
            return
        incoming, unreadable = await asyncio.to_thread(
            decode_all, self._instance, known.library if known else None, [raw]
        )
        found.failed.update(dict.fromkeys(unreadable, N_("It cannot be read.")))
        ready.update({one.record.key: one for one in incoming})


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
            record = _checked(raw, decoded(raw), library)
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
