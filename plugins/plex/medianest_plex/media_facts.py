"""Technical facts of an item's files: quality, HDR, captions, paths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from medianest_plex.models import Media, Stream, flag, number, whole

_VIDEO, _SUBTITLE = 1, 3
_RESOLUTIONS = {"4k": "4K", "2k": "1440p", "sd": "SD"}


def technical(versions: Sequence[Media]) -> dict[str, Any]:
    """Facts of the best version: container, size in pixels, resolution ("4K", "1080p", …, "SD"), codecs, HDR."""
    if not versions:
        return {}
    best = max(versions, key=_rank)
    video = next((s for part in best.parts for s in part.Stream if whole(s.stream_type) == _VIDEO), None)
    facts = {
        "container": best.container,
        "bitrate_kbps": whole(best.bitrate),
        "width": whole(best.width),
        "height": whole(best.height),
        "resolution": _resolution(best),
        "video_codec": best.video_codec,
        "audio_codec": best.audio_codec,
        "audio_channels": whole(best.audio_channels),
        "frame_rate": _frame_rate(best, video),
    }
    if video is not None:
        facts |= {
            "bit_depth": whole(video.bit_depth),
            "color_space": video.color_space,
            "hdr": dynamic_range(video),
        }
    return {name: value for name, value in facts.items() if value is not None}


def dynamic_range(video: Stream) -> str | None:
    """The name of the high dynamic range: Dolby Vision, HDR10+, HDR10 or HLG; None for standard range."""
    shown = f"{video.display_title or ''} {video.extended_display_title or ''}"
    if flag(video.dovi_present) or "Dolby Vision" in shown or "DoVi" in shown:
        return "Dolby Vision"
    if "HDR10+" in shown:
        return "HDR10+"
    transfer = video.color_trc or ""
    if transfer == "smpte2084" or "HDR10" in shown:
        return "HDR10"
    if transfer == "arib-std-b67" or "HLG" in shown:
        return "HLG"
    return None


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
