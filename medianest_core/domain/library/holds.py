"""What admins said of a title besides the sources: locks, values that are held, and whether it is kept or withheld. Pure.

A lock stands until it is taken away. A hold is what a rollback leaves: it stands against what one source says, and ends by
itself as soon as that source says something else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from medianest_core.domain.library.records import SourceRecord

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lock:
    """value: None keeps the field empty. at, by: when and by whom (user id); None where it is not known. origin: the instance that had
    offered the value, None for the admin's own; pictures are loaded from there."""

    value: Any
    at: float | None = None
    by: str | None = None
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """value: what is shown instead, None for nothing. origin: the instance that had given it. against: what `against_from` said when it
    was rolled back; None, None: no source said anything. run: the rollback."""

    value: Any
    origin: str | None
    against: Any
    against_from: str | None
    at: float
    run: int


@dataclass(frozen=True, slots=True)
class Withheld:
    """A title that a rollback took away although servers list it. said: what they said that identifies it (see `fingerprint`); as soon
    as that is another, the title is back. parent_id, match_key: where it hung."""

    said: str
    parent_id: int | None
    match_key: str
    at: float
    run: int


@dataclass(frozen=True, slots=True)
class Marks:
    """Of one title. kept: since when it stays although no server has it, None where it does not. version: of the row, 0 without one."""

    locks: Mapping[Path, Lock] = field(default_factory=dict)
    holds: Mapping[Path, Hold] = field(default_factory=dict)
    kept: float | None = None
    withheld: Withheld | None = None
    version: int = 0

    @property
    def locked(self) -> dict[Path, Any]:
        """path → value, as `merge` takes them."""
        return {path: lock.value for path, lock in self.locks.items()}

    def without(self, paths: Iterable[Path]) -> Marks:
        """These holds ended."""
        ended = set(paths)
        if not ended:
            return self
        return replace(self, holds={path: hold for path, hold in self.holds.items() if path not in ended})


NONE = Marks()


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: what has been stored compares with what has just come."""
    return bool(one == other) or (one is not None and other is not None and _json(one) == _json(other))


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def locks_as_json(marks: Marks) -> list[Any]:
    """As `title_locks.locks` keeps them."""
    return [[list(path), one.value, one.at, one.by, one.origin] for path, one in sorted(marks.locks.items())]


def holds_as_json(marks: Marks) -> dict[str, Any]:
    """As `title_locks.holds` keeps them; {} where there are none."""
    found: dict[str, Any] = {}
    if marks.holds:
        found["fields"] = [
            [list(path), one.value, one.origin, one.against, one.against_from, one.at, one.run]
            for path, one in sorted(marks.holds.items())
        ]
    if marks.kept is not None:
        found["kept"] = marks.kept
    if marks.withheld is not None:
        one = marks.withheld
        found["withheld"] = [one.said, one.parent_id, one.match_key, one.at, one.run]
    return found


def marks_of(locks: Sequence[Sequence[Any]], holds: Mapping[str, Any], version: int) -> Marks:
    """From a row of `title_locks`."""
    return Marks(
        locks={tuple(path): Lock(value, *rest[:3]) for path, value, *rest in locks},
        holds={tuple(path): Hold(*rest) for path, *rest in holds.get("fields") or ()},
        kept=holds.get("kept"),
        withheld=Withheld(*holds["withheld"]) if holds.get("withheld") else None,
        version=version,
    )


def fingerprint(records: Iterable[SourceRecord]) -> str:
    """Which records there are, and what they say that makes them this title and no other."""
    said = sorted(
        (
            one.instance,
            one.record.key,
            one.record.kind,
            one.record.title,
            one.record.year or 0,
            sorted(one.record.ids.items()),
        )
        for one in records
    )
    return hashlib.blake2b(_json(said), digest_size=12).hexdigest()
