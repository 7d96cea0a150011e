"""What a rollback does to the values of one title. Pure.

From rows of `sync_changes` it is read how each value stood before; `undo` then says what has to be held, locked or let go so that the
merge gives just that again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from medianest_core.domain.library.document import Document
from medianest_core.domain.library.holds import Hold, Lock, Marks, same
from medianest_core.domain.library.merge import LOCK, Merged, Path, value_at
from medianest_core.domain.library.writing.changes import HOLDINGS, ORIGINS

Outcome = Literal["restored", "same", "locked", "later", "withheld", "revived", "gone"]
"""restored: the value is back. same: it stood there already. locked: an admin's lock won. later: something changed it after what is
rolled back. withheld: a title that is no longer shown. revived: a title that is back. gone: a title that cannot come back."""


class _Any:
    """Stands for whatever value there is."""

    def __repr__(self) -> str:
        return "ANY"


ANY: Any = _Any()


@dataclass(frozen=True, slots=True)
class Wish:
    """How a value shall stand again. value: None for none, ANY for the present one. origin: where it came from. expected: only if
    this is what stands there now."""

    value: Any
    origin: str | None
    expected: Any = ANY


@dataclass(frozen=True, slots=True)
class Undone:
    """One value, or with an empty path a whole title. before, after: what stood there and what stands there now."""

    title_id: int
    title: str
    path: Path
    before: Any
    after: Any
    outcome: Outcome


def wishes(rows: Iterable[Any], *, careful: bool) -> dict[Path, Wish]:
    """rows: of `sync_changes`, of one title, oldest first. careful: only values that still are what the last of these rows made them."""
    found: dict[Path, Wish] = {}
    for row in rows:
        path = tuple(row["path"])
        if not path or path == HOLDINGS:
            continue
        if path == ORIGINS:
            for moved, origin in row["before"]:
                found.setdefault(tuple(moved), Wish(ANY, origin))
            continue
        present = found.get(path)
        if present is None:
            present = Wish(row["before"], row["before_from"])
        elif present.value is ANY:
            present = replace(present, value=row["before"])
        found[path] = replace(present, expected=row["after"] if careful else ANY)
    return found


def undo(
    marks: Marks, doc: Document, base: Merged, wanted: Mapping[Path, Wish], at: float, run: int
) -> tuple[Marks, dict[Path, Outcome]]:
    """base: what the sources alone give. Returns the marks under which the merge gives what is wanted, and what became of each."""
    locks, holds = dict(marks.locks), dict(marks.holds)
    outcomes: dict[Path, Outcome] = {}
    for path, wish in sorted(wanted.items()):
        present, origin = value_at(doc.values, path), doc.source_of(*path)
        value = present if wish.value is ANY else wish.value
        target = wish.origin if value is not None else None
        if same(present, value) and (origin == target or value is None):
            outcomes[path] = "same"
        elif path in locks or path[:1] in locks:
            outcomes[path] = "locked"
        elif wish.expected is not ANY and not same(present, wish.expected):
            outcomes[path] = "later"
        else:
            outcomes[path] = "restored"
            holds.pop(path, None)
            there = value_at(base.values, path)
            said_by = base.origin(path) if there is not None else None
            if target == LOCK:
                locks[path] = Lock(value, at)
            elif not (same(there, value) and (said_by == target or value is None)):
                holds[path] = Hold(value, target, there, said_by, at, run)
    return replace(marks, locks=locks, holds=holds), outcomes
