"""Status: what is up, group by group, how it fared, what is announced; for admins also who sees it."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.base.texts import N_
from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.status.reading import RECENT, Monitor, Shown
from medianest_core.domain.status.rings import Span
from medianest_core.domain.status.states import State
from medianest_core.host.errors import UnknownInstance
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.permissions import ADMIN, USER
from medianest_core.store.errors import Stale
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.formats import number
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import ngettext
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.frame import Frame, is_htmx
from medianest_core.web.portal.pages.status_charts import chart, share, span_label, spark
from medianest_core.web.portal.pages.status_forms import (
    NEW,
    announcement_view,
    for_everything,
    monitor_form,
    wanted_from,
    wanted_of,
)
from medianest_core.web.portal.pages.status_rows import BASE, incident_row, monitor_row
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import (
    NORMAL,
    Action,
    Choice,
    Fact,
    Form,
    Sentinel,
    TileState,
)
from medianest_core.web.portal.views.common import Tone
from medianest_core.web.portal.views.status import (
    MonitorGroup,
    MonitorRow,
    MonitorView,
    PastPanel,
    StatusView,
)

AT_ONCE = 40


class StatusPages:
    """Handlers of the status pages."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        announcement = BASE + "/announcements/{identifier}"
        return [
            page(BASE, self.overview, policy=USER),
            page(BASE + "/rows/{id}", self.row, policy=USER),
            page(announcement, self.announcement, policy=ADMIN),
            page(announcement, self.announce, methods=("POST",), policy=ADMIN),
            page(announcement + "/end", self.end, methods=("POST",), policy=ADMIN),
            page(announcement + "/remove", self.remove, methods=("POST",), policy=ADMIN),
            page(BASE + "/{id}", self.monitor, policy=USER),
            page(BASE + "/{id}", self.decide, methods=("POST",), policy=ADMIN),
            page(BASE + "/{id}/all", self.decide_all, methods=("POST",), policy=ADMIN),
        ]

    async def overview(self, request: Request) -> Response:
        services, person = services_of(request), someone(request)
        query = request.query_params
        which, show = _span(query.get("span")), "trouble" if query.get("show") == "trouble" else "all"
        text = query.get("q", "").strip()[:200]
        read = services.status.read
        shown = await read.monitors(
            person,
            text=text,
            trouble=show == "trouble",
            cursor=query.get("cursor"),
            limit=AT_ONCE,
            spans={Span.DAY, which},
        )
        now = services.clock.now()
        if is_htmx(request) and query.get("cursor"):
            with use_viewer(self._frame.view(request)):
                view = _list(services, shown, which, show, text, begun=query.get("group"))
            return self._frame.fragment(request, "core/fragments/monitors.html", view)
        counts = await read.counts(person)
        going = await read.incidents(person, open_only=True, limit=20)
        recent = await read.incidents(person, limit=20)
        with use_viewer(self._frame.view(request)):
            view = _head(_list(services, shown, which, show, text), counts, which, show, text)
            view = replace(
                view,
                now=tuple(
                    incident_row(one, now, admin=person.is_admin)
                    for one in going.items
                    if one.kind != "outage"
                ),
                recent=tuple(
                    incident_row(one, now, admin=person.is_admin)
                    for one in recent.items
                    if one.ended_at is not None and now - RECENT < one.ended_at <= now
                )[:8],
                actions=(
                    Action(label=_("Announce something"), path=f"{BASE}/announcements/{NEW}", icon="plus"),
                )
                if person.is_admin
                else (),
            )
            if not sum(counts.values()):
                view = replace(view, tabs=(), spans=(), state=_empty(person.is_admin))
        return await self._frame.page(request, "core/status.html", view)

    async def row(self, request: Request) -> Response:
        """One row, when it has changed; nothing where it is not for this person any more."""
        services, which = services_of(request), _span(request.query_params.get("span"))
        try:
            shown = await services.status.read.monitor(
                someone(request), _monitor_id(request), {Span.DAY, which}
            )
        except Missing:
            return Response("", headers={"HX-Reswap": "delete"})
        with use_viewer(self._frame.view(request)):
            view = _row(services, shown.page.items[0], shown, which)
        return self._frame.fragment(request, "core/fragments/monitor_row.html", view)

    async def monitor(self, request: Request) -> Response:
        return await self._monitor(request)

    async def _monitor(self, request: Request, form: Form | None = None, status: int = 200) -> Response:
        services, person, monitor_id = services_of(request), someone(request), _monitor_id(request)
        shown = await services.status.read.monitor(person, monitor_id)
        found = await services.status.read.incidents(person, monitor_id=monitor_id, limit=20)
        monitor, pasts, now = shown.page.items[0], shown.pasts[monitor_id], services.clock.now()
        with use_viewer(self._frame.view(request)):
            row = _row(services, monitor, shown, Span.DAY)
            view = MonitorView(
                row=row,
                facts=_facts(services, monitor),
                pasts=tuple(
                    PastPanel(title=span_label(one), uptime=share(past.uptime), chart=chart(past))
                    for one, past in pasts.items()
                ),
                spark=spark(pasts[Span.DAY].buckets),
                incidents=tuple(
                    incident_row(one, now, admin=person.is_admin, origin=False) for one in found.items
                ),
                form=(form or monitor_form(monitor)) if person.is_admin else None,
                everything=for_everything(monitor) if person.is_admin and monitor.own else (),
                actions=(
                    Action(
                        label=_("Its settings"),
                        path=f"/admin/services/{monitor.instance_id}",
                        icon="settings-2",
                    ),
                )
                if person.is_admin
                else (),
            )
        return await self._frame.page(request, "core/monitor.html", view, status=status)

    async def decide(self, request: Request) -> Response:
        services, person, monitor_id = services_of(request), someone(request), _monitor_id(request)
        sent = await request.form()
        role, needed = str(sent.get("role", "")), sent.getlist("needed")[-1:] == ["true"]
        known = (await services.status.read.monitor(person, monitor_id, ())).page.items[0]
        version = whole(sent.get("version"))
        try:
            await services.status.announcements.decide(
                monitor_id, role, needed, known.version if version is None else version, person.id
            )
        except UserError as refused:
            return await self._monitor(request, status=self._frame.form_status(request, refused))
        except Stale as stale:
            with use_viewer(self._frame.view(request)):
                form = monitor_form(replace(known, role=role, needed=needed), theirs=stale.current)
            return await self._monitor(request, form, self._frame.form_status(request, stale, 409))
        return self._frame.go(request, f"{BASE}/{monitor_id}", message=_("Saved."))

    async def decide_all(self, request: Request) -> Response:
        services, person = services_of(request), someone(request)
        shown = await services.status.read.monitor(person, _monitor_id(request), ())
        monitor, role = shown.page.items[0], str((await request.form()).get("role", ""))
        count = await services.status.announcements.decide_all(monitor.instance_id, role, person.id)
        told = ngettext("Saved for %(count)s monitor.", "Saved for %(count)s monitors.", count)
        return self._frame.go(request, f"{BASE}/{monitor.id}", message=told % {"count": number(count)})

    async def announcement(self, request: Request) -> Response:
        services, identifier = services_of(request), request.path_params["identifier"]
        known = None
        if identifier != NEW:
            known = await services.status.read.incident(someone(request), identifier)
            if known.kind != "announcement":
                raise Missing(_("There is no such announcement."))
        with use_viewer(self._frame.view(request)):
            view = announcement_view(identifier, known, wanted_of(known), services.clock.now())
        return await self._frame.page(request, "core/announcement.html", view)

    async def announce(self, request: Request) -> Response:
        services, identifier = services_of(request), request.path_params["identifier"]
        sent, person, now = await request.form(), someone(request), services.clock.now()
        known = None
        if identifier != NEW:
            known = await services.status.read.incident(person, identifier)
        wanted = wanted_from(sent, known, now)
        error, theirs, version = None, None, whole(sent.get("version"))
        try:
            if known is None:
                await services.status.announcements.add(wanted, person.id)
            else:
                await services.status.announcements.change(
                    identifier, wanted, known.version if version is None else version, person.id
                )
        except UserError as refused:
            error = refused
        except Stale as stale:
            theirs = stale
        else:
            return self._frame.go(request, BASE, message=_("Saved."))
        with use_viewer(self._frame.view(request)):
            view = announcement_view(identifier, known, wanted, now, error=error, theirs=theirs)
        status = self._frame.form_status(request, error or theirs, 409 if theirs else 422)
        return await self._frame.page(request, "core/announcement.html", view, status=status)

    async def end(self, request: Request) -> Response:
        return await self._finish(request, remove=False)

    async def remove(self, request: Request) -> Response:
        return await self._finish(request, remove=True)

    async def _finish(self, request: Request, *, remove: bool) -> Response:
        services, identifier = services_of(request), request.path_params["identifier"]
        person = someone(request)
        known = await services.status.read.incident(person, identifier)
        version = whole((await request.form()).get("version"))
        act = services.status.announcements.remove if remove else services.status.announcements.end
        try:
            await act(identifier, known.version if version is None else version, person.id)
        except Stale:
            told = _("Someone else changed it in the meantime. Look at it again before you decide.")
            return self._frame.go(request, f"{BASE}/announcements/{identifier}", message=told)
        return self._frame.go(request, BASE, message=_("Removed.") if remove else _("Ended."))


