"""Jobs: admins see all of them and may steer them; others see their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request

from medianest_core.ledger.states import JobInfo, JobState
from medianest_core.ledger.wording import for_owner
from medianest_core.sdk.permissions import ADMIN, OWNER, USER
from medianest_core.web.gate.problems import Problem
from medianest_core.web.gate.routing import enforce
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.resource import Cursor, Limit, Resource

jobs = Resource("jobs", "/jobs")


class JobView(BaseModel):
    """Times: epoch seconds. done, total: in the job's own unit. args, result, worker: for admins only, else null. error, reason: a
    sentence; for admins, where a program made a mistake, with the kind of error below it."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    title: str
    plugin: str | None
    owner: str | None
    state: JobState
    attempt: int
    max_attempts: int
    parent_id: str | None
    correlation_id: str
    created_at: float
    due_at: float
    started_at: float | None
    finished_at: float | None
    done: float
    total: float | None
    percent: float | None
    message: str
    facts: Mapping[str, Any]
    error: str | None
    reason: str | None
    args: Mapping[str, Any] | None = None
    result: Any = None
    worker: str | None = None


class JobPage(BaseModel):
    items: Sequence[JobView]
    next_cursor: str | None


class JobDetail(BaseModel):
    job: JobView
    children: Sequence[JobView]


def _view(job: JobInfo, is_admin: bool) -> JobView:
    view = JobView.model_validate(job)
    if is_admin:
        return view
    hidden = {"args": None, "result": None, "worker": None}
    return view.model_copy(update={**hidden, "error": for_owner(job.error), "reason": for_owner(job.reason)})


@jobs.get(policy=USER)
async def list_jobs(
    request: Request,
    state: JobState | None = None,
    name: str | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> JobPage:
    """Newest first."""
    services, viewer = services_of(request), someone(request)
    async with services.db.read() as tx:
        page = await services.ledger.list_jobs(
            tx,
            states=[state] if state is not None else None,
            name=name,
            owner=None if viewer.is_admin else viewer.id,
            cursor=cursor,
            limit=limit,
        )
    return JobPage(items=[_view(job, viewer.is_admin) for job in page.items], next_cursor=page.next_cursor)


@jobs.get("/counts", policy=ADMIN)
async def count_jobs(request: Request) -> Mapping[str, int]:
    """How many jobs are in each state."""
    services = services_of(request)
    async with services.db.read() as tx:
        return await services.ledger.counts(tx)


@jobs.get("/{job_id}", policy=OWNER)
async def get_job(request: Request, job_id: str) -> JobDetail:
    """One job with its parts."""
    services, viewer = services_of(request), someone(request)
    async with services.db.read() as tx:
        job = await services.ledger.get_job(tx, job_id)
        if job is None:
            raise Problem(404, "There is no such job.", code="missing")
        enforce(request, OWNER, owner_id=job.owner or "")
        children = await services.ledger.list_jobs(tx, parent=job_id, limit=200)
    return JobDetail(
        job=_view(job, viewer.is_admin),
        children=[_view(child, viewer.is_admin) for child in children.items],
    )


@jobs.post("/{job_id}/cancel", policy=ADMIN)
async def cancel_job(request: Request, job_id: str) -> JobDetail:
    """Stop it, with its unfinished parts."""
    services = services_of(request)
    async with services.db.begin() as tx:
        if not await services.ledger.cancel(tx, job_id, someone(request).id):
            raise Problem(409, "The job has ended already, or there is none.", code="not_allowed")
    return await get_job(request, job_id)


@jobs.post("/{job_id}/retry", policy=ADMIN)
async def retry_job(request: Request, job_id: str) -> JobDetail:
    """Run a failed or cancelled job again."""
    services = services_of(request)
    async with services.db.begin() as tx:
        if not await services.ledger.retry(tx, job_id, someone(request).id):
            raise Problem(409, "Only a failed or cancelled job can be tried again.", code="not_allowed")
    return await get_job(request, job_id)
