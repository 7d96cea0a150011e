"""A catalog in memory, which can be slow, away or wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medianest_core.sdk.catalog import Catalog, CatalogEntry, CatalogPage, Feed
from medianest_core.sdk.errors import NotFound
from medianest_core.sdk.media import Image


def film(number: int, title: str = "", **values: Any) -> CatalogEntry:
    """A film with the TMDB id `number`."""
    ids = {"tmdb": str(number), **values.pop("ids", {})}
    return CatalogEntry(values.pop("kind", "movie"), ids, title or f"Film {number}", **values)


@dataclass
class FakeShelf:
    """What a catalog has. gate: awaited by every call. fail: raised by every call. asked: (method, arguments)."""

    entries: list[CatalogEntry] = field(default_factory=list)
    details: dict[str, CatalogEntry] = field(default_factory=dict)
    feeds: list[Feed] = field(default_factory=lambda: [Feed("trending", "Trending", ("movie", "show"))])
    pages: int = 1
    image: bytes = b""
    fail: Exception | None = None
    gate: asyncio.Event | None = None
    answer: Any = None
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    async def call(self, *what: Any) -> None:
        self.asked.append(what)
        if self.gate is not None:
            await self.gate.wait()
        if self.fail is not None:
            raise self.fail


class FakeCatalog(Catalog[Any, Any]):
    """The provider over a `FakeShelf`."""

    attribution = "Told by the fake catalog."

    def __init__(self, instance: str, shelf: FakeShelf) -> None:
        self.instance = instance
        self.shelf = shelf

    async def search(self, text: str, page: int = 1, language: str = "en") -> CatalogPage:
        await self.shelf.call("search", text, page, language)
        if self.shelf.answer is not None:
            return self.shelf.answer  # type: ignore[no-any-return]  # a plugin may answer anything
        found = [one for one in self.shelf.entries if text.casefold() in one.title.casefold()]
        return CatalogPage(found, page, self.shelf.pages, len(found))

    async def details(self, kind: str, ids: Mapping[str, str], language: str = "en") -> CatalogEntry:
        await self.shelf.call("details", kind, dict(ids), language)
        for name, value in ids.items():
            if (found := self.shelf.details.get(f"{kind} {name} {value}")) is not None:
                return found
        raise NotFound("The fake catalog does not know this.")

    def feeds(self) -> Sequence[Feed]:
        return self.shelf.feeds

    async def discover(self, feed: str, page: int = 1, language: str = "en") -> CatalogPage:
        await self.shelf.call("discover", feed, page, language)
        if feed not in {one.name for one in self.shelf.feeds}:
            raise NotFound("There is no such list.")
        return CatalogPage(self.shelf.entries, page, self.shelf.pages)

    async def image(self, reference: str, width: int, height: int) -> Image:
        await self.shelf.call("image", reference, width, height)
        return Image(self.shelf.image, "image/jpeg")


class BareCatalog(Catalog[Any, Any]):
    """One that can only be searched."""

    def __init__(self, shelf: FakeShelf) -> None:
        self.shelf = shelf

    async def search(self, text: str, page: int = 1, language: str = "en") -> CatalogPage:
        return CatalogPage(self.shelf.entries)

    async def details(self, kind: str, ids: Mapping[str, str], language: str = "en") -> CatalogEntry:
        raise NotFound("The bare catalog does not know this.")
