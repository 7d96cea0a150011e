"""What is up, how it fared, and what is announced; for admins also who sees what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from medianest_core.domain.status.announcements import Wanted
from medianest_core.domain.status.board import Trouble
from medianest_core.domain.status.reading import IncidentInfo, IncidentPage, Monitor, MonitorPage, Past
from medianest_core.domain.status.rings import Span
from medianest_core.domain.status.states import State
from medianest_core.sdk.permissions import ADMIN, USER
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.resource import Cursor, Limit, Resource

status = Resource("status", "/status")
MonitorId = Annotated[int, Path(ge=0, le=2**31 - 1)]
Kind = Literal["outage", "incident", "maintenance", "announcement"]


class ServiceUp(BaseModel):
    """What everyone may know. up: null while that is not known. since_at: epoch seconds."""

    id: str
    title: str
    service: str
    up: bool | None
    since_at: float


class Summary(BaseModel):
    """counts: how many monitors are in which state. trouble: what people should know now; empty while all is well."""

    counts: Mapping[State, int]
    trouble: Sequence[Trouble]


class MonitorDetail(BaseModel):
    """history: by span, each with a fixed number of buckets, oldest first."""

    monitor: Monitor
    history: Mapping[Span, Past]


class Decision(BaseModel):
    """role: who sees it: "" everyone, "admin" only admins. needed: whether a banner tells people when it is down. version: as read,
    for a 409 when it changed."""

    model_config = ConfigDict(extra="forbid")

    role: str = Field(max_length=20)
    needed: bool
    version: int


class Visibility(BaseModel):
    model_config = ConfigDict(extra="forbid")

    role: str = Field(max_length=20)


class Decided(BaseModel):
    """count: how many monitors it is about."""

    count: int


class NewAnnouncement(BaseModel):
    """tone: info, success, warning or error. role: who sees it, as of a monitor. starts_at: left out, now (a change keeps it).
    ends_at: left out, until someone ends it."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(max_length=400)
    message: str = Field("", max_length=8000)
    tone: str = Field("info", max_length=20)
    role: str = Field("", max_length=20)
    starts_at: float | None = Field(None, ge=0, le=1e11, allow_inf_nan=False)
    ends_at: float | None = Field(None, ge=0, le=1e11, allow_inf_nan=False)


class AnnouncementChange(NewAnnouncement):
    """version: as read, for a 409 when it changed."""

    version: int


class Version(BaseModel):
    """As read, for a 409 when it changed."""

    model_config = ConfigDict(extra="forbid")

    version: int


@status.get(policy=USER)
async def list_status(request: Request) -> list[ServiceUp]:
    """Which services answer."""
    unknown = {"new", "setting_up", "closed"}
    services = services_of(request)
    return [
        ServiceUp(
            id=info.id,
            title=info.title,
            service=info.service,
            up=None if info.state.value in unknown else info.ready,
            since_at=info.since,
        )
        for info in services.status.board.visible(someone(request), services.host.instances.all())
        if info.enabled
    ]


@status.get("/summary", policy=USER)
async def get_summary(request: Request) -> Summary:
    found = services_of(request).status
    viewer = someone(request)
    return Summary(counts=await found.read.counts(viewer), trouble=found.trouble(viewer))


@status.get("/monitors", policy=USER)
async def list_monitors(
    request: Request,
    text: Annotated[str, Query(max_length=200, description="Words of the name or the group.")] = "",
    state: State | None = None,
    instance: Annotated[str | None, Query(max_length=64)] = None,
    cursor: Cursor = None,
    limit: Limit = 60,
) -> MonitorPage:
    """By group and name, the configured services first. Addresses and reasons are for admins only."""
    shown = await services_of(request).status.read.monitors(
        someone(request),
        text=text,
        states=[state] if state is not None else (),
        instance_id=instance,
        cursor=cursor,
        limit=limit,
    )
    return shown.page


@status.get("/monitors/{monitor_id}", policy=USER)
async def get_monitor(request: Request, monitor_id: MonitorId) -> MonitorDetail:
    """One with how it fared in the last day, week and month."""
    shown = await services_of(request).status.read.monitor(someone(request), monitor_id)
    return MonitorDetail(monitor=shown.page.items[0], history=shown.pasts[monitor_id])


@status.get("/monitors/{monitor_id}/history", policy=USER)
async def get_history(request: Request, monitor_id: MonitorId, span: Span = Span.DAY) -> Past:
    shown = await services_of(request).status.read.monitor(someone(request), monitor_id, [span])
    return shown.pasts[monitor_id][span]


@status.patch("/monitors/{monitor_id}", policy=ADMIN)
async def change_monitor(request: Request, monitor_id: MonitorId, body: Decision) -> Monitor:
    """Who sees it, and whether people are told by a banner when it is down."""
    found, viewer = services_of(request).status, someone(request)
    await found.announcements.decide(monitor_id, body.role, body.needed, body.version, viewer.id)
    return (await found.read.monitor(viewer, monitor_id, ())).page.items[0]


@status.put("/services/{instance_id}/visibility", policy=ADMIN)
async def change_visibility(request: Request, instance_id: str, body: Visibility) -> Decided:
    """Who sees a service and all that it watches, now and later."""
    announcements = services_of(request).status.announcements
    return Decided(count=await announcements.decide_all(instance_id, body.role, someone(request).id))


@status.get("/incidents", policy=USER)
async def list_incidents(
    request: Request,
    kind: Kind | None = None,
    monitor: Annotated[int | None, Query(ge=0, le=2**31 - 1)] = None,
    open: Annotated[bool, Query(description="Only those that last.")] = False,  # its name in the query
    cursor: Cursor = None,
    limit: Limit = 30,
) -> IncidentPage:
    """Outages, incidents, maintenance and announcements; newest first."""
    return await services_of(request).status.read.incidents(
        someone(request),
        kinds=[kind] if kind is not None else (),
        monitor_id=monitor,
        open_only=open,
        cursor=cursor,
        limit=limit,
    )


@status.post("/announcements", policy=ADMIN, status=201)
async def add_announcement(request: Request, body: NewAnnouncement) -> IncidentInfo:
    found, viewer = services_of(request).status, someone(request)
    identifier = await found.announcements.add(Wanted(**body.model_dump()), viewer.id)
    return await found.read.incident(viewer, identifier)


@status.put("/announcements/{identifier}", policy=ADMIN)
async def change_announcement(request: Request, identifier: str, body: AnnouncementChange) -> IncidentInfo:
    found, viewer = services_of(request).status, someone(request)
    wanted = Wanted(**body.model_dump(exclude={"version"}))
    await found.announcements.change(identifier, wanted, body.version, viewer.id)
    return await found.read.incident(viewer, identifier)


@status.post("/announcements/{identifier}/end", policy=ADMIN)
async def end_announcement(request: Request, identifier: str, body: Version) -> IncidentInfo:
    """It is over from now on."""
    found, viewer = services_of(request).status, someone(request)
    await found.announcements.end(identifier, body.version, viewer.id)
    return await found.read.incident(viewer, identifier)


@status.delete("/announcements/{identifier}", policy=ADMIN)
async def remove_announcement(request: Request, identifier: str, version: int) -> None:
    """version: as read, for a 409 when it changed."""
    await services_of(request).status.announcements.remove(identifier, version, someone(request).id)
