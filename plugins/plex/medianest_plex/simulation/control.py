"""The Plex part of the control API under /_sim: people, knobs, library changes and webhooks at a test's command."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from medianest_core.testing.simulators import json_body, json_reply
from medianest_plex.simulation.catalog import SHAPES, VIDEOS, sort_title
from medianest_plex.simulation.entries import entry
from medianest_plex.simulation.library import EDITABLE, Item, Section
from medianest_plex.simulation.scan import Scanner
from medianest_plex.simulation.world import World

Handler = Callable[[Request], Awaitable[Response]]


class Control:
    """Knobs, for tests and people; paths are relative to /_sim."""

    def __init__(self, world: World, scanner: Scanner) -> None:
        self.world = world
        self.scanner = scanner

    def routes(self) -> list[BaseRoute]:
        """All routes; a wrong value is answered 400, an unknown user or item 404, both with {"error"}."""
        table: list[tuple[str, Handler, list[str]]] = [
            ("/options", self.options, ["GET", "PUT"]),
            ("/approve", self.approve, ["POST"]),
            ("/revoke", self.revoke, ["POST"]),
            ("/restore", self.restore, ["POST"]),
            ("/people", self.people, ["GET"]),
            ("/items", self.add, ["POST"]),
            ("/items/{key:int}", self.change, ["GET", "PATCH", "DELETE"]),
            ("/scale", self.scale, ["POST"]),
            ("/watchlist", self.watchlist, ["POST", "DELETE"]),
            ("/webhook", self.webhook, ["POST"]),
            ("/webhooks", self.webhooks, ["GET", "PUT"]),
            ("/websockets", self.websockets, ["GET", "POST", "DELETE"]),
            ("/requests", self.requests, ["GET", "DELETE"]),
        ]
        return [Route(path, _checked(handler), methods=methods) for path, handler, methods in table]

    async def options(self, request: Request) -> Response:
        if request.method == "PUT":
            self.world.options.update(await json_body(request))
            section = self.world.library.sections[VIDEOS]
            if section.location != self.world.options.library_dir:
                section.location = self.world.options.library_dir
                self.world.library.version += 1
        return json_reply(self.world.options.dump())

    async def approve(self, request: Request) -> Response:
        body = await _object(request)
        person = self.world.accounts.find(_text(body, "user"))
        pin = self.world.pins.by_code(_text(body, "code"))
        if pin is None:
            raise LookupError("no open PIN has this code")
        self.world.pins.approve(pin, person)
        self.world.ledger.record("pin.approved", id=pin.id, user=person.username, by="control")
        return json_reply({"id": pin.id, "user": person.username})

    async def revoke(self, request: Request) -> Response:
        body = await _object(request)
        person = self.world.accounts.find(_text(body, "user"))
        account, server, sharing = (bool(body.get(name, True)) for name in ("account", "server", "sharing"))
        self.world.accounts.revoke(person, account=account, server=server, sharing=sharing)
        self.world.ledger.record(
            "user.revoked", user=person.username, account=account, server=server, sharing=sharing
        )
        return self._person(person.username)

    async def restore(self, request: Request) -> Response:
        person = self.world.accounts.find(_text(await _object(request), "user"))
        self.world.accounts.restore(person)
        self.world.ledger.record("user.restored", user=person.username)
        return self._person(person.username)

    def _person(self, name: str) -> Response:
        accounts = self.world.accounts
        person = accounts.find(name)
        return json_reply({"user": person.username, "id": person.id, "access": accounts.has_access(person)})

    async def people(self, request: Request) -> Response:
        accounts = self.world.accounts
        return json_reply(
            [
                {
                    "id": person.id,
                    "username": person.username,
                    "title": person.title,
                    "role": person.role,
                    "access": accounts.has_access(person),
                    "server_token": accounts.server_token(person) if accounts.has_access(person) else None,
                }
                for person in accounts.people
            ]
        )

    async def add(self, request: Request) -> Response:
        body = await _object(request)
        library = self.world.library
        section = library.sections.get(int(str(body.pop("section", 1))))
        if section is None or section.type != "movie":
            raise ValueError("section must be a film library")
        title = _text(body, "title")
        unknown = set(body) - EDITABLE
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        item = self.put(section, title, body)
        if request.query_params.get("announce") == "1":
            await self.world.webhooks.announce("library.new", item)
        return json_reply(entry(item, library, full=True), 201)

    def put(self, section: Section, title: str, values: dict[str, object]) -> Item:
        """A new film. values: further attributes of it."""
        library = self.world.library
        now, key = int(time.time()), library.take_keys()
        shape = SHAPES[0]
        item = Item(
            key=key,
            type="movie",
            section=section.key,
            title=title,
            title_sort=sort_title(title),
            added_at=now,
            updated_at=now,
            year=2026,
            duration=5_400_000,
            shape=shape,
            file=f"{section.location}/{title}/{title}.{shape.container}",
            file_size=4_000_000_000,
            guids=(f"imdb://tt{9_000_000 + key:07d}", f"tmdb://{2_000_000 + key}"),
        )
        library.add(item)
        library.edit(item, {"updated_at": now, **values})
        self.world.ledger.record("item.added", rating_key=key, title=title)
        return item

    async def change(self, request: Request) -> Response:
        library = self.world.library
        item = self._item(request.path_params["key"])
        if request.method == "DELETE":
            gone = library.remove(item)
            self.world.ledger.record("item.deleted", rating_key=item.key, gone=gone)
            return Response(status_code=204)
        if request.method == "PATCH":
            body = await _object(request)
            library.edit(item, body)
            self.world.ledger.record("item.changed", rating_key=item.key, fields=sorted(body))
        return json_reply(entry(item, library, full=True))

    def _item(self, key: object) -> Item:
        item = self.world.library.items.get(int(str(key)))
        if item is None:
            raise LookupError(f"no item {key}")
        return item

    async def scale(self, request: Request) -> Response:
        items = (await _object(request)).get("items")
        if not isinstance(items, int) or isinstance(items, bool) or not 0 <= items <= 2_000_000:
            raise ValueError("items must be a whole number up to 2000000")
        await self.scanner.stop()
        await asyncio.to_thread(self.world.populate, items)
        self.scanner.begin(self.world.library.sections[VIDEOS], None)
        self.world.ledger.record("library.scaled", items=items)
        return json_reply({"items": items, "entries": len(self.world.library.items)})

    async def watchlist(self, request: Request) -> Response:
        """{"user", "title"}: put it on their list, or take it off."""
        body, lists = await _object(request), self.world.watchlists
        person = self.world.accounts.find(_text(body, "user"))
        key = lists.key_of(_text(body, "title"))
        (lists.remove if request.method == "DELETE" else lists.add)(person, key)
        return json_reply({"user": person.username, "titles": lists.shown(person)})

    async def webhook(self, request: Request) -> Response:
        body = await _object(request)
        key = body.get("ratingKey")
        item = None if key is None else self._item(key)
        person = self.world.accounts.find(_text(body, "user")) if "user" in body else None
        thumb = body.get("thumb")
        if thumb is not None and not isinstance(thumb, bool):
            raise ValueError("thumb must be true or false")
        status = await self.world.webhooks.send(
            _text(body, "url"), _text(body, "event"), item, person=person, thumb=thumb
        )
        return json_reply({"status": status})

    async def webhooks(self, request: Request) -> Response:
        if request.method == "PUT":
            urls = (await _object(request)).get("urls")
            if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
                raise ValueError("urls must be a list of addresses")
            self.world.webhooks.urls[:] = urls
        return json_reply({"urls": self.world.webhooks.urls})

    async def websockets(self, request: Request) -> Response:
        """POST sends a frame {"type", "rows"}, DELETE drops every connection."""
        if request.method == "DELETE":
            self.world.events.drop()
        elif request.method == "POST":
            body = await _object(request)
            rows = body.get("rows", [])
            if not isinstance(rows, list):
                raise ValueError("rows must be a list")
            self.world.events.send(_text(body, "type"), rows)
        return json_reply({"listeners": self.world.events.listeners})

    async def requests(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.world.requests.clear()
        prefix = request.query_params.get("prefix", "")
        return json_reply([row for row in self.world.requests if str(row["path"]).startswith(prefix)])


def _checked(handler: Handler) -> Handler:
    async def checked(request: Request) -> Response:
        try:
            return await handler(request)
        except LookupError as error:
            return json_reply({"error": str(error)}, 404)
        except (ValueError, TypeError) as error:
            return json_reply({"error": str(error)}, 400)

    return checked


async def _object(request: Request) -> dict[str, object]:
    body = await json_body(request)
    if not isinstance(body, dict):
        raise ValueError("the body must be an object")
    return body


def _text(body: dict[str, object], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} must be text")
    return value
