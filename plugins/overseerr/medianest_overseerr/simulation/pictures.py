"""The image host that posters come from, drawn when first asked for."""

from __future__ import annotations

import asyncio
import re
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import Response

from medianest_core.testing.world.pictures import Subject, backdrop, poster
from medianest_overseerr.simulation.world import World

_NAME = re.compile(r"(movie|tv)(\d+)\.jpg")
_BACKDROPS = ("w780", "w1280")


class Pictures:
    def __init__(self, world: World) -> None:
        self._world = world
        self._draw = lru_cache(maxsize=200)(self._drawn)

    async def answer(self, request: Request) -> Response:
        """`GET /t/p/{size}/{name}`; large sizes are backdrops."""
        match = _NAME.fullmatch(request.path_params["name"])
        work = match and self._world.titles.get(match[1], int(match[2]))
        if not work or work.poster is None:
            return Response("File Not Found", 404, media_type="text/plain")
        wide = request.path_params["size"] in _BACKDROPS
        content = await asyncio.to_thread(self._draw, work.kind, work.tmdb, wide)
        return Response(
            content, media_type="image/jpeg", headers={"Cache-Control": "public, max-age=31536000"}
        )

    def _drawn(self, kind: str, tmdb: int, wide: bool) -> bytes:
        work = self._world.titles.get(kind, tmdb)
        assert work is not None
        subject = Subject(
            "movie" if work.kind == "movie" else "show",
            work.name,
            work.facts.year,
            work.facts.genres,
            studio=work.facts.studio,
        )
        return backdrop(self._world.seed, subject) if wide else poster(self._world.seed, subject)
