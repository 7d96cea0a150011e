"""From Plex's items to the portal's records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from medianest_core.sdk import EPISODE, MOVIE, SEASON, Collection, MediaRecord, RawRecord
from medianest_plex import models
from medianest_plex.listing import Entry
from medianest_plex.media_facts import audio, captions, chapters, files, technical
from medianest_plex.models import Item, flag, number, whole
from medianest_plex.transport import SERVER, parsed

_ID_SOURCES = {"imdb", "tmdb", "tvdb", "tvmaze", "anidb"}
_LEGACY_AGENTS = {
    "com.plexapp.agents.imdb": "imdb",
    "com.plexapp.agents.themoviedb": "tmdb",
    "com.plexapp.agents.thetvdb": "tvdb",
}


def raw_record(entry: Entry, library: str) -> RawRecord:
    """The entry as an undecoded record of the library with that key."""
    return RawRecord(entry.key, entry.type, entry.digest, partial(_decoded, entry, library))


def _decoded(entry: Entry, library: str) -> MediaRecord:
    return decode(entry.raw, library)


def decode(raw: bytes, library: str) -> MediaRecord:
    """A record from an item's JSON. Raises InvalidResponse."""
    return record(parsed(raw, models.item, SERVER), library)


def record(item: Item, library: str) -> MediaRecord:
    """A record from an item. An item that names its own section overrides `library`."""
    year = whole(item.year)
    values = {
        "title": item.title,
        "sort_title": item.title_sort,
        "original_title": item.original_title,
        "summary": item.summary,
        "tagline": item.tagline,
        "year": year,
        "released_on": item.originally_available_at,
        "content_rating": item.content_rating,
        "rating": number(item.rating),
        "audience_rating": number(item.audience_rating),
        "duration_ms": whole(item.duration),
        "studio": item.studio,
        "genres": _names(item.genres),
        "directors": _names(item.directors),
        "writers": _names(item.writers),
        "cast": _cast(item),
        "captions": captions(item.media),
        "media": technical(item.media),
        "audio": audio(item.media),
        "chapters": chapters(item.chapters),
        "files": files(item.media),
        "assets": _assets(item),
        "child_count": whole(item.child_count),
        "leaf_count": whole(item.leaf_count),
    }
    return MediaRecord(
        key=str(item.rating_key),
        kind=item.type,
        title=item.title,
        library=library or str(item.library_section_id or ""),
        year=year,
        ids=_ids(item),
        parent=_parent(item),
        index=whole(item.index) if item.type in (SEASON, EPISODE) else None,
        fields={name: value for name, value in values.items() if value or value == 0},
        added_at=number(item.added_at),
        updated_at=number(item.updated_at),
    )


def collection(item: Item, library: str) -> Collection:
    """A collection from its list entry."""
    return Collection(
        key=str(item.rating_key),
        title=item.title,
        library=library or str(item.library_section_id or ""),
        count=whole(item.child_count) or 0,
        summary=item.summary or "",
        image=item.thumb,
        smart=flag(item.smart),
    )


def _ids(item: Item) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for entry in item.guids:
        source, _, value = str(entry.get("id", "")).partition("://")
        if source in _ID_SOURCES and value:
            found.setdefault(source, value)
    agent, _, rest = item.guid.partition("://")
    if agent == "plex" and "/" in rest:
        found["plex"] = rest.rpartition("/")[2]
    elif agent in _LEGACY_AGENTS and item.type not in (SEASON, EPISODE):
        # An episode's old identifier is that of its show with numbers behind it.
        found.setdefault(_LEGACY_AGENTS[agent], rest.partition("?")[0])
    return found


def _parent(item: Item) -> str | None:
    if item.type not in (SEASON, EPISODE):
        return None
    parent = item.parent_rating_key or item.grandparent_rating_key
    return None if parent is None else str(parent)


def _names(tags: Sequence[models.Tag]) -> list[str]:
    return [tag.tag for tag in tags if tag.tag]


def _cast(item: Item) -> list[dict[str, Any]]:
    people: list[dict[str, Any]] = []
    for tag in item.cast:
        person = {"name": tag.tag, "role": tag.role or "", "image": tag.thumb}
        people.append({name: value for name, value in person.items() if value is not None})
    return people


def _own_video(item: Item) -> bool:
    agent, _, _ = item.guid.partition("://")
    return item.type == MOVIE and (agent == "local" or agent.endswith("agents.none"))


def _assets(item: Item) -> dict[str, str]:
    logo = next((art.url for art in item.images if art.type == "clearLogo"), None)
    if item.type == EPISODE:
        found = {"thumb": item.thumb, "backdrop": item.art or item.grandparent_art}
    elif item.type == SEASON:
        found = {"poster": item.thumb or item.parent_thumb, "backdrop": item.art}
    else:
        # What no agent recognised has a frame of the video for a picture, which is wide.
        name = "thumb" if _own_video(item) else "poster"
        found = {name: item.thumb, "backdrop": item.art, "logo": logo}
    return {name: reference for name, reference in found.items() if reference}
