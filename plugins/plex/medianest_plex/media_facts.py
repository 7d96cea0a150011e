"""Technical facts of an item's files: quality, HDR, sound, captions, chapters, paths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from medianest_plex.models import Chapter, Media, Stream, flag, number, whole

_VIDEO, _AUDIO, _SUBTITLE = 1, 2, 3
_ENHANCED_BITS = 10
_RESOLUTIONS = {"4k": "4K", "2k": "1440p", "sd": "SD"}


def technical(versions: Sequence[Media]) -> dict[str, Any]:
    """Facts of the best version: container, size in pixels, resolution ("4K", "1080p", …, "SD"), codecs, HDR, sound."""
    if not versions:
        return {}
    best = _best(versions)
    streams = [(whole(stream.stream_type), stream) for part in best.parts for stream in part.Stream]
    video = next((stream for kind, stream in streams if kind == _VIDEO), None)
    sound = [stream for kind, stream in streams if kind == _AUDIO]
    facts: dict[str, Any] = {
        "container": best.container,
        "bitrate_kbps": whole(best.bitrate),
        "width": whole(best.width),
        "height": whole(best.height),
        "resolution": _resolution(best),
        "video_codec": best.video_codec,
        "video_profile": best.video_profile,
        "audio_profile": best.audio_profile,
        "audio_codec": best.audio_codec,
        "audio_channels": whole(best.audio_channels),
        "frame_rate": _frame_rate(best, video),
    }
    if video is not None:
        ranges = dynamic_ranges(video)
        facts["bit_depth"] = whole(video.bit_depth)
        facts["color_space"] = video.color_space
        facts["color_primaries"] = video.color_primaries
        facts["color_transfer"] = video.color_trc
        facts["video_profile"] = video.profile or best.video_profile
        facts["hdr"] = next(iter(ranges), None)
        _add_experience(facts, video, ranges)
    if sound:
        facts["atmos"] = any(map(_atmos, sound))
    return {name: value for name, value in facts.items() if value is not None}


def dynamic_range(video: Stream) -> str | None:
    """The name of the best high dynamic range: Dolby Vision, HDR10+, HDR10 or HLG; None for standard range."""
    return next(iter(dynamic_ranges(video)), None)


def dynamic_ranges(video: Stream) -> list[str]:
    """All that the picture can be shown in, best first: Dolby Vision often lies over HDR10 or HLG. Empty for standard range."""
    shown = f"{video.display_title or ''} {video.extended_display_title or ''}"
    transfer = video.color_trc or ""
    found = []
    if flag(video.dovi_present) or "Dolby Vision" in shown or "DoVi" in shown:
        found.append("Dolby Vision")
    if "HDR10+" in shown:
        found.append("HDR10+")
    # Of Dolby Vision's profile 5 nothing is left without it.
    elif whole(video.dovi_profile) != 5 and ("HDR10" in shown or transfer == "smpte2084"):
        found.append("HDR10")
    if transfer == "arib-std-b67" or "HLG" in shown:
        found.append("HLG")
    return found


def _add_experience(facts: dict[str, Any], video: Stream, ranges: Sequence[str]) -> None:
    """What to expect of the picture, each a fact of its own."""
    depth = whole(video.bit_depth)
    wide = "bt2020" in f"{video.color_primaries or ''} {video.color_space or ''}"
    facts["hdr_formats"] = ranges or None
    facts["dolby_vision_profile"] = whole(video.dovi_profile)
    facts["enhanced_color"] = wide or bool(ranges) or (depth is not None and depth >= _ENHANCED_BITS)
    facts["high_dynamic_range"] = bool(ranges)
    facts["dolby_vision"] = "Dolby Vision" in ranges
    facts["hdr10_plus"] = "HDR10+" in ranges
    facts["standard_hdr"] = "HDR10" in ranges or "HLG" in ranges


def audio(versions: Sequence[Media]) -> list[dict[str, Any]]:
    """The soundtracks of the best version, in the file's order."""
    if not versions:
        return []
    found = []
    for stream in (stream for part in _best(versions).parts for stream in part.Stream):
        if whole(stream.stream_type) == _AUDIO:
            facts = {
                "language": stream.language_tag or stream.language_code,
                "codec": stream.codec,
                "channels": whole(stream.channels),
                "title": stream.title or stream.display_title,
                "atmos": _atmos(stream) or None,
            }
            found.append({name: value for name, value in facts.items() if value is not None})
    return found


def _atmos(stream: Stream) -> bool:
    shown = f"{stream.title or ''} {stream.display_title or ''} {stream.extended_display_title or ''} {stream.profile or ''}"
    return "atmos" in shown.lower()


def chapters(listed: Sequence[Chapter]) -> list[dict[str, Any]]:
    """In the order of the film; those without a beginning are left out."""
    found = []
    for one in listed:
        start = whole(one.start_time_offset)
        if start is None:
            continue
        facts = {
            "title": one.tag,
            "start_ms": start,
            "end_ms": whole(one.end_time_offset),
            "image": one.thumb,
        }
        found.append({name: value for name, value in facts.items() if value is not None})
    return sorted(found, key=lambda one: one["start_ms"])


def captions(versions: Sequence[Media]) -> dict[str, dict[str, Any]]:
    """One entry per language tag. Whole captions go before forced ones, files beside the film before embedded ones."""
    found: dict[str, dict[str, Any]] = {}
    ranks: dict[str, tuple[bool, bool]] = {}
    for stream in (s for media in versions for part in media.parts for s in part.Stream):
        if whole(stream.stream_type) != _SUBTITLE:
            continue
        language = stream.language_tag or stream.language_code or "und"
        forced, external = flag(stream.forced), bool(stream.key)
        rank = (not forced, external)
        if language in found and ranks[language] >= rank:
            continue
        ranks[language] = rank
        found[language] = {
            "format": stream.codec or stream.format or "",
            "title": stream.title or stream.display_title or "",
            "external": external,
            "forced": forced,
            **({"url": stream.key} if stream.key else {}),
        }
    return found


def files(versions: Sequence[Media]) -> list[dict[str, Any]]:
    """Paths as the server sees them; size in bytes."""
    found: list[dict[str, Any]] = []
    for media in versions:
        for part in media.parts:
            if part.file:
                facts = {"path": part.file, "size": whole(part.size), "duration_ms": whole(part.duration)}
                found.append({name: value for name, value in facts.items() if value is not None})
    return found


def _best(versions: Sequence[Media]) -> Media:
    return versions[0] if len(versions) == 1 else max(versions, key=_rank)


def _rank(media: Media) -> tuple[int, int]:
    return (whole(media.height) or 0, whole(media.bitrate) or 0)


def _resolution(media: Media) -> str | None:
    shown = str(media.video_resolution or "").lower()
    if not shown:
        return None
    return f"{shown}p" if shown.isdecimal() else _RESOLUTIONS.get(shown, shown)


def _frame_rate(media: Media, video: Stream | None) -> float | str | None:
    exact = number(video.frame_rate) if video is not None else None
    if exact is not None:
        return exact
    return (
        media.video_frame_rate if isinstance(media.video_frame_rate, str) else number(media.video_frame_rate)
    )
