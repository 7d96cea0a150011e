"""An honest stand-in of plex.tv and one Plex Media Server under a single address."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from starlette.requests import Request
from starlette.routing import BaseRoute, Router, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from medianest_core.testing.simulators import DemoInstance, Simulator
from medianest_plex.simulation.approve import Approve
from medianest_plex.simulation.catalog import VIDEOS
from medianest_plex.simulation.collection_routes import Collections
from medianest_plex.simulation.control import Control
from medianest_plex.simulation.images import Images
from medianest_plex.simulation.media_server import MediaServer
from medianest_plex.simulation.options import Options
from medianest_plex.simulation.plextv import PASSWORD, PlexTv
from medianest_plex.simulation.reply import html_error, html_error_body, parameter, tv_error_body
from medianest_plex.simulation.scan import Scanner
from medianest_plex.simulation.shelves import add_shelves
from medianest_plex.simulation.watchlists import Discover
from medianest_plex.simulation.world import World

DEMO_USER = "casey"


class PlexSimulator(Simulator):
    """plex.tv below /api, the media server everywhere else.

    `items` counts films and series together. `library_dir` is the real folder of the Videos library, by default
    `data_dir`/Videos. With `shelves` the household has made some collections already.
    """

    name: ClassVar[str] = "plex"
    demo_options: ClassVar[Mapping[str, str]] = {"shelves": "yes"}

    def __init__(
        self,
        *,
        items: int = 300,
        seed: int = 7,
        data_dir: Path,
        library_dir: str | Path | None = None,
        shelves: str | None = None,
    ) -> None:
        super().__init__(items=items, seed=seed, data_dir=data_dir)
        folder = Path(library_dir) if library_dir is not None else data_dir / "Videos"
        options = Options(library_dir=str(folder))
        self.world = World(seed=seed, items=items, data_dir=data_dir, options=options, ledger=self.ledger)
        self._scanner = Scanner(self.world)
        self._shelves = bool(shelves)

    def routes(self) -> ASGIApp:
        """Both services; the last requests are remembered without their tokens."""
        server = MediaServer(self.world)
        router = Router(
            [
                *server.routes()[:4],
                *PlexTv(self.world).routes(),
                *Discover(self.world.accounts, self.world.watchlists).routes(),
                *Approve(self.world).routes(),
                *Collections(self.world, server).routes(),
                *self._scanner.routes(),
                *Images(self.world).routes(),
                *server.routes()[4:],
                WebSocketRoute("/:/websockets/notifications", server.notifications),
                *server.last_routes(),
            ],
            default=self._not_found,
            redirect_slashes=False,
        )

        async def remember(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                self._remember(Request(scope))
            await router(scope, receive, send)

        return remember

    async def _not_found(self, scope: Scope, receive: Receive, send: Send) -> None:
        await html_error(404)(scope, receive, send)

    def _remember(self, request: Request) -> None:
        token = parameter(request, "X-Plex-Token")
        accounts = self.world.accounts
        account, server = accounts.by_account_token(token), accounts.by_server_token(token)
        holder = account or server
        self.world.requests.append(
            {
                "at": time.time(),
                "method": request.method,
                "path": request.url.path,
                "query": {k: v for k, v in request.query_params.items() if k != "X-Plex-Token"},
                "client": parameter(request, "X-Plex-Client-Identifier"),
                "user": None if holder is None else holder.username,
                "token": "account" if account else "server" if server else "unknown" if token else None,
                "token_in_url": "X-Plex-Token" in request.query_params,
            }
        )

    def control_routes(self) -> Sequence[BaseRoute]:
        """Knobs of this simulator; see `simulation.control`."""
        return Control(self.world, self._scanner).routes()

    def error_reply(self, status: int, scope: Scope) -> tuple[str, bytes]:
        """HTML from the media server, an error array from plex.tv."""
        if str(scope["path"]).startswith(("/api/", "/discover/")):
            return "application/json", tv_error_body(status)
        return "text/html", html_error_body(status)

    async def start(self, base_url: str) -> None:
        """Fill the library and encode its list entries, so that pages are only joined."""
        await super().start(base_url)
        self.world.base_url = base_url
        Path(self.world.options.library_dir).mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(self.world.populate)
        if self._shelves:
            add_shelves(self.world.library, int(time.time()) - 86400)
        self._scanner.begin(self.world.library.sections[VIDEOS], None)

    async def stop(self) -> None:
        """End scans and close websockets."""
        await self._scanner.stop()
        self.world.events.drop()

    async def hang_up(self) -> None:
        """End the websockets."""
        self.world.events.drop()

    async def fate(self, kind: str, ids: Mapping[str, str], title: str, year: int, fate: str) -> bool:
        """A film that arrives is in the library, and everybody who listens is told."""
        if kind != "movie" or fate != "arrives":
            return False
        guids = tuple(f"{provider}://{value}" for provider, value in ids.items())
        section = next(one for one in self.world.library.sections.values() if one.type == "movie")
        control = Control(self.world, self._scanner)
        item = control.put(section, title, {"year": year, "guids": guids})
        await self.world.webhooks.announce("library.new", item)
        return True

    def demo_instances(self) -> Sequence[DemoInstance]:
        """One Plex server, reached with the owner's token for it."""
        url = self.base_url
        settings: dict[str, object] = {
            "url": url,
            "token": self.world.accounts.server_token(self.world.accounts.owner),
            "account_url": url,
            "discover_url": f"{url}/discover",
            "link_url": f"{url}/link",
            "auth_url": f"{url}/auth",
        }
        return [DemoInstance("plex", "plex", "Living room", settings)]

    def facts(self) -> dict[str, object]:
        """Who there is and how to reach things."""
        accounts = self.world.accounts
        owner = accounts.owner
        return {
            "plex_username": DEMO_USER,
            "owner": owner.username,
            "users": {person.username: person.role for person in accounts.people},
            "user_ids": {person.username: person.id for person in accounts.people},
            "password": PASSWORD,
            "owner_token": accounts.server_token(owner),
            "owner_account_token": accounts.account_token(owner, "simulator"),
            "machine_identifier": accounts.machine,
            "link_url": f"{self.base_url}/link",
            "auth_url": f"{self.base_url}/auth",
            "library_dir": self.world.options.library_dir,
            "sections": {section.title: str(section.key) for section in self.world.library.sections.values()},
            "items": self.world.items,
        }
