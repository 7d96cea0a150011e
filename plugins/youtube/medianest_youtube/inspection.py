"""What is behind an address: one item or a list of them, as plain values (child side: stdlib and what yt-dlp returned).

Result: ``{"kind": "video"|"playlist", "id", "site", "title", "channel", "url", "thumbnail", "total", "complete", "items"}``;
``total`` may exceed the listed items, then ``complete`` is False.

Item: ``{"id", "url", "title", "duration", "thumbnail", "channel", "description", "upload_date", "site", "availability",
"reason", "heights", "sizes", "exact"}``. ``availability`` is ``ok`` or a code of `errors`; ``sizes`` maps a quality to
bytes, estimates unless ``exact``; ``heights`` is empty where only the item's own page would tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from medianest_youtube import formats
from medianest_youtube.errors import REASONS
from medianest_youtube.protocol import QUALITIES

_LIVE = {"is_live": "live", "post_live": "live", "is_upcoming": "upcoming"}
_AVAILABILITY = {
    "private": "private",
    "premium_only": "members",
    "subscriber_only": "members",
    "needs_auth": "age",
}
_GONE = {"[private video]": "private", "[deleted video]": "removed", "[unavailable video]": "unavailable"}


def describe(info: Mapping[str, Any], limit: int) -> dict[str, Any]:
    """The result for what ``extract_info`` returned (flat lists, see the module)."""
    if info.get("_type") in ("playlist", "multi_video"):
        return _playlist(info, limit)
    item = describe_item(info)
    return {
        "kind": "video",
        "id": item["id"],
        "site": item["site"],
        "title": item["title"],
        "channel": item["channel"],
        "url": item["url"],
        "thumbnail": item["thumbnail"],
        "total": 1,
        "complete": True,
        "items": [item],
    }


def describe_item(info: Mapping[str, Any]) -> dict[str, Any]:
    duration = _number(info.get("duration"))
    listed = info.get("formats") or ()
    offered = [one for one in listed if isinstance(one, Mapping) and one.get("format_note") != "storyboard"]
    availability = _availability(info, has_formats=bool(offered), resolved="formats" in info)
    return {
        "id": str(info.get("id") or ""),
        "url": str(info.get("webpage_url") or info.get("url") or ""),
        "title": str(info.get("title") or info.get("id") or ""),
        "duration": duration,
        "thumbnail": _thumbnail(info),
        "channel": _text(info.get("channel") or info.get("uploader")),
        "description": _text(info.get("description"), 4000),
        "upload_date": _text(info.get("upload_date")),
        "site": str(info.get("extractor_key") or info.get("ie_key") or "").lower(),
        "availability": availability,
        "reason": None if availability == "ok" else REASONS[availability].text,
        "heights": formats.heights(offered),
        "sizes": formats.sizes(offered, QUALITIES, duration) if availability == "ok" else {},
        "exact": any(isinstance(one.get("filesize"), int) for one in offered),
    }


def tab_to_expand(info: Mapping[str, Any]) -> str | None:
    """The address of the list of videos when `info` is a channel's list of tabs."""
    entries = [entry for entry in info.get("entries") or () if isinstance(entry, Mapping)]
    if not entries or any(entry.get("ie_key") != "YoutubeTab" for entry in entries):
        return None
    addresses = [str(entry.get("url") or "") for entry in entries]
    return next((one for one in addresses if one.rstrip("/").endswith("/videos")), addresses[0])


def _playlist(info: Mapping[str, Any], limit: int) -> dict[str, Any]:
    entries = _first(info.get("entries") or (), limit)
    # Nobody reads thousands of descriptions, and the answer is one line.
    items = [describe_item(entry) | {"description": None} for entry in entries if isinstance(entry, Mapping)]
    count = info.get("playlist_count")
    total = count if isinstance(count, int) and count >= len(items) else len(items)
    thumbnail = _thumbnail(info) or next((item["thumbnail"] for item in items if item["thumbnail"]), None)
    return {
        "kind": "playlist",
        "id": str(info.get("id") or ""),
        "site": str(info.get("extractor_key") or "").lower(),
        "title": str(info.get("title") or info.get("id") or ""),
        "channel": _text(info.get("channel") or info.get("uploader")),
        "url": str(info.get("webpage_url") or info.get("original_url") or ""),
        "thumbnail": thumbnail,
        "total": total,
        # At the limit there may be more, whether or not the site says how many.
        "complete": total <= len(items) and (len(items) < limit or count == len(items)),
        "items": items,
    }


def _first(entries: Iterable[Any], limit: int) -> list[Any]:
    kept: list[Any] = []
    for entry in entries:
        kept.append(entry)
        if len(kept) >= limit:
            break
    return kept


def _availability(info: Mapping[str, Any], *, has_formats: bool, resolved: bool) -> str:
    if code := _LIVE.get(str(info.get("live_status"))):
        return code
    if info.get("is_live"):
        return "live"
    if code := _AVAILABILITY.get(str(info.get("availability"))):
        return code
    if code := _GONE.get(str(info.get("title") or "").strip().lower()):
        return code
    if resolved and not has_formats:
        return "no_format"
    return "ok"


def _thumbnail(info: Mapping[str, Any]) -> str | None:
    if isinstance(address := info.get("thumbnail"), str):
        return address
    listed = [one for one in info.get("thumbnails") or () if isinstance(one, Mapping) and one.get("url")]
    return str(listed[-1]["url"]) if listed else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and value >= 0 else None


def _text(value: object, limit: int = 300) -> str | None:
    return str(value)[:limit] if value else None
