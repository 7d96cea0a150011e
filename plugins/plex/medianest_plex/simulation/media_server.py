"""The reading half of the Plex Media Server: identity, libraries, listings, items and hubs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.websockets import WebSocket, WebSocketDisconnect

from medianest_plex.simulation import meta, search
from medianest_plex.simulation.accounts import Person
from medianest_plex.simulation.catalog import VIDEOS
from medianest_plex.simulation.entries import entry
from medianest_plex.simulation.guard import Missing, find_item, find_section, route
from medianest_plex.simulation.library import TYPE_NAMES, Item, Section
from medianest_plex.simulation.query import TAG_FIELDS, choices, ordered, window
from medianest_plex.simulation.reply import LIBRARY_ATTRIBUTES, container, page
from medianest_plex.simulation.world import SERVER_NAME, VERSION, World


class MediaServer:
    """What any client with access may read."""

    def __init__(self, world: World) -> None:
        self.world = world

    def routes(self) -> list[BaseRoute]:
        """All reading routes, the busiest first."""
        world = self.world
        return [
            route(world, "/library/sections/{section}/all", self.all),
            route(world, "/library/metadata/{keys}", self.metadata),
            route(world, "/library/metadata/{key}/children", self.children),
            route(world, "/library/metadata/{key}/allLeaves", self.leaves),
            route(world, "/library/metadata/{key}/{kind:path}", self.around),
            Route("/identity", self.identity),
            route(world, "/", self.root),
            route(world, "/library", self.library, owner=True),
            route(world, "/library/sections", self.sections),
            route(world, "/library/sections/", self.sections),
            route(world, "/library/sections/{section}", self.section),
            route(world, "/library/sections/{section}/recentlyAdded", self.section_recent),
            route(world, "/library/sections/{section}/onDeck", self.section_deck),
            route(world, "/library/sections/{section}/sorts", self.sorts),
            route(world, "/library/sections/{section}/filters", self.filters),
            route(world, "/library/recentlyAdded", self.recent),
            route(world, "/library/onDeck", self.deck),
            route(world, "/hubs/continueWatching/items", self.deck),
            route(world, "/hubs/search", self.hub_search),
            route(world, "/library/search", self.flat_search),
            route(world, "/library/parts/{part}/{stamp}/{file}", self.part),
            route(world, "/status/sessions", self.nothing),
            route(world, "/activities", self.nothing),
            route(world, "/hubs", self.nothing),
            route(world, "/:/scrobble", self.scrobble, ("GET", "PUT")),
            route(world, "/:/unscrobble", self.scrobble, ("GET", "PUT")),
        ]

    def last_routes(self) -> list[BaseRoute]:
        """Routes with a wildcard that more exact ones must precede."""
        return [route(self.world, "/library/sections/{section}/{field}", self.field_choices)]

    async def identity(self, request: Request) -> Response:
        head = {"claimed": True, "machineIdentifier": self.world.accounts.machine, "version": VERSION}
        return container(request, head)

    async def root(self, request: Request, person: Person) -> Response:
        owner = self.world.accounts.owner
        head = {
            "allowCameraUpload": False,
            "allowChannelAccess": False,
            "allowMediaDeletion": False,
            "allowSharing": True,
            "allowSync": True,
            "allowTuners": False,
            "backgroundProcessing": True,
            "certificate": True,
            "companionProxy": True,
            "countryCode": "deu",
            "eventStream": True,
            "friendlyName": SERVER_NAME,
            "hubSearch": True,
            "itemClusters": True,
            "machineIdentifier": self.world.accounts.machine,
            "multiuser": True,
            "musicAnalysis": 2,
            "myPlex": True,
            "myPlexMappingState": "mapped",
            "myPlexSigninState": "ok",
            "myPlexSubscription": True,
            "myPlexUsername": owner.email,
            "ownerFeatures": "collections,hardware_transcoding,webhooks" if person is owner else "",
            "platform": "Linux",
            "platformVersion": "12 (bookworm)",
            "pluginHost": False,
            "readOnlyLibraries": False,
            "streamingBrainABRVersion": 3,
            "streamingBrainVersion": 2,
            "sync": True,
            "transcoderActiveVideoSessions": 0,
            "transcoderAudio": True,
            "transcoderPhoto": True,
            "transcoderSubtitles": True,
            "transcoderVideo": True,
            "transcoderVideoBitrates": "64,96,208,320,720,1500,2000,3000,4000,8000,10000,12000,20000",
            "transcoderVideoQualities": "0,1,2,3,4,5,6,7,8,9,10,11,12",
            "transcoderVideoResolutions": "128,128,160,240,320,480,768,720,720,1080,1080,1080,1080",
            "updatedAt": 1731600000,
            "updater": True,
            "version": VERSION,
            "voiceSearch": False,
        }
        return container(
            request,
            head,
            Directory=[{"count": 1, "key": name, "title": name} for name in ("hubs", "library", "status")],
        )

    async def library(self, request: Request, person: Person) -> Response:
        rows = [
            {"key": "sections", "title": "Library Sections"},
            {"key": "recentlyAdded", "title": "Recently Added"},
        ]
        return container(request, {**LIBRARY_ATTRIBUTES, "title1": "Plex Library"}, Directory=rows)

    async def sections(self, request: Request, person: Person) -> Response:
        rows = [self._section(s) for s in self.world.library.sections.values() if person.may_see(s.key)]
        return container(request, {"allowSync": False, "title1": "Plex Library"}, Directory=rows)

    def _section(self, section: Section) -> dict[str, object]:
        return {
            "allowSync": True,
            "art": f"/:/resources/{section.type}-fanart.jpg",
            "composite": f"/library/sections/{section.key}/composite/{section.updated_at}",
            "filters": True,
            "refreshing": section.refreshing,
            "thumb": f"/:/resources/{section.type}.png",
            "key": str(section.key),
            "type": section.type,
            "title": section.title,
            "agent": section.agent,
            "scanner": section.scanner,
            "language": "en-US",
            "uuid": section.uuid,
            "updatedAt": section.updated_at,
            "createdAt": section.created_at,
            "scannedAt": section.updated_at,
            "content": True,
            "directory": True,
            "contentChangedAt": self.world.library.version,
            "hidden": 0,
            "Location": [{"id": section.key, "path": section.location}],
        }

    async def section(self, request: Request, person: Person) -> Response:
        section = find_section(self.world, request, person)
        names = (
            "all",
            "unwatched",
            "newest",
            "recentlyAdded",
            "onDeck",
            "collection",
            "genre",
            "year",
            "search?type=1",
        )
        head = {
            **LIBRARY_ATTRIBUTES,
            "content": "secondary",
            "librarySectionID": section.key,
            "title1": section.title,
        }
        return container(request, head, Directory=[{"key": name, "title": name} for name in names])

    async def all(self, request: Request, person: Person) -> Response:
        section = find_section(self.world, request, person)
        items = self.world.listings.find(section, request.url.query)
        return self.listing(request, items, section)

    async def section_recent(self, request: Request, person: Person) -> Response:
        section = find_section(self.world, request, person)
        kind = "episode" if section.type == "show" else section.type
        items = self.world.listings.find(section, request.url.query, kind=kind, sort="addedAt:desc")
        return self.listing(request, items, section)

    async def recent(self, request: Request, person: Person) -> Response:
        found: list[Item] = []
        for section in self._visible(person):
            kind = "season" if section.type == "show" else section.type
            found += self.world.listings.find(section, "", kind=kind, sort="addedAt:desc")[:50]
        return self.listing(request, ordered(found, "addedAt:desc")[:50])

    async def section_deck(self, request: Request, person: Person) -> Response:
        section = find_section(self.world, request, person)
        return self.listing(request, self._deck([section]), section)

    async def deck(self, request: Request, person: Person) -> Response:
        return self.listing(request, self._deck(self._visible(person)))

    def _deck(self, sections: Sequence[Section]) -> list[Item]:
        """Half-seen films, and the first unseen episode of each series that was begun."""
        found: list[Item] = []
        library = self.world.library
        for section in sections:
            items = [library.items[key] for key in section.keys]
            for item in items:
                if item.type == "movie" and item.view_offset:
                    found.append(item)
                elif item.type == "show":
                    leaves = library.leaves(item)
                    if any(leaf.view_count for leaf in leaves[:20]):
                        found += [leaf for leaf in leaves if not leaf.view_count][:1]
        return found[:20]

    def _visible(self, person: Person) -> list[Section]:
        return [s for s in self.world.library.sections.values() if person.may_see(s.key)]

    def listing(self, request: Request, items: Sequence[Item], section: Section | None = None) -> Response:
        """A window of `items`, with paging, Guids and Meta as asked for."""
        query = request.query_params
        asked = window(request.headers, query)
        paged = asked.asked and not self.world.options.ignore_paging
        end = None if asked.size is None else asked.start + asked.size
        shown = items[asked.start : end] if paged else items
        head = dict(LIBRARY_ATTRIBUTES)
        described: dict[str, object] | None = None
        if section is not None:
            head |= {
                "librarySectionID": section.key,
                "librarySectionTitle": section.title,
                "librarySectionUUID": section.uuid,
                "title1": section.title,
                "title2": f"All {section.title}",
                "viewGroup": section.type,
            }
            if query.get("includeMeta") == "1":
                active = (
                    TYPE_NAMES.get(int(raw), section.type)
                    if (raw := query.get("type", "")).isdecimal()
                    else section.type
                )
                described = meta.meta(section.key, section.type, active)
        return page(
            request,
            self.world.library,
            shown,
            head,
            guids=query.get("includeGuids") == "1",
            total=len(items) if paged else None,
            start=asked.start,
            meta=described,
            streams="Stream" in query.get("includeElements", "").split(","),
        )

    async def metadata(self, request: Request, person: Person) -> Response:
        keys = str(request.path_params["keys"]).split(",")
        items = []
        for key in keys:
            try:
                items.append(find_item(self.world, key, person))
            except Missing:
                if len(keys) == 1:
                    raise
        if not items:
            raise Missing
        chapters = request.query_params.get("includeChapters") == "1"
        rows = [entry(item, self.world.library, full=True, chapters=chapters) for item in items]
        section = self.world.library.sections[items[0].section]
        head = {**LIBRARY_ATTRIBUTES, "librarySectionID": section.key, "librarySectionTitle": section.title}
        return container(request, head, Metadata=rows)

    async def children(self, request: Request, person: Person) -> Response:
        item = find_item(self.world, request.path_params["key"], person)
        return self._below(request, item, self.world.library.below(item))

    async def leaves(self, request: Request, person: Person) -> Response:
        item = find_item(self.world, request.path_params["key"], person)
        return self._below(request, item, self.world.library.leaves(item))

    def _below(self, request: Request, item: Item, items: Sequence[Item]) -> Response:
        return self.listing(request, items, self.world.library.sections[item.section])

    async def around(self, request: Request, person: Person) -> Response:
        """Similar, related, extras: this server has none."""
        find_item(self.world, request.path_params["key"], person)
        if request.path_params["kind"] in ("similar", "related", "extras", "reviews", "subtitles", "themes"):
            return container(request, LIBRARY_ATTRIBUTES)
        raise Missing

    async def sorts(self, request: Request, person: Person) -> Response:
        find_section(self.world, request, person)
        return container(request, LIBRARY_ATTRIBUTES, Directory=meta.sorts())

    async def filters(self, request: Request, person: Person) -> Response:
        section = find_section(self.world, request, person)
        return container(request, LIBRARY_ATTRIBUTES, Directory=meta.filters(section.key, section.type))

    async def field_choices(self, request: Request, person: Person) -> Response:
        section = find_section(self.world, request, person)
        field = str(request.path_params["field"])
        if field not in TAG_FIELDS:
            raise Missing
        items = self.world.listings.find(section, "")
        rows = [
            {"fastKey": f"/library/sections/{section.key}/all?{field}={key}", "key": key, "title": title}
            for key, title in choices(field, items)
        ]
        return container(request, {**LIBRARY_ATTRIBUTES, "title2": f"By {field}"}, Directory=rows)

    async def hub_search(self, request: Request, person: Person) -> Response:
        raw = request.query_params.get("limit", "")
        limit = int(raw) if raw.isdecimal() else 3
        wanted = request.query_params.get("sectionId")
        sections = [s for s in self._visible(person) if wanted in (None, str(s.key))]
        hubs = search.hubs(self.world.library, sections, request.query_params.get("query", ""), limit)
        return container(request, LIBRARY_ATTRIBUTES, Hub=hubs)

    async def flat_search(self, request: Request, person: Person) -> Response:
        """The rest of a hub that had more to show."""
        query, kind = request.query_params.get("query", ""), request.query_params.get("type", "movie")
        found = search.matches(self.world.library, self._visible(person), query, kind)
        return self.listing(request, found)

    async def part(self, request: Request, person: Person) -> Response:
        raw = str(request.path_params["part"])
        if not raw.isdecimal():
            raise Missing
        item = find_item(self.world, str(int(raw) // 10), person)
        if item.section != VIDEOS or item.file is None or not Path(item.file).is_file():
            raise Missing
        return FileResponse(item.file)

    async def scrobble(self, request: Request, person: Person) -> Response:
        item = find_item(self.world, request.query_params.get("key", ""), person)
        seen = not request.url.path.startswith("/:/un")
        for leaf in self.world.library.leaves(item):
            leaf.view_count = leaf.view_count + 1 if seen else 0
            leaf.view_offset = 0
            self.world.library.touch(leaf)
        self.world.ledger.record(
            "item.watched" if seen else "item.unwatched", rating_key=item.key, user=person.username
        )
        return Response()

    async def nothing(self, request: Request, person: Person) -> Response:
        return container(request)

    async def notifications(self, socket: WebSocket) -> None:
        """The websocket of notifications; a bad token is refused at the upgrade."""
        token = socket.headers.get("x-plex-token") or socket.query_params.get("X-Plex-Token")
        if self.world.accounts.by_server_token(token) is None:
            await socket.close()
            return
        async with self.world.events.subscribe() as queue:
            await socket.accept()
            try:
                while (frame := await queue.get()) is not None:
                    await socket.send_text(frame)
                await socket.close()
            except WebSocketDisconnect:
                return
