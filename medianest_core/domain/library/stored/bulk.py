"""Statements over many rows at once, the same on both dialects."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any, cast

import orjson
from sqlalchemy import (
    JSON,
    ColumnElement,
    String,
    Table,
    Text,
    any_,
    bindparam,
    delete,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from medianest_core.sdk.storage import Transaction
from medianest_core.store.engine import Tx
from medianest_core.store.written import plain_json

CHUNK = 2000
"""Values that one statement asks for; below the parameter limit of either driver."""
_NUL = b"\\u0000"
COPY_FROM = 50
"""Rows from which on PostgreSQL is given them by COPY."""


def among(tx: Transaction, column: ColumnElement[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """Whether `column` is one of these texts or whole numbers.

    They go to the database as one parameter: as a list of parameters each of them costs SQLAlchemy more than the database.
    """
    if cast(Tx, tx).dialect == "postgresql":
        from medianest_core.store.postgres import without_nul

        # Of a text type with a length PostgreSQL would cut what is asked for to that length.
        kind = Text() if isinstance(column.type, String) else column.type
        return column == any_(literal([*map(without_nul, values)], ARRAY(kind)))
    text = orjson.dumps([*values])
    if _NUL in text:
        # SQLite's JSON ends at this character.
        return column.in_(values)
    return column.in_(select(func.json_each(bindparam(None, text.decode())).table_valued("value").c.value))


def chunks(values: Iterable[Any], size: int = CHUNK) -> Iterator[list[Any]]:
    iterator = iter(values)
    while part := list(islice(iterator, size)):
        yield part


async def insert_rows(tx: Transaction, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """All rows have the same keys. They go to the driver as they are, which takes half the time of SQLAlchemy's conversions, or
    less; few rows for PostgreSQL alone go through those."""
    if not rows:
        return
    writing = cast(Tx, tx)
    if writing.dialect == "postgresql" and len(rows) >= COPY_FROM:
        from medianest_core.store.copying import copy_rows

        await copy_rows(await writing.connected(), table, rows)
        return
    if writing.dialect != "sqlite":
        await tx.execute(table.insert(), rows)
        return
    names = list(rows[0])
    columns = ", ".join(f'"{name}"' for name in names)
    statement = f"INSERT INTO {table.name} ({columns}) VALUES ({', '.join('?' * len(names))})"
    await _said(writing, statement, table, names, rows)


async def update_rows(
    tx: Transaction,
    table: Table,
    key: str,
    rows: Sequence[Mapping[str, Any]],
    *,
    counts: str | None = None,
) -> None:
    """Overwrite the columns that `rows` name in the rows with the same `key`. All have the same keys. counts: a column to be
    counted on by one in each."""
    if not rows:
        return
    writing = cast(Tx, tx)
    names = [name for name in rows[0] if name != key]
    if writing.dialect == "sqlite":
        changes = [f'"{name}" = ?' for name in names]
        changes += [f'"{counts}" = "{counts}" + 1'] if counts else []
        statement = f'UPDATE {table.name} SET {", ".join(changes)} WHERE "{key}" = ?'
        await _said(writing, statement, table, [*names, key], rows)
        return
    values: dict[str, Any] = {name: bindparam(f"b_{name}") for name in names}
    if counts:
        values[counts] = table.c[counts] + 1
    await tx.execute(
        update(table).where(table.c[key] == bindparam(f"b_{key}")).values(values),
        [{f"b_{name}": value for name, value in row.items()} for row in rows],
    )


async def _said(
    tx: Tx, statement: str, table: Table, names: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> None:
    """`statement` in SQLite's own words, once for each row, whose values it takes in the order of `names`."""
    take = itemgetter(*names)
    texts = [number for number, name in enumerate(names) if isinstance(table.columns[name].type, JSON)]
    said: list[Sequence[Any]] = [take(row) for row in rows]
    if texts:
        said = [_with_json(values, texts) for values in said]
    tx.written.add(table.name)
    connection = await tx.connected()
    await connection.exec_driver_sql(statement, said)


def _with_json(values: Sequence[Any], numbers: Sequence[int]) -> tuple[Any, ...]:
    found = list(values)
    for number in numbers:
        found[number] = plain_json(found[number])
    return tuple(found)


async def upsert_rows(tx: Transaction, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert, or overwrite all other columns of rows with the same primary key. All rows have the same keys."""
    if not rows:
        return
    writing = cast(Tx, tx)
    if writing.dialect == "postgresql" and len(rows) >= COPY_FROM:
        from medianest_core.store.copying import merge_rows

        await merge_rows(await writing.connected(), table, rows)
        return
    statement = writing.insert(table)
    keys = [column.name for column in table.primary_key]
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    await tx.execute(
        statement.on_conflict_do_update(index_elements=keys, set_=changed)
        if changed
        else statement.on_conflict_do_nothing(index_elements=keys),
        rows,
    )


async def select_rows(
    tx: Transaction, statement: Any, column: ColumnElement[Any], values: Collection[Any]
) -> list[Any]:
    """Rows of `statement` whose `column` is one of `values`, chunk by chunk."""
    found: list[Any] = []
    for part in chunks(values):
        found.extend((await tx.execute(statement.where(among(tx, column, part)))).all())
    return found


async def delete_rows(
    tx: Transaction,
    table: Table,
    column: ColumnElement[Any],
    values: Collection[Any],
    *also: ColumnElement[bool],
) -> None:
    for part in chunks(values):
        await tx.execute(delete(table).where(among(tx, column, part), *also))
