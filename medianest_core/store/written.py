"""Statements that are sent to the driver as they are, for rows that are written all the time.

Saying them through SQLAlchemy costs several times what either database takes for them. Texts have the driver's own placeholders, and
values are what the driver wants: JSON as text, and on PostgreSQL no NUL.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import JSON, Table
from sqlalchemy.sql.schema import ScalarElementColumnDefault

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_NUL_IN_JSON = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
_STRICT = orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
"""What `json` refuses, or writes otherwise, is left to it."""
Said = tuple[str, list[tuple[Any, ...]]]
"""A statement's text, and the values of each time that it is said."""


class Worded:
    """A statement in the drivers' own words. sqlite, postgres: where its parameters stand is written {0}, {1}, …"""

    def __init__(self, sqlite: str, postgres: str | None = None, *, parameters: int) -> None:
        self._sqlite = sqlite.format(*(f"?{number + 1}" for number in range(parameters)))
        self._postgres = (postgres or sqlite).format(*(f"${number + 1}" for number in range(parameters)))

    def text(self, dialect: str) -> str:
        return self._postgres if dialect == "postgresql" else self._sqlite


class Insertion:
    """INSERT into a table of rows that all name the same columns; the others get their defaults."""

    def __init__(self, table: Table, names: Sequence[str]) -> None:
        self.table = table.name
        defaults = {
            column.name: column.default.arg
            for column in table.columns
            if column.name not in names and isinstance(column.default, ScalarElementColumnDefault)
        }
        columns = [*names, *defaults]
        into = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES "
        self._sqlite = f"{into}({', '.join('?' * len(columns))})"
        self._postgres = f"{into}({', '.join(f'${number + 1}' for number in range(len(columns)))})"
        self._fields = [(name, isinstance(table.columns[name].type, JSON)) for name in names]
        self._defaults = tuple(defaults.values())

    def text(self, dialect: str) -> str:
        return self._postgres if dialect == "postgresql" else self._sqlite

    def row(self, dialect: str, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """The values of one row, in the text's order."""
        if dialect == "postgresql":
            return (
                *(
                    json_text(values[name]) if is_json else without_nul(values[name])
                    for name, is_json in self._fields
                ),
                *self._defaults,
            )
        return (
            *(plain_json(values[name]) if is_json else values[name] for name, is_json in self._fields),
            *self._defaults,
        )


def without_nul(value: Any) -> Any:
    """PostgreSQL keeps every character but this one."""
    return value.replace("\0", _REPLACEMENT) if isinstance(value, str) and "\0" in value else value


def json_text(value: Any) -> str:
    """A value as PostgreSQL takes it for JSON."""
    return without_escaped_nul(plain_json(value))


def without_escaped_nul(text: str) -> str:
    """The same for JSON that is text already."""
    if "\\u0000" in text:
        text = _NUL_IN_JSON.sub(lambda found: found[1] + "\\ufffd", text)
    return text


def plain_json(value: Any) -> str:
    """A value as SQLite takes it for JSON."""
    try:
        return orjson.dumps(value, option=_STRICT).decode()
    except TypeError:
        # Numbers of more than 64 bits, halves of characters, keys that are no text.
        return json.dumps(value)
