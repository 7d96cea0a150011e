"""What a request passes between approval and library: searched for, downloading, imported."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from medianest_arr import radarr, sonarr
from medianest_arr.agenda import soonest
from medianest_arr.client import ArrClient
from medianest_arr.film_requests import fits
from medianest_arr.film_requests import waiting_text as film_text
from medianest_arr.models import Command, Episode, Film, Series, instant
from medianest_arr.progress import Phase, Progress, progress
from medianest_arr.series_requests import waiting_text as series_text
from medianest_arr.wanted import Part, aired, part_of
from medianest_core.sdk import (
    EPISODE,
    MOVIE,
    N_,
    SEASON,
    SHOW,
    NotFound,
    PipelineStage,
    StageAction,
    StageReport,
    StageState,
    Tracked,
)

SEARCH, RESCAN = "search_again", "rescan"
_SERIES_KINDS = frozenset({SHOW, SEASON, EPISODE})


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one request. wanted: it is looked for. share: of its parts that are in the library. imported_at, searched_at:
    epoch seconds. waiting: why there is no download. due: something of it is out already. out_at: when the next of it is."""

    wanted: bool
    share: float
    imported_at: float | None
    searched_at: float | None
    searching: bool
    waiting: str
    due: bool
    out_at: float | None
    under_way: Progress | None


Look = Callable[[ArrClient, Sequence[Tracked]], Awaitable[Mapping[str, Facts]]]


async def films(client: ArrClient, requests: Sequence[Tracked]) -> Mapping[str, Facts]:
    """Request id → facts, of the films that Radarr has."""
    mine = [one for one in requests if one.item.kind == MOVIE and fits(client, one.item)]
    if not mine:
        return {}
    key = "films " + " ".join(
        sorted(f"{one.item.ids.get('tmdb')}/{one.item.ids.get('imdb')}" for one in mine)
    )
    held, queue, running = await asyncio.gather(
        client.shared(key, lambda: radarr.films_of(client, [one.item.ids for one in mine])),
        client.queue(),
        client.running(),
    )
    found: dict[str, Facts] = {}
    for one in mine:
        film = next((film for film in held if _is_film(film, one.item.ids)), None)
        if film is not None:
            rows = [row for row in queue if row.movie_id == film.id]
            found[one.id] = _film_facts(film, None if film.has_file else progress(rows, client.app), running)
    return found


def _is_film(film: Film, ids: Mapping[str, str]) -> bool:
    if ids.get("tmdb") and film.tmdb_id:
        return str(film.tmdb_id) == ids["tmdb"]
    return bool(ids.get("imdb")) and film.imdb_id == ids["imdb"]


def _film_facts(film: Film, under_way: Progress | None, running: Sequence[Command]) -> Facts:
    searching = any(
        row.name in ("MoviesSearch", "MissingMoviesSearch")
        and film.id in (row.body.get("movieIds") or [film.id])
        for row in running
    )
    return Facts(
        wanted=film.monitored,
        share=float(film.has_file),
        imported_at=instant(film.movie_file.date_added) if film.movie_file else None,
        searched_at=instant(film.last_search_time),
        searching=searching,
        waiting=film_text(film),
        due=film.is_available,
        out_at=soonest(film),
        under_way=under_way,
    )


async def series(client: ArrClient, requests: Sequence[Tracked]) -> Mapping[str, Facts]:
    """Request id → facts, of the series that Sonarr has."""
    mine = [one for one in requests if one.item.kind in _SERIES_KINDS and fits(client, one.item)]
    if not mine:
        return {}
    key = "series " + " ".join(sorted(str(sorted(one.item.ids.items())) for one in mine))

    async def fetch() -> tuple[Sequence[Series], Sequence[Episode]]:
        held = await sonarr.series_of(client, [one.item.ids for one in mine])
        return held, await sonarr.episodes_of(client, [one.id for one in held], files=True)

    (held, episodes), queue, running = await asyncio.gather(
        client.shared(key, fetch), client.queue(), client.running()
    )
    found: dict[str, Facts] = {}
    for one in mine:
        show = next((each for each in held if sonarr.same(each, one.item.ids)), None)
        if show is None:
            continue
        part = part_of(one.item)
        rows = [row for row in episodes if row.series_id == show.id and part.takes(row)]
        lacking = {row.id for row in rows if not row.has_file}
        under_way = progress((row for row in queue if row.episode_id in lacking), client.app)
        found[one.id] = _series_facts(show, rows, part, under_way, running)
    return found


