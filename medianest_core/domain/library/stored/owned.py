"""What field owners say of titles that they do not list, as rows: stored, asked for again, merged, forgotten.

An owner's values are one more source of a title's merge. They never make a title, never say which one it is, and never count
as a place where it can be watched.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, func, or_, select, union, update

from medianest_core.base.kept_json import kept_json
from medianest_core.base.logging import get_logger
from medianest_core.domain.library.merge import BY_LEAF, says
from medianest_core.domain.library.records import SourceRecord, decode
from medianest_core.domain.library.stored.bulk import chunks, delete_rows, select_rows, upsert_rows
from medianest_core.sdk.fields import FieldReport, TitleKey
from medianest_core.sdk.media import MediaRecord
from medianest_core.store.engine import Tx
from medianest_core.store.tables.library import (
    field_owners,
    library_sources,
    record_data,
    records,
    title_owned,
    titles,
)

DAY = 86400.0
AGAIN = 7 * DAY
"""Seconds after which an owner is asked again that does not tell what changed."""
AGAIN_TOLD = 28 * DAY
"""Likewise for one that does."""
UNPROBED = 3600.0
"""Seconds after which a title is asked about again that the owner did not look at."""
_IDS = 2000
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """A title that an owner is asked about."""

    key: TitleKey
    title_id: int

    @property
    def ids(self) -> str:
        return " ".join(f"{provider}:{value}" for provider, value in sorted(self.key.ids.items()))


@dataclass(frozen=True, slots=True)
class Told:
    """titles: to be merged again. first: those of them that this owner had never answered for."""

    titles: set[int]
    first: set[int]


# Merging


async def owned_records(
    tx: Tx, sources: Mapping[str, int], wanted: Collection[int]
) -> dict[int, list[SourceRecord]]:
    """What owners say of these titles, as records to be merged beside those of the servers that hold them."""
    instances = {number: instance for instance, number in sources.items()}
    statement = select(title_owned.c.title_id, title_owned.c.source, titles.c.kind, title_owned.c.data).join(
        titles, titles.c.id == title_owned.c.title_id
    )
    found: dict[int, list[SourceRecord]] = defaultdict(list)
    for title, source, kind, data in await select_rows(tx, statement, title_owned.c.title_id, wanted):
        if data and source in instances:
            found[title].append(as_record(instances[source], title, kind, data))
    return found


def of_several() -> CompoundSelect[Any]:
    """The numbers of all titles that more than one source describes: where an order of them matters."""
    held = select(records.c.title_id).group_by(records.c.title_id).having(func.count() > 1)
    return union(held, select(title_owned.c.title_id).where(title_owned.c.digest != ""))


def as_record(instance: str, title_id: int, kind: str, data: bytes) -> SourceRecord:
    """Stored values as a record. It has no date: where the admin gave no order, those who hold the title go first."""
    values = orjson.loads(data)
    title, year, ids = values.pop("title", ""), values.pop("year", None), values.pop("ids", {})
    return SourceRecord(instance, MediaRecord(str(title_id), kind, title, "", year, ids, fields=values))


def clean(declared: Collection[str], values: Mapping[str, Any]) -> bytes:
    """An owner's values as they are stored: those it declared and that say something, in the shapes of records. Empty where there
    are none. Raises TypeError for what is no JSON."""
    found: dict[str, Any] = {}
    for name in declared:
        value = values.get(name)
        if name in BY_LEAF:
            value = (
                {str(leaf): one for leaf, one in value.items() if _tells(one)}
                if isinstance(value, Mapping)
                else None
            )
        if name == "title" and not isinstance(value, str):
            continue
        if name == "year" and (not isinstance(value, int) or isinstance(value, bool)):
            continue
        if _tells(value):
            found[name] = value
    if "ids" in found:
        found["ids"] = {provider: str(value) for provider, value in found["ids"].items()}
    return kept_json(found, orjson.OPT_SORT_KEYS) if found else b""


def _tells(value: Any) -> bool:
    """Numbers without end would be stored as null, which says nothing."""
    return says(value) and not (isinstance(value, float) and not math.isfinite(value))


def digest_of(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest() if data else ""


# Asking


def never_asked(source: int, kinds: Collection[str]) -> Select[Any]:
    """Titles of these kinds that this owner has no row for."""
    mine = and_(title_owned.c.title_id == titles.c.id, title_owned.c.source == source)
    return (
        _asking()
        .select_from(titles.outerjoin(title_owned, mine))
        .where(titles.c.kind.in_(sorted(kinds)), title_owned.c.title_id.is_(None))
    )


def due(source: int, kinds: Collection[str], now: float) -> Select[Any]:
    """Titles to be asked about again, those that changed first."""
    return (
        _asking()
        .select_from(titles.join(title_owned, title_owned.c.title_id == titles.c.id))
        .where(title_owned.c.source == source, title_owned.c.due_at <= now, titles.c.kind.in_(sorted(kinds)))
    )


def _asking() -> Select[Any]:
    return select(titles.c.id, titles.c.kind, titles.c.title, titles.c.year)


async def next_new(tx: Tx, source: int, kinds: Collection[str], after: int, size: int) -> list[Asked]:
    """The next titles, by their numbers, that were never asked about."""
    statement = never_asked(source, kinds).where(titles.c.id > after).order_by(titles.c.id).limit(size)
    return await _asked(tx, (await tx.execute(statement)).all())


async def next_due(
    tx: Tx, source: int, kinds: Collection[str], now: float, after: tuple[float, int], size: int
) -> tuple[list[Asked], tuple[float, int]]:
    """The next titles to be asked about again after the place `after` in that order, and the place of the last of them."""
    at, title_id = after
    further: ColumnElement[bool] = or_(
        title_owned.c.due_at > at, and_(title_owned.c.due_at == at, title_owned.c.title_id > title_id)
    )
    statement = (
        due(source, kinds, now)
        .add_columns(title_owned.c.due_at)
        .where(further)
        .order_by(title_owned.c.due_at, title_owned.c.title_id)
        .limit(size)
    )
    rows = (await tx.execute(statement)).all()
    return await _asked(tx, rows), ((rows[-1][4], rows[-1][0]) if rows else after)


async def count_due(tx: Tx, source: int, kinds: Collection[str], now: float) -> int:
    found = 0
    for statement in (never_asked(source, kinds), due(source, kinds, now)):
        counted = statement.with_only_columns(func.count(), maintain_column_froms=True)
        found += int(await tx.scalar(counted) or 0)
    return found


async def _asked(tx: Tx, rows: Sequence[Any]) -> list[Asked]:
    """With the ids that the servers name; what owners added is left out, or their answers would lead to themselves."""
    ids: dict[int, dict[str, str]] = defaultdict(dict)
    statement = (
        select(records.c.title_id, record_data.c.data)
        .join(record_data, (records.c.source == record_data.c.source) & (records.c.key == record_data.c.key))
        .order_by(records.c.title_id, records.c.source, records.c.key)
    )
    for title_id, data in await select_rows(tx, statement, records.c.title_id, [row[0] for row in rows]):
        for provider, value in decode(data).ids.items():
            if value:
                ids[title_id].setdefault(provider, str(value))
    return [
        Asked(TitleKey(str(title_id), kind, ids[title_id], title, year or None), title_id)
        for title_id, kind, title, year, *_ in rows
    ]


async def ask_again(tx: Tx, title_ids: Collection[int]) -> None:
    """Titles that changed are asked about before others."""
    for part in chunks(title_ids):
        await tx.execute(
            update(title_owned)
            .where(title_owned.c.title_id.in_(part), title_owned.c.due_at > 0)
            .values(due_at=0.0)
        )


def reading_of(fields: Mapping[str, Collection[str]], reading: int) -> str:
    """What an owner reads out of its service's answers, in 16 letters: other ones mean that it would say more, or otherwise, now."""
    said = orjson.dumps([reading, sorted((kind, sorted(names)) for kind, names in fields.items())])
    return hashlib.blake2b(said, digest_size=8).hexdigest()


