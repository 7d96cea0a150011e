"""Collections: made, listed, filled, emptied and deleted by the owner, each effect noted in the ledger."""

from __future__ import annotations

import re
import time

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_plex.simulation.accounts import Person
from medianest_plex.simulation.catalog import sort_title
from medianest_plex.simulation.entries import entry
from medianest_plex.simulation.guard import Missing, find_item, find_section, route
from medianest_plex.simulation.library import TYPE_NAMES, Item
from medianest_plex.simulation.media_server import MediaServer
from medianest_plex.simulation.reply import LIBRARY_ATTRIBUTES, container, html_error
from medianest_plex.simulation.world import World

_URI = re.compile(
    r"^(?:server://(?P<machine>[^/]+)/com\.plexapp\.plugins\.library)?/library/metadata/(?P<keys>\d+(?:,\d+)*)$"
)
_PREFERENCES = {"collectionMode": "mode", "collectionSort": "sort_mode"}


class Refused(Exception):
    """A change the server answers with 400."""


class Collections:
    """The writing half of the library API: collections, and the titles and summaries of items."""

    def __init__(self, world: World, server: MediaServer) -> None:
        self.world = world
        self.server = server

    def routes(self) -> list[BaseRoute]:
        """Reading is for everyone with access, changing for the owner."""
        world = self.world
        one = "/library/collections/{key}"
        return [
            route(world, "/library/collections", self.create, ("POST",), owner=True),
            route(world, one, self.read),
            route(world, one, self.delete, ("DELETE",), owner=True),
            route(world, one + "/children", self.members),
            route(world, one + "/items", self.members),
            route(world, one + "/items", self.add, ("PUT",), owner=True),
            route(world, one + "/items/{member}", self.take_out, ("DELETE",), owner=True),
            route(world, one + "/children/{member}", self.take_out, ("DELETE",), owner=True),
            route(world, one + "/items/{member}/move", self.move, ("PUT",), owner=True),
            route(world, one + "/prefs", self.preferences, ("PUT",), owner=True),
            route(world, "/library/metadata/{key}/prefs", self.preferences, ("PUT",), owner=True),
            route(world, "/library/metadata/{key}", self.delete, ("DELETE",), owner=True),
            route(world, "/library/sections/{section}/collections", self.of_section),
            route(world, "/library/sections/{section}/all", self.edit, ("PUT",), owner=True),
        ]

    async def of_section(self, request: Request, person: Person) -> Response:
        section = find_section(self.world, request, person)
        items = self.world.listings.find(section, request.url.query, kind="collection")
        return self.server.listing(request, items, section)

    async def create(self, request: Request, person: Person) -> Response:
        query = request.query_params
        raw = query.get("sectionId", "")
        section = self.world.library.sections.get(int(raw)) if raw.isdecimal() else None
        title = query.get("title", "").strip()
        kind = TYPE_NAMES.get(int(query.get("type", "0"))) if query.get("type", "0").isdecimal() else None
        smart = query.get("smart", "0") == "1"
        if section is None or not title or kind is None:
            return html_error(400)
        try:
            members = [] if smart else self._members(query.get("uri", ""), section.key, kind)
        except Refused:
            return html_error(400)
        now = int(time.time())
        item = Item(
            key=self.world.library.take_keys(),
            type="collection",
            section=section.key,
            title=title,
            title_sort=sort_title(title),
            added_at=now,
            updated_at=now,
            subtype=kind,
            smart=smart,
        )
        self.world.library.add(item)
        self.world.library.children[item.key] = list(dict.fromkeys(members))
        self.world.ledger.record(
            "collection.created",
            rating_key=item.key,
            title=title,
            section=section.key,
            smart=smart,
            items=list(self.world.library.children[item.key]),
            user=person.username,
        )
        return self._reply(request, item)

    def _members(self, uri: str, section: int, kind: str | None) -> list[int]:
        """Rating keys named by a `server://` address; Refused when it names another server, library or type."""
        if not uri:
            return []
        match = _URI.match(uri)
        if match is None or match["machine"] not in (None, self.world.accounts.machine):
            raise Refused
        keys = [int(key) for key in match["keys"].split(",")]
        for key in keys:
            item = self.world.library.items.get(key)
            if item is None or item.section != section or item.type != kind:
                raise Refused
        return keys

    def _collection(self, request: Request, person: Person) -> Item:
        item = find_item(self.world, request.path_params["key"], person)
        if item.type != "collection":
            raise Missing
        return item

    def _reply(self, request: Request, item: Item) -> Response:
        section = self.world.library.sections[item.section]
        head = {**LIBRARY_ATTRIBUTES, "librarySectionID": section.key, "librarySectionTitle": section.title}
        return container(request, head, Metadata=[entry(item, self.world.library, full=True)])

    def _changed(self, item: Item) -> None:
        item.updated_at = max(int(time.time()), item.updated_at + 1)
        self.world.library.touch(item)

    async def read(self, request: Request, person: Person) -> Response:
        return self._reply(request, self._collection(request, person))

    async def members(self, request: Request, person: Person) -> Response:
        item = self._collection(request, person)
        return self.server.listing(
            request, self.world.library.below(item), self.world.library.sections[item.section]
        )

    async def add(self, request: Request, person: Person) -> Response:
        item = self._collection(request, person)
        present = self.world.library.children[item.key]
        try:
            asked = self._members(request.query_params.get("uri", ""), item.section, item.subtype)
            if item.smart or not asked:
                raise Refused
        except Refused:
            return html_error(400)
        fresh = [key for key in dict.fromkeys(asked) if key not in present]
        present.extend(fresh)
        self._changed(item)
        self.world.ledger.record(
            "collection.items_added", rating_key=item.key, asked=asked, added=fresh, user=person.username
        )
        return self._reply(request, item)

    async def take_out(self, request: Request, person: Person) -> Response:
        item = self._collection(request, person)
        members = self.world.library.children[item.key]
        member = str(request.path_params["member"])
        if item.smart:
            return html_error(400)
        if not member.isdecimal() or int(member) not in members:
            raise Missing
        members.remove(int(member))
        self._changed(item)
        self.world.ledger.record(
            "collection.item_removed", rating_key=item.key, item=int(member), user=person.username
        )
        return self._reply(request, item)

    async def move(self, request: Request, person: Person) -> Response:
        item = self._collection(request, person)
        members = self.world.library.children[item.key]
        member, after = str(request.path_params["member"]), request.query_params.get("after", "")
        if not member.isdecimal() or int(member) not in members:
            raise Missing
        members.remove(int(member))
        place = members.index(int(after)) + 1 if after.isdecimal() and int(after) in members else 0
        members.insert(place, int(member))
        self._changed(item)
        self.world.ledger.record("collection.item_moved", rating_key=item.key, item=int(member), place=place)
        return self._reply(request, item)

    async def delete(self, request: Request, person: Person) -> Response:
        """Only collections: this server does not allow media to be deleted."""
        item = find_item(self.world, request.path_params["key"], person)
        if item.type != "collection":
            return html_error(403)
        self.world.library.remove(item)
        self.world.ledger.record(
            "collection.deleted", rating_key=item.key, title=item.title, user=person.username
        )
        return Response()

    async def preferences(self, request: Request, person: Person) -> Response:
        item = self._collection(request, person)
        values: dict[str, object] = {
            field: int(request.query_params[name])
            for name, field in _PREFERENCES.items()
            if request.query_params.get(name, "").lstrip("-").isdecimal()
        }
        self.world.library.edit(item, values)
        self.world.ledger.record("collection.preferences", rating_key=item.key, **values)
        return Response()

    async def edit(self, request: Request, person: Person) -> Response:
        section = find_section(self.world, request, person)
        names = {"title": "title", "summary": "summary", "titleSort": "title_sort"}
        values: dict[str, object] = {
            field: request.query_params[f"{name}.value"]
            for name, field in names.items()
            if f"{name}.value" in request.query_params
        }
        for key in request.query_params.get("id", "").split(","):
            item = find_item(self.world, key, person)
            if item.section != section.key:
                raise Missing
            self.world.library.edit(item, values)
            self.world.ledger.record(
                "item.edited", rating_key=item.key, fields=sorted(values), user=person.username
            )
        return Response()
