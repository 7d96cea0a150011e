"""Small readers for JSON that may lack anything: the wrong type counts as missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from medianest_core.sdk import InvalidResponse

Row = Mapping[str, Any]


def row(value: Any) -> Row:
    """An object. Raises InvalidResponse for anything else."""
    if not isinstance(value, dict):
        raise InvalidResponse("The address answers, but not like Overseerr or Seerr.")
    return value


def listed(value: Any) -> Sequence[Any]:
    """A list. Raises InvalidResponse for anything else."""
    if not isinstance(value, list):
        raise InvalidResponse("The address answers, but not like Overseerr or Seerr.")
    return value


def part(source: Row, name: str) -> Row:
    """An object inside, empty where it is missing."""
    value = source.get(name)
    return value if isinstance(value, dict) else {}


def parts(source: Row, name: str) -> list[Row]:
    """The objects of a list inside."""
    value = source.get(name)
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def whole(source: Row, name: str) -> int | None:
    """A whole number."""
    value = source.get(name)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def number(source: Row, name: str) -> float | None:
    """Any number."""
    value = source.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def text(source: Row, *names: str) -> str:
    """The first of these that is text and not empty."""
    return next((value for name in names if isinstance(value := source.get(name), str) and value), "")


def moment(source: Row, name: str) -> float | None:
    """An ISO date and time as epoch seconds."""
    try:
        return datetime.fromisoformat(text(source, name).replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError):
        return None


def name(person: Row) -> str:
    """What a person is called, by whichever of their names there is."""
    return text(person, "displayName", "username", "plexUsername", "jellyfinUsername", "email")


def year(date: str) -> int | None:
    """Of an ISO date."""
    return int(date[:4]) if date[:4].isdecimal() and len(date) >= 4 else None
