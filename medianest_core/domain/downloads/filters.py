"""What a person wants of a channel or playlist they subscribed to (pure)."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from medianest_core.sdk.downloads import Availability, FoundItem, Inspection
from medianest_core.sdk.errors import UserError

AT_ONCE = 25
"""Items of one submission; further ones come with the next."""
EVERY = (900.0, 3600.0, 6 * 3600.0, 86_400.0, 7 * 86_400.0)
"""Seconds between two looks that people choose from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """title: text or a pattern with * and ?, "" for all. shortest, longest: seconds. after: epoch seconds; an item whose date is
    not known is taken. keep: so many of the newest, keep_days: those of so many days; what is beyond goes away with its files.
    earlier: also what was there before the subscription. quality, container: "" for the downloader's own."""

    url: str
    every: float = 21_600.0
    title: str = ""
    shortest: float | None = None
    longest: float | None = None
    after: float | None = None
    shorts: bool = False
    earlier: bool = False
    keep: int | None = None
    keep_days: int | None = None
    quality: str = ""
    container: str = ""


def check(wanted: Wanted) -> None:
    """Raises UserError, with its field, for what makes no sense."""
    if wanted.every not in EVERY:
        raise UserError("Choose one of the intervals offered.", "every")
    if len(wanted.title) > 200:
        raise UserError("Use at most 200 characters.", "title")
    for name in ("shortest", "longest"):
        value = getattr(wanted, name)
        if value is not None and not 0 <= value <= 7 * 86_400:
            raise UserError("Give a length of at most a week.", name)
    if wanted.shortest is not None and wanted.longest is not None and wanted.shortest > wanted.longest:
        raise UserError("The longest must not be shorter than the shortest.", "longest")
    if wanted.keep is not None and not 1 <= wanted.keep <= 1000:
        raise UserError("Keep between 1 and 1000.", "keep")
    if wanted.keep_days is not None and not 1 <= wanted.keep_days <= 3650:
        raise UserError("Keep for between 1 and 3650 days.", "keep_days")


def fits(wanted: Wanted, item: FoundItem) -> bool:
    """Whether the person wants it, once it can be had."""
    if item.short and not wanted.shorts:
        return False
    if wanted.title:
        pattern = wanted.title if any(sign in wanted.title for sign in "*?") else f"*{wanted.title}*"
        # Square brackets are common in titles and mean themselves.
        pattern = pattern.replace("[", "[[]").casefold()
        if not fnmatch.fnmatchcase(item.title.casefold(), pattern):
            return False
    if item.duration is not None:
        if wanted.shortest is not None and item.duration < wanted.shortest:
            return False
        if wanted.longest is not None and item.duration > wanted.longest:
            return False
    return wanted.after is None or item.published_at is None or item.published_at >= wanted.after


def choose(wanted: Wanted, found: Inspection, known: Collection[str]) -> Sequence[str]:
    """Keys of the items to fetch now, in the site's order. known: keys that were dealt with before.

    What is live or not out yet is not known for it: it comes once it can be had.
    """
    keys = [
        item.key
        for item in found.items
        if item.key not in known and item.availability is Availability.OK and fits(wanted, item)
    ]
    return list(dict.fromkeys(keys))[: wanted.keep or AT_ONCE][:AT_ONCE]
