"""Admin → settings: what admins decide for everyone."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.sdk.errors import UserError
from medianest_core.sdk.permissions import ADMIN
from medianest_core.store.errors import Stale
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.portal_form import ELSEWHERE, portal_fields
from medianest_core.web.portal.views import Action, Field, FieldGroup, Form
from medianest_core.web.portal.views.panels import PanelPart, PanelsView

PLACE = "/admin/settings"


class SettingsPages:
    """Handlers of the portal's own settings."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [
            page(PLACE, self.show, policy=ADMIN),
            page(PLACE, self.save, methods=("POST",), policy=ADMIN),
        ]

    async def show(self, request: Request) -> Response:
        reader = services_of(request).portal_settings
        return await self._show(request, _mine(portal_fields(await reader.current())), reader.version)

    async def save(self, request: Request) -> Response:
        services = services_of(request)
        reader = services.portal_settings
        now, form = await reader.current(), await request.form()
        typed = _typed(form, _mine(portal_fields(now)))
        version = whole(form.get("version"))
        try:
            await reader.change(typed, version, someone(request).id)
        except UserError as error:
            # The sentence beside a field is ours; what pydantic says of it is for programs.
            said = _(str(error)) if error.field == "local_sign_in" else _("Check this value.")
            fields = portal_fields(now, typed, wrong={error.field or "site_name": said})
            status = self._frame.form_status(request, error)
            return await self._show(request, _mine(fields), version, status=status, wrong=True)
        except Stale as stale:
            fields = portal_fields(now, typed, theirs=stale.current)
            status = self._frame.form_status(request, stale, 409)
            return await self._show(
                request, _mine(fields), int(stale.current["version"]), status=status, stale=True
            )
        return self._frame.go(request, PLACE, message=_("Saved."))

    async def _show(
        self,
        request: Request,
        fields: tuple[Field, ...],
        version: int | None,
        *,
        status: int = 200,
        wrong: bool = False,
        stale: bool = False,
    ) -> Response:
        form = Form(
            path=PLACE,
            groups=(FieldGroup(fields=fields),),
            submit=_("Save"),
            version=version,
            error=_("Some fields need another look.") if wrong else "",
            conflict=_("Someone else changed this in the meantime.") if stale else "",
        )
        view = PanelsView(
            title=_("Settings"),
            text=_("What counts for everyone. Each service has settings of its own."),
            actions=(Action(label=_("History"), path=f"{PLACE}/history", icon="history"),),
            parts=(PanelPart(title=_("The portal"), form=form),),
        )
        return await self._frame.page(request, "core/panels.html", view, status=status)


def _mine(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    return tuple(one for one in fields if one.name not in ELSEWHERE)


def _typed(form: FormData, fields: tuple[Field, ...]) -> dict[str, Any]:
    """What was sent; a number that is none is left as text, which is then refused."""
    found: dict[str, Any] = {}
    for one in fields:
        sent = [str(value) for value in form.getlist(one.name)]
        if not sent:
            continue
        text = sent[-1].strip()
        if one.kind == "toggle":
            found[one.name] = text == "true"
        elif one.kind == "number":
            number = whole(text)
            found[one.name] = text if number is None else number
        else:
            found[one.name] = text
    return found
