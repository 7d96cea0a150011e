"""Why a title looks as it does, its history, locks on its values, and rolling back. For admins.

A path is a list of names, such as ["captions", "en"] or ["summary"].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from medianest_core.base.texts import N_
from medianest_core.domain.library.past.locking import PRESENT
from medianest_core.domain.library.past.rollback import Report
from medianest_core.domain.library.past.why import Explained
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.permissions import ADMIN
from medianest_core.web.gate.problems import Problem
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.resource import Cursor, Limit, Resource

title_past = Resource("library", "/library/titles")
run_rollback = Resource("sync", "/sync/runs")


async def _living(request: Request, title_id: Annotated[int, Path(ge=0, le=2**53)]) -> int:
    return await services_of(request).library.matching.living(title_id) or title_id


TitleId = Annotated[int, Depends(_living)]
"""Of the title that the address names, or of the one that it was joined into."""

RunId = Annotated[int, Path(ge=0, le=2**53)]
FieldPath = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=80)]], Field(min_length=1, max_length=2)
]
Version = Annotated[
    int | None, Field(ge=0, description="As read; answered with 409 where it is another by now.")
]


class OfferView(BaseModel):
    """rank: place among the title's sources for fields of this group, from 1. chosen: its value is shown."""

    instance_id: str
    value: Any
    rank: int
    chosen: bool


class LockView(BaseModel):
    """at: epoch seconds. by: user id. value: null keeps the field empty."""

    path: list[str]
    value: Any
    at: float | None
    by: str | None


class HoldView(BaseModel):
    """A value that was rolled back to. against: what `against_from` says; as soon as it says something else, the hold ends. run: the
    rollback."""

    value: Any
    against: Any
    against_from: str | None
    at: float
    run: int


class FieldView(BaseModel):
    """origin: instance id, or "lock". why: "lock", "held", "only" (one source), "priority" (the first of several) or "empty"."""

    path: list[str]
    group: str
    value: Any
    origin: str | None
    why: str
    offers: list[OfferView]
    lock: LockView | None
    hold: HoldView | None
    image: str | None


class ProvenanceView(BaseModel):
    """version: of locks and holds. kept: since when (epoch seconds) the title is kept though no server has it. ranks: group → instances in their
    order."""

    version: int
    kept: float | None
    ranks: Mapping[str, Sequence[str]]
    fields: list[FieldView]


