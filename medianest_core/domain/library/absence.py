"""What to do about records that a complete listing no longer has. Pure.

A record goes after two complete listings without it. Where too many would go at once, none does: the listing is more likely
wrong than the library, so an admin is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

CONFIRMATIONS = 2
GUARD_COUNT = 50
GUARD_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Known:
    """A stored record as far as listings are concerned. missing: how many complete listings in a row lacked it."""

    digest: str
    library: str
    parent: str | None
    missing: int


@dataclass(frozen=True, slots=True)
class Absence:
    """mark: keys that were missing once more. remove: keys confirmed to be gone. held: how many are kept for the admin."""

    mark: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    held: int = 0


def judge(known: Mapping[str, Known], seen: Set[str], *, released: bool = False) -> Absence:
    """known: the stored records of one library. seen: all keys of its complete listing. released: an admin agreed,
    so what is absent goes at once."""
    absent = {key: one for key, one in known.items() if key not in seen}
    if not absent:
        return Absence()
    # A show that goes takes its episodes along: that is one absence, not hundreds.
    roots = sum(1 for one in absent.values() if one.parent is None or one.parent not in absent)
    limit = max(GUARD_COUNT, GUARD_SHARE * len(known))
    if released:
        return Absence(remove=tuple(absent))
    if roots > limit or len(absent) == len(known):
        return Absence(held=len(absent))
    due = tuple(key for key, one in absent.items() if one.missing + 1 >= CONFIRMATIONS)
    mark = tuple(key for key, one in absent.items() if one.missing + 1 < CONFIRMATIONS)
    return Absence(mark, due)
