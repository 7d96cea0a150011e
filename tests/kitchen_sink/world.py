"""What the sink's service knows."""

from __future__ import annotations

import asyncio
import time
from typing import Any

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class Unknown(LookupError):
    """It has no such thing."""


class World:
    def __init__(self) -> None:
        self.begun = time.time()
        self.collected: dict[str, dict[str, Any]] = {}
        self.changed: asyncio.Queue[str] = asyncio.Queue()
        self.requests: dict[str, dict[str, Any]] = {}
        self.issues: dict[str, dict[str, Any]] = {}
        self.dropped: list[str] = []
        self.hooks: list[str] = []
        self.attempts: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        self.people_in = {"ann", "bob"}
        self.known = {
            "tt1": {"tagline": "It drips.", "rating": 7.5, "genres": ["Drama"]},
            "tt2": {"tagline": "It pours.", "rating": 6.0, "genres": ["Comedy"]},
        }

    def version(self) -> str:
        return "1.2.3"

    # Status.
    def status(self) -> dict[str, Any]:
        return {
            "version": "1.2.3",
            "items": [
                {
                    "name": "Tap",
                    "up": True,
                    "key": "tap",
                    "response_ms": 3.5,
                    "url": "https://sink.example/tap",
                },
                {"name": "Drain", "up": False, "key": "drain", "message": "Blocked"},
                {
                    "name": "Dishwasher",
                    "up": None,
                    "key": "dishes",
                    "certificate_ends_at": self.begun + 86_400,
                },
            ],
        }

    def beats(self, since: float) -> list[dict[str, Any]]:
        times = [self.begun - 60.0 * ago for ago in range(20, 0, -1)]
        return [{"name": "tap", "at": at, "up": True, "response_ms": 3.0} for at in times if at >= since]

    async def news(self) -> bool:
        await asyncio.sleep(30)
        return True

    def incidents(self) -> list[dict[str, Any]]:
        return [
            {"title": "The drain is blocked", "started_at": self.begun - 100, "ended_at": None},
            {"title": "Drips", "started_at": self.begun - 5000, "ended_at": self.begun - 4000},
        ]

    # Media.
    def libraries(self) -> list[dict[str, Any]]:
        return [
            {"key": "films", "title": "Films", "kind": "movie", "locations": ["/films"]},
            {"key": "shows", "title": "Shows", "kind": "show", "locations": ["/shows"]},
        ]

    def _titles(self) -> list[dict[str, Any]]:
        films: list[dict[str, Any]] = [
            {
                "key": f"film-{number}",
                "kind": "movie",
                "title": title,
                "library": "films",
                "year": 1990 + number,
                "ids": {"imdb": f"tt{number}"},
                "fields": {
                    "summary": f"What {title} is about.",
                    "files": [{"path": f"/films/{title}.mkv", "size": 1000, "duration_ms": 5_400_000}],
                    "assets": {"poster": f"/film-{number}.png"},
                },
                "added_at": self.begun - 1000 * number,
                "updated_at": self.begun - 500 * number,
            }
            for number, title in enumerate(("The Leak", "Under Pressure", "Trap"), 1)
        ]
        show = {"key": "show", "kind": "show", "title": "Pipes", "library": "shows"}
        season = {
            **show,
            "key": "season",
            "kind": "season",
            "title": "Season 1",
            "parent": "show",
            "index": 1,
        }
        episodes = [
            {**show, "key": f"e{n}", "kind": "episode", "title": f"Bend {n}", "parent": "season", "index": n}
            for n in (1, 2)
        ]
        return [*films, show, season, *episodes]

    def titles(self, library: str, since: float, start: int, count: int) -> dict[str, Any]:
        found = [
            one
            for one in self._titles()
            if one["library"] == library and one.get("updated_at", self.begun) > since
        ]
        return {"total": len(found), "titles": found[start : start + count]}

    def title(self, key: str) -> dict[str, Any]:
        for one in self._titles():
            if one["key"] == key:
                return one
        raise Unknown(key)

    async def next_change(self) -> str:
        return await self.changed.get()

    def search(self, text: str, limit: int) -> list[dict[str, Any]]:
        return [one for one in self._titles() if text.lower() in one["title"].lower()][:limit]

    def recent(self, limit: int) -> list[dict[str, Any]]:
        dated = [one for one in self._titles() if "added_at" in one]
        return sorted(dated, key=lambda one: -one["added_at"])[:limit]

    def picture(self, reference: str) -> str:
        if not any(
            reference == one.get("fields", {}).get("assets", {}).get("poster") for one in self._titles()
        ):
            raise Unknown(reference)
        return PICTURE

    def collections(self, library: str) -> list[dict[str, Any]]:
        return [
            {"key": key, "title": one["title"], "library": library, "count": len(one["items"])}
            for key, one in self.collected.items()
            if one["library"] == library
        ]

    def collection_items(self, collection: str) -> list[str]:
        return list(self._collection(collection)["items"])

    def create_collection(self, library: str, title: str, keys: list[str]) -> dict[str, Any]:
        key = f"collection-{len(self.collected)}"
        self.collected[key] = {"title": title, "library": library, "items": dict.fromkeys(keys)}
        return {"key": key, "title": title, "library": library, "count": len(keys)}

    def add_to_collection(self, collection: str, keys: list[str]) -> None:
        self._collection(collection)["items"].update(dict.fromkeys(keys))

    def remove_from_collection(self, collection: str, key: str) -> None:
        self._collection(collection)["items"].pop(key, None)

    def _collection(self, key: str) -> dict[str, Any]:
        if key not in self.collected:
            raise Unknown(key)
        return self.collected[key]

    def rescan(self, library: str, path: str) -> None:
        self.scanned = (library, path)

    def locate(self, library: str, paths: list[str]) -> dict[str, str]:
        files = {
            file["path"]: one["key"]
            for one in self._titles()
            if one["library"] == library
            for file in one.get("fields", {}).get("files", [])
        }
        return {path: files[path] for path in paths if path in files}

    # Fields.
    def facts(self, ids: list[str]) -> dict[str, Any]:
        return {one: self.known[one] for one in ids if one in self.known}

    def changed_facts(self, since: float) -> list[str]:
        return list(self.known) if since < self.begun else []

    def write_facts(self, id: str, values: dict[str, Any]) -> None:
        self.known[id].update(values)

    # Catalog.
    def _world(self) -> list[dict[str, Any]]:
        films: list[dict[str, Any]] = [
            {
                "kind": "movie",
                "ids": {"imdb": f"tt{number}"},
                "title": f"The {word}",
                "year": 2000 + number,
                "image": f"/{number}.png",
                "released": f"20{number:02}-05-01",
                "rating": 7.0,
                "runtime": 5400.0,
            }
            for number, word in enumerate(("Leak", "Siphon", "Boiler"), 1)
        ]
        seasons = [{"number": number, "title": f"Season {number}", "episodes": 8} for number in (1, 2)]
        return [
            *films,
            {
                "kind": "show",
                "ids": {"imdb": "tt9"},
                "title": "The Plumbers",
                "year": 2015,
                "seasons": seasons,
            },
        ]

    def _page(self, found: list[dict[str, Any]], page: int) -> dict[str, Any]:
        return {
            "entries": found[2 * page - 2 : 2 * page],
            "pages": max(1, -(-len(found) // 2)),
            "total": len(found),
        }

    def world_search(self, text: str, page: int) -> dict[str, Any]:
        return self._page([one for one in self._world()[::-1] if text.lower() in one["title"].lower()], page)

    def world_details(self, kind: str, imdb: str) -> dict[str, Any]:
        for one in self._world():
            if (one["kind"], one["ids"]["imdb"]) == (kind, imdb):
                return one
        raise Unknown(imdb)

    def world_feed(self, kinds: list[str], page: int) -> dict[str, Any]:
        return self._page([one for one in self._world()[::-1] if one["kind"] in kinds], page)

    def world_picture(self, reference: str) -> str:
        if not any(one.get("image") == reference for one in self._world()):
            raise Unknown(reference)
        return PICTURE

    # Requests.
    def submit(self, imdb: str, title: str, user: str) -> dict[str, Any]:
        reference, now = f"r{len(self.requests) + 1}", time.time()
        self.requests[reference] = {
            "reference": reference,
            "status": "pending",
            "imdb": imdb,
            "title": title,
            "user": user,
            "created_at": now,
            "changed_at": now,
        }
        return self.requests[reference]

    def find(self, imdb: str, user: str) -> dict[str, Any] | None:
        return next(
            (one for one in self.requests.values() if (one["imdb"], one["user"]) == (imdb, user)), None
        )

    def state(self, reference: str) -> dict[str, Any]:
        if reference not in self.requests:
            raise Unknown(reference)
        return self.requests[reference]

    def cancel(self, reference: str) -> None:
        self.requests.pop(reference, None)

    def requested(self, since: float) -> list[dict[str, Any]]:
        found = [one for one in self.requests.values() if one["changed_at"] >= since]
        old = {**self.submit("tt0", "Old", "ann"), "created_at": 1e9, "changed_at": 1e9, "reference": "r0"}
        self.requests.popitem()
        return [*found[::-1], *([old] if since <= 1e9 else [])]

    def decide(self, reference: str, status: str) -> dict[str, Any]:
        self.state(reference).update(status=status, changed_at=time.time())
        return self.state(reference)

    def complain(self, kind: str, message: str, imdb: str) -> str:
        reference = f"i{len(self.issues) + 1}"
        self.issues[reference] = {
            "id": reference,
            "kind": kind,
            "message": message,
            "imdb": imdb,
            "open": True,
        }
        return reference

    def complaints(self) -> list[dict[str, Any]]:
        return list(self.issues.values())

    def mend(self, reference: str) -> None:
        self.issues[reference]["open"] = False

    def people(self) -> list[str]:
        return ["ann", "bob"]

    def used(self, user: str) -> int:
        return sum(one["user"] == user for one in self.requests.values())

    # Notifications.
    def drop(self, tap: str, text: str) -> None:
        if tap == "kitchen/gone":
            raise Unknown(tap)
        self.dropped.append(text)

    # Webhooks.
    def subscribe(self, url: str) -> None:
        if url not in self.hooks:
            self.hooks.append(url)

    def unsubscribe(self, url: str) -> None:
        if url in self.hooks:
            self.hooks.remove(url)

    def unsubscribe_all(self) -> None:
        self.hooks.clear()

    # Sign-in.
    def attempt(self) -> str:
        name = f"A{len(self.attempts):03}"
        self.attempts[name] = ""
        return name

    def who(self, attempt: str) -> dict[str, Any] | None:
        if attempt not in self.attempts:
            raise Unknown(attempt)
        name = self.attempts[attempt]
        if not name:
            return None
        token = f"token-of-{name}-{len(self.tokens)}"
        self.tokens[token] = name
        return {"id": f"id-{name}", "name": name, "welcome": name in self.people_in, "token": token}

    def fresh(self, token: str) -> str:
        name = self.tokens.pop(token)
        self.tokens[token + "+"] = name
        return token + "+"

    def good(self, id: str, token: str | None) -> bool:
        return id.removeprefix("id-") in self.people_in and (token is None or token in self.tokens)

    def forget(self, token: str) -> None:
        self.tokens.pop(token, None)

    def knows(self, token: str) -> bool:
        return token in self.tokens

    def wishes(self, id: str) -> list[str]:
        return ["tt7", "tt8"]

    # Downloads.
    def behind(self, key: str) -> dict[str, Any]:
        return {"key": key, "keys": ["one", "two", "three"] if key == "all" else [key]}

    def film(self, key: str) -> str:
        if key not in ("one", "two", "three"):
            raise Unknown(key)
        return PICTURE

    def still(self, key: str) -> str:
        if key.partition(".")[2] != "png":
            raise Unknown(key)
        return PICTURE
