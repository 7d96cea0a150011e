"""What to do about records that a complete listing no longer has. Pure.

A record goes after two complete listings without it. Where too many would go at once, none does: the listing is more likely
wrong than the library, so an admin is asked. What the admin keeps is not asked about again until the server lists it.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import NamedTuple

CONFIRMATIONS = 2
GUARD_COUNT = 50
GUARD_SHARE = 0.05
KEPT = -1
"""`missing` of a record that an admin keeps although the server no longer lists it."""


class Known(NamedTuple):
    """A stored record as far as listings are concerned. missing: how many complete listings in a row lacked it, or `KEPT`."""

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


def judge(
    known: Mapping[str, Known], seen: Set[str], *, released: bool = False, more: int = 0, more_kept: int = 0
) -> Absence:
    """known: the stored records of one library. seen: all keys of its complete listing. released: an admin agreed, so what was
    missing when they looked goes at once; what went missing since is judged like any other. more: stored records of the library that
    are not in `known` because they have been seen; more_kept: how many of these an admin had kept."""
    absent = {key: one for key, one in known.items() if key not in seen and one.missing != KEPT}
    agreed: tuple[str, ...] = ()
    if released:
        agreed = tuple(key for key, one in absent.items() if one.missing)
        absent = {key: one for key, one in absent.items() if not one.missing}
    if not absent:
        return Absence(remove=agreed)
    asked = sum(1 for one in known.values() if one.missing != KEPT) + more - more_kept
    # A show that goes takes its episodes along: that is one absence, not hundreds.
    roots = sum(1 for one in absent.values() if one.parent is None or one.parent not in absent)
    limit = max(GUARD_COUNT, GUARD_SHARE * (len(known) + more))
    if roots > limit or len(absent) == asked:
        # Marked once, so that it can be told which they are.
        return Absence(tuple(key for key, one in absent.items() if not one.missing), agreed, len(absent))
    due = tuple(key for key, one in absent.items() if one.missing + 1 >= CONFIRMATIONS)
    mark = tuple(key for key, one in absent.items() if one.missing + 1 < CONFIRMATIONS)
    return Absence(mark, agreed + due)