def _series_facts(
    show: Series, rows: Sequence[Episode], part: Part, under_way: Progress | None, running: Sequence[Command]
) -> Facts:
    now = time.time()
    names = ("SeriesSearch", "SeasonSearch", "EpisodeSearch", "MissingEpisodeSearch")
    ids = {row.id for row in rows}
    searching = any(
        row.name in names
        and (row.body.get("seriesId") == show.id or ids & set(row.body.get("episodeIds") or ()))
        for row in running
    )
    files = [
        at for row in rows if row.episode_file and (at := instant(row.episode_file.date_added)) is not None
    ]
    coming = [
        at for row in rows if not row.has_file and (at := instant(row.air_date_utc)) is not None and at > now
    ]
    flags = {row.season_number for row in show.seasons if row.monitored}
    wanted = show.monitored and (any(row.monitored for row in rows) or (not rows and bool(flags)))
    return Facts(
        wanted=wanted,
        share=sum(row.has_file for row in rows) / len(rows) if rows else 0.0,
        imported_at=max(files, default=None),
        searched_at=max(
            (at for row in rows if (at := instant(row.last_search_time)) is not None), default=None
        ),
        searching=searching,
        waiting=series_text(rows, now),
        due=any(aired(row, now) and not row.has_file for row in rows),
        out_at=min(coming, default=None),
        under_way=under_way,
    )


def searched(facts: Facts) -> StageReport:
    """Was something found?"""
    if facts.under_way is not None or facts.share >= 1.0:
        at = facts.under_way.began_at if facts.under_way else facts.imported_at
        return StageReport(StageState.DONE, at=at)
    if facts.searching:
        return StageReport(StageState.ACTIVE, at=facts.searched_at, message=N_("It is being looked for."))
    if not facts.wanted:
        text = N_("It is not looked for: someone switched that off.")
        return StageReport(StageState.STUCK, at=facts.searched_at, message=text, actions=(SEARCH,))
    if not facts.due:
        if facts.share > 0:
            return StageReport(
                StageState.DONE, at=facts.imported_at, ends_at=facts.out_at, message=facts.waiting
            )
        return StageReport(StageState.WAITING, ends_at=facts.out_at, message=facts.waiting)
    if facts.searched_at is None:
        return StageReport(StageState.WAITING, message=facts.waiting, actions=(SEARCH,))
    return StageReport(
        StageState.STUCK, at=facts.searched_at, message=facts.waiting, actions=(SEARCH, RESCAN)
    )


def downloading(facts: Facts) -> StageReport:
    """How far is the download?"""
    going = facts.under_way
    if going is None:
        return StageReport(StageState.DONE if facts.share > 0 else StageState.WAITING, at=facts.imported_at)
    if going.phase is Phase.IMPORTING:
        return StageReport(StageState.DONE, at=going.began_at, progress=1.0)
    if going.reason:
        return StageReport(
            StageState.STUCK,
            at=going.began_at,
            progress=going.share,
            message=going.reason,
            actions=(SEARCH, RESCAN),
        )
    state = StageState.WAITING if going.phase is Phase.WAITING else StageState.ACTIVE
    return StageReport(
        state, at=going.began_at, progress=going.share, ends_at=going.ends_at, message=going.note
    )


