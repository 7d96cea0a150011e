"""Finds a title and the request that stands for it, without ever taking silence for "there is none"."""

from __future__ import annotations

from collections.abc import Sequence

from medianest_core.sdk import MOVIE, NotFound, NotReady, Rejected, RequestItem, RequestState
from medianest_overseerr import reading, states
from medianest_overseerr.client import SeerrClient
from medianest_overseerr.reading import Row


async def title(client: SeerrClient, item: RequestItem) -> tuple[str, int]:
    """("movie" or "tv", TMDB id). Raises Rejected where the title has no id that TMDB knows."""
    kind = "movie" if item.kind == MOVIE else "tv"
    known = item.ids.get("tmdb", "")
    if known.isdecimal():
        return kind, int(known)
    for provider in ("imdb", "tvdb"):
        value = item.ids.get(provider)
        if not value:
            continue
        found = await client.search(f"{provider}:{value}", 1, "en")
        for row in reading.parts(found, "results"):
            tmdb = reading.whole(row, "id")
            if tmdb is not None and reading.text(row, "mediaType") == kind:
                return kind, tmdb
    raise Rejected("This title has no TMDB id, and by its other ids it was not found.")


async def wanted_seasons(client: SeerrClient, item: RequestItem, tmdb: int) -> list[int]:
    """The seasons to name, because "all" means something else in Overseerr than in Seerr: specials only where asked for.

    Raises NotReady where the series cannot be looked up.
    """
    if item.seasons:
        return sorted(set(item.seasons))
    try:
        return _all_seasons(await client.details("tv", tmdb))
    except NotFound as error:
        raise NotReady(str(error)) from error


async def standing(
    client: SeerrClient, kind: str, tmdb: int, item: RequestItem, user: str
) -> RequestState | None:
    """The request that holds this; the person's own first, then the newest. None where there surely is none."""
    try:
        full = await client.details(kind, tmdb)
    except NotFound:
        # TMDB may be down; what was asked for is known to Seerr itself.
        return await _listed(client, kind, tmdb, item, user)
    media = reading.part(full, "mediaInfo")
    if media and not isinstance(media.get("requests"), list):
        return await _listed(client, kind, tmdb, item, user)
    wanted = set(item.seasons) or set(_all_seasons(full)) if kind == "tv" else set()
    rows = [(row, media) for row in reading.parts(media, "requests")]
    return _best(rows, item, wanted, user)


async def _listed(
    client: SeerrClient, kind: str, tmdb: int, item: RequestItem, user: str
) -> RequestState | None:
    rows = []
    async for row in client.pages("/request"):
        media = reading.part(row, "media")
        if reading.whole(media, "tmdbId") == tmdb and reading.text(media, "mediaType") == kind:
            rows.append((row, media))
    if kind == "tv" and not item.seasons and any(states.stands(*pair) for pair in rows):
        raise NotReady("Which seasons the series has is not known while TMDB does not answer.")
    return _best(rows, item, set(item.seasons) if kind == "tv" else set(), user)


def _best(
    rows: Sequence[tuple[Row, Row]], item: RequestItem, wanted: set[int], user: str
) -> RequestState | None:
    """Several requests may hold the seasons together."""
    is4k = item.variant == "4k"
    live = [
        (row, media) for row, media in rows if (row.get("is4k") is True) is is4k and states.stands(row, media)
    ]
    if wanted:
        live = [(row, media) for row, media in live if states.numbers(row) & wanted]
        held = {number for row, _ in live for number in states.numbers(row)}
        if not wanted <= held:
            return None
    if not live:
        return None

    def rank(pair: tuple[Row, Row]) -> tuple[bool, int, int]:
        row = pair[0]
        owner = reading.whole(reading.part(row, "requestedBy"), "id")
        mine = str(owner) == user if user else False
        return mine, len(states.numbers(row) & wanted), reading.whole(row, "id") or 0

    return states.state(*max(live, key=rank))


def _all_seasons(details: Row) -> list[int]:
    found = (reading.whole(season, "seasonNumber") for season in reading.parts(details, "seasons"))
    return sorted({number for number in found if number})
