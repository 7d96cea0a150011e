"""Rows as the JSON that Seerr and Overseerr answer with; which fields are there depends on the call."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from medianest_overseerr.simulation.constants import Permission
from medianest_overseerr.simulation.people import Person
from medianest_overseerr.simulation.records import IssueRow, Media, Request
from medianest_overseerr.simulation.titles import Work, genre_id
from medianest_overseerr.simulation.world import World

LONGEST_CAST = 6


def iso(at: float | None) -> str | None:
    """As JavaScript writes dates; the database keeps whole seconds."""
    if at is None:
        return None
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def user(world: World, person: Person, viewer: Person) -> dict[str, Any]:
    """E-mail address and Plex id are for those who manage people."""
    shown: dict[str, Any] = {
        "permissions": int(person.permissions),
        "warnings": [],
        "id": person.id,
        "plexUsername": person.plex_name,
        "username": None if person.plex_name else person.name,
        "recoveryLinkExpirationDate": None,
        "userType": person.type,
        "avatar": person.avatar,
        "movieQuotaLimit": person.movie_limit,
        "movieQuotaDays": person.movie_days,
        "tvQuotaLimit": person.tv_limit,
        "tvQuotaDays": person.tv_days,
        "createdAt": iso(person.created_at),
        "updatedAt": iso(person.updated_at),
        "requestCount": sum(row.owner == person.id for row in world.requests.values()),
        "displayName": person.name,
    }
    if viewer.may(Permission.MANAGE_USERS):
        shown |= {"email": person.email, "plexId": person.plex_id}
    if world.options.seerr:
        shown |= {"jellyfinUsername": None, "jellyfinUserId": None}
    return shown


def media(world: World, row: Media, *, seasons: bool = True) -> dict[str, Any]:
    """A title's row. Lists of requests leave its seasons out."""
    external = 500 + row.id if row.status >= 3 else None
    key = str(40_000 + row.id) if row.status in (4, 5) else None
    shown: dict[str, Any] = {
        "downloadStatus": _downloads(world, row, row.status),
        "downloadStatus4k": _downloads(world, row, row.status4k),
        "id": row.id,
        "mediaType": row.kind,
        "tmdbId": row.tmdb,
        "tvdbId": row.tvdb,
        "imdbId": None,
        "status": int(row.status),
        "status4k": int(row.status4k),
        "createdAt": iso(row.created_at),
        "updatedAt": iso(row.updated_at),
        "lastSeasonChange": iso(row.updated_at),
        "mediaAddedAt": iso(row.added_at),
        "serviceId": None if external is None else 0,
        "serviceId4k": None,
        "externalServiceId": external,
        "externalServiceId4k": None,
        "externalServiceSlug": None if external is None else str(row.tmdb),
        "externalServiceSlug4k": None,
        "ratingKey": key,
        "ratingKey4k": None,
    }
    if world.options.seerr:
        shown |= {"jellyfinMediaId": None, "jellyfinMediaId4k": None}
    if key is not None:
        link = f"https://app.plex.tv/desktop#!/server/simulated/details?key=%2Flibrary%2Fmetadata%2F{key}"
        shown["mediaUrl" if world.options.seerr else "plexUrl"] = link
    if seasons:
        shown["seasons"] = [
            {
                "id": season.id,
                "seasonNumber": season.number,
                "status": int(season.status),
                "status4k": int(season.status4k),
                "createdAt": iso(row.created_at),
                "updatedAt": iso(row.updated_at),
            }
            for season in row.seasons
        ]
    return shown


def _downloads(world: World, row: Media, status: int) -> list[dict[str, Any]]:
    if row.begun_at is None or row.ends_at is None or status not in (3, 4):
        return []
    size, now = 8_000_000_000, time.time()
    left = min(1.0, max(0.0, (row.ends_at - now) / max(0.001, row.ends_at - row.begun_at)))
    minutes, seconds = divmod(int(max(0.0, row.ends_at - now)), 60)
    return [
        {
            "mediaType": row.kind,
            "externalId": 500 + row.id,
            "size": size,
            "sizeLeft": int(size * left),
            "status": "downloading",
            "timeLeft": f"00:{minutes:02d}:{seconds:02d}",
            "estimatedCompletionTime": iso(row.ends_at),
            "title": world.title(row).name.replace(" ", "."),
        }
    ]


