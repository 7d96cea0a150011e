"""Admin → check-up: what `medianest doctor` finds, and what to do about it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.base.finding import Finding, Level
from medianest_core.sdk.permissions import ADMIN
from medianest_core.web.gate.checkup import Report
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import ngettext
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import Action
from medianest_core.web.portal.views.checkup import CheckupView, FindingRow, Tone

BASE = "/admin/checkup"
_TONES: dict[Level, Tone] = {Level.OK: "success", Level.WARNING: "warning", Level.PROBLEM: "error"}


class CheckupPages:
    """Handlers of admin → check-up."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [
            page(BASE, self.show, policy=ADMIN),
            page(BASE, self.run, methods=("POST",), policy=ADMIN),
        ]

    async def show(self, request: Request) -> Response:
        return await self._page(request, await services_of(request).checkup.last())

    async def run(self, request: Request) -> Response:
        # Shown at once rather than after a redirect: another process may not know of it.
        return await self._page(request, await services_of(request).checkup.run(port_of(request)))

    async def _page(self, request: Request, report: Report | None) -> Response:
        with use_viewer(self._frame.view(request)):
            view = checkup_view(report)
        return await self._frame.page(request, "core/admin/checkup.html", view)


def port_of(request: Request) -> int | None:
    """The port that this process was asked on; None over a socket file."""
    server = request.scope.get("server")
    return server[1] if server else None


def checkup_view(report: Report | None) -> CheckupView:
    """A report in words."""
    run = Action(label=_("Check now"), path=BASE, method="post", icon="wrench", tone="primary")
    if report is None:
        return CheckupView(run=run)
    problems = sum(one.level is Level.PROBLEM for one in report.findings)
    warnings = sum(one.level is Level.WARNING for one in report.findings)
    tone: Tone = "success"
    verdict = _("All is well.")
    if warnings:
        tone = "warning"
        verdict = ngettext(
            "It works. %(count)s thing to look at.", "It works. %(count)s things to look at.", warnings
        )
        verdict %= {"count": warnings}
    if problems:
        tone = "error"
        verdict = ngettext("%(count)s thing to put right.", "%(count)s things to put right.", problems)
        verdict %= {"count": problems}
    return CheckupView(
        run=run,
        verdict=verdict,
        tone=tone,
        checked_at=report.checked_at,
        todo=tuple(
            _row(one)
            for level in (Level.PROBLEM, Level.WARNING)
            for one in report.findings
            if one.level is level
        ),
        fine=tuple(_row(one) for one in report.findings if one.level is Level.OK),
    )


def _row(finding: Finding) -> FindingRow:
    labels = {Level.OK: _("Fine"), Level.WARNING: _("Look at it"), Level.PROBLEM: _("Put it right")}
    title = _(finding.check)
    return FindingRow(
        # The console's words stand in the middle of a line.
        title=title[:1].upper() + title[1:],
        text=_(finding.text),
        remedy=_(finding.remedy) if finding.remedy else "",
        tone=_TONES[finding.level],
        label=labels[finding.level],
    )
