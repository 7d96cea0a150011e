"""Jellyfin's protocol over the client that the portal hands in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from medianest_core.sdk import Http, Image, InvalidResponse, NotFound, Params, Secret
from medianest_jellyfin_library.models import About, Folder, Item, Page

T = TypeVar("T")
AT_ONCE = 200
_FIELDS = "ProviderIds,Overview,Genres,People,Path,DateCreated"
_ABOUT, _FOLDERS, _PAGE = TypeAdapter(About), TypeAdapter(list[Folder]), TypeAdapter(Page)


class JellyfinClient:
    def __init__(self, http: Http, key: Secret) -> None:
        self._http = http
        self._headers = {
            "Authorization": f'MediaBrowser Client="MediaNest", Device="MediaNest", DeviceId="medianest", Version="1", Token="{key.reveal()}"'
        }

    async def about(self) -> About:
        """Name and version, for those with a key alone. Raises ProviderError."""
        return await self._get("/System/Info", _ABOUT)

    async def folders(self) -> Sequence[Folder]:
        """Its libraries. Raises ProviderError."""
        return await self._get("/Library/VirtualFolders", _FOLDERS)

    async def items(self, **wanted: str) -> AsyncIterator[Page]:
        """A listing, page by page. Raises ProviderError, also where the server says less than it announced."""
        start = 0
        while True:
            page = await self.some(startIndex=str(start), limit=str(AT_ONCE), **wanted)
            start += len(page.items)
            if page.items:
                yield page
            if start >= page.total_record_count:
                return
            if not page.items:
                raise InvalidResponse("Jellyfin's listing broke off.")

    async def some(self, **wanted: str) -> Page:
        """One page of what is wanted."""
        # Sorted by what does not change, or titles could slip from page to page.
        return await self._get(
            "/Items",
            _PAGE,
            {"recursive": "true", "fields": _FIELDS, "sortBy": "DateCreated,SortName", **wanted},
        )

    async def item(self, key: str) -> Item | None:
        """One title, None where it is gone."""
        found = (await self.some(ids=key)).items if key.replace("-", "").isalnum() else []
        return next((one for one in found if one.id == key), None)

    async def image(self, reference: str, width: int, height: int) -> Image:
        """reference: "<item>/<kind>/<tag>". Raises NotFound."""
        key, kind, tag = (*reference.strip("/").split("/"), "", "")[:3]
        if not key.isalnum() or not kind.isalnum():
            raise NotFound("There is no such picture.")
        params = {"maxWidth": str(width), "maxHeight": str(height), "tag": tag}
        reply = await self._http.get(f"/Items/{key}/Images/{kind}", params=params, headers=self._headers)
        return Image(reply.content, reply.headers.get("content-type", "image/jpeg"))

    async def _get(self, path: str, model: TypeAdapter[T], params: Params | None = None) -> T:
        reply = await self._http.get(path, params=params, headers=self._headers)
        try:
            return model.validate_json(reply.content)
        except ValidationError as error:
            raise InvalidResponse("Jellyfin answered with something that is not understood.") from error
