"""Admin → jobs: the ledger, with what runs, what waits and why, and buttons to cancel or run again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.base.redact import redact
from medianest_core.domain.accounts.errors import Missing
from medianest_core.ledger.states import UNFINISHED, JobInfo, JobState
from medianest_core.ledger.wording import details, for_owner
from medianest_core.sdk.permissions import ADMIN
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.pages.frame import Frame, is_htmx
from medianest_core.web.portal.pages.people import names_of
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import (
    NORMAL,
    Action,
    Choice,
    Fact,
    JobRow,
    JobsView,
    JobView,
    Progress,
    Sentinel,
    Stat,
    TileState,
)
from medianest_core.web.portal.views.common import Tone

_TABS = {
    "open": tuple(UNFINISHED),
    "failed": (JobState.FAILED,),
    "done": (JobState.DONE, JobState.CANCELLED),
    "all": (),
}
_TONES: dict[JobState, Tone] = {
    JobState.QUEUED: "neutral",
    JobState.LEASED: "info",
    JobState.WAITING: "info",
    JobState.DONE: "success",
    JobState.FAILED: "error",
    JobState.CANCELLED: "neutral",
}


def job_label(state: JobState) -> str:
    """A plain word for the state, in the reader's language."""
    return {
        JobState.QUEUED: _("Queued"),
        JobState.LEASED: _("Running"),
        JobState.WAITING: _("Waiting for its parts"),
        JobState.DONE: _("Done"),
        JobState.FAILED: _("Failed"),
        JobState.CANCELLED: _("Cancelled"),
    }[state]


def job_row(job: JobInfo, names: Mapping[str, str]) -> JobRow:
    """One job of the ledger as a row; names: of its owners, from `names_of`."""
    base = f"/admin/jobs/{job.id}"
    actions: tuple[Action, ...] = ()
    if job.state in UNFINISHED:
        actions = (
            Action(
                label=_("Cancel"),
                path=f"{base}/cancel",
                method="post",
                icon="x",
                confirm=_("Cancel this job?"),
            ),
        )
    elif job.state in (JobState.FAILED, JobState.CANCELLED):
        actions = (Action(label=_("Run again"), path=f"{base}/retry", method="post", icon="rotate-ccw"),)
    progress = None
    if job.state in UNFINISHED:
        progress = Progress(
            live=f"job/{job.id}",
            fraction=None if job.percent is None else job.percent / 100,
            done=int(job.done),
            total=None if job.total is None else int(job.total),
            text=_(job.message),
        )
    return JobRow(
        id=job.id,
        title=_(job.title) or job.name,
        path=base,
        state=job.state.value,
        state_label=job_label(job.state),
        tone=_TONES[job.state],
        progress=progress,
        owner=names.get(job.owner or "", ""),
        plugin=job.plugin or "",
        attempt=job.attempt,
        attempts=job.max_attempts,
        created_at=job.created_at,
        started_at=job.started_at,
        ended_at=job.finished_at,
        due_at=job.due_at if job.state is JobState.QUEUED else None,
        reason=_said(job.reason or job.error),
        actions=actions,
    )


