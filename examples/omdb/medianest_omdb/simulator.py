"""A stand-in of OMDb: text for every value, errors with status 200, one status for a wrong key and for too many calls."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Scope

from medianest_core.testing.simulators import DemoInstance, Simulator, json_reply
from medianest_core.testing.world.titles import MOVIE, SHOW, Title, elsewhere, household

KEY = "5im00key"
MATRIX = "tt0133093"


class OmdbSimulator(Simulator):
    """limit: calls that a key is good for."""

    name: ClassVar[str] = "omdb"

    def __init__(self, *, items: int = 300, seed: int = 7, data_dir: Path, limit: int = 1_000_000) -> None:
        super().__init__(items=items, seed=seed, data_dir=data_dir)
        self.limit = limit
        self._titles = {
            one.ids["imdb"]: (kind, one)
            for kind in (MOVIE, SHOW)
            for one in (*household(kind), *elsewhere(kind))
            if "imdb" in one.ids
        }

    def routes(self) -> ASGIApp:
        return Router([Route("/", self.answer)])

    def demo_instances(self) -> Sequence[DemoInstance]:
        return [DemoInstance("omdb", "omdb", "OMDb", {"url": self.base_url, "key": KEY})]

    def error_reply(self, status: int, scope: Scope) -> tuple[str, bytes]:
        return "application/json", json.dumps(_no("Something went wrong.")).encode()

    async def answer(self, request: Request) -> Response:
        if request.query_params.get("apikey") != KEY:
            return json_reply(_no("Invalid API key!"), 401)
        if self.limit <= 0:
            return json_reply(_no("Request limit reached!"), 401)
        self.limit -= 1
        imdb = request.query_params.get("i", "")
        if not imdb.startswith("tt"):
            return json_reply(_no("Incorrect IMDb ID."))
        if imdb not in self._titles:
            return json_reply(
                _no("Error getting data.") if imdb != MATRIX else {"Response": "True", "Title": "The Matrix"}
            )
        return json_reply(_said(imdb, *self._titles[imdb]))


def _said(imdb: str, kind: str, one: Title) -> Mapping[str, str]:
    series = {"Type": "series", "Year": f"{one.year}–", "totalSeasons": str(one.seasons)}
    return {
        "Title": one.title,
        "Year": str(one.year),
        "Rated": one.content_rating or "N/A",
        "Released": f"07 Mar {one.year}",
        "Runtime": f"{one.minutes} min",
        "Genre": ", ".join(one.genres) or "N/A",
        "Director": "N/A",
        "Writer": "N/A",
        "Plot": one.summary or "N/A",
        "imdbRating": f"{one.rating:.1f}",
        "imdbVotes": "2,000",
        "imdbID": imdb,
        "Type": "movie",
        **(series if kind == SHOW else {}),
        "Response": "True",
    }


def _no(words: str) -> dict[str, str]:
    return {"Response": "False", "Error": words}
