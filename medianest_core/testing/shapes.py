"""What records and reports must look like, for the tests of media sources and field owners: see `MediaRecord` and `FieldReport`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from medianest_core.sdk.fields import FieldOwner, FieldReport, TitleKey
from medianest_core.sdk.media import MediaRecord

Check = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)


def _either(*checks: Check) -> Check:
    return lambda value: any(check(value) for check in checks)


def _object(members: Mapping[str, Check], *needed: str) -> Check:
    def check(value: Any) -> bool:
        return (
            isinstance(value, Mapping)
            and set(needed) <= value.keys() <= members.keys()
            and all(members[name](one) for name, one in value.items())
        )

    return check


def _rows(members: Mapping[str, Check], *needed: str) -> Check:
    one = _object(members, *needed)
    return lambda value: isinstance(value, list | tuple) and all(one(row) for row in value)


def _by_name(check: Check) -> Check:
    return lambda value: (
        isinstance(value, Mapping) and all(_text(name) and check(one) for name, one in value.items())
    )


def _string(value: Any) -> bool:
    return isinstance(value, str)


_MEDIA: Mapping[str, Check] = {
    **dict.fromkeys(
        (
            "container",
            "resolution",
            "video_codec",
            "video_profile",
            "color_space",
            "color_primaries",
            "color_transfer",
            "audio_codec",
            "audio_profile",
        ),
        _text,
    ),
    **dict.fromkeys(
        ("bitrate_kbps", "width", "height", "bit_depth", "audio_channels", "dolby_vision_profile"), _whole
    ),
    **dict.fromkeys(
        ("enhanced_color", "high_dynamic_range", "dolby_vision", "hdr10_plus", "standard_hdr", "atmos"), _flag
    ),
    "frame_rate": _either(_number, _text),
    "hdr": lambda value: value in ("Dolby Vision", "HDR10+", "HDR10", "HLG"),
    "hdr_formats": _texts,
}
_CAPTION: Mapping[str, Check] = {
    "format": _string,
    "title": _string,
    "external": _flag,
    "forced": _flag,
    "url": _text,
    "changed_at": _either(_number, lambda value: value is None),
    "auto_generated": _flag,
}
FIELDS: Mapping[str, Check] = {
    **dict.fromkeys(
        (
            "title",
            "sort_title",
            "original_title",
            "summary",
            "tagline",
            "released_on",
            "content_rating",
            "studio",
        ),
        _string,
    ),
    **dict.fromkeys(("year", "child_count", "leaf_count"), _whole),
    "duration_ms": _number,
    **dict.fromkeys(("rating", "audience_rating"), lambda value: _number(value) and 0 <= value <= 10),
    **dict.fromkeys(("genres", "directors", "writers"), _texts),
    "cast": _rows({"name": _string, "role": _string, "image": _text}, "name"),
    "captions": _by_name(_object(_CAPTION, "format")),
    "media": _object(_MEDIA),
    "audio": _rows({"language": _text, "codec": _text, "channels": _whole, "title": _text, "atmos": _flag}),
    "chapters": _rows(
        {"title": _string, "start_ms": _whole, "end_ms": _whole, "image": _text}, "title", "start_ms"
    ),
    "files": _rows({"path": _text, "size": _whole, "duration_ms": _number}),
    "assets": _by_name(_text),
    "blurhash": _by_name(_text),
    "ids": _by_name(_text),
}
"""Field → whether a value has its shape."""


def strange(fields: Mapping[str, Any]) -> list[str]:
    """What is wrong with the fields of a record or a report, in words; fields of the plugin's own are not looked at."""
    return [
        f"{name}: {str(value)[:200]}"
        for name, value in fields.items()
        if value is not None and name in FIELDS and not FIELDS[name](value)
    ]


def check_record(record: MediaRecord) -> None:
    """Raises AssertionError for what `MediaRecord` forbids."""
    assert record.key and record.kind and record.library, record
    assert record.ids == {
        name: value for name, value in record.ids.items() if _text(name) and _text(value)
    }, record.ids
    found = strange(record.fields)
    assert not found, f"{record.kind} {record.key}: {'; '.join(found)}"


async def check_owner(owner: FieldOwner[Any, Any], keys: Sequence[TitleKey]) -> FieldReport:
    """Asks for a report and holds it against what `FieldReport` promises; returns it."""
    declared = owner.fields()
    report = await owner.report(keys)
    kinds = {key.id: key.kind for key in keys}
    assert report.probed <= kinds.keys(), "only what was asked was looked at"
    assert report.values.keys() <= report.probed, "nothing is said of what was not looked at"
    assert report.complete == (report.probed == kinds.keys()), "complete: all that was asked was looked at"
    for title, values in report.values.items():
        assert values.keys() <= set(declared.get(kinds[title], ())), "only what it declares"
        found = strange(values)
        assert not found, f"{title}: {'; '.join(found)}"
    return report