def request(world: World, row: Request, viewer: Person, *, call: str = "one") -> dict[str, Any]:
    """call: "one", "list", "create" (some fields are missing), or "inside" a title (which is left out)."""
    owner, changer = world.people.get(row.owner), world.people.get(row.modified_by)
    shown: dict[str, Any] = {
        "id": row.id,
        "status": int(row.status),
        "createdAt": iso(row.created_at),
        "updatedAt": iso(row.updated_at),
        "type": row.media.kind,
        "is4k": bool(row.is4k),
        "serverId": row.server,
        "profileId": row.profile,
        "rootFolder": row.folder,
        "languageProfileId": None,
        "tags": row.tags,
        "isAutoRequest": False,
        "media": media(world, row.media, seasons=call == "one"),
        "seasons": [
            {
                "id": season.id,
                "seasonNumber": season.number,
                "status": int(season.status),
                "createdAt": iso(season.created_at),
                "updatedAt": iso(row.updated_at),
            }
            for season in row.seasons
        ],
        "modifiedBy": user(world, changer, viewer) if changer else None,
        "requestedBy": user(world, owner, viewer) if owner else None,
        "seasonCount": len(row.seasons),
    }
    if call == "create":
        for name in ("serverId", "profileId", "rootFolder", "languageProfileId", "tags", "modifiedBy"):
            if shown[name] is None:
                del shown[name]
        del shown["seasonCount"]
        if row.media.kind == "movie":
            del shown["seasons"]
    if call == "inside":
        del shown["media"]
    if call == "list" and world.options.seerr:
        shown |= {"profileName": None, "canRemove": row.media.status >= 3}
    return shown


def media_info(world: World, work: Work, viewer: Person, *, full: bool = False) -> dict[str, Any]:
    """{"mediaInfo": …}, or nothing for a title that was never asked for nor scanned. full: with its requests and issues."""
    row = world.find_media(work.kind, work.tmdb)
    if row is None:
        return {}
    shown = media(world, row)
    if full:
        shown["requests"] = [request(world, r, viewer, call="inside") for r in world.requests_of(row)]
        shown["issues"] = [
            {"id": i.id, "status": int(i.status)} for i in world.issues.values() if i.media is row
        ]
    return {"mediaInfo": shown}


def result(world: World, work: Work, viewer: Person) -> dict[str, Any]:
    """A row of a search or a feed."""
    facts = work.facts
    shown: dict[str, Any] = {
        "id": work.tmdb,
        "mediaType": work.kind,
        "popularity": work.popularity,
        "posterPath": work.poster,
        "backdropPath": work.poster,
        "voteCount": work.votes,
        "voteAverage": facts.rating,
        "genreIds": [genre_id(name) for name in facts.genres],
        "overview": facts.summary,
        "originalLanguage": "en",
    }
    if work.kind == "movie":
        shown |= {
            "title": facts.title,
            "originalTitle": facts.title,
            "releaseDate": work.released,
            "adult": False,
            "video": False,
        }
    else:
        shown |= {
            "name": facts.title,
            "originalName": facts.title,
            "firstAirDate": work.released,
            "originCountry": ["GB"],
        }
    return shown | media_info(world, work, viewer)


