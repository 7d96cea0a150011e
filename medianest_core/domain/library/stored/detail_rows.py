"""The rows of details: which records lack them, and what is stored of an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from medianest_core.base.logging import get_logger
from medianest_core.domain.library.detail import beyond
from medianest_core.domain.library.records import decode
from medianest_core.domain.library.stored.bulk import select_rows, upsert_rows
from medianest_core.sdk.errors import ProviderError
from medianest_core.sdk.media import EPISODE, SEASON, MediaRecord
from medianest_core.store.engine import Tx
from medianest_core.store.tables.library import library_sources, record_data, record_details, records

BATCH = 50
_log = get_logger(__name__)

PASSES: Sequence[ColumnElement[bool]] = (
    records.c.kind.not_in((SEASON, EPISODE)),
    records.c.kind == EPISODE,
)
"""What stands in lists first. Seasons have nothing to tell."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A record whose details are missing or older than it. digest: of the record as it was when the question was put."""

    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class Stored:
    """titles: to be merged again. first: those of them of which nothing but listings was known."""

    titles: set[int]
    first: set[int]


async def store(tx: Tx, source: int, wanted: Sequence[Wanted], found: Mapping[str, MediaRecord]) -> Stored:
    keys = [one.key for one in wanted]
    listed = {
        key: (title, data)
        for key, title, data in await select_rows(
            tx,
            select(records.c.key, records.c.title_id, record_data.c.data)
            .join(
                record_data, (records.c.source == record_data.c.source) & (records.c.key == record_data.c.key)
            )
            .where(records.c.source == source),
            records.c.key,
            keys,
        )
    }
    before = dict(
        tuple(row)
        for row in await select_rows(
            tx,
            select(record_details.c.key, record_details.c.data).where(record_details.c.source == source),
            record_details.c.key,
            keys,
        )
    )
    rows, touched, told = [], set(), set()
    for one in wanted:
        if one.key not in listed:
            continue
        title, data = listed[one.key]
        old = before.get(one.key)
        # What the source does not answer keeps what it said before; the next listing decides whether it is gone.
        new = _beyond(decode(data), found[one.key]) if one.key in found else old or b""
        rows.append({"source": source, "key": one.key, "digest": one.digest, "data": new})
        if new != (old or b""):
            touched.add(title)
        if old is not None:
            told.add(title)
    await upsert_rows(tx, record_details, rows)
    return Stored(touched, touched - told)


def _beyond(listed: MediaRecord, full: MediaRecord) -> bytes:
    try:
        return beyond(listed, full)
    except ProviderError as error:
        # One that cannot be stored spoils no other.
        _log.warning("details cannot be stored", key=listed.key[:80], reason=str(error)[:200])
        return b""


async def source_of(tx: Tx, instance_id: str) -> int | None:
    found = await tx.scalar(select(library_sources.c.id).where(library_sources.c.instance_id == instance_id))
    return None if found is None else int(found)


def missing_details() -> ColumnElement[bool]:
    """Condition on `records` outer-joined with `record_details`: present at the last listing, and details not of that one."""
    return and_(
        records.c.missing == 0,
        or_(record_details.c.digest.is_(None), record_details.c.digest != records.c.digest),
    )


def joined() -> Any:
    """`records` with `record_details` where there are any."""
    return records.outerjoin(
        record_details,
        (record_details.c.source == records.c.source) & (record_details.c.key == records.c.key),
    )


def wanted_of(source: int, *conditions: ColumnElement[bool]) -> Select[Any]:
    return (
        select(records.c.key, records.c.digest)
        .select_from(joined())
        .where(records.c.source == source, missing_details(), *conditions)
        .order_by(records.c.key)
    )


async def next_of(tx: Tx, source: int, condition: ColumnElement[bool], after: str, size: int) -> list[Wanted]:
    """The next batch in the order of keys, so that the walk through the table goes on where it was."""
    statement = wanted_of(source, condition, records.c.key > after).limit(size)
    return [Wanted(*row) for row in (await tx.execute(statement)).all()]


async def count_of(tx: Tx, source: int) -> int:
    statement = (
        select(func.count())
        .select_from(joined())
        .where(records.c.source == source, missing_details(), or_(*PASSES))
    )
    return int(await tx.scalar(statement) or 0)
