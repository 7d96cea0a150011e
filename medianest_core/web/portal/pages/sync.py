"""Admin → sync: the servers that the library reads, when each is read, and the runs."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.library.syncing.source_settings import SourceSettings
from medianest_core.sdk.media import MediaSource
from medianest_core.sdk.permissions import ADMIN
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.formats import number
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import ngettext
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.services import health_label, health_tone, service_icon
from medianest_core.web.portal.pages.sync_room import BASE, PART, sync_tabs
from medianest_core.web.portal.pages.sync_rows import run_row
from medianest_core.web.portal.pages.sync_runs import job_of
from medianest_core.web.portal.pages.sync_servers import every_label
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import NORMAL, Action, Badge, TileState
from medianest_core.web.portal.views.sync import SourceRow, SyncView

_RUNS = 20


class SyncPages:
    """Handlers of the overview of admin → sync."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [
            page(BASE, self.overview, policy=ADMIN),
            page(BASE, self.start, methods=("POST",), policy=ADMIN),
        ]

    async def overview(self, request: Request) -> Response:
        services = services_of(request)
        runs = await services.library.sync_runs(_RUNS)
        jobs = {run.id: await job_of(services, run) for run in runs if run.open}
        titles = {info.id: info.title for info in services.host.instances.all()}
        with use_viewer(self._frame.view(request)):
            view = SyncView(
                tabs=sync_tabs("runs"),
                sources=await _sources(services),
                runs=tuple(run_row(run, titles, jobs.get(run.id)) for run in runs),
                actions=(
                    *_start_actions(),
                    Action(label=_("Only a part"), path=PART, icon="filter"),
                ),
                state=TileState(
                    kind="empty",
                    title=_("No media server yet"),
                    text=_("Add one under Services; its titles then appear in the library."),
                    icon="server",
                    action=Action(label=_("Services"), path="/admin/services", icon="server"),
                ),
                no_runs=NORMAL
                if runs
                else TileState(
                    kind="empty",
                    title=_("Nothing was synced yet"),
                    text=_("Every run stands here, with what it changed."),
                    icon="refresh-cw",
                ),
            )
        return await self._frame.page(request, "core/admin/sync.html", view)

    async def start(self, request: Request) -> Response:
        """Fields: instance (none: all), force."""
        services, form = services_of(request), await request.form()
        instance = str(form.get("instance") or "")
        if instance:
            services.host.instances.info(instance)
        await services.library.request_sync(
            instance_ids=[instance] if instance else None,
            force=form.get("force") == "true",
            actor=someone(request).id,
        )
        return self._frame.go(request, BASE, message=_("The sync has started."))


def _start_actions(instance: str = "") -> tuple[Action, ...]:
    """The two ways to sync now: what changed, or all of it."""
    values = (("instance", instance),) if instance else ()
    return (
        Action(
            label=_("Sync now"),
            path=BASE,
            method="post",
            icon="refresh-cw",
            values=values,
            tone="neutral" if instance else "primary",
        ),
        Action(
            label=_("Force"),
            path=BASE,
            method="post",
            icon="zap",
            values=(*values, ("force", "true")),
            confirm=_("Read and compare everything again, also what seems unchanged?"),
        ),
    )


async def _sources(services: Services) -> tuple[SourceRow, ...]:
    settings = await services.library.schedule.all()
    held: dict[str, int] = {}
    for section in await services.library.sections():
        held[section.instance_id] = held.get(section.instance_id, 0) + section.held
    complete = await services.library.runs.complete_at()
    kind: type[MediaSource] = MediaSource  # type: ignore[type-abstract]  # a key, not made
    return tuple(
        SourceRow(
            id=handle.instance.id,
            title=handle.instance.title,
            path=f"{BASE}/servers/{handle.instance.id}",
            icon=service_icon(services, handle.instance.plugin, handle.instance.service),
            state=Badge(text=health_label(handle.instance.state), tone=health_tone(handle.instance.state)),
            text=_(handle.instance.reason),
            complete_at=complete.get(handle.instance.id),
            next_at=_next(settings.get(handle.instance.id)),
            every=every_label(settings[handle.instance.id].every) if handle.instance.id in settings else "",
            notes=_notes(held.get(handle.instance.id, 0)),
            actions=_start_actions(handle.instance.id),
        )
        for handle in services.host.instances.any(kind)
    )


def _next(settings: SourceSettings | None) -> float | None:
    return settings.next_at if settings is not None and settings.every else None


def _notes(held: int) -> tuple[str, ...]:
    if not held:
        return ()
    words: Mapping[str, str] = {"count": number(held)}
    return (ngettext("%(count)s title kept for you", "%(count)s titles kept for you", held) % words,)
