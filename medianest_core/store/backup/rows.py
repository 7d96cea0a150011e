"""Rows as lines of JSON that are the same whichever database they come from, and a digest over many of them."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from hashlib import sha256
from typing import Any

import orjson

from medianest_core.base.texts import N_
from medianest_core.store.backup.errors import BackupFailed, Damaged
from medianest_core.store.backup.shape import Kind, TableShape

Row = Sequence[Any]
"""Values as both databases mean them: int, float, str, bool, bytes or None; JSON is its canonical text."""
MODULUS = 1 << 256
_INT_LIMIT = 1 << 63
_DEEPEST = 100
_STAMP = "%Y-%m-%d %H:%M:%S.%f"


class Digest:
    """Count and digest of rows, whatever their order: a sum of their hashes."""

    def __init__(self) -> None:
        self.rows = 0
        self._sum = 0

    def add(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self._sum += int.from_bytes(sha256(line).digest(), "big")
            self.rows += 1
        self._sum %= MODULUS

    @property
    def value(self) -> str:
        return f"{self._sum:064x}"


def _number(text: str) -> float | int:
    value = float(text)
    # PostgreSQL keeps large numbers by their digits, and knows no negative zero.
    if math.isfinite(value) and value.is_integer() and (abs(value) >= 1e16 or value == 0.0):
        return int(value) if value else 0.0
    return value


def canonical_json(text: str) -> str:
    """The same text for the same value. Raises ValueError where it is no JSON or nests too deeply."""
    try:
        value = json.loads(text, parse_float=_number)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if isinstance(value, float) and value.is_integer():
        # SQLite stores a bare number in a JSON column as a number and drops the zero behind its point.
        value = int(value)
    if _depth(text) > _DEEPEST:
        raise ValueError("nested too deeply")
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _depth(text: str) -> int:
    """At least how deep it nests; brackets in strings count too where there are many."""
    if text.count("[") + text.count("{") <= _DEEPEST:
        return 0
    depth = deepest = 0
    inside = False
    skip = False
    for letter in text:
        if skip:
            skip = False
        elif inside:
            skip = letter == "\\"
            inside = letter != '"'
        elif letter == '"':
            inside = True
        elif letter in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif letter in "]}":
            depth -= 1
    return deepest


def _wrong(kind: Kind, value: Any) -> TypeError:
    return TypeError(f"{type(value).__name__} in a column of {kind}")


def _int(value: Any) -> Any:
    if type(value) is not int:
        raise _wrong("int", value)
    return value


def _float(value: Any) -> Any:
    if type(value) is int:
        value = float(value)
    if type(value) is not float:
        raise _wrong("float", value)
    return value


def _text(value: Any) -> Any:
    if type(value) is not str:
        raise _wrong("text", value)
    return value


def _bool(value: Any) -> Any:
    if value not in (0, 1) or type(value) not in (int, bool):
        raise _wrong("bool", value)
    return bool(value)


def _json(value: Any) -> Any:
    if type(value) in (int, float):
        value = repr(value)
    if type(value) is not str:
        raise _wrong("json", value)
    return canonical_json(value)


def _bytes(value: Any) -> Any:
    if type(value) is not bytes:
        raise _wrong("bytes", value)
    return value


def _datetime(value: Any) -> Any:
    return value.strftime(_STAMP) if isinstance(value, datetime) else _text(value)


def _date(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else _text(value)


_FROM: dict[Kind, Callable[[Any], Any]] = {
    "int": _int,
    "float": _float,
    "text": _text,
    "bool": _bool,
    "json": _json,
    "bytes": _bytes,
    "datetime": _datetime,
    "date": _date,
}


def from_database(shape: TableShape, rows: Iterable[Row]) -> list[list[Any]]:
    """Rows as a driver gives them → as both databases mean them. Raises BackupFailed for a value its column cannot hold."""
    converters = [_FROM[kind] for kind in shape.kinds]
    found: list[list[Any]] = []
    for row in rows:
        made = []
        for convert, value, column in zip(converters, row, shape.columns, strict=True):
            try:
                made.append(None if value is None else convert(value))
            except (TypeError, ValueError) as error:
                raise BackupFailed(
                    N_("The table {table} holds something odd in its column {column}: {reason}.").format(
                        table=shape.name, column=column.name, reason=error
                    )
                ) from error
        found.append(made)
    return found


def _plain(kind: Kind, value: Any) -> Any:
    if value is None:
        return None
    if kind == "bytes":
        return base64.b64encode(value).decode("ascii")
    if kind == "float" and not math.isfinite(value):
        return repr(value)
    return value


def encode(shape: TableShape, rows: Iterable[Row]) -> list[bytes]:
    """One line for each row, without its end."""
    special = [kind in ("bytes", "float") for kind in shape.kinds]
    kinds = shape.kinds
    lines = []
    for row in rows:
        values = [
            _plain(kind, value) if plain else value
            for kind, value, plain in zip(kinds, row, special, strict=True)
        ]
        lines.append(orjson.dumps(values))
    return lines


def _from_line(kind: Kind, value: Any) -> Any:
    if value is None:
        return None
    if kind == "float":
        if type(value) is str and value in ("inf", "-inf", "nan"):
            return float(value)
        return _float(value)
    if kind == "int":
        if not -_INT_LIMIT <= _int(value) < _INT_LIMIT:
            raise ValueError("a number out of range")
        return value
    if kind == "bool":
        if type(value) is not bool:
            raise _wrong(kind, value)
        return value
    _text(value)
    if kind == "bytes":
        return base64.b64decode(value, validate=True)
    if kind == "json":
        if canonical_json(value) != value:
            raise ValueError("JSON in another form")
    elif kind == "datetime":
        datetime.strptime(value, _STAMP)
    elif kind == "date":
        date.fromisoformat(value)
    return value


def decode(shape: TableShape, line: bytes) -> list[Any]:
    """The row of a line. Raises Damaged for anything that `encode` would not have written."""
    try:
        values = orjson.loads(line)
        if type(values) is not list or len(values) != len(shape.columns):
            raise ValueError("not as many values as columns")
        row = [_from_line(kind, value) for kind, value in zip(shape.kinds, values, strict=True)]
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise Damaged(
            N_("The archive holds a row of {table} that makes no sense: {reason}.").format(
                table=shape.name, reason=error
            )
        ) from error
    return row


def for_postgres(shape: TableShape, rows: Iterable[Row]) -> list[Row]:
    """Values as the driver takes them."""
    if not {"datetime", "date"} & set(shape.kinds):
        return list(rows)
    return [[_stamp(kind, value) for kind, value in zip(shape.kinds, row, strict=True)] for row in rows]


def _stamp(kind: Kind, value: Any) -> Any:
    if value is None or kind not in ("datetime", "date"):
        return value
    return datetime.strptime(value, _STAMP) if kind == "datetime" else date.fromisoformat(value)
