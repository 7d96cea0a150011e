"""A title's fields and values in words: what each is called, and how what stands there is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from babel import Locale, UnknownLocaleError

from medianest_core.domain.library.columns import image_version
from medianest_core.domain.library.merge import LOCK, Path
from medianest_core.web.portal.formats import decimal, number, runtime
from medianest_core.web.portal.i18n import current_locale, ngettext
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.pages.posters import art
from medianest_core.web.portal.views.title_why import Shown

SHORT = 160
_WIDE = frozenset({"backdrop", "thumb", "banner", "logo"})


def group_label(group: str) -> str:
    """Of a group of fields."""
    return {
        "text": _("Names and texts"),
        "ratings": _("Ratings"),
        "people": _("People"),
        "dates": _("Dates"),
        "artwork": _("Artwork"),
        "captions": _("Captions"),
        "media": _("Picture, sound and files"),
        "ids": _("External ids"),
    }.get(group, _("Other facts"))


def field_label(path: Path) -> str:
    """Of one value; the title itself where the path is empty."""
    if not path:
        return _("The title")
    known = {
        "title": _("Title"),
        "sort_title": _("Title for sorting"),
        "original_title": _("Original title"),
        "summary": _("Description"),
        "tagline": _("Tagline"),
        "studio": _("Studio"),
        "genres": _("Genres"),
        "content_rating": _("Age rating"),
        "rating": _("Critics' rating"),
        "audience_rating": _("Audience rating"),
        "cast": _("Cast"),
        "directors": _("Directors"),
        "writers": _("Writers"),
        "year": _("Year"),
        "released_on": _("Release date"),
        "duration_ms": _("Length"),
        "files": _("Files"),
        "chapters": _("Chapters"),
        "leaf_count": _("Number of episodes"),
        "child_count": _("Number of seasons"),
        "holdings": _("Servers that have it"),
        "origins": _("Where values come from"),
    }
    name, *rest = path
    if not rest:
        return known.get(name) or _plain(name)
    leaf = rest[0]
    if name == "assets":
        pictures = {
            "poster": _("Poster"),
            "backdrop": _("Backdrop"),
            "thumb": _("Thumbnail"),
            "logo": _("Logo"),
            "banner": _("Banner"),
        }
        return pictures.get(leaf) or _plain(leaf)
    if name == "captions":
        return _("Captions: %(language)s") % {"language": language(leaf)}
    if name == "ids":
        return leaf.upper()
    if name == "media":
        facts = {
            "video_codec": _("Video codec"),
            "audio_codec": _("Audio codec"),
            "audio_channels": _("Audio channels"),
            "hdr": _("HDR"),
            "width": _("Width"),
            "height": _("Height"),
            "bitrate": _("Bit rate"),
            "bit_depth": _("Bit depth"),
            "container": _("Container"),
            "resolution": _("Resolution"),
            "bitrate_kbps": _("Bit rate (kbit/s)"),
            "frame_rate": _("Frame rate"),
            "color_primaries": _("Color primaries"),
            "color_space": _("Color space"),
            "color_transfer": _("Transfer function"),
            "video_profile": _("Video profile"),
            "enhanced_color": _("Wide color"),
            "high_dynamic_range": _("High dynamic range"),
            "standard_hdr": _("HDR10"),
            "hdr10_plus": _("HDR10+"),
            "dolby_vision": _("Dolby Vision"),
            "atmos": _("Dolby Atmos"),
            "audio": _("Audio tracks"),
        }
        return facts.get(leaf) or _plain(leaf)
    return f"{known.get(name) or _plain(name)}: {_plain(leaf)}"


def _plain(name: str) -> str:
    return name.replace("_", " ").capitalize()


def language(code: str) -> str:
    """ "de" as "German", in the reader's language; the code itself where nobody knows it."""
    base, _sep, rest = code.partition("-")
    try:
        found = Locale.parse(base).get_display_name(current_locale())
    except (UnknownLocaleError, ValueError):
        return code
    return f"{found} ({rest})" if rest and found else found or code


def shown(
    path: Path, value: Any, *, title_id: int = 0, origin: str | None = None, image: str | None = None
) -> Shown:
    """origin: where a picture comes from. image: its id, where that is known."""
    if path[:1] == ("assets",) and isinstance(value, str) and path[1:] and path[1].isalpha():
        if image is None and origin and origin != LOCK:
            image = f"{title_id}-{path[1]}-{image_version(origin, value)}"
        if image:
            return Shown(text="", art=art(image, field_label(path)), wide=path[1] in _WIDE)
    text = words(path, value)
    if len(text) <= SHORT:
        return Shown(text=text)
    return Shown(text=text[:SHORT].rsplit(" ", 1)[0] + " …", rest=text)


def words(path: Path, value: Any) -> str:
    """The value as one reads it."""
    name = path[0] if path else ""
    if value is None:
        return _("nothing")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name == "duration_ms" and isinstance(value, int | float):
        return runtime(value / 1000)
    if name == "year":
        return str(value)
    if isinstance(value, float):
        return decimal(value)
    if isinstance(value, int):
        return number(value)
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return _mapping(path, value)
    if isinstance(value, Sequence):
        return _sequence(name, value)
    return str(value)


def _mapping(path: Path, value: Mapping[str, Any]) -> str:
    if not path:
        return _("a title of the library")
    if path[0] == "captions":
        found = [_("generated automatically") if value.get("auto_generated") else _("available")]
        if value.get("title"):
            found.append(str(value["title"]))
        return ", ".join(found)
    named = value.get("name") or value.get("title")
    if named:
        return str(named)
    return ", ".join(
        f"{_plain(str(name))}: {words((), one)}" for name, one in value.items() if one is not None
    )


def _sequence(name: str, value: Sequence[Any]) -> str:
    if name == "chapters":
        return ngettext("%(count)s chapter", "%(count)s chapters", len(value)) % {"count": number(len(value))}
    if name == "files":
        return ngettext("%(count)s file", "%(count)s files", len(value)) % {"count": number(len(value))}
    if not value:
        return _("nothing")
    return ", ".join(_mapping((name,), one) if isinstance(one, Mapping) else str(one) for one in value)