def _list(
    services: Services, shown: Shown, which: Span, show: str, text: str, *, begun: str | None = None
) -> StatusView:
    """The rows by group. begun: the group that the page before ended with."""
    groups: list[MonitorGroup] = []
    for group, items in groupby(shown.page.items, key=lambda one: one.group):
        rows = tuple(_row(services, one, shown, which) for one in items)
        title = group or _("Services of this portal")
        groups.append(MonitorGroup(title="" if begun == group and not groups else title, rows=rows))
    following = None
    if shown.page.next_cursor:
        base = {"span": which.value, "show": show, "q": text, "cursor": shown.page.next_cursor}
        more = {**base, "group": shown.page.items[-1].group}
        following = Sentinel(next_path=f"{BASE}?{urlencode(more)}", page_path=f"{BASE}?{urlencode(base)}")
    state = NORMAL
    if not groups:
        state = TileState(
            kind="empty",
            title=_("Nothing found") if text else _("Nothing is wrong"),
            text=_("Try other words.") if text else _("All that is watched answers."),
            icon="search-x" if text else "circle-check",
        )
    return StatusView(
        title="",
        text="",
        tone="neutral",
        icon="activity",
        tabs=(),
        spans=(),
        groups=tuple(groups),
        query=text,
        show=show,
        span=which.value,
        next=following,
        state=state,
    )


