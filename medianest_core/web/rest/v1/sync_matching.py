"""Which records are one title: what is in doubt, what admins decided, and titles that are gone and held. For admins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from medianest_core.domain.library.checking.mismatches import Finding, Matched, Mismatch
from medianest_core.domain.library.checking.parts import Part
from medianest_core.domain.library.reading.query import TitleRow
from medianest_core.domain.library.syncing.absences import HeldLibrary
from medianest_core.sdk.permissions import ADMIN
from medianest_core.web.gate.problems import Problem
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.resource import Limit, Resource

sync_matching = Resource("sync", "/sync")
Offset = Annotated[int, Query(ge=0, le=1_000_000, description="How many to pass over.")]


class Join(BaseModel):
    """title_ids: of one kind; the first one's id stays."""

    model_config = ConfigDict(extra="forbid")

    title_ids: list[int] = Field(min_length=2, max_length=20)


class Split(BaseModel):
    """The record, by its server and its key there, that is none of the title's."""

    model_config = ConfigDict(extra="forbid")

    title_id: int
    instance_id: str = Field(max_length=36)
    key: str = Field(max_length=190)


class TitleRef(BaseModel):
    title_id: int


class MatchedView(BaseModel):
    """above: show and season, outermost first. parts: right below it. others: of the same kind in the same show."""

    title: Matched
    above: Sequence[TitleRow]
    parts: Sequence[Part]
    others: Sequence[Part]


class DecisionView(BaseModel):
    """verdict: "same" or "apart". titles: names of the titles it was about, as they were."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    verdict: str
    at: float
    actor: str | None
    titles: Sequence[str]


class Kept(BaseModel):
    """How many records."""

    kept: int


class Lost(BaseModel):
    """titles: how many lost so many fields at once that what was said before stays."""

    titles: int


class Begun(BaseModel):
    """job_id: of the run that reads the server again and lets go of what it still lacks."""

    job_id: str


@sync_matching.get("/matching", policy=ADMIN)
async def count_mismatches(request: Request) -> dict[str, int]:
    """What could not be matched, or is in doubt: kind → how many."""
    return await services_of(request).library.matching.counts()


@sync_matching.get("/matching/decisions", policy=ADMIN)
async def list_decisions(request: Request, limit: Limit = 100) -> list[DecisionView]:
    """What admins decided, newest first. It holds for every later sync until it is taken back."""
    found = await services_of(request).library.matching.decisions(limit)
    return [DecisionView.model_validate(one) for one in found]


@sync_matching.delete("/matching/decisions/{decision_id}", policy=ADMIN)
async def take_back(request: Request, decision_id: int) -> None:
    """Let the rules decide again. Titles that were joined get back their ids, locks and what pointed to them."""
    await services_of(request).library.matching.take_back(decision_id, someone(request).id)


@sync_matching.get("/matching/{kind}", policy=ADMIN)
async def list_mismatches(
    request: Request, kind: Mismatch, offset: Offset = 0, limit: Limit = 25
) -> list[Finding]:
    return await services_of(request).library.matching.mismatches(kind, offset=offset, limit=limit)


@sync_matching.get("/matching/titles/{title_id}", policy=ADMIN)
async def get_matched(request: Request, title_id: Annotated[int, Path(ge=0, le=2**53)]) -> MatchedView:
    """The records that a title, a season or an episode is made of, and what hangs below it."""
    matching = services_of(request).library.matching
    found = await matching.matched(title_id)
    if found is None:
        raise Problem(404, "There is no such title.", code="missing")
    family = await matching.family(title_id)
    return MatchedView(title=found, above=family.above, parts=family.parts, others=family.others)


@sync_matching.post("/matching/join", policy=ADMIN)
async def join(request: Request, body: Join) -> TitleRef:
    """Make one title of several. Locks, requests and addresses of the others lead to it from now on."""
    title = await services_of(request).library.matching.join(body.title_ids, someone(request).id)
    return TitleRef(title_id=title)


@sync_matching.post("/matching/split", policy=ADMIN)
async def split(request: Request, body: Split) -> TitleRef:
    """Take a record off a title; returns the title it belongs to now."""
    matching = services_of(request).library.matching
    title = await matching.split(body.title_id, body.instance_id, body.key, someone(request).id)
    return TitleRef(title_id=title)


@sync_matching.get("/held", policy=ADMIN)
async def list_held(request: Request) -> list[HeldLibrary]:
    """Libraries of which many titles are gone at once, held until an admin decides; and those that an admin kept."""
    return await services_of(request).library.absences.held()


@sync_matching.get("/held/{instance_id}/{key}", policy=ADMIN)
async def list_held_titles(
    request: Request, instance_id: str, key: str, kept: bool = False, after: Offset = 0, limit: Limit = 50
) -> list[TitleRow]:
    """Which titles, by their numbers. kept: those that an admin kept. after: the number of the last one seen."""
    return await services_of(request).library.absences.titles(
        instance_id, key, kept=kept, after=after, limit=limit
    )


@sync_matching.post("/held/{instance_id}/{key}/remove", policy=ADMIN, status=202)
async def remove_held(request: Request, instance_id: str, key: str) -> Begun:
    """They are gone: remove what the next complete listing still lacks."""
    job_id = await services_of(request).library.absences.remove(instance_id, key, someone(request).id)
    return Begun(job_id=job_id)


@sync_matching.post("/held/{instance_id}/{key}/keep", policy=ADMIN)
async def keep_held(request: Request, instance_id: str, key: str) -> Kept:
    """Keep them, and ask nobody again until the server lists them."""
    count = await services_of(request).library.absences.keep(instance_id, key, someone(request).id)
    return Kept(kept=count)


@sync_matching.get("/held-fields", policy=ADMIN)
async def count_held_fields(request: Request) -> Lost:
    """Titles of which servers stopped telling so much at once that an admin has to agree."""
    return Lost(titles=await services_of(request).library.absences.fields_kept())


@sync_matching.post("/held-fields/clear", policy=ADMIN)
async def clear_held_fields(request: Request) -> Lost:
    """The fields are really gone: show what the servers say now. Returns of how many titles."""
    return Lost(titles=await services_of(request).library.absences.let_fields_go(someone(request).id))
