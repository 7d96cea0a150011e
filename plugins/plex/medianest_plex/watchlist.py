"""What a person has put on their watchlist at Plex, with the ids under which other services know those titles."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping, Sequence

import msgspec

from medianest_core.sdk import MOVIE, SHOW, Http, InvalidResponse, NotFound, Secret, WatchlistTitle
from medianest_plex.transport import ACCOUNT, Device, checked, parsed

PAGE = 100
MOST = 1000
"""Titles of one list that are read, the last added first."""
_TOGETHER = 4
_KINDS = {"movie": MOVIE, "show": SHOW}
_PROVIDERS = ("tmdb", "tvdb", "imdb")


class Guid(msgspec.Struct):
    id: str = ""


class Entry(msgspec.Struct, rename="camel"):
    """A title of Plex's own catalogue. It has its ids elsewhere only where it is asked for by itself."""

    rating_key: str = ""
    type: str = ""
    title: str = ""
    year: int | None = None
    guids: list[Guid] = msgspec.field(name="Guid", default_factory=list)


class Container(msgspec.Struct, rename="camel"):
    total_size: int | None = None
    metadata: list[Entry] = msgspec.field(name="Metadata", default_factory=list)


class Reply(msgspec.Struct):
    container: Container = msgspec.field(name="MediaContainer")


_reply = msgspec.json.Decoder(Reply, strict=False).decode


class Watchlist:
    """known: Plex's key of a title → its ids, remembered by the caller: they never change."""

    def __init__(
        self, http: Http, base: str, device: Device, known: MutableMapping[str, dict[str, str]]
    ) -> None:
        self._http = http
        self._base = base
        self._device = device
        self._known = known

    async def titles(self, token: Secret) -> Sequence[WatchlistTitle]:
        """The last added first; titles without an id that others know are left out. Raises ProviderErrors."""
        entries = [entry for entry in await self._entries(token) if entry.type in _KINDS and entry.rating_key]
        gate = asyncio.Semaphore(_TOGETHER)

        async def ids(entry: Entry) -> dict[str, str]:
            async with gate:
                return await self._ids(token, entry)

        found = await asyncio.gather(*(ids(entry) for entry in entries))
        return [
            WatchlistTitle(_KINDS[entry.type], named, entry.title, entry.year)
            for entry, named in zip(entries, found, strict=True)
            if named and entry.title
        ]

    async def _entries(self, token: Secret) -> list[Entry]:
        found: list[Entry] = []
        while len(found) < MOST:
            reply = await self._get(
                token,
                "/library/sections/watchlist/all",
                {
                    "sort": "watchlistedAt:desc",
                    "includeGuids": 1,
                    "X-Plex-Container-Start": len(found),
                    "X-Plex-Container-Size": PAGE,
                },
            )
            found += reply.metadata
            if not reply.metadata or len(found) >= (reply.total_size or 0):
                break
        return found[:MOST]

    async def _ids(self, token: Secret, entry: Entry) -> dict[str, str]:
        if not entry.guids and entry.rating_key not in self._known:
            try:
                reply = await self._get(token, f"/library/metadata/{entry.rating_key}", {})
            except (NotFound, InvalidResponse):
                # Plex has taken it out of its catalogue; the rest of the list is good.
                return {}
            entry = next(iter(reply.metadata), entry)
        if entry.guids:
            self._known[entry.rating_key] = _named(entry.guids)
        return self._known.get(entry.rating_key, {})

    async def _get(self, token: Secret, path: str, params: dict[str, str | int]) -> Container:
        response = await self._http.request(
            "GET", f"{self._base}{path}", headers=self._device.headers(token), params=params
        )
        return parsed(checked(response, ACCOUNT).content, _reply, ACCOUNT).container


def _named(guids: Sequence[Guid]) -> dict[str, str]:
    """ "tmdb://603" and its like by provider."""
    pairs = (one.id.partition("://") for one in guids)
    return {provider: value for provider, _, value in pairs if provider in _PROVIDERS and value.isalnum()}
