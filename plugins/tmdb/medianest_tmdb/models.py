"""TMDB's rows and details as entries of a catalog."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from medianest_core.sdk import (
    MOVIE,
    N_,
    SHOW,
    CatalogEntry,
    CatalogPage,
    CatalogPerson,
    CatalogSeason,
    InvalidResponse,
)
from medianest_tmdb.reading import Row, number, part, rows, text, whole, year

KINDS: Mapping[str, str] = {"movie": MOVIE, "tv": SHOW}
"""TMDB's word → ours."""
WIRE: Mapping[str, str] = {kind: wire for wire, kind in KINDS.items()}
LAST_PAGE = 500
MOST_ACTORS = 24
MOST_VIDEOS = 6
_SITES = {"YouTube": "https://www.youtube.com/watch?v=", "Vimeo": "https://vimeo.com/"}
_VIDEO_KEY = re.compile(r"[A-Za-z0-9_-]{1,40}")
_JOBS = ("Director", "Screenplay", "Writer", "Novel", "Original Music Composer")
_COUNTRIES = {"en": "US"}


def page(found: Row, only: str | None = None) -> CatalogPage:
    """A page of a list. People and collections in it are left out, and what comes twice.

    only: TMDB's word for the kind, of lists whose rows do not say theirs.
    """
    if not isinstance(found.get("results"), list):
        raise InvalidResponse("TMDB answered with a list that cannot be read.")
    entries: dict[tuple[str, str], CatalogEntry] = {}
    for row in rows(found, "results"):
        wire = text(row, "media_type") or only or ""
        if wire in KINDS and (one := entry(wire, row)) is not None:
            entries.setdefault((one.kind, one.ids["tmdb"]), one)
    pages = min(whole(found, "total_pages") or 1, LAST_PAGE)
    return CatalogPage(
        list(entries.values()), whole(found, "page") or 1, pages, whole(found, "total_results")
    )


def entry(wire: str, row: Row, **more: Any) -> CatalogEntry | None:
    """One row; None where it lacks an id or a name. more: what only details know."""
    tmdb, title = whole(row, "id"), text(row, "title", "name", "original_title", "original_name")
    if tmdb is None or not title:
        return None
    original, day = text(row, "original_title", "original_name"), text(row, "release_date", "first_air_date")
    votes = whole(row, "vote_count")
    values: dict[str, Any] = {
        "kind": KINDS[wire],
        "ids": {"tmdb": str(tmdb)},
        "title": title,
        "year": year(day),
        "summary": text(row, "overview"),
        "image": _reference("poster", row, "poster_path"),
        "backdrop": _reference("backdrop", row, "backdrop_path"),
        "original_title": original if original != title else "",
        "released": day or None,
        # Nobody has voted yet: that is no rating of nought.
        "rating": number(row, "vote_average") or None if votes != 0 else None,
        "popularity": number(row, "popularity") or 0.0,
    }
    return CatalogEntry(**{**values, **more})


def details(wire: str, row: Row, language: str) -> CatalogEntry:
    """Details with the parts that `catalog` has appended. Raises InvalidResponse."""
    minutes = number(row, "runtime")
    if minutes is None and isinstance(times := row.get("episode_run_time"), list) and times:
        minutes = number({"first": times[0]}, "first")
    fields = {
        "tagline": text(row, "tagline"),
        "status": text(row, "status"),
        "studio": next((text(one, "name") for one in studios(row)), ""),
        "content_rating": certificate(row, language),
        "collection": text(part(row, "belongs_to_collection"), "name"),
        "videos": videos(row),
    }
    made = entry(
        wire,
        row,
        ids=ids(row),
        summary=overview(row, language),
        runtime=minutes * 60 if minutes else None,
        genres=genres(row),
        people=_people(row),
        seasons=_seasons(row),
        fields={name: value for name, value in fields.items() if value},
    )
    if made is None:
        raise InvalidResponse("TMDB answered with a title that cannot be read.")
    return made