async def ask_all_again(tx: Tx, source: int) -> None:
    """About every title that this owner was asked about."""
    await tx.execute(
        update(title_owned).where(title_owned.c.source == source, title_owned.c.due_at > 0).values(due_at=0.0)
    )


async def ask_again_by_ids(tx: Tx, source: int, changed: Collection[str]) -> int:
    """Likewise for those that this owner was asked about by one of these ids ("tmdb:603"); returns how many."""
    wanted = set(changed)
    rows = await tx.execute(
        select(title_owned.c.title_id, title_owned.c.ids).where(title_owned.c.source == source)
    )
    found = [title_id for title_id, ids in rows if not wanted.isdisjoint(ids.split(" "))]
    for part in chunks(found):
        await tx.execute(
            update(title_owned)
            .where(title_owned.c.source == source, title_owned.c.title_id.in_(part))
            .values(due_at=0.0)
        )
    return len(found)


# Storing


async def store(
    tx: Tx,
    source: int,
    asked: Sequence[Asked],
    declared: Mapping[str, Collection[str]],
    report: FieldReport,
    now: float,
    again: float,
) -> Told:
    """Write down one answer. A title that was not probed keeps what was said of it before."""
    present = {
        row[0]
        for row in await select_rows(tx, select(titles.c.id), titles.c.id, [one.title_id for one in asked])
    }
    statement = select(
        title_owned.c.title_id, title_owned.c.digest, title_owned.c.probed_at, title_owned.c.data
    ).where(title_owned.c.source == source)
    before = {row[0]: row[1:] for row in await select_rows(tx, statement, title_owned.c.title_id, present)}
    rows, touched, first = [], set(), set()
    for one in asked:
        if one.title_id not in present:
            continue
        digest, probed_at, data = before.get(one.title_id, ("", None, b""))
        due_at = now + (UNPROBED if one.key.ids else AGAIN)
        if one.key.id in report.probed:
            new = _cleaned(one, declared, report)
            if new is not None:
                if digest_of(new) != digest:
                    touched.add(one.title_id)
                    if probed_at is None:
                        first.add(one.title_id)
                digest, data = digest_of(new), new
                probed_at, due_at = now, now + again
        rows.append(
            {
                "title_id": one.title_id,
                "source": source,
                "ids": one.ids[:_IDS],
                "digest": digest,
                "probed_at": probed_at,
                "due_at": due_at,
                "data": data,
            }
        )
    await upsert_rows(tx, title_owned, rows)
    return Told(touched, first)


