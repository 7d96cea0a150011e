"""The stage of a request at which Tdarr works on its file, between import and library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from medianest_core.sdk import PipelineStage, RequestItem, StageReport, StageState, Tracked
from medianest_tdarr.client import TdarrClient, Worker


def about(item: RequestItem, path: str) -> bool:
    """Whether a file is of what was asked for: folders are called "Title (Year)", or "Title" alone for series."""
    folders = [one.casefold() for one in path.replace("\\", "/").split("/")[:-1]]
    name = item.title.casefold()
    return bool(name) and (name in folders or (item.year is not None and f"{name} ({item.year})" in folders))


async def look(client: TdarrClient, tracked: Sequence[Tracked]) -> Mapping[str, StageReport]:
    """Asked once for all requests that are on their way."""
    workers = [worker for node in await client.nodes() for worker in node.workers.values()]
    found = {one.id: next((each for each in workers if about(one.item, each.file)), None) for one in tracked}
    return {id: _report(worker) for id, worker in found.items() if worker is not None}


def _report(worker: Worker) -> StageReport:
    what = "Its health is being checked." if "health" in worker.kind else "It is being converted."
    return StageReport(StageState.ACTIVE, progress=min(worker.percentage / 100, 1.0), message=what)


STAGE = PipelineStage("converting", "Converting", "tdarr", look, order=350)
