"""How TMDB words its answers: errors, pages, and the two dialects of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

from medianest_tmdb.simulation.catalogue import Person, Work

PAGE = 20
LAST_PAGE = 500
MESSAGES = {
    1: (200, "Success."),
    5: (422, "Invalid parameters: Your request parameters are incorrect."),
    6: (404, "Invalid id: The pre-requisite id is invalid or not found."),
    7: (401, "Invalid API key: You must be granted a valid key."),
    10: (401, "Suspended API key: Access to your account has been suspended, contact TMDB."),
    11: (500, "Internal error: Something went wrong, contact TMDB."),
    20: (422, "Invalid date range: Should be a range no longer than 14 days."),
    22: (400, "Invalid page: Pages start at 1 and max at 500. They are expected to be an integer."),
    23: (400, "Invalid date: Format needs to be YYYY-MM-DD."),
    25: (429, "Your request count (#) is over the allowed limit of (40)."),
    27: (400, "Too many append to response objects: The maximum number of remote calls is 20."),
    34: (404, "The resource you requested could not be found."),
}
Row = dict[str, Any]


class Refused(Exception):
    """An answer that is an error of TMDB's own, by its code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code
        self.status, self.message = MESSAGES[code]


def error(code: int) -> Row:
    return {"success": False, "status_code": code, "status_message": MESSAGES[code][1]}


def paged(rows: Sequence[Row], page: int, **more: Any) -> Row:
    """One page of rows; totals tell of all of them, though no more than 500 pages can be asked for."""
    start = (page - 1) * PAGE
    return {
        **more,
        "page": page,
        "results": list(rows[start : start + PAGE]),
        "total_pages": ceil(len(rows) / PAGE),
        "total_results": len(rows),
    }


def row(work: Work, language: str, media_type: bool = False) -> Row:
    """A row of a list; films and series name the same things differently."""
    day = work.released.isoformat() if work.released else ""
    shared: Row = {
        "adult": False,
        "backdrop_path": work.backdrops[0].path if work.backdrops else None,
        "genre_ids": [number for number, _ in work.genres],
        "id": work.id,
        "original_language": work.original_language,
        "overview": work.overview(language),
        "popularity": work.popularity,
        "poster_path": _poster(work, language),
        "vote_average": work.rating,
        "vote_count": work.votes,
    }
    if work.kind == "movie":
        shared |= {
            "original_title": work.original_title,
            "title": work.name(language),
            "video": False,
        }
        # Some films without a date have an empty one, others none at all.
        if day or ord(work.title.title[0]) % 2:
            shared["release_date"] = day
    else:
        shared |= {
            "original_name": work.original_title,
            "name": work.name(language),
            "first_air_date": day,
            "origin_country": ["US"] if work.id % 2 else [],
        }
    return {**shared, "media_type": work.kind} if media_type else shared


def person_row(person: Person, known_for: Sequence[Row] = (), media_type: bool = False) -> Row:
    made: Row = {
        "adult": False,
        "gender": person.gender,
        "id": person.id,
        "known_for_department": "Acting",
        "name": person.name,
        "original_name": person.name,
        "popularity": round(person.id % 97 / 7, 3),
        "profile_path": person.profile.path if person.profile else None,
    }
    if known_for:
        made["known_for"] = list(known_for)
    return {**made, "media_type": "person"} if media_type else made


def _poster(work: Work, language: str) -> str | None:
    own = [one for one in work.posters if one.language == language]
    found = own or list(work.posters)
    return found[0].path if found else None
