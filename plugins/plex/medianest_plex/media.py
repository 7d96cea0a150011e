"""The Plex server as a source of media: libraries, records, search, images, collections, scans."""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from urllib.parse import urlsplit

from medianest_core.sdk import (
    EPISODE,
    MOVIE,
    N_,
    SEASON,
    SHOW,
    Collection,
    Image,
    InvalidResponse,
    Library,
    MediaRecord,
    MediaSource,
    NotFound,
    NotReady,
    RawRecord,
    RecordPage,
    Rejected,
    Response,
)
from medianest_plex import models
from medianest_plex.client import PlexServer
from medianest_plex.listing import Entry, Listed
from medianest_plex.models import TYPE_NUMBERS, flag, whole
from medianest_plex.records import collection as collection_from
from medianest_plex.records import decode, raw_record
from medianest_plex.service import PLEX
from medianest_plex.settings import PEOPLE_HOST, PlexSettings
from medianest_plex.transport import SERVER, parsed

_TYPES = {MOVIE: (MOVIE,), SHOW: (SHOW, SEASON, EPISODE)}
"""What a library of a kind holds, parents first."""
_IMAGE_PATHS = ("/library/", "/photo/", "/:/resources/")
_MAX_IMAGE_BYTES = 10 * 1024 * 1024
_LOCATE_PAGE = 200
_NEAR = 500
"""How many titles added in the same second are looked through."""


