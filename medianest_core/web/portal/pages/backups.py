"""Admin → backups: make one, see how old and how large they are, take one away, hold it beside what is there, restore it."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute

from medianest_core.base.redact import redact
from medianest_core.domain.backups.catalogue import Backup, Kind
from medianest_core.domain.backups.service import FAILED, Overview
from medianest_core.ledger.states import UNFINISHED, JobInfo, JobState
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.permissions import ADMIN
from medianest_core.store.backup import RESTORED
from medianest_core.store.backup.errors import CannotRestore
from medianest_core.store.errors import Stale
from medianest_core.store.repos import audit
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.viewer import services_of, session_of, someone
from medianest_core.web.portal.formats import age, clock, full_time, number, size
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.views import (
    NORMAL,
    Action,
    Badge,
    Choice,
    Fact,
    Field,
    FieldGroup,
    Form,
    Progress,
    Stat,
    TileState,
)
from medianest_core.web.portal.views.backups import BackupRow, BackupsView, BackupView, DifferenceRow

BASE = "/admin/backups"
_SCHEDULE = ("backup_daily", "backup_hour", "backup_keep_daily", "backup_keep_weekly")


class BackupPages:
    """Handlers of admin → backups."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        one = BASE + "/{name}"
        return [
            page(BASE, self.list, policy=ADMIN),
            page(BASE, self.make, methods=("POST",), policy=ADMIN),
            page(f"{BASE}/schedule", self.schedule, methods=("POST",), policy=ADMIN),
            page(one, self.detail, policy=ADMIN),
            page(f"{one}/compare", self.compare, methods=("POST",), policy=ADMIN),
            page(f"{one}/download", self.download, methods=("POST",), policy=ADMIN),
            page(f"{one}/restore", self.restore, methods=("POST",), policy=ADMIN),
            page(f"{one}/remove", self.remove, methods=("POST",), policy=ADMIN),
        ]

    async def list(self, request: Request) -> Response:
        return await self._list(request)

    async def _list(
        self,
        request: Request,
        *,
        make_error: str = "",
        schedule: Form | None = None,
        status: int = 200,
    ) -> Response:
        services = services_of(request)
        found = await services.backups.overview()
        running = found.running
        view = BackupsView(
            backups=tuple(backup_row(one) for one in found.backups),
            stats=_stats(found),
            make=_make_form(found, make_error),
            schedule=schedule or _schedule_form(found),
            running=_progress(running),
            running_title=_(running.title) if running is not None else "",
            running_path=f"/admin/jobs/{running.id}" if running is not None else "",
            problem=await _problem(services, found),
            state=NORMAL
            if found.backups
            else TileState(
                kind="empty",
                title=_("No backups yet"),
                text=_("Make the first one now; it takes a moment."),
                icon="archive",
            ),
        )
        return await self._frame.page(request, "core/admin/backups.html", view, status=status)

    async def make(self, request: Request) -> Response:
        form = await request.form()
        try:
            await services_of(request).backups.ask(
                someone(request).id,
                encrypt=_last(form.getlist("encrypt")) == "true",
                with_media=_last(form.getlist("with_media")) == "true",
            )
        except UserError as error:
            return await self._list(request, make_error=_(str(error)), status=422)
        return self._frame.go(request, BASE, message=_("The backup is being made."))

    async def schedule(self, request: Request) -> Response:
        services, form = services_of(request), await request.form()
        values: dict[str, Any] = {"backup_daily": _last(form.getlist("backup_daily")) == "true"}
        values |= {name: whole(form.get(name)) for name in _SCHEDULE[1:]}
        found = await services.backups.overview()
        try:
            await services.portal_settings.change(values, whole(form.get("version")), someone(request).id)
        except UserError as error:
            shown = _schedule_form(found, values, wrong=error.field or "", version=whole(form.get("version")))
            return await self._list(request, schedule=shown, status=422)
        except Stale as stale:
            shown = _schedule_form(
                found, values, theirs=dict(stale.current), version=int(stale.current["version"])
            )
            return await self._list(request, schedule=shown, status=409)
        return self._frame.go(request, BASE, message=_("Saved."))

    async def detail(self, request: Request) -> Response:
        return await self._detail(request)

    async def _detail(
        self, request: Request, *, download_error: str = "", restore_error: str = "", status: int = 200
    ) -> Response:
        services, name = services_of(request), request.path_params["name"]
        backup = await services.backups.get(name)
        tried = await services.backups.comparison(name)
        by_password = await services.accounts.confirm.by_password(someone(request).id)
        why = await services.backups.why_not()
        done = tried is not None and tried.state is JobState.DONE
        result = tried.result if tried is not None and done and isinstance(tried.result, dict) else None
        view = BackupView(
            title=full_time(backup.made_at),
            name=name,
            row=backup_row(backup),
            facts=_facts(backup),
            left_out=tuple(Fact(label=what, value=_(why)) for what, why in sorted(backup.left_out.items())),
            compare=Action(
                label=_("Show what would change"),
                path=f"{BASE}/{name}/compare",
                method="post",
                icon="search",
            ),
            download_path=f"{BASE}/{name}/download",
            restore_path=f"{BASE}/{name}/restore",
            remove=Action(
                label=_("Delete"),
                path=f"{BASE}/{name}/remove",
                method="post",
                icon="trash-2",
                tone="error",
                confirm=_("Delete this backup? It cannot be brought back."),
            ),
            password=_password_field() if by_password else None,
            differences=_differences(result) if result is not None else None,
            compared_at=tried.finished_at if tried is not None and done else None,
            running=_progress(tried),
            problem=redact(_(tried.error)) if tried is not None and tried.error else "",
            obstacle=_(why) if why else "",
            download_error=download_error,
            restore_error=restore_error,
        )
        return await self._frame.page(request, "core/admin/backup.html", view, status=status)

    async def compare(self, request: Request) -> Response:
        name = request.path_params["name"]
        await services_of(request).backups.compare(name, someone(request).id)
        return self._frame.go(request, f"{BASE}/{name}")

    async def download(self, request: Request) -> Response:
        name = request.path_params["name"]
        try:
            await self._confirm(request)
        except UserError as error:
            return await self._detail(request, download_error=_(str(error)), status=422)
        backup = await services_of(request).backups.note_download(name, someone(request).id)
        return FileResponse(
            backup.path,
            media_type="application/octet-stream",
            filename=backup.name,
            headers={"Cache-Control": "no-store"},
        )

    async def restore(self, request: Request) -> Response:
        name = request.path_params["name"]
        try:
            if (await request.form()).get("sure") != "true":
                raise UserError(_("Say that you are sure."), "sure")
            await self._confirm(request)
            await services_of(request).backups.restore(name, someone(request).id)
        except (UserError, CannotRestore) as error:
            return await self._detail(request, restore_error=_(str(error)), status=422)
        return self._frame.go(
            request,
            BASE,
            message=_(
                "The backup is tried once more; then the portal restarts with it and everybody signs in again."
            ),
        )

    async def remove(self, request: Request) -> Response:
        await services_of(request).backups.remove(request.path_params["name"], someone(request).id)
        return self._frame.go(request, BASE, message=_("Deleted."))

    async def _confirm(self, request: Request) -> None:
        session = session_of(request)
        await services_of(request).accounts.confirm.check(
            someone(request).id,
            session.id if session is not None else None,
            str((await request.form()).get("password", "")),
        )


