"""Syncing the library: starting runs and looking at them. For admins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from medianest_core.domain.library.operations import OPERATIONS
from medianest_core.domain.library.service import LibrarySection
from medianest_core.domain.library.syncing.orders import Order, servers_of
from medianest_core.domain.library.syncing.run_changes import RunChange
from medianest_core.domain.library.syncing.runs import Run, SyncArgs
from medianest_core.domain.library.syncing.source_settings import SourceSettings
from medianest_core.sdk.permissions import ADMIN
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.resource import Limit, Resource

sync = Resource("sync", "/sync")
Names = Annotated[list[str] | None, Field(max_length=100)]


class RunView(BaseModel):
    """Times: epoch seconds. counts: what was found and changed. problems: what went wrong, by instance. failed: keys that could not be
    read, by instance. args: what was asked for; null for rollbacks and old runs."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    job_id: str
    state: str
    scope: str
    created_at: float
    started_at: float | None
    ended_at: float | None
    counts: Mapping[str, Any]
    problems: Sequence[Mapping[str, Any]]
    failed: Mapping[str, Sequence[str]]
    args: SyncArgs | None
    forced: bool
    requested_by: str | None


class RunDetail(BaseModel):
    """progress: of a run that is under way: {"done", "total", "eta", "instances"}; what arrives live goes on from it."""

    run: RunView
    progress: Mapping[str, Any] | None


class SourceView(BaseModel):
    """As `SourceSettings`. last_complete_at: when the last run that listed a library of it to its end began; null before the first."""

    instance_id: str
    every: float
    next_at: float | None
    patience: float
    longest: float
    at_once: int
    version: int
    last_complete_at: float | None


class StartSync(BaseModel):
    """Left out: everything. instance_ids: ids or names. titles: our numbers, keys of a server, or names; what hangs under a title goes
    with it. ops: only these operations. force: compare every title, also where nothing seems to have changed. dry_run: write
    nothing, and say what would change."""

    model_config = ConfigDict(extra="forbid")

    instance_ids: Names = None
    libraries: list[str] | None = Field(None, max_length=200)
    kinds: list[str] | None = Field(None, max_length=20)
    titles: list[Annotated[int, Field(ge=0, le=2**63 - 1)] | str] | None = Field(None, max_length=500)
    ops: list[str] | None = Field(None, max_length=20, description="Of `GET /sync/operations`.")
    force: bool = False
    dry_run: bool = False


class Started(BaseModel):
    """job_id, run_id: of the run that answers this; the present one where one of the same scope is under way. more: jobs of further
    runs, where titles are asked for that nobody knows yet."""

    job_id: str
    run_id: int | None = None
    more: Sequence[str] = ()


class ChangePage(BaseModel):
    """after: give it for the next page; null at the end."""

    items: Sequence[RunChange]
    after: int | None


class SettingsChange(BaseModel):
    """every: seconds between two syncs, 0 for never. patience, longest: seconds without progress, and in all, after which a run gives
    the server up. at_once: titles asked for at the same time. version: as read, for a 409 when it changed."""

    model_config = ConfigDict(extra="forbid")

    every: float | None = None
    patience: float | None = None
    longest: float | None = None
    at_once: int | None = None
    version: int


async def _started(services: Services, job_ids: Sequence[str]) -> Started:
    run = await services.library.runs.of_job(job_ids[0])
    return Started(job_id=job_ids[0], run_id=run.id if run else None, more=job_ids[1:])


@sync.post(policy=ADMIN, status=202)
async def start_sync(request: Request, body: StartSync) -> Started:
    """Ask for a run. Who asks for what is under way already gets that run; forced, one more follows it."""
    services = services_of(request)
    order = Order(
        instances=body.instance_ids,
        titles=body.titles,
        kinds=body.kinds,
        ops=body.ops,
        libraries=body.libraries,
        force=body.force,
        dry_run=body.dry_run,
    )
    return await _started(services, await services.library.orders.request(order, someone(request).id))