def _head(view: StatusView, counts: dict[State, int], which: Span, show: str, text: str) -> StatusView:
    down, up, known = counts.get(State.DOWN, 0), counts.get(State.UP, 0), sum(counts.values())
    trouble = down + counts.get(State.MAINTENANCE, 0)
    tone: Tone = "error" if down else "success" if up else "neutral"
    if down:
        title = ngettext("%(count)s service is down", "%(count)s services are down", down) % {
            "count": number(down)
        }
    else:
        title = _("All services are up") if up else _("Nothing is known at the moment")
    words = _("%(up)s of %(all)s are up") % {
        "up": number(up),
        "all": number(known),
    }
    tabs = {"all": (_("All"), known), "trouble": (_("In trouble"), trouble)}
    return replace(
        view,
        title=title,
        text=words,
        tone=tone,
        icon="circle-alert" if down else "circle-check" if up else "circle-help",
        tabs=tuple(
            Choice(
                label=label,
                value=key,
                path=_here(which.value, key, text),
                current=key == show,
                count=count,
            )
            for key, (label, count) in tabs.items()
        ),
        spans=tuple(
            Choice(
                label=span_label(one),
                value=one.value,
                path=_here(one.value, show, text),
                current=one is which,
            )
            for one in Span
        ),
        searchable=known > 12 or bool(text),
    )


def _here(which: str, show: str, text: str) -> str:
    asked = {"span": which, "show": show} | ({"q": text} if text else {})
    return f"{BASE}?{urlencode(asked)}"


def _row(services: Services, monitor: Monitor, shown: Shown, which: Span) -> MonitorRow:
    away = None
    watched = monitor.own or monitor.state is State.PAUSED
    if not watched and services.status.is_down(monitor.instance_id):
        try:
            away = services.host.instances.info(monitor.instance_id).since or monitor.seen_at
        except UnknownInstance:
            away = monitor.seen_at
    return monitor_row(monitor, shown.pasts.get(monitor.id, {}), which, away_since=away)


def _facts(services: Services, monitor: Monitor) -> tuple[Fact, ...]:
    found = [Fact(label=_("Group"), value=monitor.group or _("Services of this portal"))]
    if not monitor.own:
        try:
            watched_by = services.host.instances.info(monitor.instance_id).title
        except UnknownInstance:
            watched_by = "–"
        found.append(Fact(label=_("Watched by"), value=watched_by))
    found.append(Fact(label=_("So since"), value=monitor.since_at, kind="datetime"))
    if monitor.certificate_ends_at is not None:
        found.append(
            Fact(label=_("Certificate valid until"), value=monitor.certificate_ends_at, kind="datetime")
        )
    if monitor.url:
        found.append(Fact(label=_("Address"), value=monitor.url, kind="code"))
    return tuple(found)


def _span(text: str | None) -> Span:
    return Span(text) if text in {one.value for one in Span} else Span.DAY


def _empty(admin: bool) -> TileState:
    if admin:
        return TileState(
            kind="empty",
            title=_("Nothing is watched yet"),
            text=_(
                "Services that you connect appear here, and what they watch: add a check of an address, for instance."
            ),
            icon="activity",
            action=Action(label=_("Add a service"), path="/admin/services", tone="primary", icon="plus"),
        )
    return TileState(
        kind="empty",
        title=_("Nothing is watched yet"),
        text=_("An admin still has to connect a service."),
        icon="activity",
    )


def _monitor_id(request: Request) -> int:
    """Raises Missing for what is no number, or a longer one than any monitor has."""
    text = str(request.path_params["id"])
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Missing(N_("There is no such monitor."))
    return int(text)
