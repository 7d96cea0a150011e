"""Listing titles: filters, keyset paging, totals and facets, each from one indexed query over narrow rows."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, func, literal, literal_column, or_, select, text, tuple_
from sqlalchemy.engine import RowMapping

from medianest_core.domain.library.reading.facets import Counts, Facets, cells_of, read_cells
from medianest_core.domain.library.wording import search_terms
from medianest_core.sdk.errors import UserError
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.library import library_state, titles

SORTS: Mapping[str, str] = {
    "title": "sort_title",
    "added": "added_at",
    "year": "year",
    "rating": "rating",
    "released": "released_on",
}
TOP = titles.c.level == literal_column("0")
"""Spelt as a literal, so that the partial indexes are used."""
MAX_LIMIT = 200
_REMEMBERED = 256
_GENERATION = select(library_state.c.generation)


@dataclass(frozen=True, slots=True)
class LibraryQuery:
    """Filters; empty means any. Several values of one filter: any of them. qualities: nominal heights, e.g. 2160. decades: first years.

    availability: "now" (one of `answering` has it), "several" or "single" (that many servers have it), or "" for any. answering: ids of
    the instances that answer; the library fills it in. sort: a name in `SORTS`.
    """

    kinds: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    year_from: int | None = None
    year_to: int | None = None
    decades: tuple[int, ...] = ()
    qualities: tuple[int, ...] = ()
    hdr: bool = False
    instance_ids: tuple[str, ...] = ()
    availability: str = ""
    answering: tuple[str, ...] = ()
    text: str = ""
    sort: str = "title"
    descending: bool = False
    cursor: str | None = None
    limit: int = 60

    @property
    def indexed(self) -> bool:
        """Whether the rows stand beside each other in an index, so that a page of them is a short read."""
        return len(self.kinds) < 2 and self == LibraryQuery(
            kinds=self.kinds,
            sort=self.sort,
            descending=self.descending,
            cursor=self.cursor,
            limit=self.limit,
        )


@dataclass(frozen=True, slots=True)
class TitleRow:
    """A title as lists show it. poster: image id. duration: seconds; quality: nominal height; 0 means unknown, also for year,
    rating and added_at. children: episodes of a show. released_on: "YYYY-MM-DD" or ""."""

    id: int
    kind: str
    title: str
    year: int
    added_at: float
    rating: float
    released_on: str
    duration: float
    quality: int
    hdr: bool
    genres: tuple[str, ...]
    instance_ids: tuple[str, ...]
    poster: str | None
    children: int
    parent_id: int | None
    index: int | None
    version: int

    @property
    def wide(self) -> bool:
        """Whether its picture is a frame of a video rather than a poster."""
        return self.poster is not None and "-thumb-" in self.poster


@dataclass(frozen=True, slots=True)
class Page:
    """total: all that match, not only this page. next_cursor: None at the end."""

    items: Sequence[TitleRow]
    next_cursor: str | None
    total: int


def poster_id(title_id: int, stored: str) -> str:
    """The image id of what the column `poster` says."""
    return f"{title_id}-{'poster' if stored[0] == 'p' else 'thumb'}-{stored[1:]}"


def title_row(row: RowMapping) -> TitleRow:
    poster = row["poster"]
    return TitleRow(
        id=row["id"],
        kind=row["kind"],
        title=row["title"],
        year=row["year"],
        added_at=row["added_at"],
        rating=row["rating"],
        released_on=row["released_on"],
        duration=row["duration"],
        quality=row["quality"],
        hdr=bool(row["hdr"]),
        genres=_split(row["genres"]),
        instance_ids=_split(row["sources"]),
        poster=poster_id(row["id"], poster) if poster else None,
        children=row["children"],
        parent_id=row["parent_id"],
        index=row["item_index"],
        version=row["version"],
    )


def _split(bars: str) -> tuple[str, ...]:
    return tuple(bars.strip("|").split("|")) if bars else ()


class Listings:
    """Reads lists; totals and facets are kept until the library changes."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._totals: OrderedDict[tuple[int, LibraryQuery], int] = OrderedDict()
        self._counts = Counts()

    async def page(self, query: LibraryQuery) -> Page:
        """Raises UserError for a sort or cursor that is not ours."""
        if query.sort not in SORTS:
            raise UserError("Unknown order.", "sort")
        limit = max(1, min(query.limit, MAX_LIMIT))
        column = titles.c[SORTS[query.sort]]
        async with self._db.glance() if query.indexed else self._db.read() as tx:
            conditions = conditions_of(query, tx.dialect)
            statement = select(titles).where(*conditions)
            if query.cursor:
                value, number = _after(query)
                place, after = tuple_(column, titles.c.id), tuple_(literal(value), literal(number))
                statement = statement.where(place < after if query.descending else place > after)
            order = (
                (column.desc(), titles.c.id.desc()) if query.descending else (column.asc(), titles.c.id.asc())
            )
            rows = await tx.all(statement.order_by(*order).limit(limit + 1))
            generation = await generation_of(tx)
        total = await self._total(generation, query, conditions)
        items = [title_row(row) for row in rows[:limit]]
        cursor = None
        if len(rows) > limit:
            last = rows[limit - 1]
            cursor = _cursor([query.sort, last[SORTS[query.sort]], last["id"]])
        return Page(items, cursor, total)

    async def generation(self) -> int:
        async with self._db.glance() as tx:
            return await generation_of(tx)

    async def facets(self, query: LibraryQuery = LibraryQuery()) -> Facets:  # it is frozen
        """What can be chosen beside what `query` has chosen already. Its order and place in the list do not matter."""
        base = LibraryQuery(text=query.text, year_from=query.year_from, year_to=query.year_to, hdr=query.hdr)
        async with self._db.glance() as tx:
            generation = await generation_of(tx)
        # In a thread: large libraries have some ten thousand cells, and others want the loop meanwhile.
        if (found := await asyncio.to_thread(self._counts.get, generation, base, query)) is not None:
            return found
        async with self._db.read() as tx:
            generation = await generation_of(tx)
            rows = await read_cells(tx, conditions_of(base, tx.dialect))
        cells = await asyncio.to_thread(cells_of, rows)
        return await asyncio.to_thread(self._counts.put, generation, base, cells, query)

    async def search(self, words: str, limit: int = 20) -> list[TitleRow]:
        """Best matches first: titles that begin with the text, then by rank."""
        terms = search_terms(words)
        if not terms:
            return []
        wanted = " ".join(terms)
        async with self._db.read() as tx:
            statement = (
                select(titles)
                .where(TOP, _matches(terms, tx.dialect))
                .order_by(
                    (titles.c.search == wanted).desc(),
                    titles.c.search.like(f"{wanted}%").desc(),
                    titles.c.rating.desc(),
                    titles.c.id,
                )
                .limit(min(limit, MAX_LIMIT))
            )
            return [title_row(row) for row in await tx.all(statement)]

    async def _total(
        self, generation: int, query: LibraryQuery, conditions: list[ColumnElement[bool]]
    ) -> int:
        key = (generation, replace(query, cursor=None, limit=0, sort="title", descending=False))
        if (known := self._totals.get(key)) is not None:
            return known
        async with self._db.read(one_moment=False) as tx:
            total = int(await tx.scalar(select(func.count()).select_from(titles).where(*conditions)))
        self._totals[key] = total
        while len(self._totals) > _REMEMBERED:
            self._totals.popitem(last=False)
        return total


