"""What runs by itself, for admins: see it, choose other times, pause, add, remove, run now."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from medianest_core.ledger.schedule_choices import ScheduleInfo
from medianest_core.sdk.jobs import Schedule
from medianest_core.sdk.permissions import ADMIN
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.resource import Resource

schedules = Resource("schedules", "/schedules")


class Times(BaseModel):
    """Either cron (five fields, in timezone) or every (seconds)."""

    model_config = ConfigDict(extra="forbid")

    cron: str | None = Field(None, max_length=120)
    every: float | None = None
    timezone: str = Field("UTC", max_length=64)

    def schedule(self) -> Schedule:
        return Schedule(self.cron, self.every, timezone=self.timezone)


class NewSchedule(Times):
    """job: one of those that need no arguments."""

    job: str = Field(max_length=120)


class ScheduleChange(BaseModel):
    """times "declared": those of the job again. What is left out stays. version: as read, for a 409 when it changed."""

    model_config = ConfigDict(extra="forbid")

    times: Times | Literal["declared"] | None = None
    paused: bool | None = None
    version: int


class Started(BaseModel):
    job_id: str


@schedules.get(policy=ADMIN)
async def list_schedules(request: Request) -> list[ScheduleInfo]:
    """All of them, by name."""
    return await services_of(request).schedules.all()


@schedules.get("/jobs", policy=ADMIN)
async def list_jobs(request: Request) -> list[str]:
    """Names of the jobs that can run by themselves."""
    return services_of(request).schedules.jobs()


@schedules.post(policy=ADMIN, status=201)
async def add_schedule(request: Request, body: NewSchedule) -> ScheduleInfo:
    """Have a job run at further times."""
    found = services_of(request).schedules
    return await found.find(await found.add(body.job, body.schedule(), someone(request).id))


@schedules.patch("/{name}", policy=ADMIN)
async def change_schedule(request: Request, name: str, body: ScheduleChange) -> ScheduleInfo:
    """Other times, or a pause."""
    found, actor, version = services_of(request).schedules, someone(request).id, body.version
    if body.times is not None:
        wanted = body.times.schedule() if isinstance(body.times, Times) else None
        await found.change(name, wanted, version, actor)
        version = (await found.find(name)).version
    if body.paused is not None:
        await found.pause(name, body.paused, version, actor)
    return await found.find(name)


@schedules.delete("/{name}", policy=ADMIN)
async def remove_schedule(request: Request, name: str, version: int) -> None:
    """Only of those that were added. version: as read, for a 409 when it changed."""
    await services_of(request).schedules.remove(name, version, someone(request).id)


@schedules.post("/{name}/run", policy=ADMIN, status=202)
async def run_schedule(request: Request, name: str) -> Started:
    """Run its job now."""
    return Started(job_id=await services_of(request).schedules.run_now(name, someone(request).id))
