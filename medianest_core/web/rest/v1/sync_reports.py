"""Reports that hold the library against what its servers list now. For admins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from medianest_core.domain.library.checking.verification import Report
from medianest_core.domain.library.syncing.orders import servers_of
from medianest_core.sdk.permissions import ADMIN
from medianest_core.web.gate.problems import Problem
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.resource import Limit, Resource

sync_reports = Resource("sync", "/sync/reports")


class ReportLine(BaseModel):
    """Times: epoch seconds. totals: records listed, stored and affected, the share of these, and how many of each category."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    job_id: str
    state: str
    started_at: float
    ended_at: float | None
    totals: Mapping[str, Any]


class ReportView(ReportLine):
    """servers: by instance id, with counts, shares and examples of each category."""

    servers: Mapping[str, Any]


class StartReport(BaseModel):
    """instance_ids: ids or names of servers; left out: all of them."""

    model_config = ConfigDict(extra="forbid")

    instance_ids: list[str] | None = Field(None, max_length=100)


class ReportStarted(BaseModel):
    """job_id: of the report to come; the one that waits already where it asks for the same."""

    job_id: str


@sync_reports.post(policy=ADMIN, status=202)
async def start_report(request: Request, body: StartReport) -> ReportStarted:
    """Compare now. Nothing in the library is changed."""
    library = services_of(request).library
    meant = servers_of(library.orders.servers(), body.instance_ids)
    return ReportStarted(job_id=await library.verification.request(meant, someone(request).id))


@sync_reports.get(policy=ADMIN)
async def list_reports(request: Request, limit: Limit = 20) -> list[ReportLine]:
    """Newest first."""
    found = await services_of(request).library.verification.latest(limit)
    return [ReportLine.model_validate(one) for one in found]


@sync_reports.get("/latest", policy=ADMIN)
async def latest_report(request: Request) -> ReportView:
    """The newest that is finished."""
    found = await services_of(request).library.verification.latest()
    return _view(next((one for one in found if one.state == "done"), None))


@sync_reports.get("/{report_id}", policy=ADMIN)
async def get_report(request: Request, report_id: int) -> ReportView:
    return _view(await services_of(request).library.verification.report(min(report_id, 2**31 - 1)))


def _view(found: Report | None) -> ReportView:
    if found is None:
        raise Problem(404, "There is no such report.", code="missing")
    return ReportView.model_validate(found)
