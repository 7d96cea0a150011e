"""Titles of the library as posters, badges and words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from medianest_core.domain.library.reading.query import TitleRow
from medianest_core.sdk.media import EPISODE, MOVIE, SEASON, SHOW
from medianest_core.web.portal.formats import runtime
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import ngettext
from medianest_core.web.portal.views import Art, Badge, Poster

_NO_BLURS: Mapping[str, str] = {}


def art(image_id: str | None, alt: str = "", blurs: Mapping[str, str] = _NO_BLURS) -> Art | None:
    """The picture behind an image id. blurs: see `Placeholders.of`."""
    return Art(path=f"/img/{image_id}", alt=alt, blur=blurs.get(image_id, "")) if image_id else None


def kind_label(kind: str) -> str:
    return {MOVIE: _("Movie"), SHOW: _("Series"), SEASON: _("Season"), EPISODE: _("Episode")}.get(
        kind, kind.capitalize()
    )


def kinds_label(kind: str) -> str:
    return {MOVIE: _("Movies"), SHOW: _("Series")}.get(kind, kind.capitalize())


def quality_label(height: int) -> str:
    """4K for 2160 and so on; empty where unknown."""
    return {2160: "4K", 4320: "8K"}.get(height, f"{height}p" if height else "")


def poster(
    row: TitleRow, *, subtitle: str = "", badge: Badge | None = None, blurs: Mapping[str, str] = _NO_BLURS
) -> Poster:
    """One title of a grid or shelf."""
    text = subtitle or (str(row.year) if row.year else "")
    if badge is None and row.quality >= 2160:
        badge = Badge(text=quality_label(row.quality) + (" HDR" if row.hdr else ""))
    return Poster(
        title=row.title,
        path=f"/title/{row.id}",
        art=art(row.poster, row.title, blurs),
        subtitle=text,
        icon="tv" if row.kind == SHOW else "film",
        badge=badge,
        wide=row.wide,
    )


def episodes_label(count: int) -> str:
    return ngettext("%(num)d new episode", "%(num)d new episodes", count) % {"num": count}


def media_badges(media: Mapping[str, Any], quality: int, captions: Sequence[str] = ()) -> tuple[Badge, ...]:
    """What a copy is like: resolution, dynamic range, codecs, sound, subtitles."""
    found = [quality_label(quality)] if quality else []
    if hdr := media.get("hdr"):
        found.append(", ".join(hdr) if isinstance(hdr, list) else str(hdr) if isinstance(hdr, str) else "HDR")
    if codec := media.get("video_codec"):
        found.append(str(codec).upper())
    if channels := media.get("audio_channels"):
        found.append({2: "Stereo", 6: "5.1", 8: "7.1"}.get(int(channels), f"{channels} ch"))
    if media.get("atmos") is True:
        found.append("Atmos")
    if captions:
        found.append("CC " + ", ".join(captions[:4]))
    return tuple(Badge(text=text) for text in found if text)


def day(text: str) -> float | None:
    """ "2024-05-01" as epoch seconds at noon UTC, so that no time zone moves it to another day."""
    try:
        return (date.fromisoformat(text) - date(1970, 1, 1)).days * 86400.0 + 43200.0
    except ValueError:
        return None


def headline(row: TitleRow) -> tuple[str, ...]:
    """Year, length and the like, for the line below a title."""
    found = [str(row.year)] if row.year else []
    if row.duration:
        found.append(runtime(row.duration))
    if row.kind == SHOW and row.children:
        found.append(ngettext("%(num)d episode", "%(num)d episodes", row.children) % {"num": row.children})
    return tuple(found)
