"""Admin → users → import: the people of a service that knows some, with what each would become here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.requests.people import KNOWN, NEW, Someone
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.permissions import ADMIN
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import ngettext
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import Badge, Choice, Field, FieldGroup, Form, TileState
from medianest_core.web.portal.views.panels import PanelPart, PanelRow, PanelsView

PLACE = "/admin/users/import"


class PeoplePages:
    """Handlers of the page for taking over people."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [
            page(PLACE, self.show, policy=ADMIN),
            page(PLACE, self.take, methods=("POST",), policy=ADMIN),
        ]

    async def show(self, request: Request) -> Response:
        people = services_of(request).requests.people
        sources = people.sources()
        source = request.query_params.get("from") or next(iter(sources), "")
        found: Sequence[Someone] = ()
        trouble = ""
        if source in sources:
            try:
                found = await people.preview(source)
            except MediaNestError as error:
                trouble = str(error)
        with use_viewer(self._frame.view(request)):
            view = import_view(sources, source, found, trouble)
        return await self._frame.page(request, "core/panels.html", view)

    async def take(self, request: Request) -> Response:
        form = await request.form()
        source = str(form.get("from", ""))[:36]
        ids = {str(one)[:190] for one in form.getlist("person")}
        if not ids:
            return self._frame.go(request, f"{PLACE}?from={source}", message=_("Choose somebody."))
        made = await services_of(request).requests.people.take(
            source, ids, active=form.get("access") == "active", actor=someone(request).id
        )
        told = ngettext("%(num)d account was made.", "%(num)d accounts were made.", len(made))
        return self._frame.go(request, "/admin/users", message=told % {"num": len(made)})


def import_view(
    sources: Mapping[str, str], source: str, found: Sequence[Someone], trouble: str = ""
) -> PanelsView:
    """sources: instance id → title. source: the one that is shown."""
    title = sources.get(source, "")
    new = [one for one in found if one.state == NEW]
    note = None
    if trouble:
        note = TileState(
            kind="failed", title=_("%(name)s does not answer") % {"name": title}, text=_(trouble)
        )
    elif not sources:
        note = TileState(
            kind="empty",
            title=_("No service knows people"),
            text=_("Add a service that keeps requests of people; then theirs can be taken over."),
        )
    parts = []
    if new:
        parts.append(PanelPart(title=_("Who is new"), form=_form(source, new)))
    others = [one for one in found if one.state != NEW]
    if others:
        parts.append(PanelPart(title=_("The others"), rows=tuple(_row(one) for one in others)))
    elif sources and not new and not trouble:
        parts.append(PanelPart(title=_("Who is new"), empty=_("Everyone has an account here already.")))
    return PanelsView(
        title=_("Import people from %(name)s") % {"name": title} if title else _("Import people"),
        text=_("They get an account without a password, and sign in as they do there."),
        crumbs=((_("Users"), "/admin/users"),),
        choices=tuple(
            Choice(label=label, value=key, path=f"{PLACE}?from={key}", current=key == source)
            for key, label in sources.items()
        )
        if len(sources) > 1
        else (),
        choices_label=_("Service"),
        note=note,
        parts=tuple(parts),
    )


def _form(source: str, new: Sequence[Someone]) -> Form:
    return Form(
        path=PLACE,
        id="import",
        submit=_("Import"),
        cancel_path="/admin/users",
        groups=(
            FieldGroup(
                fields=(
                    Field(name="from", label="", kind="hidden", value=source),
                    Field(
                        name="person",
                        label=_("People"),
                        kind="multiselect",
                        values=tuple(one.id for one in new),
                        choices=tuple(
                            Choice(label=one.name, value=one.id, help=one.email or "") for one in new
                        ),
                    ),
                    Field(
                        name="access",
                        label=_("What they may do"),
                        kind="radio",
                        value="pending",
                        choices=(
                            Choice(label=_("Wait for my approval"), value="pending"),
                            Choice(label=_("Come in at once"), value="active"),
                        ),
                    ),
                )
            ),
        ),
    )


def _row(one: Someone) -> PanelRow:
    known = one.state == KNOWN
    return PanelRow(
        title=one.name,
        notes=(one.email,) if one.email else (),
        path=f"/admin/users/{one.user_id}" if one.user_id else "",
        badge=Badge(text=_("Has an account"), tone="success")
        if known
        else Badge(text=_("Nothing here signs them in"), tone="neutral"),
    )
