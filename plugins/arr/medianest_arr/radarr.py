"""What is asked of Radarr: its films."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from medianest_arr import models
from medianest_arr.client import ArrClient, Missing

FEW = 12
"""Up to so many films are asked for one by one; for more the whole library is read once."""


async def film_by_id(client: ArrClient, id: int) -> models.Film | None:
    """A film of the library, or None."""
    try:
        return await client.get(f"/movie/{id}", models.Film)
    except Missing:
        return None


async def film_by_tmdb(client: ArrClient, tmdb: str) -> models.Film | None:
    """A film of the library, or None."""
    found = await client.get("/movie", list[models.Film], {"tmdbId": tmdb})
    # Old versions ignore the parameter and list everything.
    return next((film for film in found if str(film.tmdb_id) == tmdb and film.id), None)


async def all_films(client: ArrClient) -> Sequence[models.Film]:
    """The whole library."""
    return await client.get("/movie", list[models.Film], whole=True)


async def films_of(client: ArrClient, ids: Iterable[Mapping[str, str]]) -> Sequence[models.Film]:
    """Those of the library that have one of these external ids."""
    asked = list(ids)
    tmdb = {one["tmdb"] for one in asked if one.get("tmdb")}
    if len(tmdb) == len(asked) <= FEW:
        found = await asyncio.gather(*(film_by_tmdb(client, one) for one in sorted(tmdb)))
        return [film for film in found if film is not None]
    imdb = {one["imdb"] for one in asked if one.get("imdb")}
    return [
        film
        for film in await all_films(client)
        if str(film.tmdb_id) in tmdb or (film.imdb_id in imdb and imdb)
    ]


async def look_up(client: ArrClient, ids: Mapping[str, str]) -> dict[str, Any] | None:
    """Everything that its source of metadata says of a film, to be sent back when it is added; None where it is not known."""
    if ids.get("tmdb"):
        terms = f"tmdb:{ids['tmdb']}"
    elif ids.get("imdb"):
        terms = f"imdb:{ids['imdb']}"
    else:
        return None
    found = await client.get("/movie/lookup", list[dict[str, Any]], {"term": terms})
    for row in found:
        if str(row.get("tmdbId")) == ids.get("tmdb") or (
            ids.get("imdb") and row.get("imdbId") == ids["imdb"]
        ):
            return row
    return None


async def whole_film(client: ArrClient, id: int) -> dict[str, Any]:
    """A film with all its properties, to be changed and sent back. Raises Missing."""
    return _checked(await client.get(f"/movie/{id}", dict[str, Any]))


def _checked(whole: dict[str, Any]) -> dict[str, Any]:
    # What is sent back must be what was meant.
    models.converted(whole, models.Film)
    return whole


async def search(client: ArrClient, id: int) -> None:
    """Look for the film now."""
    await client.command("MoviesSearch", movieIds=[id])


async def rescan(client: ArrClient, id: int) -> None:
    """Look at the disk, and at finished downloads."""
    await client.command("RescanMovie", movieId=id)
    await client.command("RefreshMonitoredDownloads")
