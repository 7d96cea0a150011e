"""What the library can be narrowed down to, with counts that take in what is chosen already.

The titles are counted once by all that can be chosen together: that is one walk through an index, and some thousand cells however
many titles there are. Every choice is then counted from the cells, without the database.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from sqlalchemy import ColumnElement, Row, func, literal_column, select

from medianest_core.domain.library.columns import QUALITIES
from medianest_core.store.engine import Tx
from medianest_core.store.tables.library import titles

AVAILABILITY = ("now", "several", "single")
"""Held by a server that answers; by more than one server; by one alone."""
_DECADE: ColumnElement[int] = literal_column("year / 10")
_MOST_BASES, _MOST_CHOICES = 16, 128
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Facets:
    """What can be chosen, with counts. Each filter is counted over what the others leave: choosing a genre narrows the counts of
    qualities, not those of the other genres. decades: by their first years. availability: by a word of `AVAILABILITY`.
    year_from, year_to: first and last decade that has titles, as years; None without any."""

    kinds: Mapping[str, int]
    genres: Mapping[str, int]
    qualities: Mapping[int, int]
    instance_ids: Mapping[str, int]
    year_from: int | None
    year_to: int | None
    decades: Mapping[int, int]
    availability: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Cell:
    """count titles that are alike in all that can be chosen. decade: its first year, 0 unknown."""

    genres: tuple[str, ...]
    instance_ids: tuple[str, ...]
    kind: str
    quality: int
    decade: int
    count: int


class Choice(Protocol):
    """What is chosen: the part of a `LibraryQuery` that cells can tell apart."""

    @property
    def kinds(self) -> tuple[str, ...]: ...
    @property
    def genres(self) -> tuple[str, ...]: ...
    @property
    def decades(self) -> tuple[int, ...]: ...
    @property
    def qualities(self) -> tuple[int, ...]: ...
    @property
    def instance_ids(self) -> tuple[str, ...]: ...
    @property
    def availability(self) -> str: ...
    @property
    def answering(self) -> tuple[str, ...]: ...


async def read_cells(tx: Tx, conditions: Sequence[ColumnElement[bool]]) -> Sequence[Row[Any]]:
    """All cells of the titles that meet the conditions, as rows for `cells_of`."""
    columns = (titles.c.genres, titles.c.sources, titles.c.kind, titles.c.quality, _DECADE.label("decade"))
    grouped = select(*columns, func.count().label("count")).where(*conditions)
    return (await tx.execute(grouped.group_by(*columns[:4], _DECADE))).all()


def cells_of(rows: Sequence[Row[Any]]) -> list[Cell]:
    return [
        Cell(_split(genres), _split(sources), kind, quality, int(decade) * 10, number)
        for genres, sources, kind, quality, decade, number in rows
    ]


def count(cells: Sequence[Cell], choice: Choice) -> Facets:
    """The facets of these cells under a choice."""
    kinds: Counter[str] = Counter()
    genres: Counter[str] = Counter()
    decades: Counter[int] = Counter()
    qualities: Counter[int] = Counter()
    sources: Counter[str] = Counter()
    availability: Counter[str] = Counter()
    wanted = _Wanted(
        frozenset(choice.kinds),
        frozenset(choice.genres),
        frozenset(choice.decades),
        frozenset(choice.qualities),
        frozenset(choice.instance_ids),
        choice.availability,
        frozenset(choice.answering),
    )
    for cell in cells:
        missed = _missed(cell, wanted)
        if missed is None:
            continue
        number = cell.count
        if missed in ("", "kind"):
            kinds[cell.kind] += number
        if missed in ("", "genre"):
            for genre in cell.genres:
                genres[genre] += number
        if missed in ("", "decade") and cell.decade:
            decades[cell.decade] += number
        if missed in ("", "quality") and cell.quality in QUALITIES:
            qualities[cell.quality] += number
        if missed in ("", "server"):
            for instance in cell.instance_ids:
                sources[instance] += number
        if missed in ("", "availability"):
            for word in AVAILABILITY:
                if _available(cell, word, wanted.answering):
                    availability[word] += number
    known = [cell.decade for cell in cells if cell.decade]
    return Facets(
        dict(kinds),
        dict(sorted(genres.items())),
        dict(sorted(qualities.items(), reverse=True)),
        dict(sources),
        min(known, default=None),
        max(known) + 9 if known else None,
        dict(sorted(decades.items(), reverse=True)),
        dict(availability),
    )


@dataclass(frozen=True, slots=True)
class _Wanted:
    kinds: frozenset[str]
    genres: frozenset[str]
    decades: frozenset[int]
    qualities: frozenset[int]
    instances: frozenset[str]
    availability: str
    answering: frozenset[str]


def _missed(cell: Cell, wanted: _Wanted) -> str | None:
    """The only filter that the cell does not meet; "" where it meets all, None where it misses more than one."""
    missed = ""
    if wanted.kinds and cell.kind not in wanted.kinds:
        missed = "kind"
    if wanted.genres and wanted.genres.isdisjoint(cell.genres):
        if missed:
            return None
        missed = "genre"
    if wanted.decades and cell.decade not in wanted.decades:
        if missed:
            return None
        missed = "decade"
    if wanted.qualities and cell.quality not in wanted.qualities:
        if missed:
            return None
        missed = "quality"
    if wanted.instances and wanted.instances.isdisjoint(cell.instance_ids):
        if missed:
            return None
        missed = "server"
    if wanted.availability and not _available(cell, wanted.availability, wanted.answering):
        return None if missed else "availability"
    return missed


def _available(cell: Cell, word: str, answering: frozenset[str]) -> bool:
    if word == "now":
        return not answering.isdisjoint(cell.instance_ids)
    return (len(cell.instance_ids) > 1) == (word == "several")


class Counts:
    """Cells and counts that are kept until the library changes. May be asked by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._generation = -1
        self._cells: OrderedDict[Hashable, Sequence[Cell]] = OrderedDict()
        self._facets: OrderedDict[Hashable, Facets] = OrderedDict()

    def get(self, generation: int, base: Hashable, choice: Choice) -> Facets | None:
        """None where the cells of `base` have to be read first."""
        with self._lock:
            if generation != self._generation or (cells := self._cells.get(base)) is None:
                return None
            if (known := self._facets.get((base, _key(choice)))) is not None:
                return known
        return self._counted(generation, base, cells, choice)

    def put(self, generation: int, base: Hashable, cells: Sequence[Cell], choice: Choice) -> Facets:
        with self._lock:
            if generation != self._generation:
                self._generation = generation
                self._cells.clear()
                self._facets.clear()
            if generation == self._generation:
                _remember(self._cells, base, cells, _MOST_BASES)
        return self._counted(generation, base, cells, choice)

    def _counted(self, generation: int, base: Hashable, cells: Sequence[Cell], choice: Choice) -> Facets:
        found = count(cells, choice)
        with self._lock:
            if generation == self._generation:
                _remember(self._facets, (base, _key(choice)), found, _MOST_CHOICES)
        return found


def _remember(kept: OrderedDict[Hashable, T], key: Hashable, value: T, most: int) -> None:
    kept[key] = value
    while len(kept) > most:
        kept.popitem(last=False)


def _key(choice: Choice) -> Hashable:
    return (
        choice.kinds,
        choice.genres,
        choice.decades,
        choice.qualities,
        choice.instance_ids,
        choice.availability,
        choice.answering,
    )


@lru_cache(maxsize=10_000)
def _split(bars: str) -> tuple[str, ...]:
    # Each once: some sources name a genre twice.
    return tuple(dict.fromkeys(bars.strip("|").split("|"))) if bars else ()
