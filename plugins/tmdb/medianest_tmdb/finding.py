"""One title's details, by whichever of its ids is known."""

from __future__ import annotations

from collections.abc import Mapping

from medianest_core.sdk import N_, NotFound
from medianest_tmdb.client import TmdbClient
from medianest_tmdb.models import WIRE
from medianest_tmdb.reading import Row, rows, whole

_PARTS = {
    "movie": "credits,external_ids,release_dates,translations,videos",
    "tv": "aggregate_credits,content_ratings,external_ids,translations,videos",
}
_SOURCES = {"imdb": "imdb_id", "tvdb": "tvdb_id"}
UNKNOWN = N_("TMDB does not know this.")


async def details(client: TmdbClient, kind: str, ids: Mapping[str, str], language: str) -> tuple[str, Row]:
    """TMDB's word for the kind, and the details with their parts, in one question where the TMDB id is known."""
    wire, tmdb = await tmdb_id(client, kind, ids)
    return wire, await client.get(f"/{wire}/{tmdb}", append_to_response=_PARTS[wire], language=language)


async def tmdb_id(client: TmdbClient, kind: str, ids: Mapping[str, str]) -> tuple[str, int]:
    """TMDB's word for the kind, and its id. Raises NotFound."""
    wire = WIRE.get(kind)
    if wire is None:
        raise NotFound(UNKNOWN)
    if known := ids.get("tmdb"):
        if not known.isdecimal() or len(known) > 12:
            raise NotFound(UNKNOWN)
        return wire, int(known)
    for provider, source in _SOURCES.items():
        value = ids.get(provider, "")
        if value.isalnum() and value.isascii():
            found = await client.get(f"/find/{value}", external_source=source)
            numbers = [whole(one, "id") for one in rows(found, f"{wire}_results")]
            if numbers and numbers[0] is not None:
                return wire, numbers[0]
    raise NotFound(UNKNOWN)
