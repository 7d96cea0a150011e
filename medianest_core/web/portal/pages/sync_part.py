"""Admin → sync → a part: some titles, kinds or values alone, on some servers, for real or only to see what would change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.library.operations import LABELS
from medianest_core.domain.library.syncing.orders import Order
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.media import EPISODE, MOVIE, SEASON, SHOW
from medianest_core.sdk.permissions import ADMIN
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.posters import kind_label
from medianest_core.web.portal.pages.sync_room import BASE, PART, sync_tabs
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import Choice, Field, FieldGroup, Form
from medianest_core.web.portal.views.sync import SyncPartView

_KINDS = (MOVIE, SHOW, SEASON, EPISODE)
_MANY = ("instances", "kinds", "ops")
Sent = Mapping[str, Sequence[str]]


class _Wanted(NamedTuple):
    """The only title that is meant."""

    number: int
    name: str


class SyncPartPages:
    """Handlers of the form that asks for a sync of a part."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [
            page(PART, self.ask, policy=ADMIN),
            page(PART, self.start, methods=("POST",), policy=ADMIN),
        ]

    async def ask(self, request: Request) -> Response:
        """Query: title, the number of the only one that is meant."""
        return await self._shown(request, {"title": request.query_params.getlist("title")[:1]})

    async def start(self, request: Request) -> Response:
        """Fields: title (a number) or titles (one a line), instances, kinds and ops (each several times), force, dry_run."""
        services, form = services_of(request), await request.form()
        names = ("title", "titles", "force", "dry_run", *_MANY)
        sent = {name: [str(one) for one in form.getlist(name)] for name in names}
        orders = services.library.orders
        lines = [line.strip() for line in "\n".join(sent["titles"]).splitlines() if line.strip()]
        numbers = [(await _title(services, one)).number for one in sent["title"][:1]]
        try:
            typed = await orders.typed(lines)
            # A box that is not ticked sends nothing, and then all are meant.
            order = Order(
                instances=sent["instances"] or None,
                titles=[*numbers, *typed] or None,
                kinds=sent["kinds"] or None,
                ops=sent["ops"] or None,
                force="true" in sent["force"],
                dry_run="true" in sent["dry_run"],
            )
            jobs = await orders.request(order, someone(request).id)
        except UserError as error:
            return await self._shown(request, sent, error)
        run = await services.library.runs.of_job(jobs[0])
        path = f"{BASE}/runs/{run.id}" if run is not None else BASE
        message = _("What would change stands here in a moment.") if order.dry_run else ""
        return self._frame.go(request, path, message=message or _("The sync has started."))

    async def _shown(self, request: Request, sent: Sent, error: UserError | None = None) -> Response:
        services = services_of(request)
        wanted = next(iter(sent.get("title") or ()), "")
        title = (await _title(services, wanted)).name if wanted else ""
        with use_viewer(self._frame.view(request)):
            view = SyncPartView(
                tabs=sync_tabs("runs"),
                form=await _form(services, sent, wanted, error),
                title=title,
                title_path=f"/title/{wanted}" if title else "",
            )
        status = 200 if error is None else 422
        return await self._frame.page(request, "core/admin/sync_part.html", view, status=status)


async def _title(services: Services, wanted: str) -> _Wanted:
    """The title with that number. Raises Missing."""
    number = whole(wanted)
    found = await services.library.title(number) if number is not None else None
    if number is None or found is None:
        raise Missing(_("This title is not in the library."))
    year = f" ({found.row.year})" if found.row.year else ""
    return _Wanted(number, f"{found.row.title}{year}")


async def _form(services: Services, sent: Sent, title: str, error: UserError | None) -> Form:
    library = services.library
    listed = {one.kind for one in await library.sections()}
    kinds = [*_KINDS, *sorted(listed - set(_KINDS))]
    message = _(str(error)) if error is not None else ""
    field = error.field if error is not None else ""
    chosen = {name: tuple(sent.get(name, ())) for name in _MANY}

    def choices(name: str, found: Mapping[str, str]) -> tuple[Choice, ...]:
        return tuple(
            Choice(label=label, value=value, current=value in chosen[name]) for value, label in found.items()
        )

    what = (
        Field(name="title", label="", kind="hidden", value=title)
        if title
        else Field(
            name="titles",
            label=_("Titles"),
            kind="textarea",
            rows=3,
            value="\n".join(sent.get("titles", ())),
            help=_("One a line: its name, its number, or a server's own key. None: all of them."),
            example="Heat",
            error=message if field == "titles" else "",
        )
    )
    return Form(
        path=PART,
        submit=_("Sync"),
        cancel_path=BASE,
        error=message if field not in _MANY and (title or field != "titles") else "",
        groups=(
            FieldGroup(
                fields=(
                    what,
                    Field(
                        name="ops",
                        label=_("Values"),
                        kind="multiselect",
                        values=chosen["ops"],
                        choices=choices("ops", {name: _(label) for name, label in LABELS.items()}),
                        help=_("None chosen: all of them."),
                        error=message if field == "ops" else "",
                    ),
                    Field(
                        name="kinds",
                        label=_("Kinds"),
                        kind="multiselect",
                        values=chosen["kinds"],
                        choices=choices("kinds", {one: kind_label(one) for one in kinds}),
                        help=_("None chosen: the title, with its seasons and episodes.")
                        if title
                        else _("None chosen: all of them."),
                        error=message if field == "kinds" else "",
                    ),
                    Field(
                        name="instances",
                        label=_("Servers"),
                        kind="multiselect",
                        values=chosen["instances"],
                        choices=choices("instances", {one.id: one.title for one in library.orders.servers()}),
                        help=_("None chosen: all of them."),
                        error=message if field == "instances" else "",
                    ),
                    Field(
                        name="dry_run",
                        label=_("Only show what would change"),
                        kind="checkbox",
                        value="true" if "true" in sent.get("dry_run", ()) else "",
                    ),
                    Field(
                        name="force",
                        label=_("Compare also what seems unchanged"),
                        kind="checkbox",
                        value="true" if "true" in sent.get("force", ()) else "",
                    ),
                )
            ),
        ),
    )
