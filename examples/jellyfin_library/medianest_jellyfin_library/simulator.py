"""A stand-in of Jellyfin: quoted header, empty 401, PascalCase, ticks, ids of others as text."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Scope

from medianest_core.testing.simulators import DemoInstance, Simulator, json_reply
from medianest_core.testing.world.titles import MOVIE, SHOW, Title, household

KEY = "00112233445566778899aabbccddeeff"
TICKS_A_MINUTE = 600_000_000
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360f8cf50070003810180b5a1a4d30000000049454e44ae426082"
)


class JellyfinSimulator(Simulator):
    name: ClassVar[str] = "jellyfin_library"

    def __init__(self, *, items: int = 40, seed: int = 7, data_dir: Path) -> None:
        super().__init__(items=items, seed=seed, data_dir=data_dir)
        films = [_film(one) for one in household(MOVIE)[: items // 2]]
        self.folders = {
            _id("Films"): films,
            _id("Series"): [one for show in household(SHOW)[:5] for one in _show(show)],
        }

    def routes(self) -> ASGIApp:
        return Router(
            [
                Route("/System/Info", _signed(self.about)),
                Route("/Library/VirtualFolders", _signed(self.libraries)),
                Route("/Items", _signed(self.listing)),
                Route("/Items/{key}/Images/{kind}", _signed(self.picture)),
            ]
        )

    def demo_instances(self) -> Sequence[DemoInstance]:
        return [DemoInstance("jellyfin", "jellyfin", "Jellyfin", {"url": self.base_url, "key": KEY})]

    def error_reply(self, status: int, scope: Scope) -> tuple[str, bytes]:
        return "text/plain", b"" if status == 401 else b"Error processing request."

    async def about(self, request: Request) -> Response:
        return json_reply(
            {
                "ServerName": "attic",
                "Version": "10.11.0",
                "Id": _id("server"),
                "ProductName": "Jellyfin Server",
            }
        )

    async def libraries(self, request: Request) -> Response:
        kinds = (("Films", "movies"), ("Series", "tvshows"), ("Songs", "music"))
        return json_reply(
            [
                {"Name": name, "ItemId": _id(name), "CollectionType": kind, "Locations": [f"/media/{name}"]}
                for name, kind in kinds
            ]
        )

    async def listing(self, request: Request) -> Response:
        asked = request.query_params
        rows = [
            one for key, held in self.folders.items() if asked.get("parentId", key) == key for one in held
        ]
        for name, of in (("includeItemTypes", "Type"), ("ids", "Id")):
            if name in asked:
                rows = [one for one in rows if one[of] in asked[name].split(",")]
        words = asked.get("searchTerm", "").casefold()
        rows = [one for one in rows if words in one["Name"].casefold()]
        rows.sort(key=lambda one: one["DateCreated"], reverse=asked.get("sortOrder") == "Descending")
        start, limit = int(asked.get("startIndex", 0)), int(asked.get("limit", len(rows)))
        # A page is never as large as that in a test: so that there are several.
        page = rows[start : start + min(limit, 7)] if "startIndex" in asked else rows[:limit]
        return json_reply({"Items": page, "TotalRecordCount": len(rows), "StartIndex": start})

    async def picture(self, request: Request) -> Response:
        known = {one["Id"] for held in self.folders.values() for one in held}
        if request.path_params["key"] not in known or request.path_params["kind"] != "Primary":
            return json_reply({"title": "Not Found", "status": 404}, 404)
        return Response(PICTURE, media_type="image/png")


def _item(name: str, kind: str, one: Title, **more: Any) -> dict[str, Any]:
    return {
        "Id": _id(f"{kind} {one.title} {name}"),
        "Name": name,
        "Type": kind,
        "ServerId": _id("server"),
        "ProductionYear": one.year,
        "DateCreated": f"2025-0{1 + len(name) % 9}-01T10:20:30.1234567Z",
        "ImageTags": {"Primary": "t1"},
        "ProviderIds": {},
        **more,
    }


def _film(one: Title) -> dict[str, Any]:
    return _item(
        one.title,
        "Movie",
        one,
        RunTimeTicks=one.minutes * TICKS_A_MINUTE,
        Path=f"/media/Films/{one.title}.mkv",
        **_facts(one),
    )


def _show(one: Title) -> list[dict[str, Any]]:
    show = _item(one.title, "Series", one, **_facts(one))
    season = _item("Season 1", "Season", one, SeriesId=show["Id"], IndexNumber=1)
    episodes = [
        _item(
            f"Part {n}",
            "Episode",
            one,
            SeriesId=show["Id"],
            SeasonId=season["Id"],
            IndexNumber=n,
            ParentIndexNumber=1,
        )
        for n in (1, 2)
    ]
    return [show, season, *episodes]


def _facts(one: Title) -> Mapping[str, Any]:
    return {
        "Overview": one.summary,
        "Genres": list(one.genres),
        "OfficialRating": one.content_rating,
        "CommunityRating": one.rating,
        "ProviderIds": {name.capitalize(): id for name, id in one.ids.items()},
        "People": [
            {"Name": "Ada Example", "Role": "Herself", "Type": "Actor"},
            {"Name": "Bo Sample", "Type": "Director"},
        ],
    }


def _id(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _signed(handler: Any) -> Any:
    async def checked(request: Request) -> Response:
        given = dict(re.findall(r'(\w+)="([^"]*)"', request.headers.get("authorization", "")))
        return await handler(request) if given.get("Token") == KEY else Response(status_code=401)

    return checked
