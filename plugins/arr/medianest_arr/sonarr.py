"""What is asked of Sonarr: its series and episodes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from medianest_arr import models
from medianest_arr.client import ArrClient, Missing
from medianest_core.sdk import N_, Params, Rejected, RequestItem

_AT_ONCE = 6
FEW = 12


async def series_by_id(client: ArrClient, id: int) -> models.Series | None:
    """A series of the library, or None."""
    try:
        return await client.get(f"/series/{id}", models.Series)
    except Missing:
        return None


async def series_by_tvdb(client: ArrClient, tvdb: str) -> models.Series | None:
    """A series of the library, or None."""
    found = await client.get("/series", list[models.Series], {"tvdbId": tvdb})
    return next((one for one in found if str(one.tvdb_id) == tvdb and one.id), None)


async def all_series(client: ArrClient) -> Sequence[models.Series]:
    """The whole library, without episodes."""
    return await client.get("/series", list[models.Series], whole=True)


async def series_of(client: ArrClient, ids: Iterable[Mapping[str, str]]) -> Sequence[models.Series]:
    """Those of the library that have one of these external ids."""
    asked = list(ids)
    tvdb = {one["tvdb"] for one in asked if one.get("tvdb")}
    if len(asked) <= FEW and all(one.get("tvdb") for one in asked):
        found = await asyncio.gather(*(series_by_tvdb(client, one) for one in sorted(tvdb)))
        return [one for one in found if one is not None]
    return [one for one in await all_series(client) if any(same(one, ids) for ids in asked)]


def same(series: models.Series, ids: Mapping[str, str]) -> bool:
    """Is it the series with these external ids? The surest of them decides."""
    for provider, known in (
        ("tvdb", str(series.tvdb_id or "")),
        ("tmdb", str(series.tmdb_id or "")),
        ("imdb", series.imdb_id or ""),
    ):
        if ids.get(provider) and known:
            return ids[provider] == known
    return False


async def episodes_of(
    client: ArrClient, series: Iterable[int], *, files: bool = False
) -> Sequence[models.Episode]:
    """The episodes of several series, asked for a few at once."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def fetch(id: int) -> Sequence[models.Episode]:
        params: Params = {"seriesId": id, "includeEpisodeFile": "true" if files else None}
        async with gate:
            try:
                return await client.get("/episode", list[models.Episode], params, whole=True)
            except Missing:
                return ()

    parts = await asyncio.gather(*(fetch(id) for id in sorted(set(series))))
    return [episode for part in parts for episode in part]


async def look_up(client: ArrClient, item: RequestItem) -> dict[str, Any] | None:
    """Everything that its source of metadata says of a series; None where it is not known. It only knows TVDB ids for sure: for
    others the title is searched for, and taken where an id agrees."""
    tvdb = item.ids.get("tvdb")
    term = f"tvdb:{tvdb}" if tvdb else item.title
    found = await client.get("/series/lookup", list[dict[str, Any]], {"term": term})
    for row in found:
        if same(models.converted(row, models.Series), item.ids):
            return row
    return None


async def whole_series(client: ArrClient, id: int) -> dict[str, Any]:
    """A series with all its properties, to be changed and sent back. Raises Missing."""
    return _checked(await client.get(f"/series/{id}", dict[str, Any]))


def _checked(whole: dict[str, Any]) -> dict[str, Any]:
    # What is sent back must be what was meant.
    models.converted(whole, models.Series)
    return whole


async def watch(
    client: ArrClient, id: int, *, seasons: Iterable[int], wish: bool, series: bool | None = None
) -> None:
    """Switch on or off that seasons are looked for, and, where `series` is given, the series itself. Raises Rejected for a season that
    it does not know."""
    whole = await whole_series(client, id)
    rows = [row for row in whole.get("seasons") or () if isinstance(row, dict)]
    asked = set(seasons)
    unknown = asked - {row.get("seasonNumber") for row in rows}
    if unknown and wish:
        raise Rejected(
            N_("{app} knows no season {number} of this series.").format(app="Sonarr", number=min(unknown))
        )
    changed = [{**row, "monitored": wish} if row.get("seasonNumber") in asked else row for row in rows]
    target = bool(whole.get("monitored")) if series is None else series
    if changed != rows or target != bool(whole.get("monitored")):
        await client.put(f"/series/{id}", {**whole, "seasons": changed, "monitored": target})


async def watch_episodes(client: ArrClient, ids: Sequence[int], wish: bool) -> None:
    """Switch on or off that episodes are looked for."""
    await client.put("/episode/monitor", {"episodeIds": list(ids), "monitored": wish})


async def search_season(client: ArrClient, id: int, season: int) -> None:
    """Look for what is missing of a season now."""
    await client.command("SeasonSearch", seriesId=id, seasonNumber=season)


async def search_series(client: ArrClient, id: int) -> None:
    """Look for everything that is missing of a series now."""
    await client.command("SeriesSearch", seriesId=id)


async def search_episodes(client: ArrClient, ids: Sequence[int]) -> None:
    """Look for some episodes now."""
    await client.command("EpisodeSearch", episodeIds=list(ids))


async def rescan(client: ArrClient, id: int) -> None:
    """Look at the disk, and at finished downloads."""
    await client.command("RescanSeries", seriesId=id)
    await client.command("RefreshMonitoredDownloads")
