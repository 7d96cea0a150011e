"""Admin → jobs → schedules: what runs by itself and when; other times, a pause, a run now, and schedules of one's own."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from zoneinfo import available_timezones

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.ledger.schedule_choices import ScheduleInfo
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.jobs import Schedule
from medianest_core.sdk.permissions import ADMIN
from medianest_core.store.errors import Stale
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.formats import span
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import use_plugin
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.viewer import use_viewer, viewer
from medianest_core.web.portal.views import Action, Badge, Choice, Field, FieldGroup, Form, ScheduleRow
from medianest_core.web.portal.views.admin import ScheduleFormView, SchedulesView

BASE = "/admin/schedules"


class SchedulePages:
    """Handlers of the schedules."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        one, post = BASE + "/{name}", ("POST",)
        return [
            page(BASE, self.list, policy=ADMIN),
            page(f"{BASE}/add", self.add, methods=("GET", "POST"), policy=ADMIN),
            page(one, self.edit, methods=("GET", "POST"), policy=ADMIN),
            page(f"{one}/run", self.run, methods=post, policy=ADMIN),
            page(f"{one}/pause", self.pause, methods=post, policy=ADMIN),
            page(f"{one}/resume", self.resume, methods=post, policy=ADMIN),
            page(f"{one}/remove", self.remove, methods=post, policy=ADMIN),
        ]

    async def list(self, request: Request) -> Response:
        services = services_of(request)
        found = await services.schedules.all()
        with use_viewer(self._frame.view(request)):
            view = SchedulesView(
                rows=tuple(_row(services, one) for one in found),
                add=Action(label=_("Add a schedule"), path=f"{BASE}/add", icon="plus"),
            )
        return await self._frame.page(request, "core/admin/schedules.html", view)

    async def add(self, request: Request) -> Response:
        services, typed, error = services_of(request), dict[str, str](), None
        if request.method == "POST":
            typed = _typed(await request.form())
            try:
                wanted = _wanted(typed)
                if wanted is None:
                    raise UserError(_("Say when it runs."), "cron")
                await services.schedules.add(typed["job"], wanted, someone(request).id)
            except UserError as problem:
                error = problem
            else:
                return self._frame.go(request, BASE, message=_("Saved."))
        with use_viewer(self._frame.view(request)):
            names = {name: _title(services, name) for name in services.schedules.jobs()}
            typed.setdefault("timezone", viewer().zone)
            jobs = tuple(
                Choice(label=title, value=name, current=name == typed.get("job"))
                for name, title in sorted(names.items(), key=lambda pair: pair[1].casefold())
            )
            which = Field(name="job", label=_("Job"), kind="select", choices=jobs, value=typed.get("job", ""))
            view = ScheduleFormView(
                title=_("Add a schedule"), form=_form(f"{BASE}/add", typed, error, before=(which,))
            )
        status = self._frame.form_status(request, error)
        return await self._frame.page(request, "core/admin/schedule.html", view, status=status)

    async def edit(self, request: Request) -> Response:
        services = services_of(request)
        found = await services.schedules.find(request.path_params["name"])
        typed, error, stale = _shown(found.schedule), None, None
        version = found.version
        if request.method == "POST":
            form = await request.form()
            typed, sent = _typed(form), whole(form.get("version"))
            try:
                await services.schedules.change(
                    found.name, _wanted(typed), found.version if sent is None else sent, someone(request).id
                )
            except UserError as problem:
                error, version = problem, found.version if sent is None else sent
            except Stale as problem:
                stale = problem
            else:
                return self._frame.go(request, BASE, message=_("Saved."))
        with use_viewer(self._frame.view(request)):
            theirs = _shown(found.schedule) if stale is not None else None
            note = ""
            if found.declared is not None:
                note = _("Leave both empty for the job's own times: %(when)s.") % {
                    "when": when(found.declared)
                }
            view = ScheduleFormView(
                title=_title(services, found.job),
                form=_form(f"{BASE}/{found.name}", typed, error, version=version, theirs=theirs, note=note),
            )
        status = self._frame.form_status(request, error or stale, 409 if stale else 422)
        return await self._frame.page(request, "core/admin/schedule.html", view, status=status)

    async def run(self, request: Request) -> Response:
        job_id = await services_of(request).schedules.run_now(
            request.path_params["name"], someone(request).id
        )
        return self._frame.go(request, f"/admin/jobs/{job_id}", message=_("It runs as soon as it can."))

    async def pause(self, request: Request) -> Response:
        return await self._pause(request, True, _("Paused."))

    async def resume(self, request: Request) -> Response:
        return await self._pause(request, False, _("It runs again at its times, counted from now."))

    async def _pause(self, request: Request, paused: bool, message: str) -> Response:
        schedules, name = services_of(request).schedules, request.path_params["name"]
        sent = whole((await request.form()).get("version"))
        version = (await schedules.find(name)).version if sent is None else sent
        try:
            await schedules.pause(name, paused, version, someone(request).id)
        except Stale:
            message = _("Someone else changed this in the meantime.")
        return self._frame.go(request, BASE, message=message)

    async def remove(self, request: Request) -> Response:
        schedules, name = services_of(request).schedules, request.path_params["name"]
        message = _("Removed.")
        try:
            await schedules.remove(name, (await schedules.find(name)).version, someone(request).id)
        except UserError as error:
            message = _(str(error))
        return self._frame.go(request, BASE, message=message)


