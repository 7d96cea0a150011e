"""Requests: what one asked for and where it stands; for admins everyone's, with what they decide."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import urlencode

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.requests.entries import Request, RequestDetail, RequestPage
from medianest_core.domain.requests.states import NotPossible, State
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.permissions import ADMIN, OWNER, USER
from medianest_core.sdk.routes import Viewer
from medianest_core.store.errors import Stale
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.formats import number
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.conflict import conflict_page, last_change
from medianest_core.web.portal.pages.frame import Frame, is_htmx
from medianest_core.web.portal.pages.requests_detail import back_action, request_view
from medianest_core.web.portal.pages.requests_forms import chosen_way
from medianest_core.web.portal.pages.requests_rows import BASE, request_row, state_label
from medianest_core.web.portal.pages.requests_way import request_way
from medianest_core.web.portal.pages.shown import read_rows, shown
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import NORMAL, Action, Choice, Fact, Sentinel, TileState
from medianest_core.web.portal.views.requests import RequestsView

T = TypeVar("T")
AT_ONCE = 30
UNDERWAY = (
    State.APPROVED.value,
    State.SUBMITTING.value,
    State.PROCESSING.value,
    State.PARTIALLY_AVAILABLE.value,
    State.HELD.value,
)
TABS: Mapping[str, tuple[str, ...]] = {
    "all": (),
    "waiting": (),
    "underway": UNDERWAY,
    "available": (State.AVAILABLE.value,),
    "failed": (State.FAILED.value,),
    "ended": (State.DECLINED.value, State.CANCELLED.value),
}
"""Tab → states it shows; "waiting" are those that nobody has decided about."""


class RequestPages:
    """Handlers of the pages for requests."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        one = BASE + "/{request_id}"
        return [
            page(BASE, self.list, policy=USER),
            page("/fragments" + one, self.row, policy=OWNER),
            page(one, self.detail, policy=OWNER),
            page("/fragments" + one + "/way", self.way, policy=OWNER),
            page(one + "/act", self.act, methods=("POST",), policy=ADMIN),
            page(one + "/approve", self.approve, methods=("POST",), policy=ADMIN),
            page(one + "/decline", self.decline, methods=("POST",), policy=ADMIN),
            page(one + "/retry", self.retry, methods=("POST",), policy=ADMIN),
            page(one + "/remove", self.remove, methods=("POST",), policy=ADMIN),
            page(one + "/cancel", self.cancel, methods=("POST",), policy=OWNER),
            page(one + "/follow", self.follow, methods=("POST",), policy=OWNER),
            page(one + "/unfollow", self.unfollow, methods=("POST",), policy=OWNER),
            page(one + "/comments", self.comment, methods=("POST",), policy=OWNER),
            page(one + "/comments/{comment_id}/remove", self.remove_comment, methods=("POST",), policy=OWNER),
        ]

    async def list(self, request: HttpRequest) -> Response:
        services, person, query = services_of(request), someone(request), request.query_params
        everyone = person.is_admin and query.get("whose") != "mine"
        tab = tab_of(query.get("state"))
        cursor = query.get("cursor")
        again = shown(request)

        async def read(cursor: str | None, limit: int) -> RequestPage:
            return await services.requests.list(
                person,
                everyone=everyone,
                states=TABS[tab],
                undecided=tab == "waiting",
                cursor=cursor,
                limit=limit,
            )

        found, further = await read_rows(read, cursor, max(AT_ONCE, again or 0))
        more = is_htmx(request) and bool(cursor)
        counts = {} if more else await services.requests.counts(person, everyone=everyone)
        left = () if more or again is not None or person.is_admin else await self._left(request)
        now = await services.activity.now(found)
        with use_viewer(self._frame.view(request)):
            following = None
            if further:
                path = place(everyone, person, tab, cursor=further)
                following = Sentinel(next_path=path, page_path=path)
            view = RequestsView(
                path=place(everyone, person, tab),
                whose=whose_choices(person, "all" if everyone else "mine"),
                tabs=_tabs(counts, tab, everyone, person) if counts and sum(counts.values()) else (),
                rows=tuple(request_row(services, one, person, to=tab, now=now.get(one.id)) for one in found),
                triage=person.is_admin,
                left=left,
                next=following,
                state=NORMAL if found else _empty(tab, any(counts.values()), everyone),
            )
        if more:
            return self._frame.fragment(request, "core/fragments/request_rows.html", view)
        if again is not None:
            return self._frame.fragment(request, "core/fragments/requests.html", view)
        return await self._frame.page(request, "core/requests.html", view)

    async def _left(self, request: HttpRequest) -> tuple[str, ...]:
        """What this person may still ask for, where that is limited."""
        services, found = services_of(request), []
        types = services.requests.types.all()
        for one in await services.requests.allowances(someone(request)):
            if not one.allowed or one.limit is None or one.left is None or one.variant:
                continue
            kind = types.get(one.kind)
            with use_viewer(self._frame.view(request)):
                words = _("%(kind)s: %(left)s of %(limit)s left")
                found.append(
                    words
                    % {
                        "kind": _(kind.plural) if kind is not None else one.kind,
                        "left": number(one.left),
                        "limit": number(one.limit),
                    }
                )
        return tuple(found)

    async def row(self, request: HttpRequest) -> Response:
        services, person = services_of(request), someone(request)
        one = _there(await services.requests.get(person, request.path_params["request_id"]))
        return await self._row(request, one)

    async def _row(self, request: HttpRequest, one: Request, to: str | None = None) -> Response:
        services, person = services_of(request), someone(request)
        now = (await services.activity.now([one])).get(one.id)
        tab = tab_of(to or request.query_params.get("to"))
        with use_viewer(self._frame.view(request)):
            view = request_row(services, one, person, to=tab, now=now)
        return self._frame.fragment(request, "core/fragments/request_row.html", view)

    async def detail(self, request: HttpRequest) -> Response:
        return await self._detail(request)

    async def _detail(
        self, request: HttpRequest, error: UserError | None = None, sent: Mapping[str, Any] | None = None
    ) -> Response:
        """error, sent: what could not be taken, and what somebody wrote."""
        services, person = services_of(request), someone(request)
        found: RequestDetail = _there(
            await services.requests.detail(person, request.path_params["request_id"])
        )
        way = await services.activity.timeline_of(person, found)
        profiles = await services.requests.list_profiles(person) if person.is_admin else ()
        backends = {one.instance.id: one.instance.title for one in services.requests.backends.ready()}
        with use_viewer(self._frame.view(request)):
            view = request_view(services, found, way, person, profiles, backends, error, sent or {})
        status = self._frame.form_status(request, error)
        return await self._frame.page(request, "core/request.html", view, status=status)

    async def way(self, request: HttpRequest) -> Response:
        """The timeline alone, for its live updates."""
        return await self._way(request)

    async def _way(self, request: HttpRequest, said: str = "") -> Response:
        services, person = services_of(request), someone(request)
        found = _there(await services.activity.timeline(person, _id(request)))
        with use_viewer(self._frame.view(request)):
            view = request_way(services, found)
            told = {"toast": {"text": _(said), "tone": "success"}} if said else None
        headers = {"HX-Trigger": json.dumps(told)} if told else None
        return self._frame.fragment(request, "core/fragments/request_way.html", view, headers=headers)

    async def act(self, request: HttpRequest) -> Response:
        """Do what a stage offers."""
        services, person, request_id = services_of(request), someone(request), _id(request)
        sent = await request.form()
        wanted = (str(sent.get(name, ""))[:40] for name in ("instance_id", "stage", "what"))
        done = _there(await services.activity.act(person, request_id, *wanted))
        if is_htmx(request):
            return await self._way(request, done)
        return self._frame.go(request, f"{BASE}/{request_id}", message=_(done))

    async def approve(self, request: HttpRequest) -> Response:
        way = chosen_way(await request.form())
        return await self._decide(request, "approve", _("Approved."), **way)

    async def retry(self, request: HttpRequest) -> Response:
        way = chosen_way(await request.form())
        return await self._decide(request, "retry", _("It is sent again."), **way)

    async def decline(self, request: HttpRequest) -> Response:
        reason = str((await request.form()).get("reason", ""))
        return await self._decide(request, "decline", _("Declined."), reason=reason)

    async def cancel(self, request: HttpRequest) -> Response:
        services, person, request_id = services_of(request), someone(request), _id(request)
        _there(await services.requests.get(person, request_id))

        async def act(version: int | None) -> Response:
            left = await services.requests.cancel(person, request_id, version=version)
            if left is None:
                return self._frame.go(request, BASE, message=_("You left it to the others who follow it."))
            return self._frame.go(request, f"{BASE}/{request_id}", message=_("Cancelled."))

        return await self._checked(request, "cancel", act)

    async def remove(self, request: HttpRequest) -> Response:
        services, person, request_id = services_of(request), someone(request), _id(request)

        async def act(version: int | None) -> Response:
            if not await services.requests.remove(person, request_id, version=version):
                raise missing()
            return self._frame.go(request, BASE, message=_("Removed."))

        return await self._checked(request, "remove", act)

    async def _decide(self, request: HttpRequest, what: str, message: str, **values: Any) -> Response:
        services, person, request_id = services_of(request), someone(request), _id(request)
        to = (await request.form()).get("to")

        async def act(version: int | None) -> Response:
            decide = getattr(services.requests, what)
            one: Request = _there(await decide(person, request_id, version=version, **values))
            if is_htmx(request):
                return await self._row(request, one, str(to or ""))
            if to:
                return self._frame.go(request, place(True, person, tab_of(str(to))), message=message)
            return self._frame.go(request, f"{BASE}/{request_id}", message=message)

        return await self._checked(request, what, act)

    async def _checked(
        self, request: HttpRequest, what: str, act: Callable[[int | None], Awaitable[Response]]
    ) -> Response:
        """Do it over the version that the page has shown; where it changed meanwhile, let them choose."""
        sent = await request.form()
        try:
            return await act(whole(sent.get("version")))
        except UserError as refused:
            if is_htmx(request):
                raise
            return await self._detail(request, refused, {"reason": str(sent.get("reason", ""))})
        except NotPossible as late:
            if is_htmx(request):
                raise
            return self._frame.go(request, f"{BASE}/{_id(request)}", message=_(str(late)))
        except Stale:
            if is_htmx(request):
                # The row shows by itself how it is now.
                raise
            return await self._conflict(request, what)

    async def _conflict(self, request: HttpRequest, what: str) -> Response:
        services, sent = services_of(request), await request.form()
        one = _there(await services.requests.get(someone(request), _id(request)))
        kept = tuple(
            (name, str(value))
            for name in ("reason", "profile_id", "instance_id", "to")
            if (value := sent.get(name))
        )
        again = back_action(one, what)
        return await conflict_page(
            self._frame,
            request,
            title=one.title,
            change=await last_change(services, one.id, "requests."),
            wanted=again.label,
            present=(
                Fact(label=_("State"), value=state_label(one.state)),
                *((Fact(label=_("Reason"), value=_(one.reason)),) if one.reason else ()),
            ),
            again=replace(again, values=kept),
            version=one.version,
            back=f"{BASE}/{one.id}",
        )

    async def follow(self, request: HttpRequest) -> Response:
        person, request_id = someone(request), _id(request)
        _there(await services_of(request).requests.follow(person, request_id))
        return self._frame.go(request, f"{BASE}/{request_id}", message=_("You follow it now."))

    async def unfollow(self, request: HttpRequest) -> Response:
        person, request_id = someone(request), _id(request)
        whom = str((await request.form()).get("user_id", "")) or None
        try:
            if not await services_of(request).requests.unfollow(
                person, request_id, whom if person.is_admin else None
            ):
                raise missing()
        except NotPossible as last:
            return self._frame.go(request, f"{BASE}/{request_id}", message=_(str(last)))
        # Who is no admin does not see it any more.
        path = f"{BASE}/{request_id}" if person.is_admin else BASE
        told = _("You do not follow it any more.") if whom in (None, person.id) else _("Removed.")
        return self._frame.go(request, path, message=told)

    async def comment(self, request: HttpRequest) -> Response:
        text = str((await request.form()).get("text", ""))
        try:
            _there(await services_of(request).requests.comment(someone(request), _id(request), text))
        except UserError as refused:
            return await self._detail(request, refused, {"text": text})
        return self._frame.go(request, f"{BASE}/{_id(request)}#thread")

    async def remove_comment(self, request: HttpRequest) -> Response:
        comment_id = request.path_params["comment_id"]
        if not await services_of(request).requests.remove_comment(someone(request), _id(request), comment_id):
            raise Missing(_("There is no such comment."))
        return self._frame.go(request, f"{BASE}/{_id(request)}#thread", message=_("Removed."))


