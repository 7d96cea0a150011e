"""What a video file says of itself, by PyAV: no program has to be installed for that."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import av
import av.container

_TRANSFERS = {
    1: "bt709",
    6: "smpte170m",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    18: "arib-std-b67",
}
_SPACES = {1: "bt709", 5: "bt470bg", 6: "smpte170m", 9: "bt2020nc", 10: "bt2020c"}
_FORMATS = {
    "h264": "H.264",
    "hevc": "HEVC",
    "av1": "AV1",
    "vp9": "VP9",
    "mpeg4": "MPEG-4",
    "mpeg2video": "MPEG-2",
}
_DOLBY, _HDR10_PLUS = frozenset({"DOVI_METADATA", "DOVI_RPU_BUFFER"}), "DYNAMIC_HDR_PLUS"
_PICTURE = 0x0400
"""libav's mark of a stream that is a cover and no film."""
_TIMEOUT = (10.0, 20.0)


@dataclass(frozen=True, slots=True)
class Video:
    """length: milliseconds. bitrate: kbit/s. depth: bits of a colour. chapters: [(title, start, end)] in milliseconds."""

    width: int
    height: int
    length: int
    bitrate: int | None
    format: str
    depth: int | None
    space: str | None
    transfer: str | None
    hdr: str | None
    rate: float | None
    audio: str | None
    channels: int | None
    atmos: bool
    chapters: tuple[tuple[str, int, int], ...] = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Video:
        """Raises TypeError for anything that `as_json` did not make."""
        chapters = tuple((str(title), int(start), int(end)) for title, start, end in values["chapters"])
        return cls(**{**values, "chapters": chapters})


def probe(path: Path) -> Video | None:
    """None for what is no video that can be read."""
    try:
        with av.open(str(path), metadata_errors="replace", timeout=_TIMEOUT) as container:
            return _facts(container)
    except (av.FFmpegError, OSError, ValueError, ArithmeticError):
        return None


def _facts(container: av.container.InputContainer) -> Video | None:
    films = [one for one in container.streams.video if not int(one.disposition) & _PICTURE]
    if not films:
        return None
    stream = films[0]
    codec = stream.codec_context
    pixels = codec.format
    depth = pixels.components[0].bits if pixels is not None and pixels.components else None
    transfer = _TRANSFERS.get(int(codec.color_trc or 0))
    length = container.duration
    if length is None and stream.duration is not None and stream.time_base is not None:
        length = round(stream.duration * stream.time_base * av.time_base)
    sound = container.streams.audio[0].codec_context if container.streams.audio else None
    return Video(
        width=codec.width,
        height=codec.height,
        length=round((length or 0) / 1000),
        bitrate=round(container.bit_rate / 1000) if container.bit_rate else None,
        format=_FORMATS.get(codec.name, codec.name),
        depth=depth,
        space=_SPACES.get(int(codec.colorspace or 0)),
        transfer=transfer,
        hdr=_dynamic_range(container, stream.index, depth, transfer),
        rate=round(float(stream.average_rate), 3) if stream.average_rate else None,
        audio=sound.name if sound is not None else None,
        channels=sound.channels if sound is not None else None,
        atmos=sound is not None and "atmos" in (sound.profile or "").casefold(),
        chapters=_chapters(container),
    )


def _dynamic_range(
    container: av.container.InputContainer, stream: int, depth: int | None, transfer: str | None
) -> str | None:
    if depth is None or depth <= 8:
        return None
    # Dolby Vision and HDR10+ stand in the pictures themselves.
    seen: set[str] = set()
    with contextlib.suppress(av.FFmpegError, StopIteration):
        frame = next(container.decode(video=stream))
        seen = {one.type.name for one in cast(Iterable[Any], frame.side_data)}
    if seen & _DOLBY:
        return "Dolby Vision"
    if transfer == "smpte2084":
        return "HDR10+" if _HDR10_PLUS in seen else "HDR10"
    return "HLG" if transfer == "arib-std-b67" else None


def _chapters(container: av.container.InputContainer) -> tuple[tuple[str, int, int], ...]:
    found = []
    for number, one in enumerate(container.chapters(), 1):
        base = one["time_base"]
        if base is None:
            continue
        start, end = (round(one[name] * base * 1000) for name in ("start", "end"))
        found.append((one["metadata"].get("title") or f"Chapter {number}", start, end))
    return tuple(found)