def details(world: World, work: Work, viewer: Person) -> dict[str, Any]:
    """`GET /movie/{id}` or `GET /tv/{id}`."""
    facts = work.facts
    shown: dict[str, Any] = {
        "id": work.tmdb,
        "backdropPath": work.poster,
        "posterPath": work.poster,
        "genres": [{"id": genre_id(name), "name": name} for name in facts.genres],
        "homepage": "",
        "originalLanguage": "en",
        "overview": facts.summary,
        "popularity": work.popularity,
        "status": "Released" if work.kind == "movie" else "Returning Series",
        "tagline": facts.tagline,
        "voteAverage": facts.rating,
        "voteCount": work.votes,
        "credits": _credits(work),
        "externalIds": {"imdbId": work.imdb, "tvdbId": work.tvdb},
        "relatedVideos": [],
        "keywords": [],
        "spokenLanguages": [{"english_name": "English", "iso_639_1": "en", "name": "English"}],
        "productionCompanies": [],
        "productionCountries": [],
        "watchProviders": [],
    }
    if work.kind == "movie":
        shown |= {
            "adult": False,
            "budget": 0,
            "imdbId": work.imdb,
            "originalTitle": facts.title,
            "title": facts.title,
            "releaseDate": work.released,
            "revenue": 0,
            "runtime": facts.minutes,
            "video": False,
        }
    else:
        shown |= {
            "createdBy": [],
            "episodeRunTime": [facts.minutes],
            "firstAirDate": work.released,
            "inProduction": True,
            "languages": ["en"],
            "lastAirDate": work.released,
            "name": facts.title,
            "originalName": facts.title,
            "networks": [],
            "numberOfEpisodes": sum(episodes for _, episodes in work.seasons()),
            "numberOfSeasons": facts.seasons,
            "originCountry": ["GB"],
            "type": "Scripted",
            "seasons": _seasons(work),
        }
    return shown | media_info(world, work, viewer, full=True)


def issue(world: World, row: IssueRow, viewer: Person) -> dict[str, Any]:
    author, changer = world.people.get(row.author), world.people.get(row.modified_by)
    return {
        "id": row.id,
        "issueType": int(row.type),
        "status": int(row.status),
        "problemSeason": row.season,
        "problemEpisode": row.episode,
        "createdAt": iso(row.created_at),
        "updatedAt": iso(row.updated_at),
        "media": media(world, row.media),
        "createdBy": user(world, author, viewer) if author else None,
        "modifiedBy": user(world, changer, viewer) if changer else None,
        "comments": [
            {
                "id": comment.id,
                "message": comment.message,
                "createdAt": iso(comment.created_at),
                "updatedAt": iso(comment.created_at),
                "user": user(world, who, viewer) if (who := world.people.get(comment.author)) else None,
            }
            for comment in row.comments
        ],
    }


def _seasons(work: Work) -> list[dict[str, Any]]:
    return [
        {
            "airDate": f"{work.facts.year + max(0, number - 1)}-03-01",
            "episodeCount": episodes,
            "id": work.tmdb * 100 + number,
            "name": f"Season {number}" if number else "Specials",
            "overview": "",
            "posterPath": work.poster,
            "seasonNumber": number,
        }
        for number, episodes in work.seasons()
    ]


_NAMES = (
    "Ada Verrin",
    "Tomas Quill",
    "Mirela Stanic",
    "Jonas Acker",
    "Imani Okoro",
    "Piet Halloran",
    "Yuki Tanabe",
)
_PARTS = ("The Pilot", "Vesna", "The Inspector", "Old Marek", "Doctor Lund", "The Caretaker")


def _credits(work: Work) -> dict[str, list[dict[str, Any]]]:
    start = work.tmdb % len(_NAMES)
    names: Sequence[str] = [*_NAMES[start:], *_NAMES[:start]]
    cast = [
        {
            "castId": index + 1,
            "character": _PARTS[index],
            "creditId": f"{work.tmdb:08x}{index:02x}",
            "id": 7000 + _NAMES.index(name),
            "name": name,
            "order": index,
            "gender": 0,
            "profilePath": None,
        }
        for index, name in enumerate(names[:LONGEST_CAST])
    ]
    crew = [
        {
            "creditId": f"{work.tmdb:08x}ff",
            "department": "Directing",
            "id": 7000 + _NAMES.index(names[-1]),
            "job": "Director",
            "name": names[-1],
            "gender": 0,
            "profilePath": None,
        }
    ]
    return {"cast": cast, "crew": crew}
