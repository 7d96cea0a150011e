"""Someone else was faster: what an admin wanted, what stands there now and who made it so, and the choice between them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response

from medianest_core.store.repos import audit
from medianest_core.web.gate.services import Services
from medianest_core.web.portal.formats import age
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.people import names_of
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import Action, ConflictView, Fact


@dataclass(frozen=True, slots=True)
class Change:
    """The last change of something, from the audit log. who: a name; "" for the console or someone who is gone."""

    who: str
    at: float

    def told(self) -> str:
        """In the reader's language: who it was, and when."""
        if not self.who:
            return _("Changed %(when)s.") % {"when": age(self.at)}
        return _("%(name)s changed this %(when)s.") % {"name": self.who, "when": age(self.at)}


async def last_change(services: Services, target: str, area: str) -> Change | None:
    """Who changed `target` last. area: the beginning of the names of the actions that count, such as "user."."""
    async with services.db.read() as tx:
        rows = await audit.latest(tx, action=area, target=target, limit=1)
    if not rows:
        return None
    names = await names_of(services, (rows[0].actor,))
    return Change(names.get(rows[0].actor or "", ""), rows[0].at)


async def conflict_page(
    frame: Frame,
    request: Request,
    *,
    title: str,
    change: Change | None,
    wanted: str,
    present: tuple[Fact, ...],
    again: Action,
    version: int,
    back: str,
) -> Response:
    """The panel that lets the admin decide. wanted: what they were about to do. again: does it over `version`."""
    with use_viewer(frame.view(request)):
        view = ConflictView(
            title=title,
            text=change.told() if change is not None else _("Someone else changed this in the meantime."),
            wanted=wanted,
            present=present,
            actions=(
                Action(label=_("Leave it as it is now"), path=back, icon="arrow-left", tone="primary"),
                replace(
                    again,
                    values=(
                        *(one for one in again.values if one[0] != "version"),
                        *version_field(version),
                    ),
                    confirm=None,
                ),
            ),
        )
    status = frame.form_status(request, view, 409)
    return await frame.page(request, "core/conflict.html", view, status=status)


def version_field(version: int) -> tuple[tuple[str, str], ...]:
    """The hidden field by which a button says what its page has shown."""
    return (("version", str(version)),)


async def version_sent(request: Request, present: int) -> int:
    """The version that the form was made for; the present one where it says none."""
    sent = whole((await request.form()).get("version"))
    return present if sent is None else sent
