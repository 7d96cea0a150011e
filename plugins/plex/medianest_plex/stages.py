"""What a request passes last: the server has scanned what was imported.

One look at what came last answers for all requests. It knows no lengths of series, so that a part of one is only a part.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from medianest_core.sdk import (
    EPISODE,
    MOVIE,
    N_,
    SEASON,
    SHOW,
    InvalidResponse,
    MediaRecord,
    PipelineStage,
    RequestItem,
    StageReport,
    StageState,
    Tracked,
)
from medianest_plex import models
from medianest_plex.client import PlexServer
from medianest_plex.listing import Entry
from medianest_plex.models import TYPE_NUMBERS, Item, whole
from medianest_plex.models import number as when
from medianest_plex.records import decode
from medianest_plex.transport import SERVER, parsed

_SERIES = frozenset({SHOW, SEASON, EPISODE})
_NEWEST = 100
"""Titles that came last in each library, and are looked through."""
_FRESH = 15.0
"""Seconds for which they are remembered."""


@dataclass(frozen=True, slots=True)
class Newest:
    """films: those that came last. shows: external ids of each show of which something came; episodes: (show, season, number) → when."""

    films: Sequence[MediaRecord]
    shows: Mapping[str, Mapping[str, str]]
    episodes: Mapping[tuple[str, int, int], float | None]


_known: WeakKeyDictionary[PlexServer, tuple[float, asyncio.Future[Newest]]] = WeakKeyDictionary()


async def scanned(server: PlexServer, requests: Sequence[Tracked]) -> Mapping[str, StageReport]:
    """Does the server have it? Of 4K copies it cannot tell which of two files was scanned, so nothing is said of them."""
    mine = [one for one in requests if not one.item.variant and one.item.kind in {MOVIE, *_SERIES}]
    if not mine:
        return {}
    newest = await _newest(server)
    return {one.id: _film(newest, one) if one.item.kind == MOVIE else _series(newest, one) for one in mine}


def stages() -> Sequence[PipelineStage]:
    return [PipelineStage("scanned", N_("Scanned"), "plex", scanned, 400)]


async def _newest(server: PlexServer) -> Newest:
    ends, future = _known.get(server, (0.0, None))
    if future is None or time.monotonic() > ends or (future.done() and not _worked(future)):
        future = asyncio.ensure_future(_read(server))
        _known[server] = (time.monotonic() + _FRESH, future)
    return await asyncio.shield(future)


def _worked(future: asyncio.Future[Newest]) -> bool:
    return not future.cancelled() and future.exception() is None


async def _read(server: PlexServer) -> Newest:
    films: list[MediaRecord] = []
    parts: list[Item] = []
    last: dict[str, str | int] = {"sort": "addedAt:desc"}
    for section in await server.sections():
        kind = {MOVIE: MOVIE, SHOW: EPISODE}.get(section.type)
        if kind is None:
            continue
        page = await server.items(section.key, TYPE_NUMBERS[kind], 0, _NEWEST, last)
        entries = page.entries[:_NEWEST]
        if kind == MOVIE:
            films += _decoded(entries)
        else:
            parts += [parsed(entry.raw, models.item, SERVER) for entry in entries]
    shows = {str(one.grandparent_rating_key) for one in parts if one.grandparent_rating_key is not None}
    known = _decoded(await server.full_items(sorted(shows))) if shows else []
    episodes: dict[tuple[str, int, int], float | None] = {}
    for one in parts:
        season, number = whole(one.parent_index), whole(one.index)
        if season is not None and number is not None:
            episodes.setdefault((str(one.grandparent_rating_key), season, number), when(one.added_at))
    return Newest(films, {one.key: one.ids for one in known}, episodes)


def _decoded(entries: Iterable[Entry]) -> list[MediaRecord]:
    found = []
    for entry in entries:
        try:
            found.append(decode(entry.raw, ""))
        except InvalidResponse:
            continue  # One that cannot be read spoils no other.
    return found


def _same(ids: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """By the first catalog that both know."""
    return next(
        (ids[name] == wanted[name] for name in ("tmdb", "imdb", "tvdb") if name in ids and name in wanted),
        False,
    )


def _film(newest: Newest, request: Tracked) -> StageReport:
    found = next((one for one in newest.films if _same(one.ids, request.item.ids)), None)
    if found is None:
        return StageReport(StageState.WAITING)
    return StageReport(StageState.DONE, at=found.added_at)


def _series(newest: Newest, request: Tracked) -> StageReport:
    item = request.item
    mine = {show for show, ids in newest.shows.items() if _same(ids, item.ids)}
    came = {
        (season, number): at
        for (show, season, number), at in newest.episodes.items()
        if show in mine and _wanted(item, season, number)
    }
    if not came:
        return StageReport(StageState.WAITING)
    at = max((at for at in came.values() if at is not None), default=None)
    if item.episodes and set(item.episodes) <= came.keys():
        return StageReport(StageState.DONE, at=at)
    return StageReport(StageState.ACTIVE, at=at, message=N_("A part of it is there."))


def _wanted(item: RequestItem, season: int, number: int) -> bool:
    if item.episodes:
        return (season, number) in item.episodes
    return not item.seasons or season in item.seasons
