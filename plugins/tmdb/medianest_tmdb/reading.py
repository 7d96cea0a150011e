"""Reading TMDB's answers: what is missing or of another kind than expected is left out, never a mistake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]


def text(row: Row, *names: str) -> str:
    """The first of these that says something; "" for none."""
    for name in names:
        value = row.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def number(row: Row, name: str) -> float | None:
    value = row.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def whole(row: Row, name: str) -> int | None:
    value = row.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def part(row: Row, name: str) -> Row:
    """An object inside; an empty one for none."""
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def rows(row: Row, name: str) -> Sequence[Row]:
    """The objects of a list inside."""
    value = row.get(name)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def year(day: str) -> int | None:
    """Of an ISO date."""
    return int(day[:4]) if len(day) >= 4 and day[:4].isdecimal() else None
