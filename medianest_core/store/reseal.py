"""Sealing everything anew with the newest key: column by column, in batches, to be taken up again wherever it was interrupted.

A batch is one transaction. What is sealed with the newest key already is left alone, so that a second run does only what the
first one left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, and_, select, tuple_, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.crypto import CannotOpen, Keyring
from medianest_core.base.failpoints import failpoint
from medianest_core.base.nested import Place, editable, places
from medianest_core.store.engine import Database, Tx

BATCH = 100
_SEALED = "mn1."


@dataclass(frozen=True, slots=True)
class Sealed:
    """A column of sealed texts: one in each row, or a JSON object in which some values are sealed, in groups and entries too.

    context: (row, name within the object, with dots, or "") → what the text is bound to. beside: (row, new value) → other columns that
    have to change with it.
    """

    table: Table
    column: str
    context: Callable[[RowMapping, str], str]
    beside: Callable[[RowMapping, Any], Mapping[str, Any]] | None = None

    @property
    def name(self) -> str:
        return f"{self.table.name}.{self.column}"


@dataclass(frozen=True, slots=True)
class Resealed:
    """columns: name → texts sealed anew, or to be. unreadable: texts whose key is gone; they stay as they are."""

    columns: Mapping[str, int]
    unreadable: int

    @property
    def total(self) -> int:
        return sum(self.columns.values())


async def reseal(
    db: Database, keyring: Keyring, sealed: Sequence[Sealed], *, batch: int = BATCH, dry: bool = False
) -> Resealed:
    """Seal with the newest key what was sealed with an older one. dry: only count."""
    done: Counter[str] = Counter({one.name: 0 for one in sealed})
    unreadable = 0
    for one in sealed:
        after: Sequence[Any] | None = None
        while True:
            async with db.begin() as tx:
                rows = await _rows(tx, one, after, batch, write=True)
                for row in rows:
                    changed, count, lost = _anew(keyring, one, row)
                    unreadable += lost
                    done[one.name] += count
                    if count and not dry:
                        await tx.execute(
                            update(one.table)
                            .where(and_(*(column == row[column.name] for column in one.table.primary_key)))
                            .values({one.column: changed, **(one.beside(row, changed) if one.beside else {})})
                        )
            if len(rows) < batch:
                break
            after = [rows[-1][column.name] for column in one.table.primary_key]
            failpoint("keys.batch")
        failpoint("keys.column")
    return Resealed(dict(done), unreadable)


async def uses(db: Database, keyring: Keyring, sealed: Sequence[Sealed]) -> Mapping[str, int]:
    """Key id → how many stored texts it seals."""
    found: Counter[str] = Counter()
    async for text in _texts(db, sealed):
        found[keyring.key_of(text)] += 1
    return found


async def _texts(db: Database, sealed: Sequence[Sealed]) -> AsyncIterator[str]:
    for one in sealed:
        after: Sequence[Any] | None = None
        while True:
            async with db.read() as tx:
                rows = await _rows(tx, one, after, BATCH)
            for row in rows:
                for part in _parts(row[one.column]):
                    yield part.value
            if len(rows) < BATCH:
                break
            after = [rows[-1][column.name] for column in one.table.primary_key]


async def _rows(
    tx: Tx, one: Sealed, after: Sequence[Any] | None, batch: int, *, write: bool = False
) -> list[RowMapping]:
    """write: nobody else changes them until the transaction ends, which must not be one that only reads."""
    keys = list(one.table.primary_key)
    wanted = select(one.table).order_by(*keys).limit(batch)
    if write:
        wanted = wanted.with_for_update()
    if after is not None:
        wanted = wanted.where(tuple_(*keys) > tuple_(*after) if len(keys) > 1 else keys[0] > after[0])
    return list(await tx.all(wanted))


def _parts(value: Any) -> list[Place]:
    """All sealed texts in a value, each with its name in it or "" and where to put another one."""
    found = places(value) if isinstance(value, dict) else [Place("", "", {"": value}, "")]
    return [one for one in found if isinstance(one.value, str) and one.value.startswith(_SEALED)]


def _anew(keyring: Keyring, one: Sealed, row: RowMapping) -> tuple[Any, int, int]:
    """(the new value, texts sealed anew, texts that cannot be opened)."""
    value = row[one.column]
    value = editable(value) if isinstance(value, dict) else value
    done = lost = 0
    for part in _parts(value):
        if keyring.key_of(part.value) == keyring.current:
            continue
        context = one.context(row, part.name)
        try:
            fresh = keyring.seal(keyring.open(part.value, context), context)
        except CannotOpen:
            lost += 1
            continue
        done += 1
        if part.name:
            part.holder[part.key] = fresh
        else:
            value = fresh
    return value, done, lost
