"""Syncing the library. For admins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from medianest_core.domain.library.service import LibrarySection
from medianest_core.sdk.permissions import ADMIN
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.resource import Limit, Resource

sync = Resource("sync", "/sync")


class RunView(BaseModel):
    """Times: epoch seconds. counts: what was found and changed. problems: what went wrong, by instance."""

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


class StartSync(BaseModel):
    """Left out: everything. force: compare every title, also where nothing seems to have changed."""

    model_config = ConfigDict(extra="forbid")

    instance_ids: list[str] | None = Field(None, max_length=100)
    libraries: list[str] | None = Field(None, max_length=200)
    force: bool = False


class Started(BaseModel):
    """job_id: of the run that answers this; the present one where one of the same scope is under way."""

    job_id: str


@sync.post(policy=ADMIN, status=202)
async def start_sync(request: Request, body: StartSync) -> Started:
    job_id = await services_of(request).library.request_sync(
        instance_ids=body.instance_ids,
        libraries=body.libraries,
        force=body.force,
        actor=someone(request).id,
    )
    return Started(job_id=job_id)


@sync.get("/runs", policy=ADMIN)
async def list_runs(request: Request, limit: Limit = 20) -> list[RunView]:
    """Newest first."""
    runs = await services_of(request).library.sync_runs(limit)
    return [RunView.model_validate(run) for run in runs]


@sync.get("/libraries", policy=ADMIN)
async def list_libraries(request: Request, instance: str | None = None) -> list[LibrarySection]:
    """The sections of all servers and how completely they are known."""
    return await services_of(request).library.sections(instance)


@sync.post("/libraries/{instance_id}/{key}/release", policy=ADMIN, status=202)
async def release_held(request: Request, instance_id: str, key: str) -> Started:
    """Let titles go that are gone at the server and were kept back because they are many."""
    job_id = await services_of(request).library.release_held(instance_id, key, someone(request).id)
    return Started(job_id=job_id)
