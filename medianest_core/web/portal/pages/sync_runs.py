"""Admin → sync → one run: how far it is on each server, what went wrong and what it changed."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.library.syncing.runs import Run, again
from medianest_core.ledger.states import JobInfo
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.permissions import ADMIN
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.formats import duration, number
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import ngettext
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.people import names_of
from medianest_core.web.portal.pages.posters import kind_label
from medianest_core.web.portal.pages.sync_room import BASE, sync_tabs
from medianest_core.web.portal.pages.sync_rows import change_row, run_row, source_rows
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import NORMAL, Action, Fact, TileState
from medianest_core.web.portal.views.sync import ProblemRow, RunView

_PAGE = 100


class SyncRunPages:
    """Handlers of one run."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        one = BASE + "/runs/{id}"
        return [
            page(one, self.detail, policy=ADMIN),
            page(f"{one}/cancel", self.cancel, methods=("POST",), policy=ADMIN),
            page(f"{one}/retry", self.retry, methods=("POST",), policy=ADMIN),
        ]

    async def detail(self, request: Request) -> Response:
        services = services_of(request)
        run = await services.library.runs.get(run_id_of(request))
        after = whole(request.query_params.get("after")) or 0
        found = await services.library.changes_of(run, max(0, after), _PAGE)
        job = await job_of(services, run)
        who = await names_of(services, (run.requested_by,))
        titles = {info.id: info.title for info in services.host.instances.all()}
        sections = {(one.instance_id, one.key): one.title for one in await services.library.sections()}
        with use_viewer(self._frame.view(request)):
            view = RunView(
                tabs=sync_tabs("runs"),
                run=run_row(run, titles, job),
                job_id=run.job_id,
                facts=_facts(run, who.get(run.requested_by or "", "")),
                sources=source_rows(run, titles, job),
                problems=tuple(
                    ProblemRow(
                        server=titles.get(one["instance_id"], one["instance_id"]),
                        library=sections.get((one["instance_id"], one["library"]), one["library"] or ""),
                        message=_(one["message"]),
                    )
                    for one in run.problems
                ),
                changes=tuple(change_row(one, titles) for one in found.items),
                actions=_actions(run),
                more_path=f"{BASE}/runs/{run.id}?{urlencode({'after': found.after})}"
                if found.after
                else None,
                rehearsal=run.args is not None and run.args.dry_run,
                added=_would_be_added(run),
                beyond=_beyond(run, len(found.items)),
                no_changes=NORMAL if found.items else _unchanged(run),
            )
        return await self._frame.page(request, "core/admin/sync_run.html", view)

    async def cancel(self, request: Request) -> Response:
        run_id = run_id_of(request)
        done = await services_of(request).library.runs.cancel(run_id, someone(request).id)
        message = _("Cancelled.") if done else _("The run had already ended.")
        return self._frame.go(request, f"{BASE}/runs/{run_id}", message=message)

    async def retry(self, request: Request) -> Response:
        services, run_id = services_of(request), run_id_of(request)
        try:
            jobs = await services.library.runs.retry(run_id, someone(request).id)
        except UserError as error:
            return self._frame.go(request, f"{BASE}/runs/{run_id}", message=_(str(error)))
        run = await services.library.runs.of_job(jobs[0])
        path = f"{BASE}/runs/{run.id}" if run is not None else BASE
        return self._frame.go(request, path, message=_("What failed is read again."))


def _would_be_added(run: Run) -> tuple[Fact, ...]:
    """Of a rehearsal: a film with its year, and what kind of title each is."""
    return tuple(
        Fact(
            label=kind_label(one["kind"]),
            value=f"{one['title']} ({one['year']})" if one["year"] else one["title"],
        )
        for one in run.counts.get("would", {}).get("added", ())
    )


def _beyond(run: Run, shown: int) -> tuple[str, ...]:
    """What a rehearsal does not show."""
    would = run.counts.get("would", {})
    values = would.get("count", 0) - shown
    titles = run.counts.get("added", 0) - len(would.get("added", ()))
    records = would.get("left_out", 0)
    found = (
        (
            values,
            ngettext("%(count)s more value would change.", "%(count)s more values would change.", values),
        ),
        (
            titles,
            ngettext("%(count)s more title would be new.", "%(count)s more titles would be new.", titles),
        ),
        (
            records,
            ngettext(
                "%(count)s more record was not looked at.",
                "%(count)s more records were not looked at.",
                records,
            ),
        ),
    )
    return tuple(words % {"count": number(count)} for count, words in found if would and count > 0)


def _unchanged(run: Run) -> TileState:
    rehearsal = run.args is not None and run.args.dry_run
    return TileState(
        kind="empty",
        title=_("No value would change") if rehearsal else _("No value changed"),
        text="" if rehearsal else _("New titles are not listed here; they stand in the library."),
        icon="check",
    )


def run_id_of(request: Request) -> int:
    """Of the run that the address names. Raises Missing where that is no number."""
    found = whole(request.path_params["id"])
    if found is None:
        raise Missing(_("There is no such run."))
    return found


async def job_of(services: Services, run: Run) -> JobInfo | None:
    """The job of a run that is under way: it says how far it is."""
    if not run.open:
        return None
    async with services.db.read() as tx:
        return await services.ledger.get_job(tx, run.job_id)


def _actions(run: Run) -> tuple[Action, ...]:
    base = f"{BASE}/runs/{run.id}"
    if run.open and run.args is not None:
        return (
            Action(
                label=_("Cancel"),
                path=f"{base}/cancel",
                method="post",
                icon="x",
                confirm=_("Stop this run? What it has written stays."),
            ),
        )
    found = []
    if run.args is not None and again(run):
        found.append(
            Action(label=_("Try again what failed"), path=f"{base}/retry", method="post", icon="rotate-ccw")
        )
    if run.ended_at and (run.args is None or not run.args.dry_run):
        found.append(Action(label=_("Roll back"), path=f"{base}/rollback", icon="undo-2"))
    return tuple(found)


def _facts(run: Run, who: str) -> tuple[Fact, ...]:
    facts = [
        Fact(label=_("Number"), value=number(run.id)),
        Fact(label=_("Asked for"), value=run.created_at, kind="datetime"),
    ]
    if who:
        facts.append(Fact(label=_("By"), value=who))
    if run.started_at:
        facts.append(Fact(label=_("Started"), value=run.started_at, kind="datetime"))
    if run.ended_at:
        facts.append(Fact(label=_("Ended"), value=run.ended_at, kind="datetime"))
    if run.started_at and run.ended_at:
        facts.append(Fact(label=_("Took"), value=duration(max(0.0, run.ended_at - run.started_at))))
    unread = sum(len(keys) for keys in run.failed.values())
    if unread:
        facts.append(Fact(label=_("Titles that could not be read"), value=number(unread)))
    return tuple(facts)
