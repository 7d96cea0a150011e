"""Admin → sync → a run → roll back: what would happen, before it does."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.library.past.rollback import Report
from medianest_core.domain.library.past.undo import Outcome, Undone
from medianest_core.sdk.errors import NotFound, UserError
from medianest_core.sdk.permissions import ADMIN
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.formats import number
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.sync_room import BASE, sync_tabs
from medianest_core.web.portal.pages.sync_runs import run_id_of
from medianest_core.web.portal.pages.title_words import field_label, shown
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import NORMAL, Action, Badge, Fact, TileState, Tone
from medianest_core.web.portal.views.title_why import SyncUndoView, UndoRow


class SyncUndoPages:
    """Handlers of rolling back a run."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [
            page(BASE + "/runs/{id}/rollback", self.look, policy=ADMIN),
            page(BASE + "/runs/{id}/rollback", self.undo, methods=("POST",), policy=ADMIN),
        ]

    async def look(self, request: Request) -> Response:
        run_id = run_id_of(request)
        refusal, report = "", Report()
        try:
            report = await services_of(request).library.past.rollback.preview(run_id)
        except NotFound as error:
            raise Missing(_(str(error))) from error
        except UserError as error:
            refusal = str(error)
        with use_viewer(self._frame.view(request)):
            acting = {name: count for name, count in report.counts.items() if name in _ACTING and count}
            state = NORMAL
            if refusal or not acting:
                state = TileState(
                    kind="empty",
                    title=_("There is nothing to roll back"),
                    text=_(refusal)
                    if refusal
                    else _("What this run changed has changed again since, is locked, or is too old."),
                    icon="history",
                )
            view = SyncUndoView(
                tabs=sync_tabs("runs"),
                run=run_id,
                run_path=f"{BASE}/runs/{run_id}",
                facts=tuple(
                    Fact(label=outcome_label(name), value=number(count))
                    for name, count in sorted(report.counts.items())
                    if name != "same"
                ),
                rows=tuple(_row(one) for one in report.rows),
                action=Action(
                    label=_("Roll back"),
                    path=f"{BASE}/runs/{run_id}/rollback",
                    method="post",
                    icon="undo-2",
                    tone="primary",
                )
                if acting
                else None,
                state=state,
            )
        return await self._frame.page(request, "core/admin/sync_undo.html", view)

    async def undo(self, request: Request) -> Response:
        rollback = services_of(request).library.past.rollback
        by, _job = await rollback.request(run_id_of(request), someone(request).id)
        return self._frame.go(request, f"{BASE}/runs/{by}", message=_("The rollback has started."))


_ACTING = frozenset({"restored", "withheld", "revived"})


def outcome_label(outcome: Outcome) -> str:
    """What a rollback comes to for a value or a title."""
    return {
        "restored": _("Back as it was"),
        "same": _("As it was already"),
        "locked": _("Locked, stays"),
        "later": _("Changed again since, stays"),
        "withheld": _("Taken out of the library"),
        "revived": _("Back in the library"),
        "gone": _("Cannot come back"),
    }[outcome]


def _row(one: Undone) -> UndoRow:
    tone: Tone = "success" if one.outcome in _ACTING else "warning"
    return UndoRow(
        title=one.title,
        title_path=f"/title/{one.title_id}",
        label=field_label(one.path),
        before=shown(one.path, one.before) if one.path else None,
        after=shown(one.path, one.after) if one.path else None,
        outcome=Badge(text=outcome_label(one.outcome), tone=tone),
    )
