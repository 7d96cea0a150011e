"""From entries of a manifest to the portal's records."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import xxhash

from medianest_core.sdk import EPISODE, MOVIE, SEASON, SHOW, MediaRecord, RawRecord
from medianest_manifest.addresses import Addresses
from medianest_manifest.facts import Facts
from medianest_manifest.index import Entry
from medianest_manifest.models import table, text, whole
from medianest_manifest.names import Named, episode_number, episode_title, named, season_number
from medianest_manifest.technical import captions_of, media_of, moment, size_of

_READING = 1
"""Goes into the digests: raised when the same bytes are read into other records."""
METADATA: Mapping[str, tuple[str, ...]] = {
    MOVIE: ("urls", "metadata"),
    SHOW: ("metadata",),
    EPISODE: ("metadata",),
}
"""Where an entry names its metadata file."""
VIDEO: Mapping[str, tuple[str, ...]] = {MOVIE: ("urls", "mp4"), EPISODE: ("videoURL",)}


def raw_record(entry: Entry, facts: Facts, addresses: Addresses) -> RawRecord:
    """The entry as an undecoded record."""
    salt = f"{_READING}|{addresses.public('x')}|{entry.digest:x}|{facts.stamp:x}"
    digest: str = xxhash.xxh3_64_hexdigest(salt.encode())
    return RawRecord(entry.key, entry.kind, digest, partial(decode, entry, facts, addresses))


def decode(entry: Entry, facts: Facts, addresses: Addresses) -> MediaRecord:
    """The record of an entry. Raises InvalidResponse."""
    said = entry.decoded()
    found = named(entry.folders[0])
    if entry.kind == MOVIE:
        return _movie(entry, said, _known(found, facts), addresses)
    if entry.kind == SHOW:
        return _show(entry, said, _known(found, facts))
    if entry.kind == SEASON:
        return _season(entry, said)
    return _episode(entry, said, addresses)


def _known(found: Named, facts: Facts) -> Named:
    """What the metadata file says goes before the folder's name."""
    return Named(facts.title or found.title, facts.year or found.year, {**found.ids, **facts.ids})


def _movie(entry: Entry, said: Mapping[str, Any], who: Named, addresses: Addresses) -> MediaRecord:
    urls, more = table(said.get("urls")), table(said.get("additional_metadata"))
    url = text(urls.get("mp4"))
    names = said.get("fileNames")
    name = next((one for one in names if isinstance(one, str)), None) if isinstance(names, list) else None
    file = _file(url, name)
    changed = moment(urls.get("mediaLastModified"))
    duration = whole(table(said.get("length")).get(file or "")) or whole(more.get("duration"))
    return MediaRecord(
        key=entry.key,
        kind=MOVIE,
        title=who.title,
        library=MOVIE,
        year=who.year,
        ids=who.ids,
        fields=_said(
            {
                "original_title": entry.folders[0],
                "duration_ms": duration,
                "captions": _linked(captions_of(urls.get("subtitles")), addresses),
                "media": media_of(
                    table(said.get("dimensions")).get(file or ""),
                    said.get("hdr"),
                    said.get("mediaQuality"),
                    file,
                ),
                "files": _files(url, size_of(more.get("size")), duration, addresses),
                "assets": _assets(urls, poster="poster", backdrop="backdrop", logo="logo"),
            }
        ),
        added_at=changed,
        updated_at=changed,
    )


def _show(entry: Entry, said: Mapping[str, Any], who: Named) -> MediaRecord:
    return MediaRecord(
        key=entry.key,
        kind=SHOW,
        title=who.title,
        library=SHOW,
        year=who.year,
        ids=who.ids,
        fields=_said(
            {
                "original_title": entry.folders[0],
                "assets": _assets(said, poster="poster", backdrop="backdrop", logo="logo"),
                "child_count": entry.children,
                "leaf_count": entry.leaves,
            }
        ),
        added_at=entry.oldest,
        updated_at=entry.newest,
    )


def _season(entry: Entry, said: Mapping[str, Any]) -> MediaRecord:
    return MediaRecord(
        key=entry.key,
        kind=SEASON,
        title=entry.folders[1],
        library=SHOW,
        parent=entry.parent,
        index=season_number(entry.folders[1]),
        fields=_said({"assets": _assets(said, poster="season_poster"), "leaf_count": entry.leaves}),
        added_at=entry.oldest,
        updated_at=entry.newest,
    )


def _episode(entry: Entry, said: Mapping[str, Any], addresses: Addresses) -> MediaRecord:
    more, shared = table(said.get("additionalMetadata")), entry.shared
    url = text(said.get("videoURL"))
    file = _file(url, text(said.get("filename")))
    name = text(said.get("filename")) or file or ""
    duration = (
        whole(said.get("length"))
        or (whole(shared.lengths.get(name)) if shared else None)
        or whole(more.get("duration"))
    )
    dimensions = said.get("dimensions") or (shared.dimensions.get(name) if shared else None)
    number = whole(said.get("episodeNumber"))
    if number is None:
        number = episode_number(name) or episode_number(entry.folders[2])
    changed = moment(said.get("mediaLastModified"))
    return MediaRecord(
        key=entry.key,
        kind=EPISODE,
        title=episode_title(name) or entry.folders[2],
        library=SHOW,
        parent=entry.parent,
        index=number,
        fields=_said(
            {
                "duration_ms": duration,
                "captions": _linked(captions_of(said.get("subtitles")), addresses),
                "media": media_of(dimensions, said.get("hdr"), said.get("mediaQuality"), file),
                "files": _files(url, size_of(more.get("size")), duration, addresses),
                "assets": _assets(said, thumb="thumbnail"),
            }
        ),
        added_at=changed,
        updated_at=changed,
    )


def _file(url: str | None, name: str | None) -> str | None:
    """The name that `length` and `dimensions` know the file by."""
    return name or (url.partition("?")[0].rpartition("/")[2] if url else None)


def _files(
    url: str | None, size: int | None, duration: int | None, addresses: Addresses
) -> list[dict[str, Any]]:
    if url is None:
        return []
    return [_said({"path": addresses.path(url), "size": size, "duration_ms": duration})]


def _linked(captions: dict[str, dict[str, Any]], addresses: Addresses) -> dict[str, dict[str, Any]]:
    return {language: {**one, "url": addresses.public(one["url"])} for language, one in captions.items()}


def _assets(said: Mapping[str, Any], **names: str) -> dict[str, str]:
    found = {asset: text(said.get(name)) for asset, name in names.items()}
    return {asset: reference for asset, reference in found.items() if reference}


def _said(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value or value == 0}