def imported(facts: Facts) -> StageReport:
    """Is it in the library?"""
    going = facts.under_way
    if going is not None and going.phase is Phase.IMPORTING:
        if going.reason:
            return StageReport(
                StageState.STUCK, message=going.reason, progress=facts.share, actions=(RESCAN, SEARCH)
            )
        return StageReport(StageState.ACTIVE, message=going.note, progress=facts.share)
    if facts.share >= 1.0:
        return StageReport(StageState.DONE, at=facts.imported_at, progress=1.0)
    if facts.share > 0:
        text = N_("A part of it is in the library.")
        return StageReport(StageState.ACTIVE, at=facts.imported_at, progress=facts.share, message=text)
    return StageReport(StageState.WAITING)


async def search_films(client: ArrClient, request: Tracked) -> str:
    """The action "search again" of a film."""
    film = next(iter(await radarr.films_of(client, [request.item.ids])), None)
    if film is None:
        raise _unknown(client)
    await radarr.search(client, film.id)
    return N_("{app} looks for it again.").format(app=client.app)


async def rescan_films(client: ArrClient, request: Tracked) -> str:
    """The action "rescan" of a film."""
    film = next(iter(await radarr.films_of(client, [request.item.ids])), None)
    if film is None:
        raise _unknown(client)
    await radarr.rescan(client, film.id)
    return N_("{app} looks at its folder and at finished downloads.").format(app=client.app)


async def search_series(client: ArrClient, request: Tracked) -> str:
    """The action "search again" of seasons or episodes."""
    show = next(iter(await sonarr.series_of(client, [request.item.ids])), None)
    if show is None:
        raise _unknown(client)
    part = part_of(request.item)
    if part.whole:
        await sonarr.search_series(client, show.id)
    for number in part.seasons:
        await sonarr.search_season(client, show.id, number)
    if part.episodes:
        rows = await sonarr.episodes_of(client, [show.id])
        ids = [row.id for row in rows if (row.season_number, row.episode_number) in part.episodes]
        if ids:
            await sonarr.search_episodes(client, ids)
    return N_("{app} looks for it again.").format(app=client.app)


async def rescan_series(client: ArrClient, request: Tracked) -> str:
    """The action "rescan" of a series."""
    show = next(iter(await sonarr.series_of(client, [request.item.ids])), None)
    if show is None:
        raise _unknown(client)
    await sonarr.rescan(client, show.id)
    return N_("{app} looks at its folder and at finished downloads.").format(app=client.app)


def _unknown(client: ArrClient) -> NotFound:
    return NotFound(N_("{app} does not have this title any more.").format(app=client.app))


def _stage(
    name: str,
    title: str,
    order: int,
    service: str,
    facts: Look,
    report: Callable[[Facts], StageReport],
    actions: Iterable[StageAction],
) -> PipelineStage:
    async def look(client: ArrClient, requests: Sequence[Tracked]) -> Mapping[str, StageReport]:
        return {id: report(one) for id, one in (await facts(client, requests)).items()}

    return PipelineStage(name, title, service, look, order, tuple(actions))


@cache
def stages() -> Sequence[PipelineStage]:
    """The three stages, for each of the two services."""
    again, scan = N_("Search again"), N_("Look at the disk again")
    table: Sequence[tuple[str, Look, tuple[StageAction, ...]]] = (
        (
            "radarr",
            films,
            (StageAction(SEARCH, again, search_films), StageAction(RESCAN, scan, rescan_films)),
        ),
        (
            "sonarr",
            series,
            (StageAction(SEARCH, again, search_series), StageAction(RESCAN, scan, rescan_series)),
        ),
    )
    found: list[PipelineStage] = []
    for service, facts, actions in table:
        found += [
            _stage("searched", N_("Searched"), 100, service, facts, searched, actions),
            _stage("downloading", N_("Downloading"), 200, service, facts, downloading, actions),
            _stage("imported", N_("Imported"), 300, service, facts, imported, actions),
        ]
    return found
