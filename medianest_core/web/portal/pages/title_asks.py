"""What one can ask for about a title of the library: more of it, and that something wrong with it is put right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.library.reading.titles import TitleDetail
from medianest_core.domain.requests.entries import Allowance, IssueReport, Wanted
from medianest_core.domain.requests.issues import PROBLEMS, Complaint
from medianest_core.domain.requests.states import State
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.media import MOVIE, SHOW
from medianest_core.sdk.permissions import USER
from medianest_core.sdk.routes import Viewer
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import ngettext
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.discover_rows import plain_path, wish_label
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.posters import art, kind_label
from medianest_core.web.portal.pages.requests_rows import problem_label
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import Action, Choice, Field, FieldGroup, Form
from medianest_core.web.portal.views.library import TitleReportView

_FINE, _FINE_HEIGHT = "4k", 2160
_ENDED = frozenset({State.AVAILABLE, State.DECLINED, State.FAILED, State.CANCELLED})


@dataclass(frozen=True, slots=True)
class Asks:
    """What there is to decide the buttons by: the household's wishes for the title, what the person may ask for, whether there is a
    catalog that knows what is missing, and the open reports that the person may see, their own first."""

    wishes: Sequence[Wanted] = ()
    allowances: Sequence[Allowance] = ()
    catalogs: bool = False
    known: bool = False
    reports: Sequence[IssueReport] = ()
    reporter: str = ""


async def asks_of(services: Services, person: Viewer, detail: TitleDetail) -> Asks:
    """known: its kind is one that requests and reports know, and it has an id that others know it by."""
    kind, ids = detail.row.kind, _ids(detail)
    types = services.requests.types.all()
    if not ids or kind not in types or not types[kind].requestable:
        return Asks()
    [wishes] = await services.requests.wanted(person, [(kind, ids)])
    allowances = [
        one for one in await services.requests.allowances(person) if one.kind == kind and one.allowed
    ]
    reports = await services.requests.reports_about(person, detail.row.id)
    return Asks(wishes, allowances, bool(services.discover.catalogs()), True, reports, person.id)


def ask_actions(detail: TitleDetail, asks: Asks) -> tuple[Action, ...]:
    """The buttons of its page."""
    if not asks.known:
        return ()
    found = []
    mine = next(
        (one for one in asks.wishes if one.request_id and one.mine and State(one.state) not in _ENDED), None
    )
    if mine is not None:
        label = _("Your request: %(state)s") % {"state": wish_label(mine.state)}
        found.append(Action(label=label, path=f"/requests/{mine.request_id}", icon="ticket"))
    label = _request_label(detail, asks)
    if label and asks.catalogs:
        found.append(Action(label=label, path=f"{_sheet(detail)}#request", icon="ticket"))
    if asks.reports:
        found.append(_open_reports(asks))
    found.append(Action(label=_("Report a problem"), path=f"/title/{detail.row.id}/report", icon="flag"))
    return tuple(found)


def _open_reports(asks: Asks) -> Action:
    """One's own report, else what others reported, for admins."""
    first = asks.reports[0]
    path = f"/requests/issues/{first.id}"
    if first.by is not None and first.by.id == asks.reporter:
        return Action(label=_("Your report is open"), path=path, icon="flag")
    count = len(asks.reports)
    label = ngettext("%(num)d report is open", "%(num)d reports are open", count) % {"num": count}
    return Action(label=label, path=path if count == 1 else "/requests/issues", icon="flag")


def _request_label(detail: TitleDetail, asks: Asks) -> str:
    """What can still be asked for; empty where that is nothing. Which seasons are missing only the catalogs know."""
    variants = {one.variant for one in asks.allowances}
    taken = {one.variant for one in asks.wishes if not one.seasons and State(one.state) not in _ENDED}
    if detail.row.kind == SHOW:
        return _("Request missing seasons") if variants - taken else ""
    if _FINE in variants - taken and detail.row.quality < _FINE_HEIGHT:
        return _("Request in 4K")
    return ""


