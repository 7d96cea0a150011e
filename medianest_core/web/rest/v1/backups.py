"""Backups: list, make, compare, take away, restore. For admins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from medianest_core.domain.backups.catalogue import Backup, Kind
from medianest_core.sdk.permissions import ADMIN
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.confirming import Confirmed, confirm
from medianest_core.web.rest.resource import Resource

backups = Resource("backups", "/backups")


class BackupView(BaseModel):
    """made_at, verified_at: epoch seconds; verified_at null: it was not tested here. size: bytes. left_out: what → why."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    kind: Kind
    made_at: float
    size: int
    encrypted: bool
    verified_at: float | None
    version: str
    rows: int
    files: int
    left_out: Mapping[str, str]


class BackupList(BaseModel):
    """next_at: of the daily one, epoch seconds; null where it is switched off. running_job: that makes one now."""

    items: Sequence[BackupView]
    next_at: float | None
    running_job: str | None


class MakeBackup(BaseModel):
    model_config = ConfigDict(extra="forbid")

    encrypt: bool = False
    with_media: bool = False


class Asked(BaseModel):
    """The job that does it."""

    job_id: str


class Comparison(BaseModel):
    """state: of the job, see jobs. changes: per table, once it is done."""

    job_id: str
    state: str
    error: str | None
    changes: Sequence[Mapping[str, Any]] | None


def _view(backup: Backup) -> BackupView:
    return BackupView.model_validate(backup)


@backups.get(policy=ADMIN)
async def list_backups(request: Request) -> BackupList:
    """Newest first."""
    found = await services_of(request).backups.overview()
    return BackupList(
        items=[_view(one) for one in found.backups],
        next_at=found.next_at,
        running_job=found.running.id if found.running is not None else None,
    )


@backups.post(policy=ADMIN, status=202)
async def make_backup(request: Request, body: MakeBackup) -> Asked:
    """Begin to make one; it counts once it was restored into a scratch database and compared."""
    job_id = await services_of(request).backups.ask(
        someone(request).id, encrypt=body.encrypt, with_media=body.with_media
    )
    return Asked(job_id=job_id)


@backups.get("/{name}", policy=ADMIN)
async def get_backup(request: Request, name: str) -> BackupView:
    return _view(await services_of(request).backups.get(name))


@backups.delete("/{name}", policy=ADMIN, session_only=True)
async def remove_backup(request: Request, name: str) -> None:
    await services_of(request).backups.remove(name, someone(request).id)


@backups.post("/{name}/comparison", policy=ADMIN, status=202)
async def compare_backup(request: Request, name: str) -> Asked:
    """Begin to try it and to hold it beside what is there now; nothing is changed."""
    return Asked(job_id=await services_of(request).backups.compare(name, someone(request).id))


@backups.get("/{name}/comparison", policy=ADMIN)
async def get_comparison(request: Request, name: str) -> Comparison | None:
    """The newest one; null where there is none yet."""
    await services_of(request).backups.get(name)
    job = await services_of(request).backups.comparison(name)
    if job is None:
        return None
    changes = job.result.get("changes") if isinstance(job.result, dict) else None
    return Comparison(job_id=job.id, state=job.state.value, error=job.error, changes=changes)


@backups.post("/{name}/download", policy=ADMIN, session_only=True)
async def download_backup(request: Request, name: str, body: Confirmed) -> Response:
    """The file itself."""
    await confirm(request, body)
    backup = await services_of(request).backups.note_download(name, someone(request).id)
    return FileResponse(
        backup.path,
        media_type="application/octet-stream",
        filename=backup.name,
        headers={"Cache-Control": "no-store"},
    )


@backups.post("/{name}/restore", policy=ADMIN, status=202, session_only=True)
async def restore_backup(request: Request, name: str, body: Confirmed) -> None:
    """Begin to put it in the place of what is there; the portal answers 503 for a moment, then everybody signs in again."""
    await confirm(request, body)
    await services_of(request).backups.restore(name, someone(request).id)