def when(schedule: Schedule) -> str:
    """Its times in words, with the time zone where one matters."""
    said = []
    if schedule.cron is not None:
        said.append(f"{schedule.cron} ({schedule.timezone})")
    if schedule.every is not None:
        said.append(_("every %(span)s") % {"span": span(schedule.every)})
    if schedule.at_start:
        said.append(_("when the portal starts"))
    return ", ".join(said)


def _title(services: Services, job: str) -> str:
    kind = services.ledger.kind(job)
    with use_plugin(kind.plugin or ""):
        return (_(kind.title) if kind.title else "") or job


def _row(services: Services, one: ScheduleInfo) -> ScheduleRow:
    base, seen = f"{BASE}/{one.name}", (("version", str(one.version)),)
    actions = [
        Action(label=_("Run now"), path=f"{base}/run", method="post", icon="play"),
        Action(label=_("Change"), path=base, icon="pencil"),
        Action(label=_("Resume"), path=f"{base}/resume", method="post", icon="rotate-ccw", values=seen)
        if one.paused_at is not None
        else Action(label=_("Pause"), path=f"{base}/pause", method="post", icon="pause", values=seen),
    ]
    if one.own:
        actions.append(
            Action(
                label=_("Remove"),
                path=f"{base}/remove",
                method="post",
                icon="trash-2",
                confirm=_("Remove this schedule?"),
            )
        )
    changed = one.own or one.schedule != one.declared
    return ScheduleRow(
        title=_title(services, one.job),
        path="/admin/jobs?" + urlencode({"tab": "all", "q": one.job}),
        when=when(one.schedule),
        plugin=services.ledger.kind(one.job).plugin or "",
        next_at=one.next_at,
        last_at=one.last_at,
        badge=Badge(text=_("Paused"), tone="warning")
        if one.paused_at is not None
        else Badge(text=_("Own times"))
        if changed
        else None,
        actions=tuple(actions),
    )


def _typed(form: FormData) -> dict[str, str]:
    return {name: str(form.get(name, "")).strip() for name in ("job", "cron", "every", "timezone")}


def _wanted(typed: dict[str, str]) -> Schedule | None:
    """None where neither is said. Raises UserError for an interval that is no number."""
    cron, every = typed["cron"], typed["every"]
    if not cron and not every:
        return None
    minutes = None
    if every:
        try:
            minutes = float(every.replace(",", "."))
        except ValueError as error:
            raise UserError(_("Give a number of minutes."), "every") from error
    return Schedule(
        cron or None, minutes * 60 if minutes is not None else None, timezone=typed["timezone"] or "UTC"
    )


def _shown(schedule: Schedule) -> dict[str, str]:
    return {
        "cron": schedule.cron or "",
        "every": f"{schedule.every / 60:g}" if schedule.every is not None else "",
        "timezone": schedule.timezone,
    }


def _form(
    path: str,
    typed: dict[str, str],
    error: UserError | None,
    *,
    before: tuple[Field, ...] = (),
    version: int | None = None,
    theirs: dict[str, str] | None = None,
    note: str = "",
) -> Form:
    def more(name: str) -> dict[str, Any]:
        other = None
        if theirs is not None and theirs.get(name) != typed.get(name, ""):
            other = theirs.get(name)
        wrong = _(str(error)) if error is not None and error.field == name else ""
        return {"name": name, "value": typed.get(name, ""), "error": wrong, "theirs": other}

    zones = sorted(
        {"UTC", typed.get("timezone") or "UTC", *(one for one in available_timezones() if "/" in one)}
    )
    return Form(
        path=path,
        id="schedule",
        groups=(
            FieldGroup(
                fields=(
                    *before,
                    Field(
                        label=_("At these times"),
                        example="0 4 * * *",
                        help=_("Minute, hour, day, month and day of the week: 0 4 * * 1 is Mondays at four."),
                        **more("cron"),
                    ),
                    Field(label=_("Or every"), unit=_("minutes"), inputmode="decimal", **more("every")),
                    Field(
                        label=_("Time zone"),
                        kind="select",
                        choices=tuple(
                            Choice(
                                label=zone.replace("_", " "),
                                value=zone,
                                current=zone == (typed.get("timezone") or "UTC"),
                            )
                            for zone in zones
                        ),
                        **more("timezone"),
                    ),
                ),
                help=note,
            ),
        ),
        submit=_("Save"),
        version=version,
        error=_(str(error)) if error is not None and error.field in (None, "job") else "",
        conflict=_("Someone else changed this in the meantime.") if theirs is not None else "",
    )
