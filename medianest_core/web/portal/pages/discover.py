"""Discover: what exists in the world, as shelves, as what a search found and as the sheet of one title with its request form."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.accounts.models import Status
from medianest_core.domain.accounts.saved import DISCOVER
from medianest_core.domain.discover.entries import Details, Entry, FeedInfo, Results, parse_key
from medianest_core.domain.discover.service import LAST_PAGE, LONGEST, Discover
from medianest_core.domain.requests.entries import Outcome
from medianest_core.domain.requests.states import State
from medianest_core.sdk.errors import MediaNestError, NotReady
from medianest_core.sdk.permissions import USER
from medianest_core.web.gate.problems import problem_of
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import ngettext, use_plugin
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.discover_form import Asking, Sent, read, refused, request_form, wish_of
from medianest_core.web.portal.pages.discover_rows import (
    nothing_answered,
    posters,
    sheet_path,
    trouble_notes,
)
from medianest_core.web.portal.pages.discover_sheet import sheet_view
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.saved import saved_bar
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import NORMAL, Action, Sentinel, Shelf, TileState
from medianest_core.web.portal.views.discover import DiscoverView, SheetView

_AT_ONCE = 2
"""Shelves that are part of the page; the others follow when they come into view."""
_FRAGMENT = "/fragments/discover"
_PAGE = "/discover"


class DiscoverPages:
    """Handlers of the discover pages."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        one = "/discover/{key:path}"
        return [
            page(_PAGE, self.discover, policy=USER),
            page(_FRAGMENT, self.fragment, policy=USER),
            page(_FRAGMENT + "/shelf/{name}", self.shelf, policy=USER),
            page(one + "/request", self.ask, methods=("POST",), policy=USER),
            page(one, self.sheet, policy=USER),
        ]

    async def discover(self, request: Request) -> Response:
        view = await self._kept(request, await self._view(request))
        return await self._frame.page(request, "core/discover.html", view)

    async def fragment(self, request: Request) -> Response:
        """What stands below the search field, or the next posters of it."""
        view = await self._view(request)
        if _page_of(request) > 1:
            return self._frame.fragment(request, "core/fragments/posters.html", view)
        text = _text_of(request)
        pushed = request.scope.get("root_path", "") + _address(text)
        view = replace(await self._kept(request, view), changed=True)
        return self._frame.fragment(
            request, "core/fragments/discover.html", view, headers={"HX-Replace-Url": pushed}
        )

    async def _kept(self, request: Request, view: DiscoverView) -> DiscoverView:
        """With the searches that the person keeps of this page."""
        if not view.searchable:
            return view
        kept = await services_of(request).accounts.saved.of(someone(request).id, DISCOVER)
        given = [("q", view.query), ("list", request.query_params.get("list", ""))]
        suggested = view.query or view.heading
        with use_viewer(self._frame.view(request)):
            return replace(view, saved=saved_bar(kept, DISCOVER, given, suggested))

    async def _view(self, request: Request) -> DiscoverView:
        services, text = services_of(request), _text_of(request)
        discover, name = services.discover, request.query_params.get("list", "")
        if not discover.catalogs():
            return DiscoverView(searchable=False, state=_no_catalog(someone(request).is_admin))
        if text:
            return await self._found(request, discover, text)
        feeds = discover.feeds()
        if name:
            feed = next((one for one in feeds if one.name == name), None)
            if feed is None:
                raise Missing(_("There is no such list right now."))
            return await self._list(request, discover, feed)
        return await self._shelves(request, services, feeds)

    async def _found(self, request: Request, discover: Discover, text: str) -> DiscoverView:
        number, person = _page_of(request), someone(request)
        found = await discover.search(person, text, number)
        before = await discover.search(person, text, number - 1) if number > 1 else Results()
        with use_viewer(self._frame.view(request)):
            empty = TileState(
                kind="empty",
                title=_("Nothing found"),
                text=_("No catalog knows “%(text)s”. Another spelling or the original title may help.")
                % {"text": text},
                icon="search-x",
            )
            count = "" if found.total is None else _count(found.total)
            return _grid(found, before, empty, query=text, heading=_("Results"), count=count)

    async def _list(self, request: Request, discover: Discover, feed: FeedInfo) -> DiscoverView:
        number, person = _page_of(request), someone(request)
        found = await discover.feed(person, feed.name, number)
        before = await discover.feed(person, feed.name, number - 1) if number > 1 else Results()
        with use_viewer(self._frame.view(request)):
            empty = TileState(
                kind="empty",
                title=_("This list is empty right now"),
                text=_("The catalogs have nothing in it."),
                icon="inbox",
            )
            return _grid(found, before, empty, name=feed.name, heading=_feed_title(feed))

    async def _shelves(self, request: Request, services: Services, feeds: Sequence[FeedInfo]) -> DiscoverView:
        discover, person = services.discover, someone(request)
        first = await asyncio.gather(*(discover.feed(person, one.name) for one in feeds[:_AT_ONCE]))
        with use_viewer(self._frame.view(request)):
            shelves = [_shelf(feed, results) for feed, results in zip(feeds, first, strict=False)]
            shelves += [_shelf(feed, None) for feed in feeds[_AT_ONCE:]]
            credits: dict[str, None] = {}
            for results in first:
                credits.update(dict.fromkeys(_(one) for one in results.attributions))
            return DiscoverView(
                shelves=tuple(shelves),
                notes=_once(first),
                credits=tuple(credits),
                state=NORMAL if shelves else _nothing_to_browse(services, person.is_admin),
            )

    async def shelf(self, request: Request) -> Response:
        """One shelf, when it comes into view."""
        discover = services_of(request).discover
        name = request.path_params["name"]
        feed = next((one for one in discover.feeds() if one.name == name), None)
        if feed is None:
            raise Missing(_("There is no such list right now."))
        results = await discover.feed(someone(request), name)
        with use_viewer(self._frame.view(request)):
            view = _shelf(feed, results, alone=True)
        return self._frame.fragment(request, "core/fragments/shelf.html", view)

    # One title

    async def sheet(self, request: Request) -> Response:
        view = await self._sheet(request, await self._details(request))
        return await self._frame.page(request, "core/discover_title.html", view)

    async def _details(self, request: Request) -> Details:
        """Raises Missing where nobody knows it, NotReady where nobody could be asked."""
        named = parse_key(request.path_params["key"])
        if named is None:
            raise Missing(_("This title is not known."))
        details = await services_of(request).discover.details(someone(request), *named)
        if details.entry is None and details.troubles:
            with use_viewer(self._frame.view(request)):
                reasons = " ".join(one.text for one in trouble_notes(details.troubles))
            raise NotReady(reasons)
        if details.entry is None:
            raise Missing(_("This title is not known."))
        return details

    async def _sheet(self, request: Request, details: Details, sent: Sent | None = None) -> SheetView:
        services, person = services_of(request), someone(request)
        entry = details.entry
        assert entry is not None
        [wishes] = await services.requests.wanted(person, [(entry.kind, entry.ids)])
        held = (
            await services.library.titles.detail(entry.available.title_id)
            if entry.available is not None
            else None
        )
        asking = Asking(
            details,
            entry,
            wishes,
            await services.requests.allowances(person),
            await services.requests.list_profiles(person),
            sent,
            await self._others(request) if person.is_admin else (),
        )
        with use_viewer(self._frame.view(request)):
            return sheet_view(
                entry,
                details,
                request_form(asking),
                wishes,
                held,
                {info.id: info for info in services.host.instances.all()},
                services.requests.types.all(),
            )

    async def _others(self, request: Request) -> Sequence[tuple[str, str]]:
        """People for whom an admin may ask."""
        person = someone(request)
        found = await services_of(request).accounts.users.list(status=Status.ACTIVE, limit=200)
        names = [(one.id, one.name) for one in found.users if one.id != person.id]
        return sorted(names, key=lambda one: one[1].casefold())

    async def ask(self, request: Request) -> Response:
        """Ask for the title; what cannot be had is said beside the form."""
        services, person = services_of(request), someone(request)
        sent, details = read(await request.form()), await self._details(request)
        entry = details.entry
        assert entry is not None
        try:
            profiles = await services.requests.list_profiles(person) if sent.profile_id else ()
            outcome = await services.requests.submit(person, wish_of(entry, details, sent, profiles))
        except MediaNestError as error:
            problem = problem_of(error)
            if problem.status == 500:
                raise
            with use_viewer(self._frame.view(request)):
                told = refused(sent, error)
            view = await self._sheet(request, details, told)
            status = self._frame.form_status(request, True, problem.status)
            return await self._frame.page(request, "core/discover_title.html", view, status=status)
        return self._frame.go(request, _after(entry, outcome), message=_said(outcome))


