"""MediaSource of the kitchen sink, with every ability."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from medianest_core.sdk import (
    Collection,
    Http,
    Image,
    Library,
    MediaChange,
    MediaRecord,
    MediaSource,
    NotFound,
    RawRecord,
    RecordPage,
)
from tests.kitchen_sink.service import Facet, SinkSettings

PAGE = 2


def raw(said: Mapping[str, Any]) -> RawRecord:
    text = json.dumps(said, sort_keys=True).encode()
    return RawRecord(
        said["key"],
        said["kind"],
        hashlib.blake2s(text, digest_size=8).hexdigest(),
        lambda: MediaRecord(**json.loads(text)),
    )


class SinkMedia(Facet, MediaSource[SinkSettings, Http]):
    async def libraries(self) -> Sequence[Library]:
        return [Library(**one) for one in await self.ask("libraries")]

    async def records(self, library: Library) -> AsyncIterator[RecordPage]:
        async for page in self._pages(library, -1.0):
            yield page

    async def changes(self, library: Library, since: float) -> AsyncIterator[RecordPage]:
        async for page in self._pages(library, since):
            yield page

    async def _pages(self, library: Library, since: float) -> AsyncIterator[RecordPage]:
        start, total = 0, 1
        while start < total:
            said = await self.ask("titles", library=library.key, since=since, start=start, count=PAGE)
            total = said["total"]
            yield RecordPage([raw(one) for one in said["titles"]], total)
            start += PAGE

    async def record(self, key: str) -> RawRecord | None:
        try:
            return raw(await self.ask("title", key=key))
        except NotFound:
            return None

    async def details(self, keys: Sequence[str]) -> Sequence[MediaRecord]:
        return [found.decode() for key in keys if (found := await self.record(key)) is not None]

    async def watch(self) -> AsyncIterator[MediaChange]:
        while True:
            yield MediaChange(await self.ask("next_change"))

    async def search(self, text: str, limit: int) -> Sequence[RawRecord]:
        return [raw(one) for one in await self.ask("search", text=text, limit=limit)]

    async def recent(self, limit: int) -> Sequence[RawRecord]:
        return [raw(one) for one in await self.ask("recent", limit=limit)]

    async def image(self, reference: str, width: int, height: int) -> Image:
        return Image(base64.b64decode(await self.ask("picture", reference=reference)), "image/png")

    async def deep_link(self, key: str) -> str:
        return f"https://sink.example/watch/{key}"

    async def collections(self, library: str) -> Sequence[Collection]:
        return [Collection(**one) for one in await self.ask("collections", library=library)]

    async def collection_items(self, collection: str) -> Sequence[str]:
        said: list[str] = await self.ask("collection_items", collection=collection)
        return said

    async def create_collection(self, library: str, title: str, keys: Sequence[str]) -> Collection:
        return Collection(
            **await self.ask("create_collection", library=library, title=title, keys=list(keys))
        )

    async def add_to_collection(self, collection: str, keys: Sequence[str]) -> None:
        await self.ask("add_to_collection", collection=collection, keys=list(keys))

    async def remove_from_collection(self, collection: str, key: str) -> None:
        await self.ask("remove_from_collection", collection=collection, key=key)

    async def rescan(self, library: str, path: str) -> None:
        await self.ask("rescan", library=library, path=path)

    async def locate(self, library: str, paths: Sequence[str]) -> Mapping[str, str]:
        found: dict[str, str] = await self.ask("locate", library=library, paths=list(paths))
        return found