def _cleaned(one: Asked, declared: Mapping[str, Collection[str]], report: FieldReport) -> bytes | None:
    try:
        return clean(declared.get(one.key.kind, ()), report.values.get(one.key.id) or {})
    except (TypeError, ValueError) as error:
        # One that cannot be stored spoils no other, and loses nothing.
        _log.warning("an owner's values cannot be stored", title=one.title_id, reason=str(error)[:200])
        return None


async def forget_some(tx: Tx, source: int, size: int) -> tuple[int, set[int]]:
    """Delete the rows of some titles of an owner that is gone: how many, and the titles that it had said something of."""
    statement = (
        select(title_owned.c.title_id, title_owned.c.digest)
        .where(title_owned.c.source == source)
        .order_by(title_owned.c.title_id)
        .limit(size)
    )
    rows = (await tx.execute(statement)).all()
    await delete_rows(
        tx, title_owned, title_owned.c.title_id, [row[0] for row in rows], title_owned.c.source == source
    )
    return len(rows), {row[0] for row in rows if row[1]}


async def owners_stored(tx: Tx) -> dict[str, int]:
    """instance id → number, of all owners that something is stored of."""
    statement = select(library_sources.c.instance_id, library_sources.c.id).where(
        library_sources.c.id.in_(select(field_owners.c.source))
    )
    return dict(tuple(row) for row in (await tx.execute(statement)).all())