def _text_of(request: Request) -> str:
    return " ".join(request.query_params.get("q", "").split())[:LONGEST]


def _page_of(request: Request) -> int:
    return min(max(whole(request.query_params.get("page")) or 1, 1), LAST_PAGE)


def _address(text: str = "", name: str = "", number: int = 1, path: str = _PAGE) -> str:
    given = {"q": text, "list": name, "page": str(number) if number > 1 else ""}
    query = urlencode({key: value for key, value in given.items() if value})
    return f"{path}?{query}" if query else path


def _grid(
    found: Results,
    before: Results,
    empty: TileState,
    *,
    query: str = "",
    name: str = "",
    heading: str,
    count: str = "",
) -> DiscoverView:
    number = found.page
    shown = posters(found.entries, {one.key for one in before.entries})
    state = NORMAL
    if not found.entries:
        state = nothing_answered(found.troubles, _address(query, name, number)) if found.troubles else empty
    following = None
    if number < found.pages and found.entries:
        following = Sentinel(
            next_path=_address(query, name, number + 1, _FRAGMENT),
            page_path=_address(query, name, number + 1),
        )
    back = None
    if number > 1:
        back = Action(label=_("First page"), path=_address(query, name), icon="chevron-left")
    elif name:
        back = Action(label=_("All lists"), path=_PAGE, icon="chevron-left")
    return DiscoverView(
        query=query,
        heading=heading,
        count=count,
        posters=shown,
        next=following,
        back=back,
        notes=trouble_notes(found.troubles) if found.entries else (),
        credits=tuple(_(one) for one in found.attributions),
        state=state,
    )


