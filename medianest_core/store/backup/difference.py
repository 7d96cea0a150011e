"""What a restore would change, table by table."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from medianest_core.store.backup.rows import encode
from medianest_core.store.backup.shape import TableShape
from medianest_core.store.backup.source import Source


@dataclass(frozen=True, slots=True)
class TableDifference:
    """Rows by their key. removed: only here now. added: only in the archive. changed: in both, with other values.

    comparable: False where the two tables have other columns; `removed` and `added` are all rows of each then.
    """

    table: str
    here: int
    there: int
    removed: int
    added: int
    changed: int
    comparable: bool = True

    @property
    def equal(self) -> bool:
        return not (self.removed or self.added or self.changed)


async def differences(here: Source, there: Source, without: Collection[str] = ()) -> list[TableDifference]:
    """All tables of either, by name. without: tables whose rows do not travel."""
    ours = {shape.name: shape for shape in here.tables}
    theirs = {shape.name: shape for shape in there.tables}
    found = []
    for name in sorted((ours.keys() | theirs.keys()) - set(without)):
        mine, other = ours.get(name), theirs.get(name)
        if mine is None or other is None or mine.by_name != other.by_name:
            before = await here.count(name) if mine is not None else 0
            after = await there.count(name) if other is not None else 0
            found.append(TableDifference(name, before, after, before, after, 0, comparable=False))
        else:
            # In one order of columns, so that equal rows are equal lines.
            aligned = TableShape(name, mine.columns, mine.key)
            if mine.key:
                found.append(await _by_key(here, there, aligned))
            else:
                found.append(await _without_key(here, there, aligned))
    return found


async def _by_key(here: Source, there: Source, shape: TableShape) -> TableDifference:
    places = [[column.name for column in shape.columns].index(key) for key in shape.key]
    counts = Counter[str]()
    async with (
        contextlib.aclosing(_rows(here, shape)) as ours,
        contextlib.aclosing(_rows(there, shape)) as theirs,
    ):
        mine, other = await anext(ours, None), await anext(theirs, None)
        while mine is not None or other is not None:
            left = None if mine is None else [mine[0][place] for place in places]
            right = None if other is None else [other[0][place] for place in places]
            if right is None or (left is not None and left < right):
                counts.update(("here", "removed"))
                mine = await anext(ours, None)
            elif left is None or right < left:
                counts.update(("there", "added"))
                other = await anext(theirs, None)
            else:
                assert mine is not None and other is not None
                counts.update(("here", "there"))
                counts["changed"] += mine[1] != other[1]
                mine, other = await anext(ours, None), await anext(theirs, None)
    return TableDifference(
        shape.name, counts["here"], counts["there"], counts["removed"], counts["added"], counts["changed"]
    )


async def _rows(source: Source, shape: TableShape) -> AsyncGenerator[tuple[list[Any], bytes], None]:
    async with contextlib.aclosing(source.batches(shape)) as batches:
        async for batch in batches:
            lines = await asyncio.to_thread(encode, shape, batch)
            for row, line in zip(batch, lines, strict=True):
                yield row, line


async def _without_key(here: Source, there: Source, shape: TableShape) -> TableDifference:
    seen = Counter[bytes]()
    before = after = 0
    async for _, line in _rows(here, shape):
        seen[sha256(line).digest()] += 1
        before += 1
    async for _, line in _rows(there, shape):
        seen[sha256(line).digest()] -= 1
        after += 1
    removed = sum(count for count in seen.values() if count > 0)
    added = -sum(count for count in seen.values() if count < 0)
    return TableDifference(shape.name, before, after, removed, added, 0)