@sync.get("/operations", policy=ADMIN)
async def list_operations(request: Request) -> Mapping[str, Sequence[str]]:
    """Name → paths of the values that it covers; "metadata" covers all that no other one does."""
    return {name: [".".join(path) for path in paths] for name, paths in OPERATIONS.items()}


@sync.get("/runs", policy=ADMIN)
async def list_runs(
    request: Request,
    limit: Limit = 20,
    before: Annotated[int | None, Query(description="Only runs with a smaller number.")] = None,
) -> list[RunView]:
    """Newest first."""
    runs = await services_of(request).library.runs.latest(limit, before=before)
    return [RunView.model_validate(run) for run in runs]


@sync.get("/runs/{run_id}", policy=ADMIN)
async def get_run(request: Request, run_id: int) -> RunDetail:
    """One run, with how far it is."""
    services = services_of(request)
    run = await services.library.runs.get(run_id)
    return RunDetail(run=RunView.model_validate(run), progress=await _progress(services, run))


async def _progress(services: Services, run: Run) -> Mapping[str, Any] | None:
    if not run.open:
        return None
    async with services.db.read() as tx:
        job = await services.ledger.get_job(tx, run.job_id)
    if job is None:
        return None
    return {"done": job.done, "total": job.total, **(job.facts or {})}


@sync.get("/runs/{run_id}/changes", policy=ADMIN)
async def list_changes(
    request: Request,
    run_id: int,
    after: Annotated[int, Query(ge=0, description="`after` of the page before.")] = 0,
    limit: Limit = 100,
) -> ChangePage:
    """What the run changed, or would have changed, value by value."""
    services = services_of(request)
    run = await services.library.runs.get(run_id)
    found = await services.library.changes_of(run, after, limit)
    return ChangePage(items=found.items, after=found.after)


@sync.post("/runs/{run_id}/cancel", policy=ADMIN)
async def cancel_run(request: Request, run_id: int) -> RunDetail:
    """Stop it; what it has written stays. No error where it has ended already."""
    await services_of(request).library.runs.cancel(run_id, someone(request).id)
    return await get_run(request, run_id)


@sync.post("/runs/{run_id}/retry", policy=ADMIN, status=202)
async def retry_run(request: Request, run_id: int) -> Started:
    """Read again what the run could not read."""
    services = services_of(request)
    return await _started(services, await services.library.runs.retry(run_id, someone(request).id))


@sync.get("/instances", policy=ADMIN)
async def list_settings(request: Request) -> list[SourceView]:
    """When each server was and will be synced by itself, and how long a run bears with it."""
    library = services_of(request).library
    complete = await library.runs.complete_at()
    return [
        SourceView(**asdict(one), last_complete_at=complete.get(one.instance_id))
        for one in (await library.schedule.all()).values()
    ]


@sync.patch("/instances/{instance_id}", policy=ADMIN)
async def change_settings(request: Request, instance_id: str, body: SettingsChange) -> SourceSettings:
    """Only what is given changes."""
    services = services_of(request)
    (found,) = servers_of(services.library.orders.servers(), [instance_id]) or ("",)
    values = body.model_dump(exclude={"version"}, exclude_none=True)
    return await services.library.schedule.change(found, values, body.version, someone(request).id)


@sync.get("/libraries", policy=ADMIN)
async def list_libraries(request: Request, instance: str | None = None) -> list[LibrarySection]:
    """The sections of all servers and how completely they are known."""
    return await services_of(request).library.sections(instance)


@sync.post("/libraries/{instance_id}/{key}/release", policy=ADMIN, status=202)
async def release_held(request: Request, instance_id: str, key: str) -> Started:
    """Let titles go that are gone at the server and were kept back because they are many."""
    services = services_of(request)
    job_id = await services.library.absences.remove(instance_id, key, someone(request).id)
    return await _started(services, [job_id])
