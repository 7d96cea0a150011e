"""The calendar: when titles appear, by month and as an agenda, and as a file for calendar programs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.calendar.entries import Agenda, Appearance
from medianest_core.domain.calendar.ical import ics
from medianest_core.domain.calendar.service import DAY
from medianest_core.domain.requests.entries import Wanted
from medianest_core.sdk.media import EPISODE, SEASON, SHOW
from medianest_core.sdk.permissions import PUBLIC, USER
from medianest_core.sdk.routes import Viewer
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import use_locale, use_plugin
from medianest_core.web.portal.pages import calendar_days as days
from medianest_core.web.portal.pages.discover_rows import plain_path, wish_badge
from medianest_core.web.portal.pages.frame import KEEP_HEADER, Frame
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import NORMAL, Action, Badge, Choice, TileState
from medianest_core.web.portal.views.calendar import (
    CalendarAddress,
    CalendarDay,
    CalendarRow,
    CalendarView,
)

_PATH = "/calendar"
_FEED = "/calendar/feed/{token}.ics"
_WEEKS = (4, 12)
_BEFORE, _AFTER = 31 * DAY, 100 * DAY
"""What a calendar program is told of, in seconds from now."""
_FEED_PATIENCE = 15.0
_HELD = "private, max-age=900"
Wishes = Mapping[int, Wanted]
"""Place in the agenda → the household's newest request for it."""


class CalendarPages:
    """Handlers of the calendar."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [
            page(_PATH, self.calendar, policy=USER),
            page(f"{_PATH}.ics", self.file, policy=USER),
            page(f"{_PATH}/address", self.renew, methods=("POST",), policy=USER),
            page(f"{_PATH}/address/remove", self.revoke, methods=("POST",), policy=USER),
            # The address itself is the permission: calendar programs have no session. It opens this and nothing else.
            page(_FEED, self.feed, policy=PUBLIC),
        ]

    async def calendar(self, request: Request) -> Response:
        return await self._page(request)

    async def renew(self, request: Request) -> Response:
        """A new secret address, shown once."""
        token = await services_of(request).accounts.addresses.renew(someone(request).id)
        url = _own(request) + _FEED.format(token=token)
        answer = await self._page(request, CalendarAddress(url=url))
        answer.headers["Cache-Control"] = "no-store"
        if KEEP_HEADER in answer.headers:
            del answer.headers[KEEP_HEADER]
        return answer

    async def revoke(self, request: Request) -> Response:
        gone = await services_of(request).accounts.addresses.revoke(someone(request).id)
        message = _("The address does not work any more.") if gone else _("There is no address.")
        return self._frame.go(request, _PATH, message=message)

    async def _page(self, request: Request, address: CalendarAddress | None = None) -> Response:
        services, person = services_of(request), someone(request)
        if address is None:
            known = await services.accounts.addresses.of(person.id)
            address = CalendarAddress()
            if known is not None:
                address = CalendarAddress(created_at=known.created_at, last_used_at=known.last_used_at)
        with use_viewer(self._frame.view(request)):
            first, last = _span(request)
        agenda = await services.calendar.agenda(days.starts(first), days.ends(last))
        wishes = await self._wishes(request, agenda.entries)
        with use_viewer(self._frame.view(request)):
            view = _view(request, agenda, wishes, address, first, last, person)
        return await self._frame.page(request, "core/calendar.html", view)

    async def _wishes(self, request: Request, entries: Sequence[Appearance]) -> Wishes:
        """One question for all of them."""
        services, person = services_of(request), someone(request)
        asked = [(number, one) for number, one in enumerate(entries) if one.ids]
        found = await services.requests.wanted(person, [(_root(one.kind), one.ids) for _number, one in asked])
        return {number: some[0] for (number, _one), some in zip(asked, found, strict=True) if some}

    # For calendar programs

    async def file(self, request: Request) -> Response:
        """The same as a download."""
        with use_viewer(self._frame.view(request)):
            return await self._file(request, someone(request).locale)

    async def feed(self, request: Request) -> Response:
        services = services_of(request)
        person = await services.accounts.addresses.resolve(request.path_params["token"])
        if person is None:
            raise Missing(_("There is no such calendar."))
        return await self._file(request, person.locale)

    async def _file(self, request: Request, locale: str) -> Response:
        services = services_of(request)
        now = services.clock.now() // DAY * DAY
        agenda = await services.calendar.agenda(now - _BEFORE, now + _AFTER, _FEED_PATIENCE)
        own = _own(request)
        with use_locale(locale):
            content = ics(
                agenda.entries,
                services.portal_settings.now.site_name,
                how_words,
                lambda one: own + path if (path := entry_path(one)) else "",
            )
        tag = f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
        headers = {"ETag": tag, "Cache-Control": _HELD}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        headers["Content-Disposition"] = 'attachment; filename="medianest.ics"'
        return Response(content, media_type="text/calendar", headers=headers)


def _own(request: Request) -> str:
    """The portal's address as others reach it, without a slash at the end."""
    return (services_of(request).settings.public_url or str(request.base_url)).rstrip("/")


