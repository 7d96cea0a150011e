"""The file server as a source of media: its two lists, what lies beside the files, pictures and addresses."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from medianest_core.sdk import (
    EPISODE,
    MOVIE,
    N_,
    SEASON,
    SHOW,
    Image,
    InvalidResponse,
    Library,
    MediaRecord,
    MediaSource,
    NotFound,
    RawRecord,
    RecordPage,
    Response,
)
from medianest_manifest.client import SERVER, ManifestServer
from medianest_manifest.facts import UNKNOWN, Facts, parsed, values_of
from medianest_manifest.index import Entry
from medianest_manifest.records import METADATA, VIDEO, decode, raw_record
from medianest_manifest.service import MANIFEST
from medianest_manifest.settings import ManifestSettings
from medianest_manifest.technical import chapters_of

_PAGE = 500
_TITLES = {MOVIE: N_("Films"), SHOW: N_("Series")}
_LIBRARY_OF = {MOVIE: MOVIE, SHOW: SHOW, SEASON: SHOW, EPISODE: SHOW}
_MAX_IMAGE_BYTES = 10 * 1024 * 1024
_RECENT = 5.0
"""Seconds within which several questions about single titles read the manifest once."""
_LATELY = 600.0
_BLURHASHES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    MOVIE: {"poster": ("urls", "posterBlurhash"), "backdrop": ("urls", "backdropBlurhash")},
    SHOW: {"poster": ("posterBlurhash",), "backdrop": ("backdropBlurhash",)},
    SEASON: {"poster": ("seasonPosterBlurhash",)},
    EPISODE: {"thumb": ("thumbnailBlurhash",)},
}
_CHAPTERS: Mapping[str, tuple[str, ...]] = {MOVIE: ("urls", "chapters"), EPISODE: ("chapters",)}
_LONGEST_BLURHASH = 200


class ManifestMedia(MediaSource[ManifestSettings, ManifestServer]):
    service = MANIFEST

    async def libraries(self) -> Sequence[Library]:
        """The lists that the settings name. One that is away is not gone: reading it says what is wrong."""
        return [Library(kind, str(_TITLES[kind]), kind) for kind in self.client.paths]

    async def records(self, library: Library) -> AsyncIterator[RecordPage]:
        index = await self.client.manifest(library.key)
        entries = iter(index)
        while page := list(islice(entries, _PAGE)):
            yield RecordPage(await self._raw(page), len(index))

    async def _raw(self, entries: Sequence[Entry]) -> list[RawRecord]:
        """Only films and series have metadata that say who they are."""
        references = {
            one.key: reference
            for one in entries
            if one.kind in (MOVIE, SHOW) and (reference := one.member(*METADATA[one.kind]))
        }
        known = await self.client.facts(references.values())
        return [
            raw_record(one, _facts(known, references.get(one.key)), self.client.addresses) for one in entries
        ]

    async def record(self, key: str) -> RawRecord | None:
        entry = await self._entry(key, _RECENT)
        return None if entry is None else (await self._raw([entry]))[0]

    async def details(self, keys: Sequence[str]) -> Sequence[MediaRecord]:
        """What lies in files of their own: metadata, chapters, blurhashes."""
        entries = [one for key in keys if (one := await self._entry(key, _LATELY)) is not None]
        wanted = {(one.key, name): reference for one in entries for name, reference in _beside(one).items()}
        found = await self.client.all_of(wanted)
        return [_detailed(one, found, self.client) for one in entries]

    async def image(self, reference: str, width: int, height: int) -> Image:
        response = await self.client.picture(reference, _MAX_IMAGE_BYTES)
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if not response.content or media_type.startswith("text/"):
            raise NotFound(N_("{who} sent something that is not an image.").format(who=SERVER))
        return Image(response.content, media_type)

    async def deep_link(self, key: str) -> str:
        """The video itself, as a browser reaches it; of a season or series there is none."""
        entry = await self._entry(key, _LATELY)
        reference = entry.member(*VIDEO[entry.kind]) if entry is not None and entry.kind in VIDEO else None
        if reference is None:
            raise NotFound(N_("{who} has no video of this title.").format(who=SERVER))
        return self.client.addresses.public(reference)

    async def _entry(self, key: str, fresh: float) -> Entry | None:
        library = _LIBRARY_OF.get(key.partition("/")[0])
        if library is None or library not in self.client.paths:
            return None
        return (await self.client.manifest(library, fresh)).get(key)


def _facts(known: Mapping[str, Facts], reference: str | None) -> Facts:
    return known.get(reference, UNKNOWN) if reference else UNKNOWN


def _beside(entry: Entry) -> dict[str, str]:
    """Name → reference of the files that the entry names."""
    places = {
        "metadata": METADATA.get(entry.kind, ()),
        "chapters": _CHAPTERS.get(entry.kind, ()),
        **_BLURHASHES.get(entry.kind, {}),
    }
    return {name: reference for name, path in places.items() if path and (reference := entry.member(*path))}


def _detailed(entry: Entry, found: Mapping[tuple[str, str], Response], client: ManifestServer) -> MediaRecord:
    record = decode(entry, UNKNOWN, client.addresses)
    fields = dict(record.fields)
    if (metadata := found.get((entry.key, "metadata"))) is not None:
        with contextlib.suppress(InvalidResponse):
            fields = {**values_of(parsed(metadata.content)), **fields}
    if (chapters := found.get((entry.key, "chapters"))) is not None and (cues := chapters_of(chapters.text)):
        fields["chapters"] = cues
    hashes = {
        asset: value
        for asset in _BLURHASHES.get(entry.kind, {})
        if (answer := found.get((entry.key, asset))) is not None and (value := _blurhash(answer.text))
    }
    if hashes:
        fields["blurhash"] = hashes
    return replace(record, fields=fields)


def _blurhash(text: str) -> str:
    value = text.strip()
    return value if 6 <= len(value) <= _LONGEST_BLURHASH and value.isascii() and " " not in value else ""
