"""Searches, feeds, details, and the rows of titles; behind them stands a TMDB that can be down."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.responses import Response

from medianest_core.testing.simulators import json_reply
from medianest_overseerr.simulation import shapes
from medianest_overseerr.simulation.api import Call, Endpoint, paged
from medianest_overseerr.simulation.constants import MediaStatus, Permission
from medianest_overseerr.simulation.errors import Refusal
from medianest_overseerr.simulation.titles import Work
from medianest_overseerr.simulation.world import World

PAGE = 20
_PAGED = {"page": "int", "language": "text"}
_STATES = {
    "available": MediaStatus.AVAILABLE,
    "partial": MediaStatus.PARTIALLY_AVAILABLE,
    "processing": MediaStatus.PROCESSING,
    "pending": MediaStatus.PENDING,
    "unknown": MediaStatus.UNKNOWN,
}


class TitleRoutes:
    def __init__(self, world: World) -> None:
        self.world = world

    def endpoints(self) -> list[Endpoint]:
        feeds: dict[str, Callable[[], Sequence[Work]]] = {
            "/discover/trending": lambda: self.world.titles.all(),
            "/discover/movies": lambda: self.world.titles.all("movie"),
            "/discover/tv": lambda: self.world.titles.all("tv"),
            "/discover/movies/upcoming": lambda: self._newest("movie"),
            "/discover/tv/upcoming": lambda: self._newest("tv"),
        }
        states = (*_STATES, *(("deleted",) if self.world.options.seerr else ()))
        manage = (Permission.MANAGE_REQUESTS,)
        return [
            Endpoint("GET", "/search", self.search, query={"query": "search", **_PAGED}),
            *(Endpoint("GET", path, self._feed(works), query=_PAGED) for path, works in feeds.items()),
            Endpoint("GET", "/movie/{id}", self.movie, query={"language": "text"}),
            Endpoint("GET", "/tv/{id}", self.tv, query={"language": "text"}),
            Endpoint(
                "GET",
                "/media",
                self.media,
                query={
                    "take": "int",
                    "skip": "int",
                    "filter": ("all", "available", "partial", "allavailable", "processing", "pending"),
                    "sort": ("added", "modified", "mediaAdded"),
                },
            ),
            Endpoint(
                "POST",
                "/media/{id}/{status}",
                self.mark,
                body={"is4k": "bool"},
                needs=manage,
                words={"status": states},
            ),
            Endpoint("DELETE", "/media/{id}", self.forget, needs=manage),
        ]

    def search(self, call: Call) -> Response:
        return self._page(call, self.world.titles.search(str(call.query["query"])))

    def movie(self, call: Call) -> Response:
        return self._details(call, "movie", "Unable to retrieve movie.")

    def tv(self, call: Call) -> Response:
        return self._details(call, "tv", "Unable to retrieve series.")

    def media(self, call: Call) -> Response:
        wanted = {
            "all": tuple(MediaStatus),
            "allavailable": (MediaStatus.AVAILABLE, MediaStatus.PARTIALLY_AVAILABLE),
        }.get(call.query.get("filter", "all"), (_STATES.get(call.query.get("filter", ""), 0),))
        rows = [row for row in self.world.media.values() if row.status in wanted]
        sort = call.query.get("sort")
        rows.sort(
            key=lambda row: {"modified": row.updated_at, "mediaAdded": row.added_at or 0.0}.get(
                sort or "", row.created_at
            )
        )
        page = paged(rows[::-1], call.query, 20)
        page["results"] = [shapes.media(self.world, row) for row in page["results"]]
        return json_reply(page)

    def mark(self, call: Call) -> Response:
        row = self.world.media.get(call.number("id"))
        if row is None:
            raise Refusal(404, "Media does not exist.")
        word = str(call.request.path_params["status"])
        status = MediaStatus.DELETED if word == "deleted" else _STATES[word]
        row.set_state(bool(call.body.get("is4k")), status)
        row.updated_at = self.world.clock()
        self.world.ledger.record("media.marked", id=row.id, status=word)
        return json_reply(shapes.media(self.world, row))

    def forget(self, call: Call) -> Response:
        row = self.world.media.pop(call.number("id"), None)
        if row is None:
            raise Refusal(404, "Media does not exist.")
        for request in self.world.requests_of(row):
            del self.world.requests[request.id]
        self.world.ledger.record("media.deleted", id=row.id)
        return Response(status_code=204)

    def _newest(self, kind: str) -> list[Work]:
        works = [work for work in self.world.titles.all(kind) if not work.owned]
        return sorted(works, key=lambda work: work.released, reverse=True)

    def _feed(self, works: Callable[[], Sequence[Work]]) -> Callable[[Call], Response]:
        return lambda call: self._page(call, works())

    def _page(self, call: Call, works: Sequence[Work]) -> Response:
        # With TMDB away the real one answers as if there were nothing.
        works = [] if self.world.options.tmdb_down else works
        page = max(1, int(call.query.get("page") or 1))
        shown = works[(page - 1) * PAGE : page * PAGE]
        return json_reply(
            {
                "page": page,
                "totalPages": -(-len(works) // PAGE),
                "totalResults": len(works),
                "results": [shapes.result(self.world, work, call.person) for work in shown],
            }
        )

    def _details(self, call: Call, kind: str, refusal: str) -> Response:
        work = self.world.work(kind, call.number("id"))
        if work is None:
            raise Refusal(500, refusal)
        return json_reply(shapes.details(self.world, work, call.person))