def _count(total: int) -> str:
    return ngettext("%(num)d title", "%(num)d titles", total) % {"num": total}


def _feed_title(feed: FeedInfo) -> str:
    with use_plugin(feed.plugin):
        return _(feed.title)


def _shelf(feed: FeedInfo, results: Results | None, *, alone: bool = False) -> Shelf:
    """results None: it is loaded when it comes into view. alone: troubles are told on the shelf itself."""
    load_path, state = f"{_FRAGMENT}/shelf/{feed.name}", NORMAL
    if results is None:
        state = TileState(kind="loading")
    elif not results.entries and results.troubles:
        state = nothing_answered(results.troubles, _address(name=feed.name))
    elif not results.entries:
        state = TileState(
            kind="empty",
            title=_("This list is empty right now"),
            text=_("The catalogs have nothing in it."),
        )
    elif alone and (notes := trouble_notes(results.troubles)):
        state = notes[0]
    return Shelf(
        id=f"feed-{feed.name}",
        title=_feed_title(feed),
        posters=posters(results.entries) if results is not None else (),
        more_path=_address(name=feed.name),
        load_path=load_path,
        live="request:update",
        state=state,
    )


def _once(lists: Sequence[Results]) -> tuple[TileState, ...]:
    """The troubles of several lists that have something to show, each catalog once."""
    troubles = {one.instance_id: one for results in lists if results.entries for one in results.troubles}
    return trouble_notes(list(troubles.values()))


def _no_catalog(admin: bool) -> TileState:
    if admin:
        return TileState(
            kind="empty",
            title=_("No catalog is connected yet"),
            text=_(
                "A catalog knows the films and series that exist. Add a service that is one, and they appear here."
            ),
            icon="compass",
            action=Action(label=_("Add a service"), path="/admin/services", tone="primary", icon="plus"),
        )
    return TileState(
        kind="empty",
        title=_("Nothing to discover yet"),
        text=_("An admin still has to connect a catalog of films and series."),
        icon="compass",
    )


def _nothing_to_browse(services: Services, admin: bool) -> TileState:
    """Catalogs are there, but none has a list now: because it is away, or because it can only be searched."""
    away = [one.instance for one in services.discover.catalogs() if not one.instance.ready]
    if not away:
        return TileState(
            kind="empty",
            title=_("Search for a title"),
            text=_("The connected catalogs have no lists to browse."),
            icon="search",
        )
    first = away[0]
    return TileState(
        kind="failed",
        title=_("%(name)s is not available right now") % {"name": first.title},
        text=_(first.reason),
        since_at=first.since,
        icon="cloud-off",
        action=Action(label=_("Look at it"), path=f"/admin/services/{first.id}")
        if admin
        else Action(label=_("Try again"), path=_PAGE, icon="refresh-cw"),
    )


def _after(entry: Entry, outcome: Outcome) -> str:
    if outcome.request is not None:
        return f"/requests/{outcome.request.id}"
    return f"/title/{outcome.title_id}" if outcome.title_id else sheet_path(entry.key)


def _said(outcome: Outcome) -> str:
    made = outcome.request
    if outcome.result == "available" or made is None:
        return _("This is there already.")
    if outcome.result == "joined":
        return _("Somebody has asked for this already. You follow their request now.")
    if made.state == State.DECLINED:
        return _("This was declined: %(reason)s") % {"reason": _(made.reason)}
    if made.needs_decision:
        return _("Requested. An admin looks at it next.")
    return _("Requested. It is on its way.")
