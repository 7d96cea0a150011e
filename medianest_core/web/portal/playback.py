"""Whether a browser can play a file as it is, from the facts of the file and what the browser calls itself. Pure.

Servers can convert what a browser cannot play, which costs them much and the picture its colours; so this says where it would not be
needed. A browser's name tells little of the device beneath it: what depends on that is MAYBE, until the page's script has asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class Fit(IntEnum):
    """How well something plays; the larger the worse."""

    PLAYS = 0
    MAYBE = 1
    FAILS = 2


CHROME, EDGE, FIREFOX, SAFARI, OTHER = "Chrome", "Edge", "Firefox", "Safari", ""
NAMED = (CHROME, EDGE, FIREFOX, SAFARI)

_YES, _PERHAPS, _NO = Fit.PLAYS, Fit.MAYBE, Fit.FAILS
_PICTURE: Mapping[str, tuple[str, Mapping[str, Fit]]] = {
    "h264": ("H.264", {}),
    "vp8": ("VP8", {SAFARI: _PERHAPS}),
    "vp9": ("VP9", {SAFARI: _PERHAPS}),
    "av1": ("AV1", {SAFARI: _PERHAPS, EDGE: _PERHAPS}),
    "hevc": ("HEVC", {CHROME: _PERHAPS, EDGE: _PERHAPS, FIREFOX: _NO}),
    "mpeg4": ("MPEG-4 Part 2", dict.fromkeys(NAMED, _NO)),
    "mpeg2video": ("MPEG-2", dict.fromkeys(NAMED, _NO)),
    "vc1": ("VC-1", dict.fromkeys(NAMED, _NO)),
}
"""Codec → its name for people, and the browsers that do not simply play it."""
_SAME_PICTURE = {
    "h265": "hevc",
    "avc": "h264",
    "x264": "h264",
    "x265": "hevc",
    "msmpeg4v3": "mpeg4",
    "xvid": "mpeg4",
}
_RANGES: Mapping[str, Mapping[str, Fit]] = {
    "Dolby Vision": {CHROME: _NO, EDGE: _PERHAPS, FIREFOX: _NO},
    "HDR10+": {CHROME: _PERHAPS, EDGE: _PERHAPS, FIREFOX: _NO},
    "HDR10": {CHROME: _PERHAPS, EDGE: _PERHAPS, FIREFOX: _NO},
    "HLG": {CHROME: _PERHAPS, EDGE: _PERHAPS, FIREFOX: _NO},
}
_SOUND: Mapping[str, tuple[str, Mapping[str, Fit]]] = {
    "aac": ("AAC", {}),
    "mp3": ("MP3", {}),
    "flac": ("FLAC", {}),
    "opus": ("Opus", {}),
    "vorbis": ("Vorbis", {}),
    "pcm": ("PCM", {}),
    "ac3": ("Dolby Digital", {CHROME: _NO, FIREFOX: _NO, EDGE: _PERHAPS}),
    "eac3": ("Dolby Digital Plus", {CHROME: _NO, FIREFOX: _NO, EDGE: _PERHAPS}),
    "truehd": ("Dolby TrueHD", dict.fromkeys(NAMED, _NO)),
    "dca": ("DTS", dict.fromkeys(NAMED, _NO)),
    "dts": ("DTS", dict.fromkeys(NAMED, _NO)),
}
_TYPES: Mapping[str, str] = {
    "h264": 'video/mp4; codecs="avc1.640029"',
    "h264/10": 'video/mp4; codecs="avc1.6e0029"',
    "hevc": 'video/mp4; codecs="hvc1.1.6.L150.B0"',
    "hevc/10": 'video/mp4; codecs="hvc1.2.4.L153.B0"',
    "av1": 'video/mp4; codecs="av01.0.09M.08"',
    "av1/10": 'video/mp4; codecs="av01.0.12M.10"',
    "vp8": 'video/webm; codecs="vp8"',
    "vp9": 'video/webm; codecs="vp09.00.41.08"',
    "vp9/10": 'video/webm; codecs="vp09.02.51.10"',
    "Dolby Vision": 'video/mp4; codecs="dvh1.08.06"',
    "aac": 'audio/mp4; codecs="mp4a.40.2"',
    "ac3": 'audio/mp4; codecs="ac-3"',
    "eac3": 'audio/mp4; codecs="ec-3"',
    "flac": 'audio/mp4; codecs="flac"',
    "mp3": "audio/mpeg",
    "opus": 'audio/webm; codecs="opus"',
    "vorbis": 'audio/webm; codecs="vorbis"',
}
"""What browsers are asked by; "/10" for ten bits. What stands not here has no name that a browser knows."""
_HDR_QUESTIONS: Mapping[str, Mapping[str, str]] = {
    "Dolby Vision": {"transferFunction": "pq", "colorGamut": "rec2020"},
    "HDR10+": {"hdrMetadataType": "smpteSt2094-40", "transferFunction": "pq", "colorGamut": "rec2020"},
    "HDR10": {"hdrMetadataType": "smpteSt2086", "transferFunction": "pq", "colorGamut": "rec2020"},
    "HLG": {"transferFunction": "hlg", "colorGamut": "rec2020"},
}
_DEEP = 10


@dataclass(frozen=True, slots=True)
class Part:
    """One thing a browser must be able to do. name: "video", "hdr" or "audio". what: for people, e.g. "HEVC". question: members of a
    `MediaDecodingConfiguration` that ask a browser for it; None where no browser knows a name for it."""

    name: str
    what: str
    fit: Fit
    question: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """parts: all that the file needs and that is known. elsewhere: browsers that play it as it is."""

    parts: Sequence[Part]
    elsewhere: Sequence[str] = ()

    @property
    def fit(self) -> Fit:
        return max((part.fit for part in self.parts), default=Fit.PLAYS)


def family_of(agent: str) -> str:
    """The browser behind a User-Agent header; `OTHER` where it names none that is known. All browsers of iOS are Safari within."""
    if re.search(r"\b(iPhone|iPad|iPod)\b", agent):
        return SAFARI
    if "Firefox/" in agent and "Seamonkey/" not in agent:
        return FIREFOX
    if re.search(r"\bEdg(A|iOS)?/", agent):
        return EDGE
    if re.search(r"\bChrom(e|ium)/", agent):
        return CHROME
    return SAFARI if "Safari/" in agent and "Version/" in agent else OTHER


def judge(media: Mapping[str, Any], agent: str) -> Verdict | None:
    """Whether the browser plays a file with these facts (see `MediaRecord`); None where its codec is not known.

    Facts may be of any type: what cannot be understood is passed over.
    """
    browser = family_of(agent)
    parts = _parts(media, browser)
    if not parts or parts[0].name != "video":
        return None
    fine = [one for one in NAMED if one != browser and all(part.fit == _YES for part in _parts(media, one))]
    return Verdict(tuple(parts), tuple(fine))


def _parts(media: Mapping[str, Any], browser: str) -> list[Part]:
    found = []
    codec = _word(media.get("video_codec"))
    codec = _SAME_PICTURE.get(codec, codec)
    if not codec:
        return []
    what, exceptions = _PICTURE.get(codec, (codec.upper(), dict.fromkeys((*NAMED, OTHER), _PERHAPS)))
    fit = _of(exceptions, browser)
    depth = media.get("bit_depth")
    deep = isinstance(depth, int) and depth >= _DEEP
    if codec == "h264" and deep:
        what, fit = "H.264 (10 bit)", Fit.MAYBE if browser == CHROME else Fit.FAILS
    named = _TYPES.get(f"{codec}/{_DEEP}" if deep else codec)
    picture = _picture(media, named) if named else None
    found.append(Part("video", what, fit, {"video": picture} if picture else None))
    if kind := _range(media):
        asked = None
        if picture:
            own = {"contentType": _TYPES[kind]} if kind in _TYPES else {}
            asked = {"video": {**picture, **own, **_HDR_QUESTIONS[kind]}}
        found.append(Part("hdr", kind, _of(_RANGES[kind], browser), asked))
    if sound := _word(media.get("audio_codec")):
        sound = "pcm" if sound.startswith("pcm") else sound.partition("-")[0]
        what, exceptions = _SOUND.get(sound, (sound.upper(), dict.fromkeys((*NAMED, OTHER), _PERHAPS)))
        named = _TYPES.get(sound)
        channels = media.get("audio_channels")
        asked = {"audio": {"contentType": named, "channels": str(channels or 2)}} if named else None
        found.append(Part("audio", what, _of(exceptions, browser), asked))
    return found


def _of(exceptions: Mapping[str, Fit], browser: str) -> Fit:
    """A browser that is not known plays what all others play."""
    if browser == OTHER:
        return Fit.MAYBE if exceptions else Fit.PLAYS
    return exceptions.get(browser, Fit.PLAYS)


def _range(media: Mapping[str, Any]) -> str:
    """The least demanding range that the picture can be shown in: a browser that lacks the better one takes it."""
    formats = media.get("hdr_formats")
    named = [one for one in formats if one in _RANGES] if isinstance(formats, list) else []
    if named:
        return str(named[-1])
    hdr = media.get("hdr")
    return hdr if isinstance(hdr, str) and hdr in _RANGES else "HDR10" if hdr else ""


def _picture(media: Mapping[str, Any], named: str) -> dict[str, Any]:
    return {
        "contentType": named,
        "width": _number(media.get("width"), 1920),
        "height": _number(media.get("height"), 1080),
        "bitrate": _number(media.get("bitrate_kbps"), 8000) * 1000,
        "framerate": _number(media.get("frame_rate"), 24),
    }


def _number(value: object, otherwise: float) -> float:
    return value if isinstance(value, int | float) and 0 < value < 1e9 else otherwise


def _word(value: object) -> str:
    return value.strip().lower() if isinstance(value, str) else ""