def _ids(detail: TitleDetail) -> Mapping[str, str]:
    return {name: value for name, value in detail.ids.items() if value}


def _sheet(detail: TitleDetail) -> str:
    return plain_path(detail.row.kind, _ids(detail))


class ReportFormPages:
    """The form that reports something wrong with a title."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [page("/title/{id}/report", self.report, methods=("GET", "POST"), policy=USER)]

    async def report(self, request: Request) -> Response:
        services, person = services_of(request), someone(request)
        detail = await self._detail(request)
        sent, error = FormData(), None
        if request.method == "POST":
            sent = await request.form()
            try:
                made = await services.requests.report(person, _complaint(detail, sent))
            except UserError as refusal:
                error = refusal
            else:
                message = _("Reported. The admins look at it.")
                return self._frame.go(request, f"/requests/issues/{made.id}", message=message)
        with use_viewer(self._frame.view(request)):
            view = _view(detail, sent, error)
        status = self._frame.form_status(request, error)
        return await self._frame.page(request, "core/title_report.html", view, status=status)

    async def _detail(self, request: Request) -> TitleDetail:
        services, number = services_of(request), whole(request.path_params["id"])
        detail = await services.library.titles.detail(number) if number is not None else None
        if detail is None:
            raise Missing(_("This title is not in the library."))
        if not (await asks_of(services, someone(request), detail)).known:
            raise Missing(_("Nothing can be reported about this title."))
        return detail


def _complaint(detail: TitleDetail, sent: FormData) -> Complaint:
    row = detail.row
    season, episode = whole(sent.get("season")), whole(sent.get("episode"))
    if episode is not None and season is None:
        raise UserError(_("Choose the season of the episode."), "season")
    parts = () if season is None or episode is not None else (season,)
    episodes = () if season is None or episode is None else ((season, episode),)
    return Complaint(
        kind=row.kind,
        ids=_ids(detail),
        title=row.title,
        problem=str(sent.get("problem", "")),
        message=str(sent.get("message", "")),
        year=row.year or None,
        seasons=parts if row.kind != MOVIE else (),
        episodes=episodes if row.kind != MOVIE else (),
    )


def _view(detail: TitleDetail, sent: FormData, error: UserError | None) -> TitleReportView:
    row = detail.row

    def said(name: str) -> str:
        return _(str(error)) if error is not None and error.field == name else ""

    fields = [
        Field(
            name="problem",
            label=_("What is wrong"),
            kind="radio",
            value=str(sent.get("problem", "")) or PROBLEMS[0],
            choices=tuple(Choice(label=problem_label(one), value=one) for one in PROBLEMS),
            error=said("problem"),
        )
    ]
    if row.kind == SHOW and detail.seasons:
        seasons = [Choice(label=_("All of it"), value="")]
        seasons += [
            Choice(
                label=one.title or _("Season %(number)d") % {"number": one.index or 0},
                value=str(one.index or 0),
            )
            for one in detail.seasons
        ]
        fields += [
            Field(
                name="season",
                label=_("Season"),
                kind="select",
                value=str(sent.get("season", "")),
                choices=tuple(seasons),
                error=said("season") or said("seasons"),
            ),
            Field(
                name="episode",
                label=_("Episode"),
                kind="number",
                min="0",
                value=str(sent.get("episode", "")),
                help=_("Its number, where it is only one."),
                error=said("episodes"),
            ),
        ]
    fields.append(
        Field(
            name="message",
            label=_("Your message"),
            kind="textarea",
            rows=3,
            value=str(sent.get("message", "")),
            help=_("What you saw or heard, and where."),
        )
    )
    known = {one.name for one in fields} | {"seasons", "episodes"}
    return TitleReportView(
        title=row.title,
        kind_label=kind_label(row.kind),
        path=f"/title/{row.id}",
        poster=art(row.poster, row.title),
        form=Form(
            path=f"/title/{row.id}/report",
            id="report",
            submit=_("Report"),
            groups=(FieldGroup(fields=tuple(fields)),),
            error=_(str(error)) if error is not None and error.field not in known else "",
        ),
    )
