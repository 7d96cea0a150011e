"""Rows for all tables, made from their declarations."""

from __future__ import annotations

import random
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Double, Integer, LargeBinary, String, Table, insert, select

from medianest_core.store.backup.rows import encode
from medianest_core.store.backup.source import open_source
from medianest_core.store.engine import Database
from medianest_core.store.tables.all import core_metadata

_WORDS = ["", "plain", "Ünïcödé ✓", "a\nb\tc", "quote ' \" \\", "日本語", "x" * 40, "\U0001f600"]
_JSON: list[Any] = [
    {},
    [],
    "text",
    0,
    1.0,
    -2.5,
    True,
    None,
    {"b": [1, {"c": None}], "a": "é"},
    [1e-7, 12345678901234567, 3.0, {"n": 1.0}],
]


def value_for(column: Column[Any], number: int, pick: random.Random) -> Any:
    """Something the column takes; different for each number where it is a key."""
    if column.nullable and pick.random() < 0.3:
        return None
    kind = column.type
    unique = column.primary_key or column.unique or column.name.endswith(("key", "hash", "login", "name"))
    if isinstance(kind, JSON):
        return pick.choice(_JSON)
    if isinstance(kind, Boolean):
        return pick.random() < 0.5
    if isinstance(kind, Integer):
        return number + 1 if unique else pick.randrange(0, 30_000)
    if isinstance(kind, Double):
        return pick.choice([0.0, 1.5, -3.25, 1_700_000_000.123456, 1e300, 5e-324])
    if isinstance(kind, LargeBinary):
        return pick.randbytes(pick.randrange(0, 80))
    assert isinstance(kind, String), kind
    if column.nullable and not unique and pick.random() < 0.2:
        return ""
    return f"{number}-{pick.choice(_WORDS)}"[: kind.length or 200]


async def seed(db: Database, rows: int = 12, number: int = 7) -> None:
    """Put rows into every table of the core; their keys are the same for the same `number`."""
    pick = random.Random(number)
    async with db.begin() as tx:
        for table in core_metadata().sorted_tables:
            parents: dict[str, list[Any]] = {}
            for column in table.columns:
                for foreign in column.foreign_keys:
                    found = await tx.execute(select(foreign.column))
                    parents[column.name] = list(found.scalars())
            await tx.execute(insert(table), [_row(table, index, pick, parents) for index in range(rows)])


def _row(table: Table, index: int, pick: random.Random, parents: dict[str, list[Any]]) -> dict[str, Any]:
    values = {}
    for column in table.columns:
        if column.name in parents:
            choices = parents[column.name]
            values[column.name] = choices[index % len(choices)]
        elif column.autoincrement is not True:
            values[column.name] = value_for(column, index, pick)
    return values


async def dump(db: Database, *without: str) -> dict[str, list[bytes]]:
    """Every table that has rows as sorted lines: what has to be the same after a restore."""
    found = {}
    async with open_source(db) as source:
        for shape in source.tables:
            if shape.name in without:
                continue
            lines = [line async for batch in source.batches(shape) for line in encode(shape, batch)]
            if lines:
                found[shape.name] = sorted(lines)
    return found


async def empty(db: Database) -> None:
    """Remove all rows of the core."""
    async with db.begin() as tx:
        for table in reversed(core_metadata().sorted_tables):
            await tx.execute(table.delete())
