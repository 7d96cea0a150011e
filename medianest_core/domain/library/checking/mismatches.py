"""What could not be matched, or matched with doubt: titles without ids, ids on several titles, names that collide, lost children.

Everything here is read from indexes over the titles; nothing is written.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import Select, and_, exists, func, select

from medianest_core.domain.library.reading.query import TitleRow, title_row
from medianest_core.domain.library.stored.offers import records_of
from medianest_core.sdk.media import MediaRecord
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.library import title_ids, titles

Mismatch = Literal["no_ids", "shared_id", "several_ids", "same_name", "kinds", "orphans"]
"""no_ids: titles without any external id. shared_id: an id on two titles of a kind. several_ids: a title with several ids of one
provider. same_name: titles of the same kind, name and year whose ids differ. kinds: the same id and name under two kinds. orphans:
seasons and episodes whose show is not known."""
MISMATCHES: Sequence[Mismatch] = get_args(Mismatch)
_EXTERNAL = title_ids.c.provider != "name"


@dataclass(frozen=True, slots=True)
class Held:
    """A record of a title, as its server calls it."""

    instance_id: str
    key: str
    library: str
    title: str
    year: int | None
    ids: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Matched:
    """A title with its records."""

    row: TitleRow
    records: Sequence[Held]


@dataclass(frozen=True, slots=True)
class Finding:
    """about: the id ("provider:603") or name that the titles share; empty where there is none."""

    kind: Mismatch
    about: str
    titles: Sequence[Matched]


async def count_mismatches(db: Database) -> dict[str, int]:
    """kind → how many findings."""
    async with db.read() as tx:
        return {
            kind: int(await tx.scalar(select(func.count()).select_from(_statement(kind).subquery())) or 0)
            for kind in MISMATCHES
        }


async def find_mismatches(db: Database, kind: Mismatch, *, offset: int = 0, limit: int = 25) -> list[Finding]:
    """One page of them, in a fixed order."""
    statement = _statement(kind)
    async with db.read() as tx:
        rows = (
            await tx.execute(statement.order_by(*statement.selected_columns).offset(offset).limit(limit))
        ).all()
        groups = [await _group(tx, kind, row) for row in rows]
        matched = await matched_titles(tx, {title for _, found in groups for title in found})
    return [
        Finding(kind, about, [matched[title] for title in found if title in matched])
        for about, found in groups
    ]


async def matched_titles(tx: Tx, wanted: Collection[int]) -> dict[int, Matched]:
    records = await records_of(tx, wanted)
    rows = await tx.all(select(titles).where(titles.c.id.in_(wanted)))
    return {
        row["id"]: Matched(
            title_row(row), [_held(one.instance, one.record) for one in records.get(row["id"], ())]
        )
        for row in rows
    }


def _held(instance: str, record: MediaRecord) -> Held:
    return Held(instance, record.key, record.library, record.title, record.year, record.ids)


def _statement(kind: Mismatch) -> Select[Any]:
    """One row for each finding."""
    top = titles.c.level == 0
    if kind == "no_ids":
        known = exists().where(title_ids.c.title_id == titles.c.id, _EXTERNAL)
        return select(titles.c.id).where(top, ~known)
    if kind == "shared_id":
        shared = (title_ids.c.kind, title_ids.c.provider, title_ids.c.value)
        return select(*shared).where(_EXTERNAL).group_by(*shared).having(func.count() > 1)
    if kind == "several_ids":
        several = (title_ids.c.title_id, title_ids.c.provider)
        return select(*several).where(_EXTERNAL).group_by(*several).having(func.count() > 1)
    if kind == "same_name":
        return select(titles.c.match_key).where(top).group_by(titles.c.match_key).having(func.count() > 1)
    if kind == "orphans":
        return select(titles.c.id).where(titles.c.level > 0, titles.c.parent_id.is_(None))
    other_ids, other = title_ids.alias("other_ids"), titles.alias("other")
    return (
        select(title_ids.c.title_id, other_ids.c.title_id.label("other_id"))
        .join(
            other_ids,
            and_(
                other_ids.c.provider == title_ids.c.provider,
                other_ids.c.value == title_ids.c.value,
                other_ids.c.kind > title_ids.c.kind,
            ),
        )
        .join(titles, titles.c.id == title_ids.c.title_id)
        .join(other, other.c.id == other_ids.c.title_id)
        .where(_EXTERNAL, titles.c.sort_title == other.c.sort_title, titles.c.year == other.c.year)
        .distinct()
    )


async def _group(tx: Tx, kind: Mismatch, row: Any) -> tuple[str, list[int]]:
    if kind == "shared_id":
        bearers = select(title_ids.c.title_id).where(
            title_ids.c.kind == row[0], title_ids.c.provider == row[1], title_ids.c.value == row[2]
        )
        return f"{row[1]}:{row[2]}", [one[0] for one in (await tx.execute(bearers)).all()]
    if kind == "several_ids":
        values = select(title_ids.c.value).where(
            title_ids.c.title_id == row[0], title_ids.c.provider == row[1]
        )
        found = sorted(one[0] for one in (await tx.execute(values)).all())
        return ", ".join(f"{row[1]}:{value}" for value in found), [row[0]]
    if kind == "same_name":
        alike = select(titles.c.id).where(titles.c.match_key == row[0], titles.c.level == 0)
        return "", sorted(one[0] for one in (await tx.execute(alike)).all())
    return "", [int(one) for one in row]
