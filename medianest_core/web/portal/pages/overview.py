"""Admin → overview: what needs an admin, how the services are, what runs."""

from __future__ import annotations

import asyncio
import shutil
from importlib.metadata import version

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.accounts.models import Status
from medianest_core.host.states import InstanceState, PluginState
from medianest_core.ledger.states import JobState
from medianest_core.sdk.permissions import ADMIN
from medianest_core.store.engine import PoolFigures
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.viewer import services_of
from medianest_core.web.portal.formats import number, size
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.jobs import job_row
from medianest_core.web.portal.pages.people import names_of
from medianest_core.web.portal.pages.plugins import state_label
from medianest_core.web.portal.pages.services import health_row
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import Fact, HealthRow, OverviewView, Stat

_FINE = {PluginState.ACTIVE, PluginState.DISABLED, PluginState.NEEDS_SETTINGS}
_TROUBLE = {
    InstanceState.RETRYING,
    InstanceState.NEEDS_REAUTH,
    InstanceState.FAILED,
    InstanceState.SUSPENDED,
}


_DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


class OverviewPages:
    """Handler of the overview."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [page("/admin", self.overview, policy=ADMIN)]

    async def overview(self, request: Request) -> Response:
        services = services_of(request)
        people = await services.accounts.users.counts()
        facets = await services.library.facets()
        disk = await asyncio.to_thread(shutil.disk_usage, services.settings.data_dir)
        async with services.db.read() as tx:
            counts = await services.ledger.counts(tx)
            running = await services.ledger.list_jobs(tx, states=(JobState.LEASED, JobState.WAITING), limit=8)
        names = await names_of(services, (job.owner for job in running.items))
        with use_viewer(self._frame.view(request)):
            low = disk.free < 5 * 2**30
            failed = counts.get(JobState.FAILED, 0)
            view = OverviewView(
                stats=(
                    Stat(
                        label=_("Titles"),
                        value=number(sum(facets.kinds.values())),
                        icon="library-big",
                        path="/library",
                    ),
                    Stat(
                        label=_("People"),
                        value=number(people.get(Status.ACTIVE.value, 0)),
                        icon="users",
                        path="/admin/users",
                    ),
                    Stat(
                        label=_("Failed jobs"),
                        value=number(failed),
                        tone="error" if failed else "neutral",
                        icon="list-checks",
                        path="/admin/jobs?tab=failed",
                    ),
                    Stat(
                        label=_("Free disk"),
                        value=size(disk.free),
                        tone="warning" if low else "neutral",
                        icon="hard-drive",
                    ),
                ),
                todo=tuple(self._todo(services, people.get(Status.PENDING.value, 0))),
                services=tuple(health_row(services, info) for info in services.host.instances.all()),
                running=tuple(job_row(job, names) for job in running.items),
                facts=(
                    Fact(label=_("Version"), value=version("medianest")),
                    Fact(label=_("Database"), value=_DATABASES.get(services.db.dialect, services.db.dialect)),
                    *_connections(services.db.pool_figures),
                    Fact(label=_("Data folder"), value=str(services.settings.data_dir), kind="code"),
                ),
            )
        return await self._frame.page(request, "core/admin/overview.html", view)

    def _todo(self, services: Services, pending: int) -> list[HealthRow]:
        found = []
        if pending:
            found.append(
                HealthRow(
                    title=_("People wait for your approval"),
                    health="degraded",
                    label=number(pending),
                    path="/admin/users?tab=pending",
                    icon="user-plus",
                )
            )
        found += [
            health_row(services, info) for info in services.host.instances.all() if info.state in _TROUBLE
        ]
        found += [
            HealthRow(
                title=info.title,
                health="down",
                label=state_label(info.state),
                path=f"/admin/plugins/{info.name}",
                text=_(info.reason),
                since_at=info.since or None,
                icon=info.icon,
            )
            for info in services.host.registry.plugins()
            if info.state not in _FINE
        ]
        return found


def _connections(pool: PoolFigures) -> list[Fact]:
    """The connections of the process that answers."""
    used = _("%(used)s of %(all)s in use, %(open)s open") % {
        "used": number(pool.in_use),
        "all": number(pool.limit),
        "open": number(pool.open),
    }
    found = [Fact(label=_("Connections to it"), value=used)]
    if pool.waiting:
        found.append(Fact(label=_("Waiting for a connection"), value=number(pool.waiting)))
    return found
