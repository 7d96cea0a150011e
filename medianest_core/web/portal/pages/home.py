"""Home: a focal point, what is new, and cards of the core and of plugins; each card fills in by itself."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Literal

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.activity.timeline import ON_THE_WAY
from medianest_core.domain.downloads.entries import OPEN
from medianest_core.domain.requests.states import State
from medianest_core.host.states import InstanceState
from medianest_core.sdk.media import MOVIE, SHOW
from medianest_core.sdk.permissions import USER
from medianest_core.sdk.routes import Viewer
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.pages.arrange import PATH as ARRANGE
from medianest_core.web.portal.pages.download_rows import download_row
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.plugin_pages import PluginPages
from medianest_core.web.portal.pages.posters import art, episodes_label, headline, kind_label, poster
from medianest_core.web.portal.pages.requests_rows import request_row
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import NORMAL, Action, Card, Focus, HomeView, Shelf, TileState

REQUEST_CARDS = ("requests", "approvals")
WANTED = (State.PENDING, State.HELD, *ON_THE_WAY)
"""Requests of which something is still to come."""
_SHELVES: dict[str, tuple[str, ...]] = {"new": (), "movies": (MOVIE,), "series": (SHOW,)}


class HomePages:
    """Handlers of home and its fragments."""

    def __init__(self, frame: Frame, plugins: PluginPages) -> None:
        self._frame = frame
        self._plugins = plugins

    def routes(self) -> list[BaseRoute]:
        return [
            page("/", self.home, policy=USER),
            page("/fragments/shelf/{id}", self.shelf, policy=USER),
            page("/fragments/card/{id}", self.card, policy=USER),
        ]

    async def home(self, request: Request) -> Response:
        services, person = services_of(request), someone(request)
        arranged = await services.accounts.home.of(person.id)
        with use_viewer(self._frame.view(request)):
            cards = await self.cards(request)
            shelves = [await self._shelf(services, one) for one in _SHELVES]
            shown = tuple(shelf for shelf in shelves if shelf.posters)
            empty = not shown and not services.host.instances.all()
            if empty:
                # The core's own have nothing to tell yet; what a plugin brings needs no service.
                cards = [one for one in cards if ":" in one.id]
            view = HomeView(
                greeting=_greeting(person.username),
                focus=await self._focus(services),
                shelves=shown,
                cards=tuple([await self._filled(request, one) for one in arranged.shown(cards)]),
                arrange_path=ARRANGE,
                state=_empty(person.is_admin) if empty else NORMAL,
            )
        return await self._frame.page(request, "core/home.html", view)

    async def cards(self, request: Request) -> list[Card]:
        """All cards that this person may have, in the portal's order and without their bodies."""
        return [
            Card(
                id="services",
                title=_("Services"),
                icon="activity",
                path="/status",
                live="service:status instance:changed",
                load_path="/fragments/card/services",
            ),
            Card(
                id="downloads",
                title=_("My downloads"),
                icon="download",
                path="/downloads",
                live="download:changed download:removed",
                load_path="/fragments/card/downloads",
            ),
            *_request_cards(someone(request)),
            *await self._plugins.cards(request),
        ]

    async def _filled(self, request: Request, card: Card) -> Card:
        """With its body, where the core makes it; cards of plugins fill in by themselves."""
        if card.id == "services":
            return replace(card, html=self._services(request, services_of(request)))
        if card.id == "downloads":
            return replace(card, html=await self._downloads(request))
        if card.id in REQUEST_CARDS:
            return replace(card, html=await self._requests(request, card.id))
        return card

    async def _focus(self, services: Services) -> Focus | None:
        found = await services.library.recent(6, (MOVIE, SHOW))
        glimpses = await services.library.titles.glimpses([one.row.id for one in found])
        for one in found:
            shown = glimpses.get(one.row.id)
            if shown is None or "backdrop" not in shown.images:
                continue
            return Focus(
                title=one.row.title,
                path=f"/title/{one.row.id}",
                kicker=_("New in your library"),
                backdrop=art(shown.images["backdrop"]),
                poster=art(one.row.poster, one.row.title),
                facts=(kind_label(one.row.kind), *headline(one.row), *one.row.genres[:2]),
                overview=shown.summary,
                actions=(
                    Action(
                        label=_("Look at it"), path=f"/title/{one.row.id}", icon="arrow-right", tone="primary"
                    ),
                ),
            )
        return None

    async def _shelf(self, services: Services, key: str) -> Shelf:
        titles = {"new": _("New"), "movies": _("New movies"), "series": _("New series and episodes")}
        kinds = _SHELVES[key]
        found = await services.library.recent(18, kinds or (MOVIE, SHOW))
        blurs = await services.placeholders.of(one.row.poster for one in found)
        posters = tuple(
            poster(one.row, subtitle=episodes_label(one.episodes) if one.episodes else "", blurs=blurs)
            for one in found
        )
        more = f"/library/{kinds[0]}?sort=-added" if kinds else "/library?sort=-added"
        return Shelf(
            id=key,
            title=titles[key],
            posters=posters,
            more_path=more,
            load_path=f"/fragments/shelf/{key}",
            live="library:changed",
        )

    async def shelf(self, request: Request) -> Response:
        key = request.path_params["id"]
        if key not in _SHELVES:
            raise Missing("There is no such shelf.")
        with use_viewer(self._frame.view(request)):
            view = await self._shelf(services_of(request), key)
        return self._frame.fragment(request, "core/fragments/shelf.html", view)

    async def card(self, request: Request) -> Response:
        key = request.path_params["id"]
        with use_viewer(self._frame.view(request)):
            if key == "services":
                view = Card(id=key, title=_("Services"), html=self._services(request, services_of(request)))
            elif key == "downloads":
                view = Card(id=key, title=_("My downloads"), html=await self._downloads(request))
            elif key in REQUEST_CARDS:
                view = Card(id=key, title="", html=await self._requests(request, key))
            else:
                return await self._plugins.card(request, key)
        return self._frame.fragment(request, "core/fragments/card.html", view)

    async def _downloads(self, request: Request) -> Markup:
        """The person's downloads that are not finished, else the latest ones."""
        downloads, person = services_of(request).downloads, someone(request)
        found = await downloads.list(person, statuses=OPEN, limit=3)
        if not found.items:
            found = await downloads.list(person, limit=3)
        rows = [download_row(one) for one in found.items]
        text = self._frame.renderer.text(
            "core/fragments/downloads_card.html", {"rows": rows}, self._frame.view(request)
        )
        return Markup(text)  # noqa: S704  # rendered by our own template

    async def _requests(self, request: Request, key: str) -> Markup:
        """The person's requests that are not finished, else the latest ones; or those that wait for an admin."""
        services, person = services_of(request), someone(request)
        if key == "approvals":
            if not person.is_admin:
                raise Missing("There is no such card.")
            found = await services.requests.list(person, everyone=True, undecided=True, limit=4)
        else:
            found = await services.requests.list(person, states=[one.value for one in WANTED], limit=4)
            if not found.items:
                found = await services.requests.list(person, limit=3)
        now = await services.activity.now(found.items)
        values = {
            "rows": [request_row(services, one, person, now=now.get(one.id)) for one in found.items],
            "empty": _("Nothing waits for you.") if key == "approvals" else _("Nothing yet."),
            "more": "" if key == "approvals" else _("Find a title"),
            "path": "/discover",
        }
        text = self._frame.renderer.text(
            "core/fragments/requests_card.html", values, self._frame.view(request)
        )
        return Markup(text)  # noqa: S704  # rendered by our own template

    def _services(self, request: Request, services: Services) -> Markup:
        """One line for each service: up, or what is wrong and since when."""
        from medianest_core.web.portal.pages.services import health_row

        rows = [
            health_row(services, info, admin=False)
            for info in services.status.board.visible(someone(request), services.host.instances.all())
            if info.state is not InstanceState.CLOSED
        ]
        text = self._frame.renderer.text(
            "core/fragments/services_card.html", {"rows": rows}, self._frame.view(request)
        )
        return Markup(text)  # noqa: S704  # rendered by our own template


