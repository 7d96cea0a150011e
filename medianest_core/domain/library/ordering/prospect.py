"""What another order of sources would change, computed from the stored records without writing anything."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from medianest_core.domain.library.columns import image_version
from medianest_core.domain.library.holds import NONE, Marks
from medianest_core.domain.library.merge import GROUPS, LOCK, Path, Priorities, differences, merge
from medianest_core.domain.library.records import SourceRecord
from medianest_core.domain.library.stored.marks import load_marks
from medianest_core.domain.library.stored.offers import records_of
from medianest_core.domain.library.stored.owned import of_several, owned_records
from medianest_core.domain.library.stored.sources import numbers
from medianest_core.store.engine import Database
from medianest_core.store.tables.library import titles

EXAMPLES = 20
_FIELDS_OF_ONE = 4
_PART = 250
PATIENCE = 6.0
"""Seconds after which the rest of a very large library is not looked at any more."""


@dataclass(frozen=True, slots=True)
class Swap:
    """One value that would change. before_from, after_from: instance ids. before_image, after_image: image ids, of pictures."""

    path: Path
    before: Any
    after: Any
    before_from: str | None
    after_from: str | None
    before_image: str | None = None
    after_image: str | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """more: how many further values of it would change."""

    title_id: int
    title: str
    kind: str
    swaps: Sequence[Swap]
    more: int


@dataclass(slots=True)
class Prospect:
    """titles, fields: how many would change. groups: fields by group. servers: fields by the instance they would come from.
    looked_at, of: titles that several sources describe, and how many of them were computed."""

    titles: int = 0
    fields: int = 0
    groups: Counter[str] = field(default_factory=Counter)
    servers: Counter[str] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)
    looked_at: int = 0
    of: int = 0

    @property
    def complete(self) -> bool:
        """Whether all titles were looked at; otherwise the numbers are what was found so far."""
        return self.looked_at >= self.of


async def prospect(
    db: Database,
    present: Priorities,
    wanted: Priorities,
    *,
    patience: float = PATIENCE,
    timer: Callable[[], float] = time.monotonic,
) -> Prospect:
    """What would change from `present` to `wanted`. Films and shows are looked at before episodes."""
    found = Prospect()
    several = of_several().subquery()
    started, after = timer(), (0, 0)
    async with db.read() as tx:
        found.of = int(await tx.scalar(select(func.count()).select_from(several)) or 0)
    while timer() - started < patience:
        async with db.read() as tx:
            rows = (
                await tx.execute(
                    select(titles.c.level, titles.c.id, titles.c.title, titles.c.kind)
                    .where(titles.c.id.in_(select(several.c[0])))
                    .where(
                        (titles.c.level > after[0])
                        | ((titles.c.level == after[0]) & (titles.c.id > after[1]))
                    )
                    .order_by(titles.c.level, titles.c.id)
                    .limit(_PART)
                )
            ).all()
            if not rows:
                found.of = found.looked_at
                break
            ids = [row[1] for row in rows]
            held = await records_of(tx, ids)
            owned = await owned_records(tx, await numbers(tx, ()), ids)
            marks = await load_marks(tx, ids)
        named = {row[1]: (row[2], row[3]) for row in rows}
        told = {title: [*held.get(title, ()), *owned.get(title, ())] for title in ids if held.get(title)}
        await asyncio.to_thread(_compare, found, named, told, marks, present, wanted)
        found.looked_at += len(rows)
        after = rows[-1][0], rows[-1][1]
    return found


def _compare(
    found: Prospect,
    named: Mapping[int, tuple[str, str]],
    told: Mapping[int, Sequence[SourceRecord]],
    marks: Mapping[int, Marks],
    present: Priorities,
    wanted: Priorities,
) -> None:
    for title, records in told.items():
        mine = marks.get(title, NONE)
        old = merge(records, present, mine.locked, mine.holds)
        new = merge(records, wanted, mine.locked, mine.holds)
        changed = differences(old.values, new.values)
        if not changed:
            continue
        found.titles += 1
        found.fields += len(changed)
        was, now = old.provenance, new.provenance
        for path in changed:
            found.groups[GROUPS.get(path[0], "other")] += 1
            if (server := now.get(path)) and server != LOCK:
                found.servers[server] += 1
        if len(found.examples) < EXAMPLES:
            swaps = [
                _swap(title, path, changed[path], was.get(path), now.get(path))
                for path in sorted(changed, key=_pictures_first)[:_FIELDS_OF_ONE]
            ]
            name, kind = named[title]
            found.examples.append(Example(title, name, kind, swaps, len(changed) - len(swaps)))


def _pictures_first(path: Path) -> tuple[bool, bool, Path]:
    return path != ("assets", "poster"), path[0] != "assets", path


def _swap(title: int, path: Path, values: tuple[Any, Any], was: str | None, now: str | None) -> Swap:
    before, after = values
    images: list[str | None] = [None, None]
    if path[0] == "assets" and path[1].isalpha():
        images = [
            _image(title, path[1], instance, value) for value, instance in ((before, was), (after, now))
        ]
    return Swap(path, before, after, was, now, *images)


def _image(title: int, asset: str, instance: str | None, reference: Any) -> str | None:
    if not instance or instance == LOCK or not isinstance(reference, str):
        return None
    return f"{title}-{asset}-{image_version(instance, reference)}"
