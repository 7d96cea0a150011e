"""Which titles of the library are those that somebody else names: by external ids, and where these say nothing by name and year. One
indexed read for a whole page of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import CompoundSelect, func, select, union_all
from sqlalchemy.engine import RowMapping

from medianest_core.domain.library.identity import name_key
from medianest_core.domain.library.reading.query import TOP, TitleRow, title_row
from medianest_core.store.engine import Database
from medianest_core.store.tables.library import title_ids, titles


@dataclass(frozen=True, slots=True)
class Named:
    """A title as somebody else names it. ids: provider → id. titles: names it bears; they count only with a year."""

    kind: str
    ids: Mapping[str, str]
    titles: Collection[str] = ()
    year: int | None = None

    @property
    def names(self) -> set[str]:
        """What a title of the library with one of these names is found by."""
        return {name_key(self.kind, one, self.year) for one in self.titles if one} if self.year else set()


@dataclass(slots=True)
class _Known:
    """A title of the library that was found. ids: provider → ids, as far as they were read."""

    row: TitleRow
    ids: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


async def titles_of(db: Database, wanted: Sequence[Named]) -> list[TitleRow | None]:
    """For each of `wanted` the library's title, or None where no server has it.

    Where its ids lead to several titles, the one that most of them name. A title of the same name and year is the same unless both
    have an id of one provider and these differ.
    """
    places = {(one.kind, provider, value) for one in wanted for provider, value in one.ids.items() if value}
    names = {name for one in wanted for name in one.names}
    if not places and not names:
        return [None] * len(wanted)
    async with db.glance() as tx:
        rows = await tx.all(lookup(places, names))
    by_id: dict[tuple[str, str, str], set[int]] = defaultdict(set)
    by_name: dict[str, set[int]] = defaultdict(set)
    known: dict[int, _Known] = {}
    for row in rows:
        title = _note(known, row)
        if row["name"] is None:
            by_id[(title.row.kind, row["provider"], row["value"])].add(title.row.id)
        else:
            by_name[row["name"]].add(title.row.id)
    return [_choose(one, by_id, by_name, known) for one in wanted]


def lookup(places: Collection[tuple[str, str, str]], names: Collection[str] = ()) -> CompoundSelect[Any]:
    """The titles that bear one of these (kind, provider, id) or names, with what they were found by; by a name with all their ids.

    A part for each kind and provider: given all of them at once, SQLite reads the titles from end to end instead.
    """
    values: dict[tuple[str, str], list[str]] = defaultdict(list)
    for kind, provider, value in sorted(places):
        values[(kind, provider)].append(value)
    parts = [
        select(func.nullif("", "").label("name"), title_ids.c.provider, title_ids.c.value, titles)
        .join(titles, titles.c.id == title_ids.c.title_id)
        .where(title_ids.c.kind == kind, title_ids.c.provider == provider, title_ids.c.value.in_(found))
        for (kind, provider), found in values.items()
    ]
    if names:
        parts.append(
            select(titles.c.match_key.label("name"), title_ids.c.provider, title_ids.c.value, titles)
            .select_from(titles.outerjoin(title_ids, title_ids.c.title_id == titles.c.id))
            .where(titles.c.match_key.in_(sorted(names)), TOP)
        )
    return union_all(*parts)


def _note(known: dict[int, _Known], row: RowMapping) -> _Known:
    title = known.get(row["id"])
    if title is None:
        title = known[row["id"]] = _Known(title_row(row))
    if row["provider"] is not None:
        title.ids[row["provider"]].add(row["value"])
    return title


def _choose(
    one: Named,
    by_id: Mapping[tuple[str, str, str], set[int]],
    by_name: Mapping[str, set[int]],
    known: Mapping[int, _Known],
) -> TitleRow | None:
    votes = Counter(
        title_id
        for provider, value in one.ids.items()
        for title_id in by_id.get((one.kind, provider, value), ())
    )
    if votes:
        return known[min(votes, key=lambda title_id: (-votes[title_id], title_id))].row
    alike = {title_id for name in one.names for title_id in by_name.get(name, ())}
    fitting = [title_id for title_id in sorted(alike) if not _differ(one.ids, known[title_id].ids)]
    return known[fitting[0]].row if len(fitting) == 1 else None


def _differ(ids: Mapping[str, str], other: Mapping[str, Collection[str]]) -> bool:
    return any(
        value and provider in other and value not in other[provider] for provider, value in ids.items()
    )
