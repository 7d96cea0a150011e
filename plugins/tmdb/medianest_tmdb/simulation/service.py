"""The API below /3, and the pictures below /t/p."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from medianest_tmdb.simulation.catalogue import GENRES, Catalogue, Kind
from medianest_tmdb.simulation.details import Details, language_of
from medianest_tmdb.simulation.lists import Lists
from medianest_tmdb.simulation.painting import draw
from medianest_tmdb.simulation.words import LAST_PAGE, Refused, Row, error, paged, person_row, row

Handler = Callable[[Request, Mapping[str, str]], Row | list[Row]]
Oddity = Literal["html", "forbidden", "duplicates", "empty", "huge", "gateway"]
SIZES = {
    "backdrop": ("w300", "w780", "w1280", "original"),
    "logo": ("w45", "w92", "w154", "w185", "w300", "w500", "original"),
    "poster": ("w92", "w154", "w185", "w342", "w500", "w780", "original"),
    "profile": ("w45", "w185", "h632", "original"),
    "still": ("w92", "w185", "w300", "original"),
}
HUGE = 6 * 1024 * 1024
_KEPT = 300


@dataclass
class Options:
    """Knobs. per_second: requests that are answered; the rest are told to wait `retry_after` seconds, or not told how long
    where that is None. max_age: seconds that an answer may be kept. odd: path prefix → what is wrong with its answers."""

    per_second: int = 45
    retry_after: int | None = 1
    max_age: int = 600
    odd: dict[str, Oddity] = field(default_factory=dict)


class Service:
    """token, key: the long one for the header and the short one for addresses."""

    def __init__(
        self, catalogue: Catalogue, token: str, key: str, seed: int, image_url: Callable[[], str]
    ) -> None:
        self.catalogue = catalogue
        self.options = Options()
        self.requests: deque[dict[str, Any]] = deque(maxlen=5000)
        self._token, self._key, self._seed = token, key, seed
        self._image_url = image_url
        self._arrived: deque[float] = deque()
        self._drawn: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        today = datetime.now(UTC).date()
        self._details, self._lists = Details(catalogue, today), Lists(catalogue, today)
        self._today = today

    def routes(self) -> list[BaseRoute]:
        """In the order in which they are tried."""
        made: tuple[tuple[str, Handler], ...] = (
            ("/authentication", lambda request, query: {**error(1), "success": True}),
            ("/configuration", self._configuration),
            ("/configuration/languages", self._languages),
            ("/genre/{kind}/list", self._genres),
            ("/search/{kind}", self._search),
            ("/trending/{kind}/{window}", self._trending),
            ("/discover/{kind}", self._discover),
            ("/find/{external}", self._find),
            ("/person/{id:int}", self._person),
            ("/person/{id:int}/combined_credits", self._person_credits),
            ("/{kind}/changes", self._changes),
            ("/{kind}/{id:int}", self._full),
            ("/{kind}/{id:int}/season/{season:int}", self._season),
            ("/{kind}/{id:int}/season/{season:int}/episode/{episode:int}", self._episode),
            ("/{kind}/{id:int}/{part:path}", self._part),
            ("/{kind}/{chart}", self._chart),
        )
        return [
            *(Route(f"/3{path}", self._guarded(handler)) for path, handler in made),
            Route("/t/p/{size}/{file}", self._image),
            Route("/{path:path}", self._guarded(self._nothing)),
        ]

    # What stands before every answer

    def _guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            response = self._answer(request, handler)
            self.requests.append(
                {
                    "at": time.time(),
                    "path": request.url.path,
                    "query": {
                        name: value for name, value in request.query_params.items() if name != "api_key"
                    },
                    "conditional": "if-none-match" in request.headers,
                    "key_in_url": "api_key" in request.query_params,
                    "status": response.status_code,
                }
            )
            return response

        return answer

    def _answer(self, request: Request, handler: Handler) -> Response:
        odd = next(
            (one for prefix, one in self.options.odd.items() if request.url.path.startswith(prefix)), None
        )
        if odd in ("html", "gateway"):
            status = 502 if odd == "gateway" else 200
            return Response("<html><body><h1>Bad Gateway</h1></body></html>", status, media_type="text/html")
        if odd == "forbidden":
            return Response("<html><body>403 Forbidden</body></html>", 403, media_type="text/html")
        if not self._known(request):
            return _json(error(7), 401)
        if self._too_many():
            wait = self.options.retry_after
            return _json(error(25), 429, {} if wait is None else {"Retry-After": str(wait)})
        query = dict(request.query_params)
        try:
            body = handler(request, query)
        except Refused as refused:
            return _json(error(refused.code), refused.status)
        if odd == "huge":
            return Response(b" " * HUGE, media_type="application/json")
        if isinstance(body, dict) and "results" in body and isinstance(body["results"], list):
            if odd == "duplicates":
                body["results"] = [one for one in body["results"] for _ in range(2)]
            elif odd == "empty":
                body |= {"results": [], "total_pages": 0, "total_results": 0}
        content = orjson.dumps(body)
        tag = f'W/"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
        headers = {"ETag": tag, "Cache-Control": f"public, max-age={self.options.max_age}"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type="application/json;charset=utf-8", headers=headers)

    def _known(self, request: Request) -> bool:
        if request.query_params.get("api_key") == self._key:
            return True
        return request.headers.get("authorization") == f"Bearer {self._token}"

    def _too_many(self) -> bool:
        now = time.monotonic()
        while self._arrived and self._arrived[0] <= now - 1.0:
            self._arrived.popleft()
        self._arrived.append(now)
        return len(self._arrived) > self.options.per_second

    # Answers

    def _nothing(self, request: Request, query: Mapping[str, str]) -> Row:
        raise Refused(34)

    def _configuration(self, request: Request, query: Mapping[str, str]) -> Row:
        url = self._image_url()
        images = {"base_url": f"{url}/", "secure_base_url": f"{url}/"}
        sizes = {f"{name}_sizes": list(found) for name, found in SIZES.items()}
        return {"images": {**images, **sizes}, "change_keys": ["title", "overview", "images"]}

    def _languages(self, request: Request, query: Mapping[str, str]) -> list[Row]:
        known = (("en", "English", "English"), ("de", "German", "Deutsch"), ("ja", "Japanese", "日本語"))
        return [{"iso_639_1": code, "english_name": english, "name": name} for code, english, name in known]

    def _genres(self, request: Request, query: Mapping[str, str]) -> Row:
        found = GENRES[_kind(request)]
        return {"genres": [{"id": number, "name": name} for name, number in found.items()]}

    def _search(self, request: Request, query: Mapping[str, str]) -> Row:
        kind, text, page, language = (
            request.path_params["kind"],
            query.get("query", ""),
            _page(query),
            language_of(query),
        )
        people = [person_row(one, media_type=kind == "multi") for one in self._lists.people(text)]
        if kind == "person":
            return paged(people, page)
        if kind in ("collection", "company", "keyword"):
            return paged([], page)
        if kind == "multi":
            found = [
                row(work, language, media_type=True)
                for one in ("movie", "tv")
                for work in self._lists.search(one, text, {})
            ]
            return paged([*found, *people], page)
        return paged([row(one, language) for one in self._lists.search(_kind(request), text, query)], page)

    def _trending(self, request: Request, query: Mapping[str, str]) -> Row:
        kind, window = request.path_params["kind"], request.path_params["window"]
        if kind not in ("all", "movie", "tv") or window not in ("day", "week"):
            raise Refused(34)
        works = self._lists.trending(kind, window)
        return paged([row(one, language_of(query), media_type=True) for one in works], _page(query))

    def _discover(self, request: Request, query: Mapping[str, str]) -> Row:
        works = self._lists.discover(_kind(request), query)
        return paged([row(one, language_of(query)) for one in works], _page(query))

    def _find(self, request: Request, query: Mapping[str, str]) -> Row:
        source = query.get("external_source", "")
        if source not in ("imdb_id", "tvdb_id", "facebook_id", "instagram_id", "twitter_id", "wikidata_id"):
            raise Refused(5)
        works = self.catalogue.by_external.get((source, request.path_params["external"]), [])
        rows = {
            kind: [row(one, language_of(query), media_type=True) for one in works if one.kind == kind]
            for kind in ("movie", "tv")
        }
        return {
            "movie_results": rows["movie"],
            "person_results": [],
            "tv_results": rows["tv"],
            "tv_episode_results": [],
            "tv_season_results": [],
        }

    def _person(self, request: Request, query: Mapping[str, str]) -> Row:
        person = self.catalogue.people.get(request.path_params["id"])
        if person is None:
            raise Refused(34)
        return {**person_row(person), "biography": "", "birthday": None, "deathday": None, "imdb_id": None}

    def _person_credits(self, request: Request, query: Mapping[str, str]) -> Row:
        number = request.path_params["id"]
        cast = [
            {**row(work, language_of(query), media_type=True), "character": role}
            for work in self.catalogue.works.values()
            for person, role in work.cast
            if person.id == number
        ]
        return {"id": number, "cast": cast, "crew": []}

    def _full(self, request: Request, query: Mapping[str, str]) -> Row:
        return self._details.full(self._work(request), query)

    def _part(self, request: Request, query: Mapping[str, str]) -> Row:
        name = request.path_params["part"]
        if name == "changes":
            return {"changes": []}
        part = self._details.part(self._work(request), name, query)
        if part is None:
            raise Refused(34)
        return part

    def _season(self, request: Request, query: Mapping[str, str]) -> Row:
        return self._details.season(self._work(request), request.path_params["season"], query)

    def _episode(self, request: Request, query: Mapping[str, str]) -> Row:
        place = request.path_params
        return self._details.episode(self._work(request), place["season"], place["episode"], query)

    def _chart(self, request: Request, query: Mapping[str, str]) -> Row:
        name = request.path_params["chart"]
        works = self._lists.chart(_kind(request), name)
        if works is None:
            raise Refused(6 if not re.fullmatch(r"[a-z_]+", name) else 34)
        more: Row = {}
        if name in ("now_playing", "upcoming"):
            more["dates"] = {
                "maximum": (self._today + timedelta(days=30)).isoformat(),
                "minimum": (self._today - timedelta(days=45)).isoformat(),
            }
        return paged([row(one, language_of(query)) for one in works], _page(query), **more)

    def _changes(self, request: Request, query: Mapping[str, str]) -> Row:
        end = _day(query.get("end_date"), self._today)
        start = _day(query.get("start_date"), end - timedelta(days=1))
        if (end - start).days > 14:
            raise Refused(20)
        found: list[Row] = [
            {"id": number, "adult": False if number % 9 else None}
            for number in self._lists.changed(_kind(request), start, end)
        ]
        page, many = _page(query), 100
        return {
            "results": found[(page - 1) * many : page * many],
            "page": page,
            "total_pages": -(-len(found) // many),
            "total_results": len(found),
        }

    def _work(self, request: Request) -> Any:
        work = self.catalogue.works.get((_kind(request), request.path_params["id"]))
        if work is None:
            raise Refused(34)
        return work

    # Pictures

    async def _image(self, request: Request) -> Response:
        """No key is needed, and nobody counts."""
        size, name = request.path_params["size"], f"/{request.path_params['file']}"
        known = self.catalogue.pictures.get(name)
        if known is None or size not in SIZES[known[0].kind]:
            return Response("File not found", 404, media_type="text/plain")
        body = self._drawn.get((size, name))
        if body is None:
            body = self._drawn[(size, name)] = await asyncio.to_thread(draw, *known, size, self._seed)
            while len(self._drawn) > _KEPT:
                self._drawn.popitem(last=False)
        return Response(body, media_type="image/jpeg", headers={"Cache-Control": "public, max-age=31536000"})


def _kind(request: Request) -> Kind:
    kind = request.path_params["kind"]
    if kind == "movie":
        return "movie"
    if kind == "tv":
        return "tv"
    raise Refused(34)


def _page(query: Mapping[str, str]) -> int:
    text = query.get("page", "1")
    if not text.isdecimal() or not 1 <= int(text) <= LAST_PAGE:
        raise Refused(22)
    return int(text)


def _day(text: str | None, otherwise: date) -> date:
    if text is None:
        return otherwise
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise Refused(23) from wrong


def _json(body: Row, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        orjson.dumps(body), status, media_type="application/json;charset=utf-8", headers=dict(headers or {})
    )
