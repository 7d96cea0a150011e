"""Syncing some operations alone: of what a source says now, only what they cover goes into its stored records."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from medianest_core.domain.library.detail import beyond, overlaid
from medianest_core.domain.library.merge import differences, statements
from medianest_core.domain.library.operations import narrowed, operation_of
from medianest_core.domain.library.records import decode, encode
from medianest_core.domain.library.stored.bulk import chunks, select_rows
from medianest_core.domain.library.stored.detail_rows import BATCH
from medianest_core.domain.library.syncing.progress import InstanceProgress
from medianest_core.domain.library.syncing.work import DetailRow
from medianest_core.domain.library.writing.membership import Incoming
from medianest_core.host.instances import Handle
from medianest_core.sdk.media import MediaCapability, MediaRecord, MediaSource
from medianest_core.store.engine import Database
from medianest_core.store.tables.library import record_data, record_details, records


@dataclass(slots=True)
class _Stored:
    """A record as it is kept. details: None where none were read yet. read: whether they belong to this very record."""

    digest: str
    record: MediaRecord
    details: bytes | None
    read: bool


@dataclass(frozen=True, slots=True)
class Narrowed:
    """incoming, details: what has to be written. unknown: keys of records that are not stored, so that no part of them can be."""

    incoming: list[Incoming]
    details: list[DetailRow]
    unknown: list[str]


class Narrower:
    """source: number of the source. ops: operations, at least one."""

    def __init__(
        self,
        db: Database,
        source: int,
        handle: Handle[MediaSource],
        ops: Collection[str],
        progress: InstanceProgress,
    ) -> None:
        self._db = db
        self._source = source
        self._handle = handle
        self._ops = ops
        self._progress = progress

    async def batch(self, fresh: Sequence[Incoming]) -> Narrowed:
        """fresh: whole records as the source lists them now. Raises what the source raises when it is asked for more."""
        stored = await self._stored([one.record.key for one in fresh])
        known = [one for one in fresh if one.record.key in stored]
        full = await self._full([one.record for one in known])
        result = Narrowed([], [], [one.record.key for one in fresh if one.record.key not in stored])
        for one in known:
            self._compare(one, stored[one.record.key], full.get(one.record.key), result)
        for name in self._ops:
            self._progress.compared[name] += len(known)
        return result

    def _compare(self, fresh: Incoming, was: _Stored, full: MediaRecord | None, result: Narrowed) -> None:
        listed = narrowed(was.record, fresh.record, self._ops)
        before = overlaid(was.record, was.details)
        if full is not None:
            more = beyond(listed, narrowed(before, full, self._ops))
        elif was.details:
            # Nothing new beyond the listing: what it leaves out stays as it was read.
            more = was.details
        else:
            more = b""
        changed = differences(statements(before), statements(overlaid(listed, more)))
        if not changed and listed == was.record:
            return
        for path in changed:
            self._progress.changes[operation_of(path)] += 1
        data = encode(listed)
        digest = fresh.digest if listed == fresh.record else _patched(data)
        result.incoming.append(Incoming(fresh.instance, listed, digest, data))
        if was.details is not None or more:
            # What was read to the end stays so: these details belong to the record as it is written now.
            read = digest if was.read else _patched(more)
            result.details.append(DetailRow(fresh.record.key, read, more))

    async def _stored(self, keys: Sequence[str]) -> dict[str, _Stored]:
        statement = (
            select(
                records.c.key,
                records.c.digest,
                record_data.c.data,
                record_details.c.data,
                record_details.c.digest,
            )
            .join(
                record_data, (record_data.c.source == records.c.source) & (record_data.c.key == records.c.key)
            )
            .outerjoin(
                record_details,
                (record_details.c.source == records.c.source) & (record_details.c.key == records.c.key),
            )
            .where(records.c.source == self._source)
        )
        async with self._db.read() as tx:
            return {
                key: _Stored(digest, decode(data), details, read == digest)
                for key, digest, data, details, read in await select_rows(tx, statement, records.c.key, keys)
            }

    async def _full(self, wanted: Sequence[MediaRecord]) -> Mapping[str, MediaRecord]:
        """What the source knows beyond its listing; nothing where it lists all it knows."""
        if not self._handle.can(MediaCapability.DETAILS):
            return {}
        found: dict[str, MediaRecord] = {}
        for part in chunks([one.key for one in wanted], BATCH):
            found.update({one.key: one for one in await self._handle.api.details(part)})
        return found


def _patched(data: bytes) -> str:
    """A digest that no listing has: the next whole sync compares the record again."""
    return "~" + hashlib.blake2b(data, digest_size=16).hexdigest()
