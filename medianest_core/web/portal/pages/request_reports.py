"""Reports of something wrong with a title that is here: what one reported, and what admins answered."""

from __future__ import annotations

from dataclasses import replace

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.requests.entries import IssuePage, IssueReport
from medianest_core.sdk.permissions import OWNER, USER
from medianest_core.sdk.routes import Viewer
from medianest_core.store.errors import Stale
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.conflict import conflict_page, last_change, version_field
from medianest_core.web.portal.pages.frame import Frame, is_htmx
from medianest_core.web.portal.pages.requests import AT_ONCE, whose_choices
from medianest_core.web.portal.pages.requests_forms import answer_form
from medianest_core.web.portal.pages.requests_rows import (
    BASE,
    parts_label,
    problem_label,
    report_badge,
    report_row,
)
from medianest_core.web.portal.pages.shown import read_rows, shown
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import NORMAL, Action, Fact, Sentinel, TileState
from medianest_core.web.portal.views.requests import ReportView, RequestsView

PLACE = BASE + "/issues"


class ReportPages:
    """Handlers of the pages for reports."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        one = PLACE + "/{issue_id}"
        return [
            page(PLACE, self.list, policy=USER),
            page(one, self.report, policy=OWNER),
            page(one + "/resolve", self.resolve, methods=("POST",), policy=OWNER),
            page(one + "/reopen", self.reopen, methods=("POST",), policy=OWNER),
        ]

    async def list(self, request: HttpRequest) -> Response:
        """The viewer's; for admins everyone's."""
        services, person = services_of(request), someone(request)
        cursor = request.query_params.get("cursor")
        again = shown(request)

        async def read(cursor: str | None, limit: int) -> IssuePage:
            return await services.requests.issues(
                person, everyone=person.is_admin, cursor=cursor, limit=limit
            )

        found, further = await read_rows(read, cursor, max(AT_ONCE, again or 0))
        with use_viewer(self._frame.view(request)):
            following = None
            if further:
                path = f"{PLACE}?cursor={further}"
                following = Sentinel(next_path=path, page_path=path)
            state = NORMAL
            if not found:
                state = TileState(
                    kind="empty",
                    title=_("No reports"),
                    text=_("When a film has no sound or the wrong subtitles, report it on its page."),
                    icon="circle-check",
                )
            view = RequestsView(
                path=PLACE,
                whose=whose_choices(person, "issues"),
                reports=tuple(report_row(one, person) for one in found),
                next=following,
                state=state,
            )
        if is_htmx(request) and cursor:
            return self._frame.fragment(request, "core/fragments/request_rows.html", view)
        if again is not None:
            return self._frame.fragment(request, "core/fragments/requests.html", view)
        return await self._frame.page(request, "core/requests.html", view)

    async def report(self, request: HttpRequest) -> Response:
        person = someone(request)
        one = await self._one(request)
        with use_viewer(self._frame.view(request)):
            view = report_view(one, person)
        return await self._frame.page(request, "core/request_issue.html", view)

    async def resolve(self, request: HttpRequest) -> Response:
        return await self._change(request, again=False)

    async def reopen(self, request: HttpRequest) -> Response:
        return await self._change(request, again=True)

    async def _change(self, request: HttpRequest, *, again: bool) -> Response:
        services, person = services_of(request), someone(request)
        one, sent = await self._one(request), await request.form()
        answer = str(sent.get("answer", "")) if person.is_admin else ""
        try:
            await services.requests.resolve(
                person,
                one.id,
                answer if answer or not again else one.answer if person.is_admin else "",
                version=whole(sent.get("version")),
                again=again,
            )
        except Stale:
            now = await self._one(request)
            action = _reopen(now) if again else _resolve(now)
            return await conflict_page(
                self._frame,
                request,
                title=now.title,
                change=await last_change(services, now.id, "requests.issue"),
                wanted=answer or action.label,
                present=(
                    Fact(label=_("State"), value=report_badge(now.state).text),
                    *((Fact(label=_("Answer"), value=now.answer),) if now.answer else ()),
                ),
                again=replace(action, values=(("answer", answer),) if answer else ()),
                version=now.version,
                back=f"{PLACE}/{now.id}",
            )
        message = _("Opened again.") if again else _("Marked as solved.")
        return self._frame.go(request, f"{PLACE}/{one.id}", message=message)

    async def _one(self, request: HttpRequest) -> IssueReport:
        found = await services_of(request).requests.issue(someone(request), request.path_params["issue_id"])
        if found is None:
            raise Missing(_("There is no such report."))
        return found


def report_view(one: IssueReport, person: Viewer) -> ReportView:
    """A report as its page shows it to this person."""
    name = one.by.name if one.by is not None else one.origin_name or _("(deleted account)")
    facts = [Fact(label=_("What is wrong"), value=problem_label(one.problem))]
    if parts := parts_label(one.seasons, one.episodes):
        facts.append(Fact(label=_("Where"), value=parts))
    facts.append(Fact(label=_("Reported by"), value=name))
    facts.append(Fact(label=_("Reported"), value=one.created_at, kind="datetime"))
    if one.resolved_at is not None:
        facts.append(Fact(label=_("Solved"), value=one.resolved_at, kind="datetime"))
    actions = []
    if one.title_id is not None:
        actions.append(Action(label=_("In the library"), path=f"/title/{one.title_id}", icon="library-big"))
    if one.state == "resolved":
        actions.append(_reopen(one))
    elif not person.is_admin:
        actions.append(_resolve(one))
    return ReportView(
        id=one.id,
        title=one.title,
        path=f"{PLACE}/{one.id}",
        state=report_badge(one.state),
        message=one.message,
        answer=one.answer,
        facts=tuple(facts),
        by=name,
        actions=tuple(actions),
        form=answer_form(one) if person.is_admin and one.state != "resolved" else None,
    )


def _resolve(one: IssueReport) -> Action:
    return Action(
        label=_("Mark as solved"),
        path=f"{PLACE}/{one.id}/resolve",
        method="post",
        icon="check",
        values=version_field(one.version),
    )


def _reopen(one: IssueReport) -> Action:
    return Action(
        label=_("Open it again"),
        path=f"{PLACE}/{one.id}/reopen",
        method="post",
        icon="rotate-ccw",
        values=version_field(one.version),
    )
