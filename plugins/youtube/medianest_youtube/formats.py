"""Which of a site's streams answer a wish like "1080, mp4": yt-dlp's format expressions and sizes (pure, stdlib only)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Bits a second of picture and sound as sites usually send them, for sizes nobody states.
_USUAL_BITS = {
    "2160": 15e6,
    "1440": 8e6,
    "1080": 3.5e6,
    "720": 1.8e6,
    "480": 0.9e6,
    "360": 0.5e6,
    "audio": 130e3,
}
_WEBM_VIDEO = "~='^(vp0?[89]|av0?1)'"
_WEBM_AUDIO = "~='^(opus|vorbis)'"


@dataclass(frozen=True)
class Selection:
    """`format` and `sort` for yt-dlp; `merge` and `remux` name the containers tried in turn."""

    format: str
    sort: tuple[str, ...]
    merge: str | None = None
    remux: str | None = None
    audio: str | None = None


def select(quality: str, container: str) -> Selection:
    """Quality bounds the shorter side of the picture, so an upright clip counts like a lying one. The nearest smaller
    one is taken where the wish is not on offer. webm takes only what webm can hold, else the file becomes an mkv."""
    if quality == "audio":
        return Selection("bestaudio/best", ("acodec:aac" if container == "m4a" else "abr",), audio=container)
    res = f"res:{quality}"
    if container == "webm":
        wish = f"bv*[vcodec{_WEBM_VIDEO}]+ba[acodec{_WEBM_AUDIO}]/bv*+ba/b"
        return Selection(wish, (res, "fps"), merge="webm/mkv", remux="webm>webm/mkv")
    if container == "mkv":
        return Selection("bv*+ba/b", (res, "fps"), merge="mkv", remux="mkv")
    # h264 and aac play everywhere without transcoding; above 1080 lines there is often only VP9 or AV1, which mp4 holds.
    return Selection("bv*+ba/b", (res, "vcodec:h264", "fps", "acodec:aac"), merge="mp4", remux="mp4")


def short_side(one: Mapping[str, Any]) -> int | None:
    """The lines a format counts as, None for sound alone."""
    if one.get("vcodec") in (None, "none") and not one.get("height"):
        return None
    sides = [side for side in (one.get("width"), one.get("height")) if isinstance(side, int) and side > 0]
    return min(sides) if sides else None


def heights(formats: Iterable[Mapping[str, Any]]) -> list[int]:
    """The heights on offer, largest first."""
    return sorted({side for one in formats if (side := short_side(one))}, reverse=True)


def stated_bytes(one: Mapping[str, Any]) -> tuple[int, bool] | None:
    """Size of a format and whether it is exact."""
    if isinstance(exact := one.get("filesize"), int) and exact > 0:
        return exact, True
    if isinstance(about := one.get("filesize_approx"), (int, float)) and about > 0:
        return int(about), False
    return None


def total_bytes(parts: Sequence[Mapping[str, Any]]) -> tuple[int | None, bool]:
    """Size of all parts together and whether it is exact; (None, False) when any part is unknown."""
    sizes = [stated_bytes(part) for part in parts]
    known = [size for size in sizes if size is not None]
    if not known or len(known) != len(sizes):
        return None, False
    return sum(size for size, _ in known), all(exact for _, exact in known)


def sizes(
    formats: Sequence[Mapping[str, Any]], qualities: Iterable[str], duration: float | None
) -> dict[str, int]:
    """About how many bytes each quality will take, from what the site states, else from the duration."""
    sound = [size[0] for one in formats if short_side(one) is None and (size := stated_bytes(one))]
    result: dict[str, int] = {}
    for quality in qualities:
        if quality == "audio":
            if sound:
                result[quality] = max(sound)
                continue
        else:
            fitting = [one for one in formats if (short_side(one) or 10**6) <= int(quality)]
            best = max((short_side(one) or 0 for one in fitting), default=0)
            stated = [
                size[0] + (0 if one.get("acodec") not in (None, "none") else max(sound, default=0))
                for one in fitting
                if short_side(one) == best and (size := stated_bytes(one))
            ]
            if stated:
                result[quality] = max(stated)
                continue
        if duration:
            result[quality] = int(duration * _USUAL_BITS[quality] / 8)
    return result