def ids(row: Row) -> dict[str, str]:
    """The title's ids by provider, from details with `external_ids`."""
    external = part(row, "external_ids")
    found: dict[str, str] = {}
    if (tmdb := whole(row, "id")) is not None:
        found["tmdb"] = str(tmdb)
    if imdb := text(external, "imdb_id") or text(row, "imdb_id"):
        found["imdb"] = imdb
    if tvdb := whole(external, "tvdb_id"):
        found["tvdb"] = str(tvdb)
    return found


def overview(row: Row, language: str) -> str:
    """In the language that was asked for; where nobody has translated it, in English or else the original language."""
    if found := text(row, "overview"):
        return found
    told = {
        text(one, "iso_639_1"): text(part(one, "data"), "overview")
        for one in rows(part(row, "translations"), "translations")
    }
    wishes = (language.partition("-")[0], "en", text(row, "original_language"))
    return next((told[one] for one in wishes if told.get(one)), "")


def genres(row: Row) -> list[str]:
    return [name for one in rows(row, "genres") if (name := text(one, "name"))]


def studios(row: Row) -> Sequence[Row]:
    """Of a series the networks, of a film the companies."""
    return rows(row, "networks") or rows(row, "production_companies")


def videos(row: Row) -> list[dict[str, str]]:
    """Trailers and clips as {"title", "kind", "url"}: official trailers first, only of sites whose addresses we know."""
    found = []
    for one in rows(part(row, "videos"), "results"):
        key, base = text(one, "key"), _SITES.get(text(one, "site"))
        if base and _VIDEO_KEY.fullmatch(key):
            kind = text(one, "type")
            order = (kind != "Trailer", one.get("official") is not True, text(one, "published_at"))
            found.append((order, {"title": text(one, "name"), "kind": kind, "url": base + key}))
    return [video for _, video in sorted(found, key=lambda pair: pair[0])][:MOST_VIDEOS]


def certificate(row: Row, language: str) -> str:
    """For whom it is fit, as the reader's country says, else the United States."""
    found: dict[str, str] = {}
    for one in rows(part(row, "content_ratings"), "results"):
        found.setdefault(text(one, "iso_3166_1"), text(one, "rating"))
    for one in rows(part(row, "release_dates"), "results"):
        for release in rows(one, "release_dates"):
            if mark := text(release, "certification"):
                found.setdefault(text(one, "iso_3166_1"), mark)
    tongue, _, region = language.partition("-")
    wishes = (region, _COUNTRIES.get(tongue, tongue.upper()), "US")
    return next((found[one] for one in wishes if found.get(one)), "")


def _people(row: Row) -> list[CatalogPerson]:
    """The cast in its order, then who made it."""
    credits = part(row, "aggregate_credits") or part(row, "credits")
    found = [
        CatalogPerson(name, _role(one), _reference("profile", one, "profile_path"))
        for one in rows(credits, "cast")[:MOST_ACTORS]
        if (name := text(one, "name"))
    ]
    found += [
        CatalogPerson(name, N_("Creator"), _reference("profile", one, "profile_path"))
        for one in rows(row, "created_by")
        if (name := text(one, "name"))
    ]
    found += [
        CatalogPerson(name, job, _reference("profile", one, "profile_path"))
        for one in rows(credits, "crew")
        if (job := text(one, "job")) in _JOBS and (name := text(one, "name"))
    ]
    return found


def _role(row: Row) -> str:
    return text(row, "character") or next((text(one, "character") for one in rows(row, "roles")), "")


def _seasons(row: Row) -> list[CatalogSeason]:
    return [
        CatalogSeason(index, text(one, "name"), whole(one, "episode_count"), text(one, "air_date") or None)
        for one in rows(row, "seasons")
        if (index := whole(one, "season_number")) is not None
    ]


def _reference(shape: str, row: Row, name: str) -> str | None:
    path = text(row, name)
    return f"{shape}:{path}" if path else None
