"""Admin → sync → report: the library beside what its servers list now, by server and by what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.library.checking.verification import JOB, Report
from medianest_core.ledger.states import UNFINISHED, JobInfo
from medianest_core.sdk.permissions import ADMIN
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.formats import age, decimal, number
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import ngettext
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.sync_room import BASE, sync_tabs
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import NORMAL, Action, Badge, Choice, Progress, TileState
from medianest_core.web.portal.views.common import Tone
from medianest_core.web.portal.views.sync_report import CategoryRow, FoundRow, ReportView, VerifiedServer

REPORT = f"{BASE}/report"
_TONES: Mapping[str, Tone] = {"done": "success", "partial": "warning", "failed": "error"}
_ICONS = {
    "missing": "circle-alert",
    "not_ready": "clock",
    "extra": "trash-2",
    "fields": "pencil",
    "parent": "folder",
    "duplicate": "copy",
    "unreadable": "ban",
}


class SyncReportPages:
    """Handlers of the report."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [
            page(REPORT, self.show, policy=ADMIN),
            page(REPORT, self.run, methods=("POST",), policy=ADMIN),
        ]

    async def show(self, request: Request) -> Response:
        """Query: id of a report; the newest that is finished where it is left out."""
        services = services_of(request)
        reports = await services.library.verification.latest()
        async with services.db.read() as tx:
            jobs = await services.ledger.list_jobs(tx, states=tuple(UNFINISHED), text=JOB, limit=5)
        running = next((job for job in jobs.items if job.name == JOB), None)
        ended = [one for one in reports if one.state != "running"]
        wanted = request.query_params.get("id", "")
        shown = next((one for one in ended if str(one.id) == wanted), ended[0] if ended else None)
        with use_viewer(self._frame.view(request)):
            view = report_view(shown, ended, running)
        return await self._frame.page(request, "core/admin/sync_report.html", view)

    async def run(self, request: Request) -> Response:
        await services_of(request).library.verification.request(actor=someone(request).id)
        return self._frame.go(request, REPORT, message=_("The servers are being read."))


def report_view(shown: Report | None, ended: Sequence[Report], running: JobInfo | None) -> ReportView:
    """A report in words. running: the job of one that is being made."""
    run = Action(
        label=_("Compare now"),
        path=REPORT,
        method="post",
        icon="list-checks",
        tone="primary",
        disabled=_("It is being compared already.") if running else None,
    )
    empty = TileState(
        kind="empty",
        title=_("Nothing was compared yet"),
        text=_(
            "A report reads every server again and says what the library lacks, has too much, or has otherwise."
        ),
        icon="list-checks",
    )
    return ReportView(
        tabs=sync_tabs("report"),
        path=REPORT,
        at=shown.started_at if shown else None,
        verdict=_verdict(shown) if shown else "",
        servers=tuple(_server(name, told) for name, told in shown.servers.items()) if shown else (),
        reports=_choices(ended, shown),
        run=run,
        progress=_progress(running) if running else None,
        state=NORMAL if shown else empty,
    )


def _progress(job: JobInfo) -> Progress:
    return Progress(
        live=f"job/{job.id}",
        fraction=None if job.percent is None else job.percent / 100,
        done=int(job.done),
        total=None if job.total is None else int(job.total),
        text=_("The servers are being read."),
    )


def _choices(reports: Sequence[Report], shown: Report | None) -> tuple[Choice, ...]:
    if len(reports) < 2:
        return ()
    return tuple(
        Choice(
            label=age(one.started_at),
            value=str(one.id),
            path=f"{REPORT}?id={one.id}",
            current=shown is not None and one.id == shown.id,
        )
        for one in reports[:8]
    )


def _share(percent: float) -> str:
    return _("%(share)s %%") % {"share": decimal(percent)}


def _verdict(report: Report) -> str:
    totals = report.totals
    if report.state == "failed":
        return _("No server could be read.")
    if report.state == "cancelled":
        return _("It was cancelled.")
    if not totals["affected"]:
        return ngettext(
            "The library is what its servers list: %(count)s record.",
            "The library is what its servers list: %(count)s records.",
            totals["listed"],
        ) % {"count": number(totals["listed"])}
    words = {"count": number(totals["affected"]), "share": _share(totals["percent"])}
    return (
        ngettext(
            "Something is wrong with %(count)s record, %(share)s of all.",
            "Something is wrong with %(count)s records, %(share)s of all.",
            totals["affected"],
        )
        % words
    )


def _server(name: str, told: Mapping[str, Any]) -> VerifiedServer:
    labels = {"done": _("Read"), "partial": _("Read in part"), "failed": _("Not read")}
    words = {"listed": number(told["listed"]), "stored": number(told["stored"])}
    return VerifiedServer(
        id=name,
        title=told["title"],
        path=f"/admin/services/{name}",
        state=Badge(text=labels[told["state"]], tone=_TONES[told["state"]]),
        text=_("%(listed)s listed, %(stored)s in the library") % words,
        message=_(told["message"]) if told["message"] else "",
        categories=tuple(_category(name, key, found) for key, found in told["categories"].items()),
        groups=", ".join(f"{_group(group)} {number(count)}" for group, count in told["groups"].items()),
    )


def _category(server: str, name: str, found: Mapping[str, Any]) -> CategoryRow:
    title, text = _words(name)
    hidden = found["count"] - len(found["examples"])
    return CategoryRow(
        id=f"{server}-{name}",
        title=title,
        text=text,
        icon=_ICONS.get(name, "circle-alert"),
        count=number(found["count"]),
        share=_share(found["percent"]),
        found=tuple(_found(one) for one in found["examples"]),
        more=ngettext("and %(count)s more", "and %(count)s more", hidden) % {"count": number(hidden)}
        if hidden
        else "",
    )


def _found(one: Mapping[str, Any]) -> FoundRow:
    return FoundRow(
        title=one["title"] or one["key"],
        path=f"/title/{one['title_id']}" if one["title_id"] is not None else None,
        note=", ".join(_group(group) for group in one["groups"]),
    )


def _words(name: str) -> tuple[str, str]:
    """What a category is called, and what it means."""
    return {
        "missing": (_("Missing"), _("Listed by the server, but not in the library. The next sync adds it.")),
        "not_ready": (_("Not ready"), _("Listed without a file that can be played.")),
        "extra": (_("No longer listed"), _("In the library, but the server no longer lists it.")),
        "fields": (
            _("Other values"),
            _("The server says something else by now. The next sync takes it over."),
        ),
        "parent": (_("Wrong place"), _("Stands under another show or season than the server says.")),
        "duplicate": (_("Twice"), _("The server lists one title more than once in one library.")),
        "unreadable": (_("Unreadable"), _("The server's record cannot be read.")),
    }.get(name, (name, ""))


def _group(name: str) -> str:
    """A group of fields in the reader's language."""
    return {
        "text": _("texts"),
        "ratings": _("ratings"),
        "people": _("people"),
        "dates": _("dates"),
        "artwork": _("pictures"),
        "captions": _("captions"),
        "media": _("picture and sound"),
        "ids": _("ids"),
        "identity": _("number or place"),
        "other": _("other fields"),
    }.get(name, name)