def kind_label(kind: Kind) -> str:
    """What it was made for, in the reader's language."""
    return {
        Kind.DAILY: _("Daily"),
        Kind.MANUAL: _("Made by hand"),
        Kind.SAFETY: _("Made before a restore"),
    }[kind]


def backup_row(backup: Backup) -> BackupRow:
    """A backup as a row."""
    parts = [kind_label(backup.kind), size(backup.size)]
    if backup.rows:
        parts.append(_("%(count)s rows") % {"count": number(backup.rows)})
    tried = backup.verified_at is not None
    return BackupRow(
        title=full_time(backup.made_at),
        path=f"{BASE}/{backup.name}",
        made_at=backup.made_at,
        text=" · ".join(parts),
        state=Badge(text=_("Tested"), tone="success", icon="shield-check")
        if tried
        else Badge(text=_("Not tested here"), tone="warning", icon="circle-help"),
        badges=(Badge(text=_("Encrypted"), icon="lock"),) if backup.encrypted else (),
    )


def _last(values: Any) -> str:
    return str(values[-1]) if values else ""


def _stats(found: Overview) -> tuple[Stat, ...]:
    newest = next((one for one in found.backups if one.verified_at is not None), None)
    return (
        Stat(
            label=_("Newest tested backup"),
            value=age(newest.made_at) if newest is not None else _("None"),
            tone="success" if newest is not None else "warning",
            icon="shield-check",
        ),
        Stat(
            label=_("Next daily backup"),
            value=clock(found.next_at) if found.next_at is not None else _("Switched off"),
            tone="neutral" if found.next_at is not None else "warning",
            icon="alarm-clock",
        ),
        Stat(
            label=_("Room taken"),
            value=size(sum(one.size for one in found.backups)),
            note=_("%(count)s files") % {"count": number(len(found.backups))},
            icon="hard-drive",
        ),
    )


async def _problem(services: Services, found: Overview) -> str:
    """Why the last backup or restore did not happen."""
    if found.failed is not None and found.failed.error and found.running is None:
        return _("The last backup was not made: %(reason)s") % {"reason": redact(_(found.failed.error))}
    async with services.db.read() as tx:
        failed = await audit.latest(tx, action=FAILED, limit=1)
        restored = await audit.latest(tx, action=RESTORED, limit=1)
    failed = [row for row in failed if row.action == FAILED]
    restored = [row for row in restored if row.action == RESTORED]
    if failed and (not restored or failed[0].id > restored[0].id):
        return _("The last restore did not happen, and nothing was changed: %(reason)s") % {
            "reason": _(str(failed[0].details.get("reason", "")))
        }
    return ""