class PlexMedia(MediaSource[PlexSettings, PlexServer]):
    service = PLEX

    async def libraries(self) -> Sequence[Library]:
        return [
            Library(section.key, section.title, section.type, tuple(section.paths))
            for section in await self.client.sections()
            if section.type in _TYPES
        ]

    # Records

    async def records(self, library: Library) -> AsyncIterator[RecordPage]:
        types = _TYPES.get(library.kind, ())
        total = await self._total(library, types)
        for kind in types:
            async with aclosing(self.client.all_items(library.key, TYPE_NUMBERS[kind])) as pages:
                async for page in pages:
                    yield RecordPage(
                        _records(page.entries, library.key), page.total if total is None else total
                    )

    async def _total(self, library: Library, types: Sequence[str]) -> int | None:
        if len(types) < 2:
            return None
        counts = [
            (await self.client.items(library.key, TYPE_NUMBERS[kind], 0, 0, {})).total for kind in types
        ]
        return None if None in counts else sum(count for count in counts if count is not None)

    async def record(self, key: str) -> RawRecord | None:
        """The record as listings give it, so that its digest can be compared with theirs."""
        full = await self.client.full(key) if key.isdecimal() else None
        if full is None or full.type not in TYPE_NUMBERS:
            return None
        item = _item(full)
        library = str(item.library_section_id or "")
        entry = await self._list_entry(item, library) if library else None
        return raw_record(entry or full, library)

    async def details(self, keys: Sequence[str]) -> Sequence[MediaRecord]:
        """Lists carry two genres and three people of each title; its own page carries all."""
        wanted = [key for key in keys if key.isdecimal()]
        found: list[MediaRecord] = []
        for entry in await self.client.full_items(wanted) if wanted else ():
            if entry.type not in TYPE_NUMBERS:
                continue
            try:
                found.append(decode(entry.raw, ""))
            except InvalidResponse:
                continue  # One that cannot be read spoils no other.
        return found

    async def _list_entry(self, item: models.Item, library: str) -> Entry | None:
        added = whole(item.added_at)
        if added is None:
            return None
        near: dict[str, str | int] = {"sort": "addedAt:asc", "addedAt>>": added - 1, "addedAt<<": added + 1}
        page = await self.client.items(library, TYPE_NUMBERS[item.type], 0, _NEAR, near)
        return next((entry for entry in page.entries if entry.key == str(item.rating_key)), None)

    async def changes(self, library: Library, since: float) -> AsyncIterator[RecordPage]:
        for kind in _TYPES.get(library.kind, ()):
            seen: set[str] = set()
            for field in ("updatedAt", "addedAt"):
                pages = self.client.all_items(library.key, TYPE_NUMBERS[kind], {f"{field}>>": int(since) - 1})
                async with aclosing(pages) as walked:
                    async for page in walked:
                        fresh = [entry for entry in page.entries if entry.key not in seen]
                        seen.update(entry.key for entry in fresh)
                        if fresh:
                            yield RecordPage(_records(fresh, library.key))

    async def search(self, text: str, limit: int) -> Sequence[RawRecord]:
        """Digests are of the search result's own form and compare with no listing."""
        return _records(await self.client.search(text, limit), "")[:limit]

    async def recent(self, limit: int) -> Sequence[RawRecord]:
        newest: list[tuple[float, RawRecord]] = []
        for library in await self.libraries():
            kind = MOVIE if library.kind == MOVIE else EPISODE
            page = await self.client.items(
                library.key, TYPE_NUMBERS[kind], 0, limit, {"sort": "addedAt:desc"}
            )
            for entry in page.entries[:limit]:
                record = raw_record(entry, library.key)
                newest.append((record.decode().added_at or 0.0, record))
        newest.sort(key=lambda pair: pair[0], reverse=True)
        return [record for _, record in newest[:limit]]

    # Images and links

    async def image(self, reference: str, width: int, height: int) -> Image:
        parts = urlsplit(reference)
        if parts.scheme or parts.netloc:
            return await self._photograph(reference)
        if not reference.startswith(_IMAGE_PATHS) or ".." in parts.path.split("/"):
            raise NotFound("This is not an image of the Plex server.")
        smaller: dict[str, str | int] = {
            "url": reference,
            "width": width,
            "height": height,
            "minSize": 1,
            "upscale": 0,
        }
        try:
            return _image(await self.client.image("/photo/:/transcode", smaller, max_bytes=_MAX_IMAGE_BYTES))
        except (NotFound, NotReady, Rejected):
            pass
        return _image(await self.client.image(reference, max_bytes=_MAX_IMAGE_BYTES))

    async def _photograph(self, reference: str) -> Image:
        parts = urlsplit(reference)
        if parts.scheme != "https" or parts.netloc != PEOPLE_HOST:
            raise NotFound("This is not an image of Plex.")
        return _image(await self.http.get(reference, max_bytes=_MAX_IMAGE_BYTES))

    async def deep_link(self, key: str) -> str:
        return self.config.web_link(await self.client.machine_identifier(), key)

    # Collections

    async def collections(self, library: str) -> Sequence[Collection]:
        found: list[Collection] = []
        async with aclosing(self.client.listing(f"/library/sections/{_safe(library)}/collections")) as pages:
            async for page in pages:
                found += [collection_from(_item(entry), library) for entry in page.entries]
        return found

    async def collection_items(self, collection: str) -> Sequence[str]:
        found: list[str] = []
        path = f"/library/collections/{_safe(collection)}/children"
        async with aclosing(self.client.listing(path)) as pages:
            async for page in pages:
                found += [entry.key for entry in page.entries]
        return found

    async def create_collection(self, library: str, title: str, keys: Sequence[str]) -> Collection:
        made = await self.client.create_collection(
            library, TYPE_NUMBERS[await self._type_of(library, keys)], title, keys
        )
        return collection_from(made, library)

    async def _type_of(self, library: str, keys: Sequence[str]) -> str:
        # A collection of a TV library may hold shows, seasons or episodes, one type only.
        if keys:
            found = await self.client.metadata(keys[:1])
            if not found or found[0].type not in TYPE_NUMBERS:
                raise NotFound(
                    N_("{who} does not know the first title of the collection.").format(who=SERVER)
                )
            return found[0].type
        section = next((s for s in await self.client.sections() if s.key == library), None)
        if section is None or section.type not in TYPE_NUMBERS:
            raise NotFound(N_("{who} has no such library.").format(who=SERVER))
        return section.type

    async def add_to_collection(self, collection: str, keys: Sequence[str]) -> None:
        await self._refuse_smart(collection)
        there = set(await self.collection_items(collection))
        missing = [key for key in dict.fromkeys(keys) if key not in there]
        if missing:
            await self.client.add_to_collection(collection, missing)

    async def remove_from_collection(self, collection: str, key: str) -> None:
        await self._refuse_smart(collection)
        if key not in await self.collection_items(collection):
            return
        try:
            await self.client.remove_from_collection(collection, key)
        except NotFound:
            return

    async def _refuse_smart(self, collection: str) -> None:
        item = await self.client.collection(collection)
        if flag(item.smart):
            raise Rejected(
                N_("“{title}” is filled by a rule in Plex; its titles cannot be changed by hand.").format(
                    title=item.title
                )
            )

    # Scans

    async def rescan(self, library: str, path: str) -> None:
        await self.client.refresh(library, path)

    async def locate(self, library: str, paths: Sequence[str]) -> Mapping[str, str]:
        """Looks from the newest title back and stops when all are found."""
        wanted = {unicodedata.normalize("NFC", path): path for path in paths}
        section = next((s for s in await self.client.sections() if s.key == library), None)
        if section is None or section.type not in _TYPES:
            raise NotFound(N_("{who} has no such library.").format(who=SERVER))
        leaf = _TYPES[section.type][-1]
        found: dict[str, str] = {}
        pages = self.client.all_items(
            library, TYPE_NUMBERS[leaf], {"sort": "addedAt:desc"}, size=_LOCATE_PAGE
        )
        async with aclosing(pages) as walked:
            async for page in walked:
                for key, file in _files(page):
                    path = wanted.get(unicodedata.normalize("NFC", file))
                    if path is not None:
                        found.setdefault(path, key)
                if len(found) == len(wanted):
                    break
        return found


def _records(entries: Sequence[Entry], library: str) -> list[RawRecord]:
    return [raw_record(entry, library) for entry in entries if entry.type in TYPE_NUMBERS]


def _files(page: Listed) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for entry in page.entries:
        item = parsed(entry.raw, models.placed, SERVER)
        found += [(entry.key, part.file) for media in item.Media for part in media.parts if part.file]
    return found


def _item(entry: Entry) -> models.Item:
    return parsed(entry.raw, models.item, SERVER)


def _image(response: Response) -> Image:
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not media_type.startswith("image/") or not response.content:
        raise NotFound(N_("{who} sent something that is not an image.").format(who=SERVER))
    return Image(response.content, media_type)


def _safe(key: str) -> str:
    if not key.isdecimal():
        raise NotFound(N_("{who} does not know this.").format(who=SERVER))
    return key
