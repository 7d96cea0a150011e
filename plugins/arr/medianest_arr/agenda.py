"""What appears when: films and episodes that are looked for, as the services' calendars tell."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from medianest_arr.client import ArrClient
from medianest_arr.models import Episode, Film, instant
from medianest_core.sdk import EPISODE, MOVIE, N_, CalendarEntry, Params

HOW = {
    "cinema": N_("In cinemas"),
    "digital": N_("At home"),
    "disc": N_("On disc"),
    "airing": N_("On air"),
}


async def films(client: ArrClient, start: float, end: float) -> Sequence[CalendarEntry]:
    """Radarr's films that appear in this time, once for each way."""
    rows = await client.get(
        "/calendar", list[Film], {**_window(start, end), "unmonitored": "false"}, whole=True
    )
    return [
        CalendarEntry(
            at=at,
            kind=MOVIE,
            title=film.title,
            how=HOW[how],
            detail=str(film.year or ""),
            ids=_some({"tmdb": str(film.tmdb_id or ""), "imdb": film.imdb_id}),
            available=film.has_file,
            duration=film.runtime * 60.0,
            day_only=True,
        )
        for film in rows
        for how, at in release_at(film).items()
        if start <= at <= end
    ]


async def episodes(client: ArrClient, start: float, end: float) -> Sequence[CalendarEntry]:
    """Sonarr's episodes that air in this time."""
    params: Params = {**_window(start, end), "unmonitored": "false", "includeSeries": "true"}
    rows = await client.get("/calendar", list[Episode], params, whole=True)
    return [_episode(row, at) for row in rows if (at := instant(row.air_date_utc)) is not None]


def _episode(row: Episode, at: float) -> CalendarEntry:
    series = row.series
    number = f"S{row.season_number:02d}E{row.episode_number:02d}"
    ids = {"tvdb": str(series.tvdb_id or ""), "tmdb": str(series.tmdb_id or "")} if series else {}
    return CalendarEntry(
        at=at,
        kind=EPISODE,
        title=series.title if series else row.title,
        how=HOW["airing"],
        detail=f"{number} {row.title}".strip(),
        ids=_some(ids),
        available=row.has_file,
        duration=row.runtime * 60.0,
        day_only=False,
    )


def release_at(film: Film) -> Mapping[str, float]:
    """What appears when: "cinema", "digital" and "disc" → epoch seconds."""
    told = {"cinema": film.in_cinemas, "digital": film.digital_release, "disc": film.physical_release}
    return {name: at for name, text in told.items() if (at := instant(text)) is not None}


def soonest(film: Film) -> float | None:
    """When it can be had at home first, epoch seconds, if that is still to come."""
    now = time.time()
    dates = [at for name, at in release_at(film).items() if name != "cinema" and at > now]
    return min(dates, default=None)


def _window(start: float, end: float) -> Mapping[str, str]:
    return {"start": _iso(start), "end": _iso(end)}


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _some(ids: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in ids.items() if value}