def how_words(one: Appearance) -> str:
    """How it appears, in the reader's language."""
    if not one.how:
        return ""
    with use_plugin(one.plugin):
        return _(one.how)


def entry_path(one: Appearance) -> str:
    """The page of the title: in the library, else the sheet where it can be asked for."""
    if one.title_id is not None:
        return f"/title/{one.title_id}"
    ids = {name: value for name, value in one.ids.items() if value}
    return plain_path(_root(one.kind), ids) if ids else ""


def _root(kind: str) -> str:
    return SHOW if kind in (EPISODE, SEASON) else kind


def _span(request: Request) -> tuple[date, date]:
    """The first and the last day that are shown."""
    if request.query_params.get("view") == "agenda":
        first = days.today()
        return first, first + timedelta(weeks=_weeks_of(request)) - timedelta(days=1)
    month = days.month_of(request.query_params.get("month", ""))
    shown = days.weeks(month)
    return shown[0][0], shown[-1][-1]


def _weeks_of(request: Request) -> int:
    text = request.query_params.get("weeks", "")
    return int(text) if text in map(str, _WEEKS) else _WEEKS[0]


def _view(
    request: Request,
    agenda: Agenda,
    wishes: Wishes,
    address: CalendarAddress,
    first: date,
    last: date,
    person: Viewer,
) -> CalendarView:
    listed = request.query_params.get("view") == "agenda"
    month = days.month_of(request.query_params.get("month", ""))
    rows: dict[date, list[CalendarRow]] = {}
    for number, one in enumerate(agenda.entries):
        day = days.day_of(one)
        if first <= day <= last:
            rows.setdefault(day, []).append(_row(one, wishes.get(number)))
    tabs = (
        Choice(label=_("Month"), value="month", path=_PATH, current=not listed),
        Choice(label=_("Agenda"), value="agenda", path=f"{_PATH}?view=agenda", current=listed),
    )
    notes = tuple(
        TileState(
            kind="stale",
            title=one.title,
            text=_("%(name)s could not be asked: %(reason)s") % {"name": one.title, "reason": _(one.reason)},
            since_at=one.shown_from,
        )
        for one in agenda.silent
    )
    made = _maker(rows, None if listed else month)
    return CalendarView(
        heading=_("The coming weeks") if listed else days.month_words(month),
        tabs=tabs,
        address=address,
        weekdays=() if listed else tuple(days.weekdays()),
        weeks=() if listed else tuple(tuple(map(made, week)) for week in days.weeks(month)),
        days=tuple(made(day) for day in sorted(rows) if listed or day.month == month.month),
        steps=_wider(_weeks_of(request)) if listed else _steps(month),
        notes=notes,
        state=NORMAL if rows else _empty(agenda, person.is_admin),
    )


def _maker(rows: Mapping[date, Sequence[CalendarRow]], month: date | None) -> Callable[[date], CalendarDay]:
    now = days.today()

    def made(day: date) -> CalendarDay:
        return CalendarDay(
            date=day.isoformat(),
            number=day.day,
            label=days.day_words(day),
            rows=tuple(rows.get(day, ())),
            today=day == now,
            outside=month is not None and day.month != month.month,
        )

    return made


def _row(one: Appearance, wish: Wanted | None) -> CalendarRow:
    badge = None
    if one.available:
        badge = Badge(text=_("Available"), tone="success")
    elif wish is not None:
        badge = wish_badge(wish.state)
    path = entry_path(one)
    if wish is not None and wish.request_id and one.title_id is None:
        path = f"/requests/{wish.request_id}"
    return CalendarRow(
        title=one.title,
        note=" · ".join(part for part in (one.detail, how_words(one)) if part),
        time=days.clock_of(one),
        icon="tv" if _root(one.kind) == SHOW else "film",
        path=path,
        badge=badge,
    )


def _steps(month: date) -> tuple[Action, ...]:
    before, after = days.moved(month, -1), days.moved(month, 1)
    return (
        Action(label=days.month_words(before), path=f"{_PATH}?month={before:%Y-%m}", icon="chevron-left"),
        Action(label=_("Today"), path=_PATH),
        Action(label=days.month_words(after), path=f"{_PATH}?month={after:%Y-%m}", icon="chevron-right"),
    )


def _wider(weeks: int) -> tuple[Action, ...]:
    return tuple(
        Action(label=_("%(count)s weeks") % {"count": one}, path=f"{_PATH}?view=agenda&weeks={one}")
        for one in _WEEKS
        if one != weeks
    )


def _empty(agenda: Agenda, admin: bool) -> TileState:
    if agenda.asked:
        return TileState(
            kind="empty",
            title=_("Nothing appears in this time"),
            text=_("What is asked for and not out yet stands here with its day."),
            icon="calendar-days",
        )
    text = _("Services that look for films and series know when these appear. None is connected yet.")
    action = Action(label=_("Add a service"), path="/admin/services", tone="primary", icon="plus")
    return TileState(
        kind="empty",
        title=_("The calendar is still empty"),
        text=text,
        icon="calendar-days",
        action=action if admin else None,
    )
