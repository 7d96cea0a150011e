"""The Plex Media Server's protocol over an injected `Http`; usable in a script.

server = PlexServer(http, Secret(token), Device("my-script"))
print(await server.identity(), await server.sections())
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from medianest_core.sdk import (
    N_,
    Http,
    InvalidResponse,
    NotFound,
    Params,
    ProviderError,
    Rejected,
    Response,
    Secret,
)
from medianest_plex import models
from medianest_plex.account import Person, PlexAccounts
from medianest_plex.answers import Answers, entries
from medianest_plex.listing import PAGE, Entry, Listed, walk
from medianest_plex.transport import SERVER, Device, checked, parsed

LIST_TIMEOUT = 30.0
"""Seconds for one page of a listing: a server on a small machine needs many for the first."""
_IDENTITY_TTL = 600.0
_KEYS_PER_REQUEST = 100
_FULL_PER_REQUEST = 50


@dataclass(frozen=True, slots=True)
class AccountNote:
    """What the account service said of the configured token. at: monotonic seconds. warning: for the admin, or empty."""

    at: float
    person: Person | None
    warning: str = ""


class PlexServer:
    """Calls to one server. accounts: where to exchange an account's token for this server's own, if it asks for that."""

    def __init__(
        self, http: Http, token: Secret, device: Device, accounts: PlexAccounts | None = None
    ) -> None:
        self.token = token
        self.accounts = accounts
        self.machine: str | None = None
        """The machine identifier as last seen; None until the server has answered once."""
        self.account_note: AccountNote | None = None
        # Plex's key of a title → its ids elsewhere, which never change.
        self.ids_elsewhere: dict[str, dict[str, str]] = {}
        self._http = http
        self._device = device
        self._own_token: Secret | None = None
        self._exchanged = False
        self._exchange = asyncio.Lock()
        self._machine_seen = 0.0
        self._streams_in_lists = True
        self._answers = Answers()

    async def send(self, method: str, path: str, **options: Any) -> Response:
        """One request; raises the SDK's error for any status but 2xx."""
        token = self._own_token or self.token
        response = await self._http.request(method, path, headers=self._device.headers(token), **options)
        if response.status == 401 and (other := await self._exchanged_token(token)) is not None:
            headers = self._device.headers(other)
            response = await self._http.request(method, path, headers=headers, **options)
        return checked(response, SERVER)

    async def _exchanged_token(self, refused: Secret) -> Secret | None:
        # A server that is not the account's own wants the token that the account service made for it.
        if self.accounts is None:
            return None
        async with self._exchange:
            if self._own_token is not None and self._own_token != refused:
                return self._own_token
            if self._exchanged:
                return None
            self._exchanged = True
            try:
                found = await self.accounts.server(self.token, await self.machine_identifier())
            except ProviderError:
                return None
            if found is None or not found.access_token or found.access_token == refused.reveal():
                return None
            self._own_token = Secret(found.access_token)
            return self._own_token

    async def accepts(self, token: Secret) -> bool:
        """Does the server let this token in? Outages raise."""
        response = await self._http.request("GET", "/library/sections", headers=self._device.headers(token))
        if response.status in (401, 403):
            return False
        checked(response, SERVER)
        return True

    async def identity(self) -> models.ServerFacts:
        """Machine identifier, version, claimed; needs no token."""
        response = await self._http.request("GET", "/identity", headers=self._device.headers())
        facts = parsed(checked(response, SERVER).content, models.facts, SERVER).MediaContainer
        if not facts.machine_identifier:
            raise InvalidResponse("This address answers, but not like a Plex Media Server.")
        self.machine, self._machine_seen = facts.machine_identifier, time.monotonic()
        return facts

    async def machine_identifier(self) -> str:
        """The machine identifier; asked again now and then, and kept while the server is away."""
        if self.machine is None:
            return (await self.identity()).machine_identifier
        if time.monotonic() - self._machine_seen > _IDENTITY_TTL:
            try:
                return (await self.identity()).machine_identifier
            except ProviderError:
                pass
        return self.machine

    async def facts(self) -> models.ServerFacts:
        """What the server says of itself to its owner: name, version, platform."""
        return parsed((await self.send("GET", "/")).content, models.facts, SERVER).MediaContainer

    async def sections(self) -> list[models.Section]:
        """All libraries."""
        response = await self.send("GET", "/library/sections")
        return parsed(response.content, models.sections, SERVER).MediaContainer.Directory

    async def refresh(self, section: str, path: str) -> None:
        """Ask for a scan of one folder; returns before it is done."""
        await self.send("GET", f"/library/sections/{_key(section)}/refresh", params={"path": path})

    # Listings

    def listing(
        self, path: str, params: Params | None = None, *, size: int = PAGE
    ) -> AsyncGenerator[Listed, None]:
        """A whole listing, page by page."""

        async def fetch(start: int, count: int) -> Listed:
            return await self.listed(path, params, start, count)

        return walk(fetch, size)

    async def listed(self, path: str, params: Params | None, start: int, count: int) -> Listed:
        """A part of a listing; count 0 asks for the total only."""
        content = await self._page(path, params, start, count)
        return self._answers.read(content)

    async def items(self, section: str, number: int, start: int, count: int, extra: Params) -> Listed:
        """A part of a section's items of one type, with external ids and, where the server can, with streams."""
        params: dict[str, Any] = {"type": number, "includeGuids": 1, **extra}
        path = f"/library/sections/{_key(section)}/all"
        if self._streams_in_lists:
            try:
                return await self.listed(path, {**params, "includeElements": "Stream"}, start, count)
            except Rejected:
                self._streams_in_lists = False
        return await self.listed(path, params, start, count)

    def all_items(
        self, section: str, number: int, extra: Params | None = None, *, size: int = PAGE
    ) -> AsyncGenerator[Listed, None]:
        """All items of one type in a section, page by page, oldest first unless `extra` sorts otherwise."""
        ordered = {"sort": "addedAt:asc", **(extra or {})}

        async def fetch(start: int, count: int) -> Listed:
            return await self.items(section, number, start, count, ordered)

        return walk(fetch, size)

    async def _page(self, path: str, params: Params | None, start: int, count: int) -> bytes:
        paging = {"X-Plex-Container-Start": start, "X-Plex-Container-Size": count}
        response = await self.send("GET", path, params={**(params or {}), **paging}, timeout=LIST_TIMEOUT)
        return response.content

    # Single items

    async def metadata(self, keys: Sequence[str]) -> list[models.Item]:
        """The full items with these keys that exist."""
        found: list[models.Item] = []
        for part in _parts(keys):
            try:
                response = await self.send("GET", f"/library/metadata/{','.join(map(_key, part))}")
            except NotFound:
                continue
            container = parsed(response.content, models.listing, SERVER).MediaContainer
            found += [parsed(bytes(raw), models.item, SERVER) for raw in container.Metadata]
        return found

    async def full(self, key: str) -> Entry | None:
        """One item with everything the server knows of it, or None."""
        try:
            content = (await self.send("GET", f"/library/metadata/{_key(key)}")).content
        except NotFound:
            return None
        found = entries(parsed(content, models.listing, SERVER).MediaContainer.Metadata)
        return found[0] if found else None

    async def full_items(self, keys: Sequence[str]) -> list[Entry]:
        """Those of these items that exist, each with everything the server knows of it."""
        found: list[Entry] = []
        parts = _parts(keys, _FULL_PER_REQUEST)
        while parts:
            part = parts.pop(0)
            path = f"/library/metadata/{','.join(map(_key, part))}"
            try:
                content = (
                    await self.send("GET", path, params={"includeChapters": 1}, timeout=LIST_TIMEOUT)
                ).content
            except NotFound:
                # Some servers answer with what is there, others refuse all for the sake of one.
                half = len(part) // 2
                parts += [part[:half], part[half:]] if half else []
                continue
            found += entries(parsed(content, models.listing, SERVER).MediaContainer.Metadata)
        return found

    async def search(self, text: str, limit: int) -> list[Entry]:
        """What the server finds, best first."""
        params = {"query": text, "limit": limit, "includeGuids": 1}
        content = (await self.send("GET", "/hubs/search", params=params)).content
        found = parsed(content, models.hubs, SERVER).MediaContainer.Hub
        return [entry for hub in found for entry in entries(hub.Metadata)]

    async def image(self, path: str, params: Params | None = None, *, max_bytes: int) -> Response:
        """A file of the server."""
        return await self.send("GET", path, params=params, max_bytes=max_bytes)

    # Collections

    async def collection(self, collection: str) -> models.Item:
        """One collection. Raises NotFound."""
        content = (await self.send("GET", f"/library/collections/{_key(collection)}")).content
        container = parsed(content, models.listing, SERVER).MediaContainer
        if not container.Metadata:
            raise NotFound(N_("{who} does not know this collection.").format(who=SERVER))
        return parsed(bytes(container.Metadata[0]), models.item, SERVER)

    async def create_collection(
        self, section: str, number: int, title: str, keys: Sequence[str]
    ) -> models.Item:
        """Make a collection; returns it."""
        first, *rest = _parts(keys) or [()]
        params: dict[str, Any] = {"type": number, "title": title, "smart": 0, "sectionId": section}
        if first:
            params["uri"] = await self._uri(first)
        response = await self.send("POST", "/library/collections", params=params)
        container = parsed(response.content, models.listing, SERVER).MediaContainer
        if not container.Metadata:
            raise InvalidResponse(N_("{who} did not say which collection it made.").format(who=SERVER))
        made = parsed(bytes(container.Metadata[0]), models.item, SERVER)
        for part in rest:
            await self.add_to_collection(str(made.rating_key), part)
        return made

    async def add_to_collection(self, collection: str, keys: Sequence[str]) -> None:
        """Add items; the server may list one twice that is there already."""
        for part in _parts(keys):
            path = f"/library/collections/{_key(collection)}/items"
            await self.send("PUT", path, params={"uri": await self._uri(part)})

    async def remove_from_collection(self, collection: str, key: str) -> None:
        """Take one item out. Raises NotFound where it is not there."""
        await self.send("DELETE", f"/library/collections/{_key(collection)}/items/{_key(key)}")

    async def _uri(self, keys: Sequence[str]) -> str:
        machine = await self.machine_identifier()
        listed = ",".join(map(_key, keys))
        return f"server://{machine}/com.plexapp.plugins.library/library/metadata/{listed}"


def _key(key: str) -> str:
    # Keys come from the server and from callers; none may reach another path.
    return quote(key, safe="")


def _parts(keys: Sequence[str], size: int = _KEYS_PER_REQUEST) -> list[Sequence[str]]:
    return [keys[at : at + size] for at in range(0, len(keys), size)]
