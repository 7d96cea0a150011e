"""The portal as a whole: its database and Redis as the process that answers sees them, and the check-up. For admins."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Literal

from pydantic import BaseModel
from starlette.requests import Request

from medianest_core.base.finding import Finding
from medianest_core.base.machine import MachineLoad, machine_load
from medianest_core.sdk.permissions import ADMIN
from medianest_core.store.repos.processes import ProcessSeen, processes_seen
from medianest_core.web.gate.viewer import services_of
from medianest_core.web.rest.resource import Resource

system = Resource("system", "/system")


class DatabaseFacts(BaseModel):
    """Connections of the process that answers: at most `limit`, of which `open` are made and `in_use` belong to a transaction.
    waiting: transactions that wait for one. away: it does not answer."""

    dialect: str
    away: bool
    limit: int
    open: int
    in_use: int
    waiting: int


class SystemFacts(BaseModel):
    version: str
    database: DatabaseFacts
    redis: Literal["unused", "there", "away"]


class CheckupReport(BaseModel):
    """findings: in the order in which one would put them right; level "ok", "warning" or "problem". healthy: none is a problem."""

    checked_at: float
    healthy: bool
    findings: Sequence[Finding]


@system.get(policy=ADMIN)
async def get_system(request: Request) -> SystemFacts:
    """The version, how this process's connections to the database are used, and whether Redis is there."""
    services = services_of(request)
    pool = services.db.pool_figures
    return SystemFacts(
        version=version("medianest"),
        database=DatabaseFacts(
            dialect=services.db.dialect,
            away=services.db.away,
            limit=pool.limit,
            open=pool.open,
            in_use=pool.in_use,
            waiting=pool.waiting,
        ),
        redis="unused"
        if services.settings.redis_url is None
        else "away"
        if services.live.degraded
        else "there",
    )


@system.get("/load", policy=ADMIN)
async def get_load(request: Request) -> MachineLoad:
    """How busy the machine is, and the process that answers."""
    return machine_load()


@system.get("/processes", policy=ADMIN)
async def list_processes(request: Request) -> list[ProcessSeen]:
    """Of the portal, on all machines: when each last said something of itself."""
    return await processes_seen(services_of(request).db)


@system.post("/checkup", policy=ADMIN)
async def check_up(request: Request) -> CheckupReport:
    """Look at everything that is usually wrong, as `medianest doctor` does; takes some seconds and changes nothing."""
    server = request.scope.get("server")
    report = await services_of(request).checkup.run(server[1] if server else None)
    return CheckupReport(checked_at=report.checked_at, healthy=report.healthy, findings=report.findings)
