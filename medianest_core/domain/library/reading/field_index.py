"""Reads field availability from the records, a few titles at a time, so that no library is too large to be told.

Nothing of it is stored: rows per field would outnumber all others, and the records already say everything.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import func, select

from medianest_core.domain.library.availability import Fields, dotted, of_title, part_name
from medianest_core.domain.library.detail import overlaid
from medianest_core.domain.library.merge import Path
from medianest_core.domain.library.reading.query import TOP
from medianest_core.domain.library.records import SourceRecord, decode
from medianest_core.domain.library.stored.bulk import select_rows
from medianest_core.domain.library.stored.owned import owned_records
from medianest_core.domain.library.stored.sources import numbers
from medianest_core.domain.library.wording import match_title, search_terms
from medianest_core.sdk.media import MOVIE, SHOW
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.library import (
    library_sources,
    record_data,
    record_details,
    records,
    titles,
)

SECTIONS = {MOVIE: "movies", SHOW: "tv"}
"""Kind → its name in the answer; other kinds stand there under their own."""
_PAGE = 25
_Row = tuple[int, str, bytes, bytes | None]
"""(title, instance, record, details)"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """instance_ids: only what these say; empty for all. title: only titles of this name; empty for all. title_id: only this one."""

    instance_ids: tuple[str, ...] = ()
    title: str = ""
    title_id: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """section: "movies", "tv" or a kind. name: unique in its section; the year, and where that does not help the id, is added
    to titles of one name."""

    section: str
    name: str
    fields: Fields


@dataclass(frozen=True, slots=True)
class _Top:
    id: int
    kind: str
    name: str


class FieldIndex:
    """kind → title → path → instances, as far as it is asked for."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def entries(self, wanted: Wanted = Wanted()) -> AsyncIterator[list[Entry]]:
        """All titles in their sections' order, some at a time; decoding happens beside the loop."""
        for kind in await self._kinds():
            after = -1
            while True:
                async with self._db.read() as tx:
                    tops, last = await _tops(tx, kind, after, wanted)
                    roots, under, rows = await _below(tx, tops, wanted.instance_ids)
                    owned = await owned_records(tx, await numbers(tx, ()), roots)
                added = [
                    (title, one)
                    for title, told in owned.items()
                    for one in told
                    if not wanted.instance_ids or one.instance in wanted.instance_ids
                ]
                if found := await asyncio.to_thread(_collected, tops, roots, under, rows, added):
                    yield found
                if last is None:
                    break
                after = last

    async def document(self, wanted: Wanted = Wanted()) -> AsyncIterator[bytes]:
        """The JSON object {"movies": {title: {dotted path: [instance]}}, "tv": {…}}, piece by piece."""
        # Both are always there; others only where there are titles of that kind.
        sections = list(SECTIONS.values())
        opened = -1
        yield b"{"
        async for page in self.entries(wanted):
            section = page[0].section
            if section not in sections:
                sections.append(section)
            at = sections.index(section)
            head = b"" if at == opened else _openings(sections, opened, at)
            body = await asyncio.to_thread(_encoded, page)
            yield (head or b",") + body
            opened = at
        yield _openings(sections, opened, len(sections) - 1) + b"}}"

    async def title(self, title_id: int) -> Fields | None:
        """path → instances of one title and its parts; None where there is no such title."""
        async for page in self.entries(Wanted(title_id=title_id)):
            return page[0].fields
        return None

    async def _kinds(self) -> list[str]:
        async with self._db.read() as tx:
            found = {row[0] for row in await tx.execute(select(titles.c.kind).where(TOP).distinct())}
        known = [kind for kind in SECTIONS if kind in found]
        return known + sorted(found - SECTIONS.keys())


def _openings(sections: Sequence[str], opened: int, to: int) -> bytes:
    """What stands between the end of the section that is open (-1 for none) and the first title of another."""
    parts = []
    for number in range(opened + 1, to + 1):
        close = b"" if number == 0 else b"},"
        parts.append(close + orjson.dumps(sections[number]) + b":{")
    return b"".join(parts)