def _progress(job: JobInfo | None) -> Progress | None:
    if job is None or job.state not in UNFINISHED:
        return None
    return Progress(
        live=f"job/{job.id}",
        fraction=None if job.percent is None else job.percent / 100,
        done=int(job.done),
        total=None if job.total is None else int(job.total),
        text=_(job.message) or _("Waiting for its turn"),
    )


def _make_form(found: Overview, error: str) -> Form:
    return Form(
        id="make",
        path=BASE,
        groups=(
            FieldGroup(
                fields=(
                    Field(
                        name="encrypt",
                        label=_("Encrypt it"),
                        kind="checkbox",
                        help=_("With the passphrase in MEDIANEST_BACKUP_PASSPHRASE.")
                        if found.can_encrypt
                        else _("Set MEDIANEST_BACKUP_PASSPHRASE and restart, then this can be chosen."),
                        value="true" if found.can_encrypt else "",
                        readonly=not found.can_encrypt,
                    ),
                    Field(
                        name="with_media",
                        label=_("With downloads and images"),
                        kind="checkbox",
                        help=_("They may be large, and can be had again from elsewhere."),
                    ),
                )
            ),
        ),
        submit=_("Make a backup now"),
        error=error,
    )


def _schedule_form(
    found: Overview,
    values: dict[str, Any] | None = None,
    *,
    wrong: str = "",
    theirs: dict[str, Any] | None = None,
    version: int | None = None,
) -> Form:
    shown = found.settings.model_dump() | (values or {})

    def text(name: str) -> str:
        value = shown.get(name)
        if isinstance(value, bool):
            return "true" if value else ""
        return "" if value is None else str(value)

    def told(name: str) -> str | None:
        if theirs is None or theirs.get(name) == shown.get(name):
            return None
        value = theirs.get(name)
        return ("true" if value else "") if isinstance(value, bool) else str(value)

    def count(name: str, label: str, help_: str, low: int, high: int) -> Field:
        return Field(
            name=name,
            label=label,
            kind="number",
            help=help_,
            value=text(name),
            required=True,
            min=str(low),
            max=str(high),
            error=_("Choose a number from %(low)s to %(high)s.") % {"low": low, "high": high}
            if wrong == name
            else "",
            theirs=told(name),
        )

    hours = tuple(
        Choice(label=f"{hour:02}:00", value=str(hour), current=text("backup_hour") == str(hour))
        for hour in range(24)
    )
    return Form(
        id="schedule",
        path=f"{BASE}/schedule",
        groups=(
            FieldGroup(
                fields=(
                    Field(
                        name="backup_daily",
                        label=_("Make a backup every day"),
                        kind="toggle",
                        value=text("backup_daily"),
                        theirs=told("backup_daily"),
                    ),
                    Field(
                        name="backup_hour",
                        label=_("At (UTC)"),
                        kind="select",
                        value=text("backup_hour"),
                        choices=hours,
                        theirs=told("backup_hour"),
                        error=_("Choose an hour.") if wrong == "backup_hour" else "",
                    ),
                    count("backup_keep_daily", _("Daily backups to keep"), "", 1, 90),
                    count(
                        "backup_keep_weekly",
                        _("Weeks to keep"),
                        _("Of each of these weeks the last backup is kept."),
                        0,
                        104,
                    ),
                )
            ),
        ),
        submit=_("Save"),
        version=found.settings_version if version is None else version,
        error=_("Some fields need another look.") if wrong else "",
        conflict=_("Someone else changed this in the meantime.") if theirs is not None else "",
    )


def _password_field() -> Field:
    return Field(
        name="password",
        label=_("Your password"),
        kind="password",
        required=True,
        autocomplete="current-password",
    )


def _facts(backup: Backup) -> tuple[Fact, ...]:
    found = [
        Fact(label=_("Made"), value=backup.made_at, kind="datetime"),
        Fact(label=_("For"), value=kind_label(backup.kind)),
        Fact(label=_("Size"), value=backup.size, kind="bytes"),
    ]
    if backup.verified_at is not None:
        found += [
            Fact(label=_("Tested"), value=backup.verified_at, kind="datetime"),
            Fact(label=_("Rows"), value=backup.rows, kind="number"),
            Fact(label=_("Files"), value=backup.files, kind="number"),
            Fact(label=_("Made by"), value=f"MediaNest {backup.version}"),
        ]
    found.append(Fact(label=_("File"), value=backup.name, kind="code"))
    return tuple(found)


def _differences(result: dict[str, Any]) -> tuple[DifferenceRow, ...]:
    names = ("table", "here", "there", "removed", "added", "changed")
    return tuple(DifferenceRow(**{name: one[name] for name in names}) for one in result["changes"])
