"""From what a child reports to what the portal knows: items, availability, errors (pure)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from medianest_core.sdk import N_
from medianest_core.sdk.downloads import Availability, FoundItem, Inspection
from medianest_core.sdk.errors import (
    InvalidResponse,
    NotFound,
    NotReady,
    RateLimited,
    Rejected,
    UserError,
)
from medianest_youtube.errors import REASONS
from medianest_youtube.links import Link

_AVAILABILITY = {
    "ok": Availability.OK,
    "private": Availability.PRIVATE,
    "live": Availability.LIVE,
    "upcoming": Availability.UPCOMING,
    "removed": Availability.REMOVED,
    "unavailable": Availability.REMOVED,
}
_USER = frozenset({"not_supported", "not_allowed", "private", "unavailable", "removed"})
_HIDDEN = {"private": "Private video", "removed": "Deleted video", "unavailable": "Unavailable video"}


def inspection_of(result: Mapping[str, Any], link: Link) -> Inspection:
    """`result` is that of `inspection`."""
    kind = "channel" if link.kind == "channel" else str(result["kind"])
    items = [item_of(one) for one in result["items"]]
    warnings = []
    if kind == "video" and link.playlist is not None:
        warnings.append(
            N_("This video was opened from a playlist. To get all of it, paste {address}").format(
                address=link.playlist
            )
        )
    if not result["complete"]:
        warnings.append(N_("Only the first {count} items are offered.").format(count=len(items)))
    return Inspection(
        url=link.url,
        kind=kind,
        key=_key(result),
        title=str(result["title"]),
        items=items,
        total=int(result["total"]),
        channel=str(result["channel"] or ""),
        warnings=warnings,
    )


def item_of(one: Mapping[str, Any]) -> FoundItem:
    code = str(one["availability"])
    heights = [int(height) for height in one["heights"]]
    # A list tells no sizes; guesses from the duration alone are no help in choosing.
    size = max(one["sizes"].values(), default=None) if heights else None
    return FoundItem(
        key=_key(one),
        url=str(one["url"]),
        title=_HIDDEN.get(code, "")
        if one["title"] in ("", one["id"]) and code in _HIDDEN
        else str(one["title"]),
        availability=_AVAILABILITY.get(code, Availability.RESTRICTED),
        note=str(one["reason"] or ""),
        duration=one["duration"],
        size=size,
        thumbnail=one["thumbnail"],
        channel=str(one["channel"] or ""),
        heights=heights,
        published_at=_day(one.get("upload_date")),
        short="/shorts/" in str(one["url"]),
    )


def _day(text: object) -> float | None:
    """The beginning of a day, from YYYYMMDD."""
    try:
        return datetime.strptime(str(text), "%Y%m%d").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def raise_for(event: Mapping[str, Any]) -> NoReturn:
    """The error of the SDK that a child's ``error`` stands for.

    Never AuthFailed: one video behind a bot check says nothing about the instance, which would be taken out of use."""
    reason = REASONS.get(str(event.get("code")), REASONS["failed"])
    if reason.code in _USER:
        raise UserError(reason.text, "url")
    if reason.code == "rate_limited":
        raise RateLimited(reason.text)
    if reason.code == "not_found":
        raise NotFound(reason.text)
    if reason.code == "site_changed":
        raise InvalidResponse(reason.text)
    if reason.retry in ("now", "later"):
        raise NotReady(reason.text)
    raise Rejected(reason.text)


def _key(facts: Mapping[str, Any]) -> str:
    """One name for one thing: an item must have the same key in a list and on its own page."""
    site, identifier = str(facts.get("site") or "youtube"), str(facts["id"])
    if site == "generic":
        # Its ids are only the last part of the address.
        identifier = hashlib.sha256(str(facts["url"]).encode()).hexdigest()[:20]
    return f"{'youtube' if site.startswith('youtube') else site}:{identifier}"
