"""The stage of a request at which SABnzbd fetches what was found for it."""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Mapping, Sequence

from medianest_core.sdk import (
    MOVIE,
    PipelineStage,
    RequestItem,
    StageAction,
    StageReport,
    StageState,
    Tracked,
)
from medianest_sabnzbd.client import Queue, SabnzbdClient, Slot


def words(text: str) -> list[str]:
    """ "The Märchen: Part 2" → ["the", "marchen", "part", "2"]"""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.findall(r"[a-z0-9]+", plain.lower())


def about(item: RequestItem, release: str) -> bool:
    """Whether a release is of what was asked for: releases begin with the title, then the year or season."""
    title, told = words(item.title), words(release)
    if not title or told[: len(title)] != title:
        return False
    rest = told[len(title) :]
    if item.kind == MOVIE:
        return item.year is None or str(item.year) in rest
    seasons = {int(found[1]) for one in rest if (found := re.match(r"s(\d{1,4})(?:e\d+)*$", one))}
    wanted = set(item.seasons) or {season for season, _ in item.episodes}
    return bool(seasons & wanted) if wanted else bool(seasons)


async def look(client: SabnzbdClient, tracked: Sequence[Tracked]) -> Mapping[str, StageReport]:
    """Asked once for all requests that are on their way."""
    queue = await client.queue()
    found = {one.id: [slot for slot in queue.slots if about(one.item, slot.filename)] for one in tracked}
    return {id: _report(queue, slots) for id, slots in found.items() if slots}


def _report(queue: Queue, slots: Sequence[Slot]) -> StageReport:
    progress = sum(one.percentage for one in slots) / len(slots) / 100
    if queue.paused:
        return StageReport(
            StageState.STUCK, progress=progress, message="SABnzbd is paused.", actions=("resume",)
        )
    left = [one.seconds_left for one in slots]
    ends_at = time.time() + max(filter(None, left)) if any(left) else None
    active = any(one.status not in ("Queued", "Paused") for one in slots)
    return StageReport(
        StageState.ACTIVE if active else StageState.WAITING, progress=progress, ends_at=ends_at
    )


async def resume(client: SabnzbdClient, request: Tracked) -> str:
    """The action that helps where it is paused."""
    await client.resume()
    return "SABnzbd goes on."


STAGE = PipelineStage(
    "usenet",
    "Fetching",
    "sabnzbd",
    look,
    order=210,
    actions=(StageAction("resume", "Go on fetching", resume),),
)