def _request_cards(person: Viewer) -> list[Card]:
    mine = Card(
        id="requests",
        title=_("My requests"),
        icon="ticket",
        path="/requests?whose=mine" if person.is_admin else "/requests",
        live="request:update request:progress",
        load_path="/fragments/card/requests",
    )
    if not person.is_admin:
        return [mine]
    waiting = Card(
        id="approvals",
        title=_("Approvals waiting"),
        icon="list-checks",
        path="/requests?state=waiting",
        live="request:update",
        load_path="/fragments/card/approvals",
    )
    return [waiting, mine]


def _greeting(name: str) -> str:
    hour = time.gmtime().tm_hour
    part: Literal["morning", "day", "evening"] = (
        "morning" if 4 <= hour < 11 else "day" if hour < 18 else "evening"
    )
    texts = {
        "morning": _("Good morning, %(name)s"),
        "day": _("Hello, %(name)s"),
        "evening": _("Good evening, %(name)s"),
    }
    return texts[part] % {"name": name}


def _empty(admin: bool) -> TileState:
    if admin:
        return TileState(
            kind="empty",
            title=_("Welcome to your portal"),
            text=_("Connect a media server, and your library appears here."),
            icon="server",
            action=Action(label=_("Add a service"), path="/admin/services", tone="primary", icon="plus"),
        )
    return TileState(
        kind="empty",
        title=_("Nothing here yet"),
        text=_("An admin still has to connect a media server."),
        icon="library-big",
    )