def tab_of(text: str | None) -> str:
    return text if text is not None and text in TABS else "all"


def place(everyone: bool, person: Viewer, tab: str, **more: str) -> str:
    """The address of a list."""
    asked = {"state": tab} if tab != "all" else {}
    if person.is_admin and not everyone:
        asked["whose"] = "mine"
    asked |= more
    return BASE + (f"?{urlencode(asked)}" if asked else "")


def whose_choices(person: Viewer, current: str) -> tuple[Choice, ...]:
    """Lists one can go to: for admins everyone's and their own, and the reports."""
    found = [("mine", _("Mine"), BASE)]
    if person.is_admin:
        found = [("all", _("Everyone's"), BASE), ("mine", _("Mine"), f"{BASE}?whose=mine")]
    found.append(("issues", _("Reports"), f"{BASE}/issues"))
    found.append(("watchlist", _("Watchlist"), f"{BASE}/watchlist"))
    return tuple(
        Choice(label=label, value=key, path=path, current=key == current) for key, label, path in found
    )


def missing() -> Missing:
    return Missing(_("There is no such request."))


def _tabs(counts: Mapping[str, int], tab: str, everyone: bool, person: Viewer) -> tuple[Choice, ...]:
    labels = {
        "all": _("All"),
        "waiting": _("Waiting"),
        "underway": _("Under way"),
        "available": _("Available"),
        "failed": _("Failed"),
        "ended": _("Ended"),
    }
    known = sum(count for state, count in counts.items() if state != "undecided")
    return tuple(
        Choice(
            label=label,
            value=key,
            path=place(everyone, person, key),
            current=key == tab,
            count=known
            if key == "all"
            else counts["undecided"]
            if key == "waiting"
            else sum(counts[state] for state in TABS[key]),
        )
        for key, label in labels.items()
    )


def _empty(tab: str, others: bool, everyone: bool) -> TileState:
    if others and tab == "waiting":
        return TileState(
            kind="empty",
            title=_("Nothing waits"),
            text=_("All requests are decided."),
            icon="circle-check",
        )
    if others:
        return TileState(
            kind="empty", title=_("None like this"), text=_("Look among the others."), icon="search-x"
        )
    return TileState(
        kind="empty",
        title=_("No requests yet"),
        text=_("Find a title that is not in the library yet, and ask for it."),
        icon="ticket",
        action=Action(label=_("Find a title"), path="/discover", tone="primary", icon="search"),
    )


def _id(request: HttpRequest) -> str:
    return str(request.path_params["request_id"])


def _there(found: T | None) -> T:
    """What was found; someone else's is as if it did not exist."""
    if found is None:
        raise missing()
    return found
