"""The columns that lists sort and filter by, taken from a title's values."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from medianest_core.domain.library.merge import Merged
from medianest_core.domain.library.records import SourceRecord
from medianest_core.domain.library.wording import plain, sort_form

LEVELS: Mapping[str, int] = {"season": 1, "episode": 2}
_PEOPLE = 6
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
QUALITIES = (2160, 1440, 1080, 720, 576, 480, 360)


def level_of(kind: str) -> int:
    """0 for titles that stand in lists by themselves."""
    return LEVELS.get(kind, 0)


def quality_of(media: Mapping[str, Any]) -> int:
    """The nominal height (2160, 1080, …) of a picture; 0 where unknown. Wide pictures count by their width."""
    width, height = _number(media.get("width")), _number(media.get("height"))
    if not width and not height:
        stated = str(media.get("resolution") or "").lower().rstrip("p")
        if stated in {"4k", "uhd"}:
            return 2160
        if stated == "sd":
            return 480
        return int(stated) if stated.isdecimal() and len(stated) < 6 else 0
    reached = max(height, width * 9 / 16)
    return next((step for step in QUALITIES if reached >= step * 0.9), 240)


def image_version(instance: str, reference: str) -> str:
    """12 hex characters that change with the picture; part of image ids."""
    return hashlib.blake2b(f"{instance}\0{reference}".encode(), digest_size=6).hexdigest()


def columns(merged: Merged, records: Sequence[SourceRecord]) -> dict[str, Any]:
    """Values of the sorting and filtering columns of `titles`, without id, parent and match key."""
    values = merged.values
    assets = values.get("assets") or {}
    kind = records[0].record.kind
    poster = next((name for name in ("poster", "thumb") if name in assets), None)
    title = str(values.get("title") or "")
    return {
        "kind": kind,
        "level": level_of(kind),
        "item_index": min(
            (one.record.index for one in records if one.record.index is not None), default=None
        ),
        "title": title,
        "sort_title": sort_form(str(values.get("sort_title") or title))[:200],
        "year": int(_number(values.get("year"))),
        "added_at": min((one.record.added_at for one in records if one.record.added_at), default=0.0),
        "rating": _number(values.get("audience_rating")) or _number(values.get("rating")),
        "released_on": _date(values.get("released_on")),
        "duration": _number(values.get("duration_ms")) / 1000,
        "quality": max(quality_of(one.record.fields.get("media") or {}) for one in records),
        "hdr": any((one.record.fields.get("media") or {}).get("hdr") for one in records),
        "genres": _bars(values.get("genres") or ()),
        "sources": _bars(sorted({one.instance for one in records})),
        "poster": f"{poster[0]}{image_version(_winner(merged, poster), str(assets[poster]))}"
        if poster
        else None,
        "children": int(_number(values.get("leaf_count")) or _number(values.get("child_count"))),
        "search": _search(values) if level_of(kind) == 0 else "",
    }


def _winner(merged: Merged, asset: str) -> str:
    return merged.origin(("assets", asset))


def _bars(values: Sequence[str]) -> str:
    """ "|Drama|Comedy|": each entry can be found by LIKE '%|entry|%'."""
    return "".join(f"|{str(value).replace('|', ' ')}" for value in values) + "|" if values else ""


def _search(values: Mapping[str, Any]) -> str:
    people = [str(one.get("name", "")) for one in (values.get("cast") or ())[:_PEOPLE]]
    texts = [values.get("title"), values.get("original_title"), *people, *(values.get("directors") or ())]
    return " ".join(dict.fromkeys(plain(" ".join(str(text) for text in texts if text)).split()))


def _number(value: object) -> float:
    try:
        return float(value or 0)  # type: ignore[arg-type]  # whatever a source sent; the except clause decides
    except (TypeError, ValueError):
        return 0.0


def _date(value: object) -> str:
    text = str(value or "")[:10]
    return text if _DATE.fullmatch(text) else ""