class JobPages:
    """Handlers of admin → jobs."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [
            page("/admin/jobs", self.list, policy=ADMIN),
            page("/admin/jobs/{id}", self.detail, policy=ADMIN),
            page("/admin/jobs/{id}/cancel", self.cancel, methods=("POST",), policy=ADMIN),
            page("/admin/jobs/{id}/retry", self.retry, methods=("POST",), policy=ADMIN),
        ]

    async def list(self, request: Request) -> Response:
        services = services_of(request)
        tab, text = request.query_params.get("tab", "open"), request.query_params.get("q", "").strip()[:200]
        if text and "tab" not in request.query_params:
            tab = "all"
        states = _TABS.get(tab, _TABS["open"])
        async with services.db.read() as tx:
            found = await services.ledger.list_jobs(
                tx, states=states or None, text=text, cursor=request.query_params.get("cursor"), limit=40
            )
            counts = await services.ledger.counts(tx)
        names = await names_of(services, (job.owner for job in found.items))
        labels = {"open": _("Open"), "failed": _("Failed"), "done": _("Finished"), "all": _("All")}
        with use_viewer(self._frame.view(request)):
            state = NORMAL
            if not found.items:
                state = TileState(
                    kind="empty",
                    title=_("Nothing here"),
                    text=_("Jobs appear here as soon as there is work."),
                    icon="list-checks",
                )
            following = None
            if found.next_cursor:
                path = f"/admin/jobs?{urlencode({'tab': tab, 'q': text, 'cursor': found.next_cursor})}"
                following = Sentinel(next_path=path, page_path=path)
            view = JobsView(
                jobs=tuple(job_row(job, names) for job in found.items),
                query=text,
                tabs=tuple(
                    Choice(label=_(labels[key]), value=key, path=f"/admin/jobs?tab={key}", current=key == tab)
                    for key in _TABS
                ),
                stats=tuple(
                    Stat(label=job_label(one), value=str(counts.get(one, 0)), tone=_TONES[one])
                    for one in (JobState.QUEUED, JobState.LEASED, JobState.FAILED, JobState.DONE)
                ),
                schedules=Action(label=_("Schedules"), path="/admin/schedules", icon="alarm-clock"),
                next=following,
                state=state,
            )
        if is_htmx(request) and request.query_params.get("cursor"):
            return self._frame.fragment(request, "core/fragments/job_rows.html", view)
        return await self._frame.page(request, "core/admin/jobs.html", view)

    async def detail(self, request: Request) -> Response:
        services = services_of(request)
        async with services.db.read() as tx:
            job = await services.ledger.get_job(tx, request.path_params["id"])
            if job is None:
                raise Missing(_("There is no such job."))
            children = await services.ledger.list_jobs(tx, parent=job.id, limit=200)
        names = await names_of(services, (one.owner for one in (job, *children.items)))
        with use_viewer(self._frame.view(request)):
            facts = [
                Fact(label=_("Name"), value=job.name, kind="code"),
                Fact(label=_("Attempt"), value=f"{job.attempt}/{job.max_attempts}"),
                Fact(label=_("Asked for"), value=job.created_at, kind="datetime"),
            ]
            if job.started_at:
                facts.append(Fact(label=_("Started"), value=job.started_at, kind="datetime"))
            if job.finished_at:
                facts.append(Fact(label=_("Ended"), value=job.finished_at, kind="datetime"))
            facts.append(Fact(label=_("Correlation id"), value=job.correlation_id, kind="code"))
            view = JobView(
                job=job_row(job, names),
                facts=tuple(facts),
                arguments=_json(job.args),
                result=_json(job.result) if job.result is not None else "",
                error=_said(job.error),
                children=tuple(job_row(child, names) for child in children.items),
            )
        return await self._frame.page(request, "core/admin/job.html", view)

    async def cancel(self, request: Request) -> Response:
        async with services_of(request).db.begin() as tx:
            done = await services_of(request).ledger.cancel(
                tx, request.path_params["id"], someone(request).id
            )
        return self._back(request, _("Cancelled.") if done else _("The job had already ended."))

    async def retry(self, request: Request) -> Response:
        async with services_of(request).db.begin() as tx:
            done = await services_of(request).ledger.retry(tx, request.path_params["id"], someone(request).id)
        return self._back(
            request, _("It will run again.") if done else _("Only failed or cancelled jobs can run again.")
        )

    def _back(self, request: Request, message: str) -> Response:
        return self._frame.go(request, f"/admin/jobs/{request.path_params['id']}", message=message)


def _said(text: str | None) -> str:
    """What a job left behind, in the reader's language and without secrets."""
    return (
        redact("\n".join(part for part in (_(for_owner(text) or ""), details(text)) if part)) if text else ""
    )


def _json(value: Any) -> str:
    return redact(json.dumps(value, indent=2, ensure_ascii=False))
