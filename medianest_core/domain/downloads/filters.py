"""What a person wants of a channel or playlist they subscribed to (pure)."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from medianest_core.sdk.downloads import Availability, FoundItem, Inspection
from medianest_core.sdk.errors import UserError

AT_ONCE = 25
"""Items of one submission; further ones come with the next."""
DAY = 86_400.0
_APART = 0.001
EVERY = (900.0, 3600.0, 6 * 3600.0, 86_400.0, 7 * 86_400.0)
"""Seconds between two looks that people choose from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """title: text or a pattern with * and ?, "" for all. shortest, longest: seconds. after: epoch seconds; an item whose date is
    not known is taken. keep: so many of the newest videos, keep_days: those published in so many days; what is beyond goes away with
    its files.
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


@dataclass(frozen=True, slots=True)
class Chosen:
    """keys: of the items to fetch now, the newest first. passed: keys of those that would be beyond what is kept from the first day."""

    keys: Sequence[str]
    passed: Sequence[str]


def choose(
    wanted: Wanted, found: Inspection, known: Collection[str], had: Mapping[str, float], now: float
) -> Chosen:
    """What of a listing is new. known: keys that were dealt with before. had: date of what the subscription has now, by key.

    What is live or not out yet is not known for it: it comes once it can be had.
    """
    fitting = {
        item.key: item
        for item in found.items
        if item.key not in known and item.availability is Availability.OK and fits(wanted, item)
    }
    if wanted.keep_days is not None:
        oldest = now - wanted.keep_days * DAY
        fitting = {
            key: item
            for key, item in fitting.items()
            if item.published_at is None or item.published_at >= oldest
        }
    # What has no date comes first, as the site lists it.
    new = sorted(
        fitting.values(), key=lambda item: -math.inf if item.published_at is None else -item.published_at
    )
    if wanted.keep is None:
        return Chosen([item.key for item in new][:AT_ONCE], ())
    keys: list[str] = []
    passed: list[str] = []
    for rank, item in enumerate(new):
        newer = 0 if item.published_at is None else sum(at > item.published_at for at in had.values())
        (keys if rank + newer < wanted.keep else passed).append(item.key)
    return Chosen(keys[:AT_ONCE], passed)


def dates(
    found: Inspection, keys: Collection[str], had: Mapping[str, float], now: float
) -> Mapping[str, float]:
    """key → when it was published, for those of `keys` whose date the site does not tell: a guess that puts them in order.

    A channel lists the newest first, so that one is older than what stands above it; what came to a playlist came now.
    """
    guessed: dict[str, float] = {}
    latest = now
    for item in found.items:
        if item.key in had:
            if found.kind == "channel":
                latest = min(latest, had[item.key])
        elif item.key in keys and item.published_at is None and item.key not in guessed:
            latest -= _APART
            guessed[item.key] = latest
    return guessed


class Dated(Protocol):
    def __getitem__(self, name: str, /) -> Any: ...


D = TypeVar("D", bound=Dated)


def beyond(wanted: Wanted, items: Iterable[D], now: float) -> list[D]:
    """Those that are not kept. items: mappings with "at" (epoch seconds) and "status", the newest first. What is on its way or failed
    replaces nothing."""
    oldest = -math.inf if wanted.keep_days is None else now - wanted.keep_days * DAY
    newer, found = 0, []
    for item in items:
        if (wanted.keep is not None and newer >= wanted.keep) or item["at"] < oldest:
            found.append(item)
        newer += item["status"] == "done"
    return found
