"""People's watchlists, and the part of Plex's own catalogue that they need: hosts of their own in truth, below /discover here.

Lists leave out a title's ids elsewhere; a title asked for by itself has them.
"""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from medianest_core.testing.world.titles import MOVIE, SHOW, Title, elsewhere, household
from medianest_plex.simulation.accounts import Accounts, Person
from medianest_plex.simulation.reply import container, parameter, tv_error

Handler = Callable[[Request, Person], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Known:
    """A title of Plex's catalogue."""

    key: str
    kind: str
    facts: Title

    def entry(self, *, whole: bool, added_at: float | None = None) -> dict[str, object]:
        found: dict[str, object] = {
            "art": f"https://images.plex.tv/{self.key}/art.jpg",
            "guid": f"plex://{self.kind}/{self.key}",
            "key": f"/library/metadata/{self.key}" + ("/children" if self.kind == SHOW else ""),
            "ratingKey": self.key,
            "type": self.kind,
            "title": self.facts.title,
            "year": self.facts.year,
            "summary": self.facts.summary,
            "tagline": self.facts.tagline,
            "contentRating": self.facts.content_rating,
            "duration": self.facts.minutes * 60_000,
            "originallyAvailableAt": f"{self.facts.year}-03-01",
            "source": "provider://tv.plex.provider.metadata",
        }
        if self.kind == SHOW:
            found |= {"childCount": self.facts.seasons, "leafCount": self.facts.seasons * 8}
        if added_at is not None:
            found["watchlistedAt"] = int(added_at)
        if whole:
            found["Guid"] = [{"id": f"{name}://{value}"} for name, value in self.facts.ids.items()]
        return found


@dataclass
class Watchlists:
    """person's id → (title's key, time it was added), the last added first."""

    titles: dict[str, Known] = field(default_factory=lambda: _catalogue())
    lists: dict[int, list[tuple[str, float]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, person: Person, key: str) -> None:
        """Raises ValueError for what stands there already, LookupError for what Plex does not know."""
        if key not in self.titles:
            raise LookupError(f"no title {key}")
        if any(known == key for known, _ in self.lists[person.id]):
            raise ValueError("it is on the list already")
        self.lists[person.id].insert(0, (key, time.time()))

    def remove(self, person: Person, key: str) -> None:
        self.lists[person.id] = [row for row in self.lists[person.id] if row[0] != key]

    def key_of(self, title: str) -> str:
        """Raises LookupError."""
        for key, known in self.titles.items():
            if known.facts.title == title:
                return key
        raise LookupError(f"no title {title!r}")

    def shown(self, person: Person) -> list[str]:
        return [self.titles[key].facts.title for key, _ in self.lists[person.id]]


class Discover:
    """The routes."""

    def __init__(self, accounts: Accounts, watchlists: Watchlists) -> None:
        self._accounts = accounts
        self._lists = watchlists

    def routes(self) -> list[BaseRoute]:
        one = "/discover/library/metadata/{key:str}"
        return [
            Route("/discover/", self._signed_in(self.root)),
            Route("/discover/library/sections/watchlist/{which:str}", self._signed_in(self.read)),
            Route("/discover/actions/addToWatchlist", self._signed_in(self.add), methods=["PUT"]),
            Route("/discover/actions/removeFromWatchlist", self._signed_in(self.remove), methods=["PUT"]),
            Route(one, self._signed_in(self.details)),
            Route(one + "/userState", self._signed_in(self.user_state)),
        ]

    def _signed_in(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def checked(request: Request) -> Response:
            person = self._accounts.by_account_token(parameter(request, "X-Plex-Token"))
            return tv_error(request, 401) if person is None else await handler(request, person)

        return checked

    async def root(self, request: Request, person: Person) -> Response:
        return container(request, {"identifier": "tv.plex.provider.discover", "title": "Discover"})

    async def read(self, request: Request, person: Person) -> Response:
        rows = list(self._lists.lists[person.id])
        wanted = {"1": MOVIE, "2": SHOW}.get(request.query_params.get("type", ""))
        if wanted:
            rows = [row for row in rows if self._lists.titles[row[0]].kind == wanted]
        start, size = (
            _whole(request, "X-Plex-Container-Start", 0),
            _whole(request, "X-Plex-Container-Size", 20),
        )
        shown = rows[start : start + size]
        head = {
            "offset": start,
            "totalSize": len(rows),
            "identifier": "tv.plex.provider.discover",
            "librarySectionID": "watchlist",
            "librarySectionTitle": "Watchlist",
        }
        entries = [self._lists.titles[key].entry(whole=False, added_at=at) for key, at in shown]
        return container(request, head, **({"Metadata": entries} if entries else {}))

    async def details(self, request: Request, person: Person) -> Response:
        known = self._lists.titles.get(request.path_params["key"])
        if known is None:
            return tv_error(request, 404)
        return container(
            request, {"identifier": "tv.plex.provider.metadata"}, Metadata=[known.entry(whole=True)]
        )

    async def user_state(self, request: Request, person: Person) -> Response:
        key = request.path_params["key"]
        added = next((at for known, at in self._lists.lists[person.id] if known == key), None)
        state: dict[str, object] = {"ratingKey": key, "type": "movie", "viewCount": 0, "viewState": "none"}
        if added is not None:
            state["watchlistedAt"] = int(added)
        return container(request, {"identifier": "tv.plex.provider.discover"}, UserState=[state])

    async def add(self, request: Request, person: Person) -> Response:
        try:
            self._lists.add(person, request.query_params.get("ratingKey", ""))
        except LookupError:
            return tv_error(request, 404)
        except ValueError:
            return tv_error(request, 400)
        return container(request)

    async def remove(self, request: Request, person: Person) -> Response:
        self._lists.remove(person, request.query_params.get("ratingKey", ""))
        return container(request)


def _whole(request: Request, name: str, default: int) -> int:
    value = parameter(request, name) or ""
    return int(value) if value.isdecimal() else default


def _catalogue() -> dict[str, Known]:
    found = {}
    for kind in (MOVIE, SHOW):
        for facts in (*household(kind), *elsewhere(kind)):
            key = hashlib.sha256(f"plex/{kind}/{facts.title}/{facts.year}".encode()).hexdigest()[:24]
            found[key] = Known(key, kind, facts)
    return found