def _encoded(page: Sequence[Entry]) -> bytes:
    return b",".join(
        orjson.dumps(one.name)
        + b":"
        + orjson.dumps({dotted(path): owners for path, owners in one.fields.items()})
        for one in page
    )


async def _tops(tx: Tx, kind: str, after: int, wanted: Wanted) -> tuple[list[_Top], int | None]:
    """The next titles of a kind, and the id to go on from; None at the end."""
    statement = (
        select(titles.c.id, titles.c.title, titles.c.year)
        .where(TOP, titles.c.kind == kind, titles.c.id > after)
        .order_by(titles.c.id)
        .limit(_PAGE)
    )
    if wanted.title_id is not None:
        statement = statement.where(titles.c.id == wanted.title_id)
    for word in search_terms(wanted.title):
        statement = statement.where(titles.c.search.contains(word, autoescape=True))
    rows = (await tx.execute(statement)).all()
    last = rows[-1][0] if len(rows) == _PAGE else None
    if wanted.title:
        rows = [row for row in rows if match_title(row[1]) == match_title(wanted.title)]
    return await _named(tx, kind, rows), last


async def _named(tx: Tx, kind: str, rows: Sequence[Any]) -> list[_Top]:
    names = {row[1] for row in rows}
    statement = (
        select(titles.c.title, titles.c.year, func.count())
        .where(TOP, titles.c.kind == kind, titles.c.title.in_(names))
        .group_by(titles.c.title, titles.c.year)
    )
    alike: dict[str, Counter[int]] = defaultdict(Counter)
    for title, year, count in (await tx.execute(statement)).all() if names else ():
        alike[title][year] += count
    found = []
    for number, title, year in rows:
        years = alike[title]
        name = title
        if years.total() > 1:
            name = f"{title} ({year})" if year and years[year] == 1 else f"{title} ({year or '?'}) #{number}"
        found.append(_Top(number, kind, name))
    return found


async def _below(
    tx: Tx, tops: Sequence[_Top], instance_ids: Sequence[str]
) -> tuple[dict[int, int], dict[int, Path], list[_Row]]:
    """title → the top-level one it belongs to; title → where it hangs below that; the records of all of them."""
    roots = {one.id: one.id for one in tops}
    under: dict[int, Path] = {one.id: () for one in tops}
    level = list(roots)
    while level:
        statement = select(
            titles.c.id, titles.c.parent_id, titles.c.kind, titles.c.item_index, titles.c.title
        )
        rows = await select_rows(tx, statement, titles.c.parent_id, level)
        level = [row[0] for row in rows if row[0] not in roots]
        for number, parent, kind, index, title in rows:
            roots[number] = roots[parent]
            under[number] = (*under[parent], *part_name(kind, index, title))
    statement = (
        select(
            records.c.title_id,
            library_sources.c.instance_id,
            record_data.c.data,
            record_details.c.data,
        )
        .join(library_sources, library_sources.c.id == records.c.source)
        .join(record_data, (record_data.c.source == records.c.source) & (record_data.c.key == records.c.key))
        .outerjoin(
            record_details,
            (record_details.c.source == records.c.source) & (record_details.c.key == records.c.key),
        )
    )
    if instance_ids:
        statement = statement.where(library_sources.c.instance_id.in_(instance_ids))
    return roots, under, await select_rows(tx, statement, records.c.title_id, list(roots))


def _collected(
    tops: Sequence[_Top],
    roots: Mapping[int, int],
    under: Mapping[int, Path],
    rows: Sequence[_Row],
    added: Sequence[tuple[int, SourceRecord]],
) -> list[Entry]:
    """added: what owners say of titles that they do not list."""
    said: dict[int, list[tuple[Path, SourceRecord]]] = defaultdict(list)
    for title, one in added:
        said[roots[title]].append((under[title], one))
    for title, instance, data, details in rows:
        one = SourceRecord(instance, overlaid(decode(data), details))
        said[roots[title]].append((under[title], one))
    return [
        Entry(SECTIONS.get(top.kind, top.kind), top.name, of_title(said[top.id]))
        for top in tops
        if top.id in said
    ]
