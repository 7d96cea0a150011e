"""Catalog: the films and series of TMDB, as Seerr passes them on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from medianest_core.sdk import (
    MOVIE,
    N_,
    SHOW,
    Catalog,
    CatalogEntry,
    CatalogPage,
    CatalogPerson,
    CatalogSeason,
    Feed,
    Image,
    InvalidResponse,
    NotFound,
    RequestItem,
)
from medianest_overseerr import finding, reading
from medianest_overseerr.client import SeerrClient
from medianest_overseerr.reading import Row
from medianest_overseerr.service import SEERR
from medianest_overseerr.settings import SeerrSettings

_KINDS = {"movie": MOVIE, "tv": SHOW}
_FEEDS = {
    "trending": ("trending", N_("Trending"), (MOVIE, SHOW)),
    "movies": ("movies", N_("Popular films"), (MOVIE,)),
    "shows": ("tv", N_("Popular series"), (SHOW,)),
    "movies_upcoming": ("movies/upcoming", N_("Upcoming films"), (MOVIE,)),
    "shows_upcoming": ("tv/upcoming", N_("Upcoming series"), (SHOW,)),
}
_POSTERS = (154, 185, 342, 500, 780)
_BACKDROPS = (780, 1280)
"""Widths that the image host has."""
_MOST_PEOPLE = 20


class SeerrCatalog(Catalog[SeerrSettings, SeerrClient]):
    service = SEERR
    attribution = N_(
        "Titles and posters come from TMDB. This product uses the TMDB API but is not endorsed or certified by TMDB."
    )

    async def search(self, text: str, page: int = 1, language: str = "en") -> CatalogPage:
        wanted = " ".join(text.split())
        if not wanted:
            return CatalogPage(())
        return _page(await self.client.search(wanted, page, language))

    async def details(self, kind: str, ids: Mapping[str, str], language: str = "en") -> CatalogEntry:
        wire, tmdb = await finding.title(self.client, RequestItem(kind, ids, ""))
        return _details(wire, await self.client.details(wire, tmdb, language))

    def feeds(self) -> Sequence[Feed]:
        return [Feed(name, title, kinds) for name, (_, title, kinds) in _FEEDS.items()]

    async def discover(self, feed: str, page: int = 1, language: str = "en") -> CatalogPage:
        if feed not in _FEEDS:
            raise NotFound("There is no such list.")
        path, _, kinds = _FEEDS[feed]
        only = next(iter(kinds)) if len(kinds) == 1 else None
        return _page(await self.client.feed(path, page, language), only)

    async def external_ids(self, kind: str, ids: Mapping[str, str]) -> Mapping[str, str]:
        return (await self.details(kind, ids)).ids

    async def image(self, reference: str, width: int, height: int) -> Image:
        """The reference is "poster:/path.jpg" or "backdrop:/path.jpg"."""
        shape, _, path = reference.partition(":")
        if shape not in ("poster", "backdrop") or not path.startswith("/") or ".." in path:
            raise NotFound("There is no such picture.")
        sizes = _POSTERS if shape == "poster" else _BACKDROPS
        needed = max(width, height * 2 // 3 if shape == "poster" else height * 16 // 9)
        size = next((one for one in sizes if one >= needed), sizes[-1])
        reply = await self.client.image(f"{self.config.image_base()}/w{size}{path}")
        return Image(reply.content, reply.headers.get("content-type", "image/jpeg"))


def _page(found: Row, only: str | None = None) -> CatalogPage:
    """People and collections among the results are left out. only: the kind of a feed whose rows do not say theirs."""
    if not isinstance(found.get("results"), list):
        raise InvalidResponse("Overseerr or Seerr answered with a list that cannot be read.")
    entries: dict[tuple[str, str], CatalogEntry] = {}
    for row in reading.parts(found, "results"):
        kind = _KINDS.get(reading.text(row, "mediaType")) or (only if not row.get("mediaType") else None)
        entry = _entry(kind, row) if kind else None
        if entry is not None:
            entries.setdefault((entry.kind, entry.ids["tmdb"]), entry)
    return CatalogPage(
        list(entries.values()),
        reading.whole(found, "page") or 1,
        reading.whole(found, "totalPages") or 1,
        reading.whole(found, "totalResults"),
    )


def _entry(kind: str, row: Row) -> CatalogEntry | None:
    tmdb, title = reading.whole(row, "id"), reading.text(row, "title", "name")
    if tmdb is None or not title:
        return None
    released = reading.text(row, "releaseDate", "firstAirDate")
    original = reading.text(row, "originalTitle", "originalName")
    return CatalogEntry(
        kind=kind,
        ids={"tmdb": str(tmdb)},
        title=title,
        year=reading.year(released),
        summary=reading.text(row, "overview"),
        image=_picture("poster", row, "posterPath"),
        backdrop=_picture("backdrop", row, "backdropPath"),
        original_title=original if original != title else "",
        released=released or None,
        rating=reading.number(row, "voteAverage") or None,
        popularity=reading.number(row, "popularity") or 0.0,
    )


def _details(wire: str, row: Row) -> CatalogEntry:
    entry = _entry(_KINDS[wire], row)
    if entry is None:
        raise InvalidResponse("Overseerr or Seerr answered with a title that cannot be read.")
    external = reading.part(row, "externalIds")
    ids = dict(entry.ids)
    if imdb := reading.text(external, "imdbId") or reading.text(row, "imdbId"):
        ids["imdb"] = imdb
    if (tvdb := reading.whole(external, "tvdbId")) is not None:
        ids["tvdb"] = str(tvdb)
    minutes = reading.number(row, "runtime")
    if minutes is None and isinstance(times := row.get("episodeRunTime"), list) and times:
        minutes = reading.number({"first": times[0]}, "first")
    fields = {"tagline": tagline} if (tagline := reading.text(row, "tagline")) else {}
    return CatalogEntry(
        kind=entry.kind,
        ids=ids,
        title=entry.title,
        year=entry.year,
        summary=entry.summary,
        image=entry.image,
        backdrop=entry.backdrop,
        original_title=entry.original_title,
        released=entry.released,
        rating=entry.rating,
        popularity=entry.popularity,
        runtime=minutes * 60 if minutes else None,
        genres=[name for genre in reading.parts(row, "genres") if (name := reading.text(genre, "name"))],
        people=_people(reading.part(row, "credits")),
        seasons=_seasons(row),
        fields=fields,
    )


def _people(credits: Row) -> list[CatalogPerson]:
    directors = [one for one in reading.parts(credits, "crew") if one.get("job") == "Director"]
    shown = [
        CatalogPerson(name, reading.text(one, "job", "character"), _picture("poster", one, "profilePath"))
        for one in (*directors, *reading.parts(credits, "cast"))
        if (name := reading.text(one, "name"))
    ]
    return shown[:_MOST_PEOPLE]


def _seasons(row: Row) -> list[CatalogSeason]:
    return [
        CatalogSeason(
            number,
            reading.text(season, "name"),
            reading.whole(season, "episodeCount"),
            reading.text(season, "airDate") or None,
        )
        for season in reading.parts(row, "seasons")
        if (number := reading.whole(season, "seasonNumber")) is not None
    ]


def _picture(shape: str, row: Row, name: str) -> str | None:
    path = reading.text(row, name)
    return f"{shape}:{path}" if path.startswith("/") else None