class EntryView(BaseModel):
    """path: empty for the title itself. source, before_from: instance ids, or "lock". actor: user id, null for a sync by itself."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    run_id: int
    at: float
    path: Sequence[str]
    before: Any
    after: Any
    source: str | None
    before_from: str | None
    rule: str
    actor: str | None


class History(BaseModel):
    items: list[EntryView]
    next_cursor: str | None


class SetLock(BaseModel):
    """value: left out, what is shown now; null keeps the field empty."""

    model_config = ConfigDict(extra="forbid")

    path: FieldPath
    value: Any = None
    version: Version = None


class AtPath(BaseModel):
    model_config = ConfigDict(extra="forbid")

    path: FieldPath
    version: Version = None


class RollBackTitle(BaseModel):
    """Exactly one of: change (its number), path (its last change), run (to before it), since (to that moment, epoch seconds)."""

    model_config = ConfigDict(extra="forbid")

    change: int | None = Field(None, ge=0, le=2**53)
    path: FieldPath | None = None
    run: int | None = Field(None, ge=0, le=2**53)
    since: float | None = Field(None, ge=0, le=1e11)
    dry_run: bool = False


class RollBackRun(BaseModel):
    """dry_run: only say what would happen."""

    model_config = ConfigDict(extra="forbid")

    dry_run: bool = False


class UndoneView(BaseModel):
    """path: empty for the title itself. outcome: "restored", "locked", "later" (changed again since), "withheld" (no longer shown), "revived"
    (back again) or "gone" (cannot come back)."""

    model_config = ConfigDict(from_attributes=True)

    title_id: int
    title: str
    path: Sequence[str]
    before: Any
    after: Any
    outcome: str


class RollbackView(BaseModel):
    """run: number of the run that the rollback is; null where it was only tried. job_id: of the job that does it, where it is under way.
    counts: outcome → how many. rows: the first of them."""

    run: int | None
    job_id: str | None = None
    counts: Mapping[str, int] = {}
    rows: list[UndoneView] = []


@title_past.get("/{title_id}/provenance", policy=ADMIN)
async def get_provenance(request: Request, title_id: TitleId) -> ProvenanceView:
    """Every value with where it comes from, by which rule, and who else offers what."""
    found = await _explained(request, title_id)
    return ProvenanceView(
        version=found.version,
        kept=found.kept,
        ranks=found.ranks,
        fields=[
            FieldView(
                path=list(one.path),
                group=one.group,
                value=one.value,
                origin=one.origin,
                why=one.why,
                offers=[
                    OfferView(
                        instance_id=offer.instance_id,
                        value=offer.value,
                        rank=offer.rank,
                        chosen=offer.chosen,
                    )
                    for offer in one.offers
                ],
                lock=LockView(path=list(one.path), value=one.lock.value, at=one.lock.at, by=one.lock.by)
                if one.lock
                else None,
                hold=HoldView(
                    value=one.hold.value,
                    against=one.hold.against,
                    against_from=one.hold.against_from,
                    at=one.hold.at,
                    run=one.hold.run,
                )
                if one.hold
                else None,
                image=one.image,
            )
            for one in found.fields
        ],
    )


@title_past.get("/{title_id}/history", policy=ADMIN)
async def list_history(
    request: Request,
    title_id: TitleId,
    path: Annotated[list[str], Query(max_length=2, description="Only this value: its names in order.")] = [],  # noqa: B006  # read by FastAPI, never changed
    cursor: Cursor = None,
    limit: Limit = 50,
) -> History:
    """What changed of it, newest first: values before and after, who, why and in which run."""
    found = await services_of(request).library.past.history.of_title(
        title_id, path=tuple(path) or None, cursor=cursor, limit=limit
    )
    return History(items=[EntryView.model_validate(one) for one in found.items], next_cursor=found.cursor)


@title_past.get("/{title_id}/locks", policy=ADMIN)
async def list_locks(request: Request, title_id: TitleId) -> list[LockView]:
    """What no sync changes."""
    found = await _explained(request, title_id)
    return [
        LockView(path=list(one.path), value=one.lock.value, at=one.lock.at, by=one.lock.by)
        for one in found.fields
        if one.lock
    ]


@title_past.post("/{title_id}/locks", policy=ADMIN)
async def lock_value(request: Request, title_id: TitleId, body: SetLock) -> list[LockView]:
    """Keep a value whatever servers say."""
    value = body.value if "value" in body.model_fields_set else PRESENT
    await services_of(request).library.past.locking.lock(
        title_id, body.path, someone(request).id, value=value, version=body.version
    )
    return await list_locks(request, title_id)


@title_past.post("/{title_id}/unlock", policy=ADMIN)
async def unlock_value(request: Request, title_id: TitleId, body: AtPath) -> list[LockView]:
    """Let the next source's value show again."""
    await services_of(request).library.past.locking.unlock(
        title_id, body.path, someone(request).id, version=body.version
    )
    return await list_locks(request, title_id)


@title_past.post("/{title_id}/release", policy=ADMIN)
async def release_value(request: Request, title_id: TitleId, body: AtPath) -> ProvenanceView:
    """Hold a value no longer that was rolled back to."""
    await services_of(request).library.past.locking.release(
        title_id, body.path, someone(request).id, version=body.version
    )
    return await get_provenance(request, title_id)


@title_past.post("/{title_id}/rollback", policy=ADMIN)
async def roll_back_title(request: Request, title_id: TitleId, body: RollBackTitle) -> RollbackView:
    """Put a value, or all of them, back as they stood; they are held until their source says something else."""
    wanted = [name for name in ("change", "path", "run", "since") if getattr(body, name) is not None]
    if len(wanted) != 1:
        raise UserError(N_("Give exactly one of change, path, run and since."))
    past, actor = services_of(request).library.past, someone(request).id
    if body.change is not None:
        return _view(await past.rollback.change(body.change, actor, title_id=title_id, dry_run=body.dry_run))
    if body.path is not None:
        return _view(await past.rollback.field_of(title_id, body.path, actor, dry_run=body.dry_run))
    return _view(
        await past.rollback.title(title_id, actor, run=body.run, since=body.since, dry_run=body.dry_run)
    )


@run_rollback.post("/{run_id}/rollback", policy=ADMIN, status=202)
async def roll_back_run(request: Request, run_id: RunId, body: RollBackRun) -> RollbackView:
    """Undo what a run did, in the background. With dry_run the answer says at once what would happen."""
    rollback = services_of(request).library.past.rollback
    if body.dry_run:
        return _view(await rollback.preview(run_id))
    by, job_id = await rollback.request(run_id, someone(request).id)
    return RollbackView(run=by, job_id=job_id)


def _view(report: Report) -> RollbackView:
    return RollbackView(
        run=report.run,
        counts={str(outcome): count for outcome, count in report.counts.items()},
        rows=[UndoneView.model_validate(one) for one in report.rows],
    )


async def _explained(request: Request, title_id: int) -> Explained:
    found: Explained | None = await services_of(request).library.past.explain(title_id)
    if found is None:
        raise Problem(404, "There is no such title.", code="missing")
    return found
