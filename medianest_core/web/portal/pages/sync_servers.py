"""Admin → sync → one server: when it is synced by itself, how long a run bears with it, and where others order its syncs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.library.syncing.source_settings import SourceSettings
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.media import MediaSource
from medianest_core.sdk.permissions import ADMIN
from medianest_core.store.errors import Stale
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.formats import span
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.sync_room import BASE, sync_tabs
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import Choice, Field, FieldGroup, Form
from medianest_core.web.portal.views.sync import SourceView

_TIMES = (0, 900, 1800, 3600, 2 * 3600, 6 * 3600, 12 * 3600, 24 * 3600, 7 * 24 * 3600)
_MINUTES = ("longest",)
_FIELDS = ("every", "patience", "longest", "at_once")


def every_label(seconds: float) -> str:
    """How often it is synced by itself, in words."""
    return _("every %(time)s") % {"time": span(seconds)} if seconds else _("never by itself")


class SyncServerPages:
    """Handlers of one server."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        one = BASE + "/servers/{id}"
        return [
            page(one, self.detail, policy=ADMIN),
            page(one, self.save, methods=("POST",), policy=ADMIN),
        ]

    async def detail(self, request: Request) -> Response:
        return await self._shown(request)

    async def save(self, request: Request) -> Response:
        services, instance, form = services_of(request), _instance(request), await request.form()
        present = await services.library.schedule.of(instance)
        values = _values(form)
        if wrong := next((name for name in _FIELDS if name not in values), None):
            form_view = _form(present, form, wrong=wrong, message=_("Give a whole number."))
            return await self._shown(request, form_view, 422)
        try:
            await services.library.schedule.change(
                instance, values, whole(form.get("version")) or 0, someone(request).id
            )
        except UserError as error:
            form_view = _form(present, form, wrong=error.field or "", message=_(str(error)))
            return await self._shown(request, form_view, 422)
        except Stale as stale:
            return await self._shown(request, _form(present, form, theirs=stale.current), 409)
        return self._frame.go(request, BASE, message=_("Saved."))

    async def _shown(self, request: Request, form: Form | None = None, status: int = 200) -> Response:
        services, instance = services_of(request), _instance(request)
        info = services.host.instances.info(instance)
        present = await services.library.schedule.of(instance)
        address = await services.webhooks.addresses.get(instance, someone(request).id)
        path = address.sync_path or ""
        root = str(request.base_url).rstrip("/")
        with use_viewer(self._frame.view(request)):
            view = SourceView(
                tabs=sync_tabs("runs"),
                title=info.title,
                form=form or _form(present),
                next_at=present.next_at if present.every else None,
                address=f"{services.settings.public_url or root}{path}",
                webhook_id=path.rsplit("/", 1)[-1],
                service_path=f"/admin/services/{instance}",
            )
        return await self._frame.page(request, "core/admin/sync_server.html", view, status=status)


def _instance(request: Request) -> str:
    services: Services = services_of(request)
    instance = str(request.path_params["id"])
    if not services.host.instances.has(MediaSource, instance):
        raise Missing(_("There is no such media server."))
    return instance


def _values(form: FormData) -> dict[str, float]:
    found = {}
    for name in _FIELDS:
        value = whole(form.get(name))
        if value is not None:
            found[name] = float(value * 60 if name in _MINUTES else value)
    return found


def _form(
    present: SourceSettings,
    given: FormData | None = None,
    *,
    wrong: str = "",
    message: str = "",
    theirs: Mapping[str, Any] | None = None,
) -> Form:
    stored = _texts(asdict(present))
    shown = {name: str(given.get(name, stored[name])) for name in _FIELDS} if given is not None else stored
    other = _texts(theirs) if theirs is not None else {}

    def more(name: str) -> dict[str, Any]:
        differs = name in other and other[name] != shown[name]
        return {
            "name": name,
            "value": shown[name],
            "error": message if name == wrong else "",
            "theirs": other[name] if differs else None,
            "required": True,
        }

    times = sorted({*_TIMES, int(present.every)})
    return Form(
        path=f"{BASE}/servers/{present.instance_id}",
        submit=_("Save"),
        version=int(theirs["version"]) if theirs is not None else present.version,
        conflict=_("Somebody else changed this in the meantime.") if theirs is not None else "",
        groups=(
            FieldGroup(
                fields=(
                    Field(
                        **more("every"),
                        label=_("Sync by itself"),
                        kind="select",
                        choices=tuple(Choice(label=every_label(one), value=str(one)) for one in times),
                    ),
                    Field(
                        **more("patience"),
                        label=_("Give it up after so long without a sign of progress"),
                        kind="number",
                        unit="s",
                        min="2",
                        max="600",
                    ),
                    Field(
                        **more("longest"),
                        label=_("Give it up after so long in all"),
                        kind="number",
                        unit="min",
                        min="1",
                        max="1440",
                        help=_(
                            "What was read until then stays. Nothing is removed by a run that was given up."
                        ),
                    ),
                    Field(
                        **more("at_once"),
                        label=_("Titles asked for at the same time"),
                        kind="number",
                        min="1",
                        max="8",
                    ),
                )
            ),
        ),
    )


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(int(values[name] // 60 if name in _MINUTES else values[name])) for name in _FIELDS}
