"""Why a title looks as it does: each value, where it comes from and by which rule, and who else offers what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import select

from medianest_core.domain.library.columns import image_version
from medianest_core.domain.library.document import Document, parse
from medianest_core.domain.library.holds import NONE, Hold, Lock, Marks, same
from medianest_core.domain.library.merge import (
    BY_LEAF,
    GROUPS,
    LOCK,
    Path,
    Priorities,
    newest_first,
    statements,
    value_at,
)
from medianest_core.domain.library.reading.query import TitleRow, title_row
from medianest_core.domain.library.records import SourceRecord
from medianest_core.domain.library.stored import sources
from medianest_core.domain.library.stored.marks import load_marks
from medianest_core.domain.library.stored.priorities import load_priorities
from medianest_core.domain.library.wording import english_first
from medianest_core.domain.library.writing.finalize import Batch, described
from medianest_core.store.engine import Database
from medianest_core.store.tables.library import title_docs, titles

Why = Literal["lock", "held", "only", "priority", "empty"]
"""lock: an admin's. held: rolled back to. only: one source says anything. priority: the first that says anything. empty: none does."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a source says. rank: its place among all sources of the title for this kind of field, from 1. image: image id, where it is a
    picture that is shown now."""

    instance_id: str
    value: Any
    rank: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class FieldWhy:
    """value: None where there is none. origin: instance id, `merge.LOCK`, or None. image: of pictures, the image id."""

    path: Path
    group: str
    value: Any
    origin: str | None
    why: Why
    offers: Sequence[Offer]
    lock: Lock | None = None
    hold: Hold | None = None
    image: str | None = None


@dataclass(frozen=True, slots=True)
class Explained:
    """version: of its locks and holds. kept: since when it is kept although no server has it, else None. ranks: group → instance ids in
    their order."""

    row: TitleRow
    fields: Sequence[FieldWhy]
    version: int
    kept: float | None = None
    ranks: Mapping[str, Sequence[str]] = field(default_factory=dict)


async def explain(db: Database, title_id: int, now: float = 0.0) -> Explained | None:
    """None where there is no such title."""
    async with db.read() as tx:
        row = await tx.first(select(titles).where(titles.c.id == title_id))
        data = await tx.scalar(select(title_docs.c.doc).where(title_docs.c.id == title_id))
        if row is None or data is None:
            return None
        priorities = await load_priorities(tx)
        batch = Batch(0, priorities, await sources.numbers(tx, ()), now)
        members, owned = await described(tx, batch, [title_id])
        marks = (await load_marks(tx, [title_id])).get(title_id, NONE)
    found = [*members.get(title_id, ()), *owned.get(title_id, ())]
    return Explained(
        row=title_row(row),
        fields=fields_of(title_id, parse(data), found, priorities, marks),
        version=marks.version,
        kept=marks.kept,
        ranks={
            group: list(dict.fromkeys(one.instance for one in in_order(found, priorities, group)))
            for group in dict.fromkeys([*GROUPS.values(), "other"])
        },
    )


def in_order(records: Sequence[SourceRecord], priorities: Priorities, group: str) -> list[SourceRecord]:
    """As the merge asks them for values of that group."""
    return sorted(sorted(records, key=newest_first), key=lambda one: priorities.of(group, one.instance))


def fields_of(
    title_id: int,
    doc: Document,
    records: Sequence[SourceRecord],
    priorities: Priorities,
    marks: Marks,
) -> list[FieldWhy]:
    """Every value there is, or could be, group by group. Pure."""
    said = {id(one): statements(one.record) for one in records}
    paths = {path for values in [doc.values, *said.values()] for path in paths_of(values)}
    paths |= marks.locks.keys() | marks.holds.keys()
    orders = {group: in_order(records, priorities, group) for group in {_group(path) for path in paths}}
    found = []
    for path in sorted(paths, key=_place):
        group = _group(path)
        value, origin = value_at(doc.values, path), doc.source_of(*path)
        ranked = orders[group]
        offers = [
            Offer(one.instance, offered, number, origin == one.instance and same(offered, value))
            for number, one in enumerate(ranked, start=1)
            if (offered := value_at(said[id(one)], path)) is not None
        ]
        held = marks.holds.get(path)
        why: Why = (
            "lock"
            if path in marks.locks or origin == LOCK
            else "held"
            if held is not None and same(held.value, value) and not any(one.chosen for one in offers)
            else "empty"
            if value is None
            else "only"
            if len(offers) == 1
            else "priority"
        )
        found.append(
            FieldWhy(
                path,
                group,
                value,
                origin,
                why,
                offers,
                marks.locks.get(path),
                held,
                _image(title_id, path, value, origin, offers),
            )
        )
    return found


def paths_of(values: Mapping[str, Any]) -> list[Path]:
    """Of every value, leaf by leaf."""
    return [
        path
        for name, value in values.items()
        for path in ([(name, leaf) for leaf in value] if name in BY_LEAF else [(name,)])
    ]


def _group(path: Path) -> str:
    return GROUPS.get(path[0], "other")


_ORDER = list(dict.fromkeys([*GROUPS.values(), "other"]))
_FIELDS = list(GROUPS)


def _place(path: Path) -> tuple[Any, ...]:
    name = path[0]
    if name == "captions":
        return _ORDER.index(_group(path)), _FIELDS.index(name), english_first("".join(path[1:]))
    return _ORDER.index(_group(path)), _FIELDS.index(name) if name in GROUPS else len(_FIELDS), (False, path)


def _image(title_id: int, path: Path, value: Any, origin: str | None, offers: Sequence[Offer]) -> str | None:
    """A locked picture is loaded from the source that offers it."""
    if path[0] != "assets" or not isinstance(value, str) or not path[1].isalpha():
        return None
    if origin == LOCK:
        origin = next((one.instance_id for one in offers if one.value == value), None)
    return f"{title_id}-{path[1]}-{image_version(origin, value)}" if origin else None
