"""What a request passes at Seerr: handed on to Radarr or Sonarr, then downloading, as far as Seerr hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from medianest_core.sdk import (
    MOVIE,
    N_,
    NotFound,
    PipelineStage,
    StageAction,
    StageReport,
    StageState,
    Tracked,
)
from medianest_overseerr import reading, states
from medianest_overseerr.client import SeerrClient, whole
from medianest_overseerr.reading import Row

RETRY = "retry"
_AT_ONCE = 4
_DONE_MEDIA = (states.MEDIA_PARTLY, states.MEDIA_AVAILABLE)


async def handed_on(client: SeerrClient, requests: Sequence[Tracked]) -> Mapping[str, StageReport]:
    """Has Radarr or Sonarr taken it over?"""
    return {name: _handed_on(row) for name, row in (await _rows(client, requests)).items()}


async def downloading(client: SeerrClient, requests: Sequence[Tracked]) -> Mapping[str, StageReport]:
    """How far the downloads are of which Seerr was told; nothing where it was told of none."""
    reports = {name: _downloading(row) for name, row in (await _rows(client, requests)).items()}
    return {name: report for name, report in reports.items() if report is not None}


async def retry(client: SeerrClient, request: Tracked) -> str:
    """Hand a failed request on once more. Raises NotFound, Rejected."""
    row = await client.request(request.reference)
    if not _is(row, request):
        raise NotFound("Overseerr or Seerr does not know this any more.")
    if reading.whole(row, "status") != states.FAILED:
        return N_("It did not fail; nothing was done.")
    await client.send("POST", f"/request/{whole(request.reference)}/retry")
    return N_("It was handed on to Radarr or Sonarr again.")


def stages() -> Sequence[PipelineStage]:
    """Both, with what an admin can do."""
    actions = (StageAction(RETRY, N_("Hand on again"), retry),)
    return [
        PipelineStage("handed_on", N_("Handed on"), "seerr", handed_on, 50, actions),
        PipelineStage("downloading", N_("Downloading"), "seerr", downloading, 200),
    ]


async def _rows(client: SeerrClient, requests: Sequence[Tracked]) -> Mapping[str, Row]:
    """Request id → row, of those that are this Seerr's: another backend's reference may be the same number."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(request: Tracked) -> Row | None:
        async with gate:
            try:
                row = await client.request(request.reference)
            except NotFound:
                return None
        return row if _is(row, request) else None

    asked = [request for request in requests if request.reference.isdecimal()]
    rows = await asyncio.gather(*(one(request) for request in asked))
    return {request.id: row for request, row in zip(asked, rows, strict=True) if row is not None}


def _is(row: Row, request: Tracked) -> bool:
    media = reading.part(row, "media")
    kind = "movie" if request.item.kind == MOVIE else "tv"
    same = [
        str(value) == request.item.ids[name]
        for name in ("tmdb", "tvdb", "imdb")
        if name in request.item.ids and (value := media.get(f"{name}Id")) is not None
    ]
    return reading.text(row, "type") == kind and bool(same) and all(same)


def _handed_on(row: Row) -> StageReport:
    found = states.state(row)
    media = reading.part(row, "media")
    there = reading.whole(media, "status4k" if row.get("is4k") is True else "status")
    if reading.whole(row, "status") == states.FAILED:
        return StageReport(StageState.STUCK, found.changed_at, message=found.message, actions=(RETRY,))
    if there in (*_DONE_MEDIA, states.MEDIA_PROCESSING) or reading.whole(row, "status") == states.COMPLETED:
        return StageReport(StageState.DONE, reading.moment(row, "updatedAt"))
    waits = reading.whole(row, "status") == states.APPROVED
    return StageReport(StageState.ACTIVE if waits else StageState.WAITING, message=found.message)


def _downloading(row: Row) -> StageReport | None:
    media, is4k = reading.part(row, "media"), row.get("is4k") is True
    if reading.whole(media, "status4k" if is4k else "status") == states.MEDIA_AVAILABLE:
        return StageReport(StageState.DONE, reading.moment(media, "mediaAddedAt"), progress=1.0)
    files = reading.parts(media, "downloadStatus4k" if is4k else "downloadStatus")
    sizes = [(reading.number(one, "size") or 0.0, reading.number(one, "sizeLeft") or 0.0) for one in files]
    size = sum(total for total, _ in sizes)
    if not files or size <= 0:
        return None
    ends = [at for one in files if (at := reading.moment(one, "estimatedCompletionTime")) is not None]
    stuck = [one for one in files if reading.text(one, "status") in ("warning", "failed")]
    return StageReport(
        StageState.STUCK if stuck else StageState.ACTIVE,
        progress=min(1.0, max(0.0, 1.0 - sum(left for _, left in sizes) / size)),
        ends_at=max(ends, default=None),
        message=N_("The download has a problem; look at it in Radarr or Sonarr.") if stuck else "",
    )