async def generation_of(tx: Tx) -> int:
    """Grows with every change of the library."""
    return int(await tx.scalar(_GENERATION) or 0)


def conditions_of(query: LibraryQuery, dialect: str) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [TOP]
    if query.kinds:
        found.append(
            titles.c.kind == query.kinds[0] if len(query.kinds) == 1 else titles.c.kind.in_(query.kinds)
        )
    for column, values in ((titles.c.genres, query.genres), (titles.c.sources, query.instance_ids)):
        if values:
            found.append(or_(*(column.contains(f"|{value}|", autoescape=True) for value in values)))
    if query.year_from is not None:
        found.append(titles.c.year >= query.year_from)
    if query.year_to is not None:
        found.append(and_(titles.c.year <= query.year_to, titles.c.year > 0))
    if query.decades:
        found.append(or_(*(titles.c.year.between(max(ten, 1), ten + 9) for ten in query.decades)))
    if query.availability == "now":
        held = [titles.c.sources.contains(f"|{one}|", autoescape=True) for one in query.answering]
        found.append(or_(*held) if held else literal_column("1") == literal_column("0"))
    elif query.availability in ("several", "single"):
        several = titles.c.sources.like("|%|%|")
        found.append(several if query.availability == "several" else ~several)
    if query.qualities:
        found.append(titles.c.quality.in_(query.qualities))
    if query.hdr:
        found.append(titles.c.hdr)
    if query.text.strip():
        terms = search_terms(query.text)
        found.append(_matches(terms, dialect) if terms else literal_column("1") == literal_column("0"))
    return found


def _matches(terms: Sequence[str], dialect: str) -> ColumnElement[bool]:
    if dialect == "sqlite":
        phrase = " AND ".join(f'"{term}"*' for term in terms)
        return titles.c.id.in_(
            text("SELECT rowid FROM titles_fts WHERE titles_fts MATCH :phrase").bindparams(phrase=phrase)
        )
    phrase = " & ".join(f"{term}:*" for term in terms)
    return func.to_tsvector(literal_column("'simple'"), titles.c.search).op("@@")(
        func.to_tsquery(literal_column("'simple'"), phrase)
    )


def _cursor(values: list[Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


def _after(query: LibraryQuery) -> tuple[Any, int]:
    try:
        sort, value, number = orjson.loads(
            base64.urlsafe_b64decode((query.cursor or "") + "=" * (-len(query.cursor or "") % 4))
        )
        wanted = str if query.sort in ("title", "released") else (int, float)
        if sort != query.sort or not isinstance(number, int) or not isinstance(value, wanted):
            raise ValueError("a cursor of another list")
    except (ValueError, TypeError, binascii.Error) as error:
        raise UserError("This place in the list is not known; start again.", "cursor") from error
    return value, number
