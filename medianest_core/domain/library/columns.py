"""The columns that lists sort and filter by, taken from a title's values."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from medianest_core.domain.library.merge import Merged
from medianest_core.domain.library.records import SourceRecord
from medianest_core.domain.library.wording import plain, sort_form
from medianest_core.sdk.media import MediaRecord

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
    index, added_at, quality, hdr = _of_records([one.record for one in records])
    return {
        "kind": kind,
        "level": level_of(kind),
        "item_index": index,
        "title": title,
        "sort_title": sort_form(str(values.get("sort_title") or title))[:200],
        "year": int(_number(values.get("year"))),
        "added_at": added_at,
        "rating": _number(values.get("audience_rating")) or _number(values.get("rating")),
        "released_on": _date(values.get("released_on")),
        "duration": _number(values.get("duration_ms")) / 1000,
        "quality": quality,
        "hdr": hdr,
        "genres": _bars(values.get("genres") or ()),
        "sources": _bars(
            sorted({one.instance for one in records}) if len(records) > 1 else (records[0].instance,)
        ),
        "poster": f"{poster[0]}{image_version(_winner(merged, poster), str(assets[poster]))}"
        if poster
        else None,
        "children": int(_number(values.get("leaf_count")) or _number(values.get("child_count"))),
        "search": _search(values) if level_of(kind) == 0 else "",
    }


def _of_records(found: Sequence[MediaRecord]) -> tuple[int | None, float, int, bool]:
    """Index, when it was added, quality and whether there is high dynamic range: the first, first, best and any of all records."""
    if len(found) == 1:
        one = found[0]
        media = one.fields.get("media") or {}
        return one.index, one.added_at or 0.0, quality_of(media), bool(media.get("hdr"))
    all_media = [one.fields.get("media") or {} for one in found]
    return (
        min((one.index for one in found if one.index is not None), default=None),
        min((one.added_at for one in found if one.added_at), default=0.0),
        max(map(quality_of, all_media)),
        any(media.get("hdr") for media in all_media),
    )


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
    if not value:
        return 0.0
    try:
        return float(value)  # type: ignore[arg-type]  # whatever a source sent; the except clause decides
    except (TypeError, ValueError):
        return 0.0


def _date(value: object) -> str:
    text = str(value or "")[:10]
    return text if _DATE.fullmatch(text) else ""
