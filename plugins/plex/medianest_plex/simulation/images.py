"""Posters, backdrops and resized pictures, drawn when first asked for and then kept."""

from __future__ import annotations

import asyncio
import io
from collections import OrderedDict
from pathlib import Path

from PIL import Image, UnidentifiedImageError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from medianest_core.testing.world.pictures import avatar, backdrop, mosaic, poster, still
from medianest_plex.simulation.accounts import Person
from medianest_plex.simulation.catalog import VIDEOS
from medianest_plex.simulation.guard import Missing, find_item, find_section, route
from medianest_plex.simulation.library import Item
from medianest_plex.simulation.reply import html_error
from medianest_plex.simulation.world import World

KEPT = 400
MAX_SIDE = 4096
_ASIDE = ("{stem}-poster.jpg", "{stem}-thumb.jpg", "{stem}.jpg", "{stem}.webp", "{stem}.png")


class Images:
    """Picture routes. Each picture is a function of the seed and the item, so it is the same after a restart."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._cache: OrderedDict[tuple[object, ...], bytes] = OrderedDict()

    def routes(self) -> list[BaseRoute]:
        """Direct pictures, resized ones, and the avatars of plex.tv, which need no token."""
        world = self.world
        return [
            route(world, "/photo/:/transcode", self.transcode),
            route(world, "/library/metadata/{key}/{kind}/{stamp:int}", self.direct),
            route(world, "/library/collections/{key}/composite/{stamp}", self.composite),
            route(world, "/library/sections/{section}/composite/{stamp}", self.section_composite),
            Route("/users/{uuid}/avatar", self.user_avatar),
        ]

    async def direct(self, request: Request, person: Person) -> Response:
        kind = str(request.path_params["kind"])
        item = find_item(self.world, request.path_params["key"], person)
        return _jpeg(await self._picture(item, kind))

    async def composite(self, request: Request, person: Person) -> Response:
        item = find_item(self.world, request.path_params["key"], person)
        return _jpeg(
            await self._mosaic(item.title, [member.key for member in self.world.library.below(item)[:4]])
        )

    async def section_composite(self, request: Request, person: Person) -> Response:
        section = find_section(self.world, request, person)
        return _jpeg(await self._mosaic(section.title, section.keys[:4]))

    async def user_avatar(self, request: Request) -> Response:
        for person in self.world.accounts.people:
            if person.uuid == request.path_params["uuid"]:
                return _jpeg(await asyncio.to_thread(avatar, person.title))
        return html_error(404)

    async def transcode(self, request: Request, person: Person) -> Response:
        """`url` is a path of this server; `minSize` fills the box instead of fitting in it, `upscale` may enlarge."""
        query = request.query_params
        try:
            width, height = int(query.get("width", "")), int(query.get("height", ""))
        except ValueError:
            return html_error(400)
        if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
            return html_error(400)
        original = await self._by_path(query.get("url", ""), person)
        fill, upscale = query.get("minSize") == "1", query.get("upscale") == "1"
        kind = "WEBP" if query.get("format") == "webp" else "JPEG"
        body = await asyncio.to_thread(_resize, original, width, height, fill, upscale, kind)
        return Response(body, media_type=f"image/{kind.lower()}", headers=_CACHE)

    async def _by_path(self, path: str, person: Person) -> bytes:
        parts = path.partition("?")[0].strip("/").split("/")
        if len(parts) >= 4 and parts[:2] == ["library", "metadata"]:
            return await self._picture(find_item(self.world, parts[2], person), parts[3])
        if len(parts) >= 4 and parts[:2] == ["library", "collections"] and parts[3] == "composite":
            item = find_item(self.world, parts[2], person)
            return await self._mosaic(
                item.title, [member.key for member in self.world.library.below(item)[:4]]
            )
        raise Missing

    async def _picture(self, item: Item, kind: str) -> bytes:
        if kind not in ("thumb", "art"):
            raise Missing
        if item.section == VIDEOS and kind == "thumb" and (beside := _beside(item)) is not None:
            return beside.read_bytes()
        library = self.world.library
        shown = item
        if item.type == "season" or (item.type == "episode" and kind == "art"):
            while shown.parent is not None:
                shown = library.items[shown.parent]
        draw = backdrop if kind == "art" else still if item.type == "episode" or item.unknown else poster
        label = item.title if item.type == "season" else None
        key = (draw.__name__, shown.key, shown.title, label)
        if (known := self._cache.get(key)) is not None:
            self._cache.move_to_end(key)
            return known
        return self._keep(key, await asyncio.to_thread(draw, self.world.seed, shown, label))

    async def _mosaic(self, title: str, keys: list[int]) -> bytes:
        key = ("mosaic", title, *keys)
        if key in self._cache:
            return self._cache[key]
        pictures = [await self._picture(self.world.library.items[k], "thumb") for k in keys]
        return self._keep(key, await asyncio.to_thread(mosaic, title, pictures))

    def _keep(self, key: tuple[object, ...], body: bytes) -> bytes:
        self._cache[key] = body
        while len(self._cache) > KEPT:
            self._cache.popitem(last=False)
        return body


_CACHE = {"Cache-Control": "max-age=2592000"}


def _jpeg(body: bytes) -> Response:
    return Response(body, media_type="image/jpeg", headers=_CACHE)


def _beside(item: Item) -> Path | None:
    if item.file is None:
        return None
    file = Path(item.file)
    for pattern in _ASIDE:
        candidate = file.with_name(pattern.format(stem=file.stem))
        if candidate.is_file():
            return candidate
    return None


def _resize(original: bytes, width: int, height: int, fill: bool, upscale: bool, kind: str) -> bytes:
    try:
        with Image.open(io.BytesIO(original)) as opened:
            image = opened.convert("RGB")
    except UnidentifiedImageError as error:
        raise Missing from error
    scale = (max if fill else min)(width / image.width, height / image.height)
    if not upscale:
        scale = min(scale, 1.0)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    out = io.BytesIO()
    image.resize(size, Image.Resampling.LANCZOS).save(out, kind, quality=85)
    return out.getvalue()
