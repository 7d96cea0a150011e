"""Downloads as the queue shows them, and the history."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from medianest_arr.simulation import wire
from medianest_arr.simulation.films import Films
from medianest_arr.simulation.shows import Shows
from medianest_arr.simulation.things import Episode, Film, Series, Transfer, quality
from medianest_arr.simulation.wire import Refused, iso, reply, timespan
from medianest_arr.simulation.world import Event

_MESSAGES = {
    "import": "No files found are eligible for import in /downloads/complete/{release}",
    "failed": "Aborted, cannot be completed",
}
_NUMBERS = {
    "Radarr": {
        "grabbed": 1,
        "downloadFolderImported": 3,
        "downloadFailed": 4,
        "movieFileDeleted": 6,
        "movieFileRenamed": 8,
        "downloadIgnored": 9,
    },
    "Sonarr": {
        "grabbed": 1,
        "downloadFolderImported": 3,
        "downloadFailed": 4,
        "episodeFileDeleted": 5,
        "episodeFileRenamed": 6,
        "downloadIgnored": 7,
    },
}


class Queue:
    """The part of the API about what is on its way and what was."""

    def __init__(self, world: Films | Shows) -> None:
        self._world = world

    async def listed(self, request: Request) -> Response:
        rows = self._rows(request, "includeMovie", "includeSeries")
        key = wire.text_of(request, "sortKey") or "timeleft"
        descending = wire.text_of(request, "sortDirection") == "descending"
        rows.sort(key=lambda row: str(row.get(key) or "99:99:99"), reverse=descending)
        return wire.page(request, rows, key, descending=descending)

    async def details(self, request: Request) -> Response:
        name = "movieId" if isinstance(self._world, Films) else "seriesId"
        wish = wire.number(request, name)
        rows = self._rows(request, "includeMovie", "includeSeries")
        return reply([row for row in rows if wish in (0, row[name])])

    async def status(self, request: Request) -> Response:
        rows = self._rows(request, "", "")
        flags = [row["trackedDownloadStatus"] for row in rows]
        return reply(
            {
                "totalCount": len(rows),
                "count": len(rows),
                "unknownCount": 0,
                "errors": "error" in flags,
                "warnings": "warning" in flags,
                "unknownErrors": False,
                "unknownWarnings": False,
            }
        )

    async def one(self, request: Request) -> Response:
        id = int(request.path_params["id"])
        world = self._world
        found = next((one for one in world.transfers if id in one.records), None)
        if found is None:
            raise Refused(wire.problem(404, "Not Found"))
        if wire.truth(request, "blocklist"):
            world.note("downloadFailed", found, {"message": "Manually marked as failed"})
        world.transfers.remove(found)
        world.ledger.record("queue.removed", release=found.release)
        return reply({})

    def _rows(self, request: Request, movie: str, series: str) -> list[dict[str, Any]]:
        rows = []
        for transfer in self._world.transfers:
            for number, id in enumerate(transfer.records):
                episode = transfer.episodes[number] if transfer.episodes else None
                row = self._row(transfer, id, episode)
                if isinstance(transfer.owner, Film) and isinstance(self._world, Films):
                    row["movieId"] = transfer.owner.id
                    if wire.truth(request, movie):
                        row["movie"] = self._world.resource(transfer.owner.title, transfer.owner)
                elif isinstance(transfer.owner, Series) and episode and isinstance(self._world, Shows):
                    row |= {"seriesId": transfer.owner.id, "episodeId": episode.id}
                    row["seasonNumber"] = episode.season
                    if wire.truth(request, series):
                        row["series"] = self._world.resource(transfer.owner.title, transfer.owner)
                    if wire.truth(request, "includeEpisode"):
                        row["episode"] = self._world.episode_resource(transfer.owner, episode)
                rows.append(row)
        return rows

    def _row(self, transfer: Transfer, id: int, episode: Episode | None) -> dict[str, Any]:
        now = self._world.now
        done = transfer.done(now)
        over = now - transfer.started - transfer.seconds
        status, flag, state, error = "downloading", "ok", "downloading", None
        messages: list[str] = []
        if transfer.trouble == "stalled":
            status, flag, error = "warning", "warning", "The download is stalled with no connections"
        elif transfer.trouble == "client":
            status, flag, error = "downloadClientUnavailable", "warning", "Unable to reach SABnzbd"
        elif transfer.trouble in ("paused", "queued", "delay"):
            status = transfer.trouble
        elif done >= 1.0:
            status, state = "completed", "importing" if over > 1 else "importPending"
            if transfer.trouble:
                messages = [_MESSAGES[transfer.trouble].format(release=transfer.release)]
            if transfer.trouble == "import":
                flag, state = "warning", "importBlocked"
            elif transfer.trouble == "failed":
                status, flag, state, error = "failed", "error", "failedPending", messages[0]
        moving = status == "downloading"
        ends = transfer.started + transfer.seconds
        return {
            "languages": [{"id": 1, "name": "English"}],
            "quality": quality(transfer.quality),
            "customFormats": [],
            "customFormatScore": 0,
            "size": transfer.size,
            "title": transfer.release,
            "sizeleft": round(transfer.size * (1 - done)),
            "timeleft": timespan(ends - now) if moving else "00:00:00" if done >= 1.0 else None,
            "estimatedCompletionTime": iso(ends) if moving or status == "delay" else None,
            "added": iso(transfer.started),
            "status": status,
            "trackedDownloadStatus": flag,
            "trackedDownloadState": state,
            "statusMessages": [{"title": transfer.release, "messages": messages}] if messages else [],
            "errorMessage": error,
            "downloadId": transfer.download,
            "protocol": "usenet",
            "downloadClient": "SABnzbd",
            "downloadClientHasPostImportCategory": False,
            "indexer": "Usenet Index",
            "outputPath": f"/downloads/{'complete' if done >= 1.0 else 'incomplete'}/{transfer.release}",
            "id": id,
        }

    # History

    async def history(self, request: Request) -> Response:
        rows = list(self._world.history)
        wish = wire.number(request, "eventType")
        if wish:
            numbers = _NUMBERS[self._world.app]
            rows = [row for row in rows if numbers.get(row.kind) == wish]
        if download := wire.text_of(request, "downloadId"):
            rows = [row for row in rows if row.download == download]
        rows.sort(key=lambda row: row.at, reverse=wire.text_of(request, "sortDirection") != "ascending")
        return wire.page(request, [self._event(request, row) for row in rows], "date", descending=True)

    async def history_of(self, request: Request) -> Response:
        wish = wire.number(request, "movieId") or wire.number(request, "seriesId")
        rows = [row for row in self._world.history if row.owner.id == wish]
        return reply([self._event(request, row) for row in reversed(rows)])

    async def since(self, request: Request) -> Response:
        begun = wire.instant(wire.text_of(request, "date"), 0.0)
        return reply([self._event(request, row) for row in self._world.history if row.at >= begun])

    def _event(self, request: Request, row: Event) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "sourceTitle": row.source,
            "languages": [{"id": 1, "name": "English"}],
            "quality": quality(row.quality),
            "customFormats": [],
            "customFormatScore": 0,
            "qualityCutoffNotMet": False,
            "date": iso(row.at),
            "downloadId": row.download,
            "eventType": row.kind,
            "data": row.data,
            "id": row.id,
        }
        if isinstance(row.owner, Film) and isinstance(self._world, Films):
            shown["movieId"] = row.owner.id
            if wire.truth(request, "includeMovie"):
                shown["movie"] = self._world.resource(row.owner.title, row.owner)
        elif isinstance(row.owner, Series) and row.episode and isinstance(self._world, Shows):
            shown |= {"seriesId": row.owner.id, "episodeId": row.episode.id}
            if wire.truth(request, "includeSeries"):
                shown["series"] = self._world.resource(row.owner.title, row.owner)
            if wire.truth(request, "includeEpisode"):
                shown["episode"] = self._world.episode_resource(row.owner, row.episode)
        return shown
