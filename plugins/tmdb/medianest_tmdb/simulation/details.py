"""Everything about one film or series, and the parts that can be appended to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from medianest_tmdb.simulation.catalogue import Catalogue, Picture, Work, still_path
from medianest_tmdb.simulation.words import Refused, Row, paged, row

MOST_APPENDED = 20
SIZES = {"poster": (2000, 3000), "backdrop": (3840, 2160), "logo": (1000, 400), "profile": (1000, 1500)}
Part = Callable[["Details", Work, Mapping[str, str]], Row]


class Details:
    """today: what is in the future for it."""

    def __init__(self, catalogue: Catalogue, today: date) -> None:
        self._catalogue = catalogue
        self._today = today

    def full(self, work: Work, query: Mapping[str, str]) -> Row:
        """With what `append_to_response` names; a part that does not exist is left out, as there."""
        language = language_of(query)
        made = self._movie(work, language) if work.kind == "movie" else self._tv(work, language)
        appended = [one for one in query.get("append_to_response", "").split(",") if one]
        if len(appended) > MOST_APPENDED:
            raise Refused(27)
        for name in appended:
            if (part := self.part(work, name, query)) is not None:
                part.pop("id", None)
                made[name] = part
        return made

    def part(self, work: Work, name: str, query: Mapping[str, str]) -> Row | None:
        """A sub-resource; None where there is none of that name."""
        make = _PARTS.get(name)
        if make is None or _ONLY.get(name, work.kind) != work.kind:
            return None
        return {"id": work.id, **make(self, work, query)}

    def season(self, work: Work, number: int, query: Mapping[str, str]) -> Row:
        """Season 0 are the specials."""
        if work.kind != "tv" or not 0 <= number <= len(work.seasons):
            raise Refused(34)
        head = self._season_head(work, number)
        head.pop("episode_count")
        episodes = [
            self.episode(work, number, one, query) for one in range(1, self._episodes(work, number) + 1)
        ]
        return {"_id": f"{work.id:012x}{number:012x}", **head, "episodes": episodes}

    def episode(self, work: Work, season: int, number: int, query: Mapping[str, str]) -> Row:
        if work.kind != "tv" or not 0 <= season <= len(work.seasons):
            raise Refused(34)
        count = self._episodes(work, season)
        if not 1 <= number <= count:
            raise Refused(34)
        english = language_of(query) == "en"
        return {
            "air_date": self._aired(work, season, number),
            "episode_number": number,
            "episode_type": "finale" if number == count else "standard",
            "id": work.id * 1000 + season * 50 + number,
            "name": f"Episode {number}",
            "overview": f"What happens in part {number} of {work.title.title}." if english else "",
            "production_code": "",
            "runtime": work.title.minutes if number % 5 else None,
            "season_number": season,
            "show_id": work.id,
            "still_path": still_path(work, season, number),
            "vote_average": round(work.rating - 0.1 * (number % 3), 1) if work.rating else 0.0,
            "vote_count": number * 3,
            "crew": [],
            "guest_stars": [],
        }

    def _movie(self, work: Work, language: str) -> Row:
        title = work.title
        return {
            **self._shared(work, language),
            "belongs_to_collection": _collection(work),
            "budget": 0,
            "imdb_id": work.imdb,
            "origin_country": ["US"],
            "revenue": 0,
            "runtime": title.minutes,
            "status": "Released" if work.released and work.released <= self._today else "Post Production",
            "tagline": title.tagline if language == "en" else "",
            "video": False,
        }

    def _tv(self, work: Work, language: str) -> Row:
        title, count = work.title, len(work.seasons)
        begun = bool(work.released and work.released <= self._today)
        return {
            **self._shared(work, language),
            "created_by": [{"id": one.id, "name": one.name} for one, _, _ in list(work.crew)[:1]],
            "episode_run_time": [title.minutes] if work.id % 2 else [],
            "in_production": title.year >= self._today.year - 1,
            "languages": [work.original_language],
            "last_air_date": self._aired(work, count, work.seasons[-1]) if begun and count else None,
            "last_episode_to_air": self.episode(work, count, work.seasons[-1], {})
            if begun and count
            else None,
            "next_episode_to_air": None,
            "networks": [{"id": 1, "name": title.studio, "logo_path": None, "origin_country": "US"}],
            "number_of_episodes": sum(work.seasons),
            "number_of_seasons": count,
            "origin_country": ["US"],
            "seasons": [self._season_head(work, number) for number in range(count + 1)],
            "status": "Returning Series" if title.year >= self._today.year - 3 else "Ended",
            "tagline": "",
            "type": "Scripted",
        }

    def _shared(self, work: Work, language: str) -> Row:
        made = row(work, language)
        made.pop("genre_ids")
        if work.kind == "movie":
            made.setdefault("release_date", "")
        return {
            **made,
            "genres": [{"id": number, "name": name} for number, name in work.genres],
            "homepage": "",
            "production_companies": [
                {"id": 7, "logo_path": None, "name": work.title.studio, "origin_country": "US"}
            ],
            "production_countries": [{"iso_3166_1": "US", "name": "United States of America"}],
            "spoken_languages": [{"english_name": "English", "iso_639_1": "en", "name": "English"}],
        }

    def _season_head(self, work: Work, number: int) -> Row:
        return {
            "air_date": self._aired(work, number, 1),
            "episode_count": self._episodes(work, number),
            "id": work.id * 100 + number,
            "name": f"Season {number}" if number else "Specials",
            "overview": "",
            "poster_path": work.posters[0].path if work.posters and number else None,
            "season_number": number,
            "vote_average": work.rating,
        }

    def _episodes(self, work: Work, season: int) -> int:
        return work.seasons[season - 1] if season else 2

    def _aired(self, work: Work, season: int, episode: int) -> str | None:
        if work.released is None:
            return None
        return (work.released + timedelta(days=364 * max(0, season - 1) + 7 * (episode - 1))).isoformat()

    # Parts

    def credits(self, work: Work, query: Mapping[str, str]) -> Row:
        return {
            "cast": [
                {
                    **_someone(person.id, person.name, person.gender, person.profile),
                    "cast_id": order,
                    "character": role,
                    "credit_id": f"{work.id:x}{order:04x}",
                    "order": order,
                }
                for order, (person, role) in enumerate(work.cast)
            ],
            "crew": [
                {
                    **_someone(person.id, person.name, person.gender, person.profile),
                    "credit_id": f"{work.id:x}c{order}",
                    "department": department,
                    "job": job,
                }
                for order, (person, job, department) in enumerate(work.crew)
            ],
        }

    def aggregate_credits(self, work: Work, query: Mapping[str, str]) -> Row:
        episodes = sum(work.seasons)
        return {
            "cast": [
                {
                    **_someone(person.id, person.name, person.gender, person.profile),
                    "roles": [
                        {"credit_id": f"{work.id:x}{order}", "character": role, "episode_count": episodes}
                    ],
                    "total_episode_count": episodes,
                    "order": order,
                }
                for order, (person, role) in enumerate(work.cast)
            ],
            "crew": [],
        }

    def external_ids(self, work: Work, query: Mapping[str, str]) -> Row:
        made: Row = {
            "imdb_id": work.imdb,
            "wikidata_id": None,
            "facebook_id": None,
            "instagram_id": None,
            "twitter_id": None,
        }
        return {**made, "tvdb_id": work.tvdb} if work.kind == "tv" else made

    def images(self, work: Work, query: Mapping[str, str]) -> Row:
        """`language` alone hides what bears no words; `include_image_language` says what is wanted instead."""
        asked = query.get("include_image_language")
        wanted: set[str | None] | None = None
        if asked is not None:
            wanted = {None if one == "null" else one for one in asked.split(",")}
        elif "language" in query:
            wanted = {language_of(query)}
        shown = {
            name: [_image(one) for one in found if wanted is None or one.language in wanted]
            for name, found in (
                ("backdrops", work.backdrops),
                ("logos", [work.logo] if work.logo else []),
                ("posters", work.posters),
            )
        }
        return dict(shown)

    def keywords(self, work: Work, query: Mapping[str, str]) -> Row:
        found = [{"id": 900 + len(name), "name": name.lower()} for name in work.title.genres]
        return {"keywords" if work.kind == "movie" else "results": found}

    def videos(self, work: Work, query: Mapping[str, str]) -> Row:
        """In English alone; a teaser stands before the trailer, and one is of a site that few know."""
        if language_of(query) != "en" or work.id % 4 == 0:
            return {"results": []}
        shown = (("Teaser", "YouTube", True), ("Trailer", "YouTube", True), ("Clip", "Elsewhere", False))
        return {
            "results": [
                {
                    "iso_639_1": "en",
                    "iso_3166_1": "US",
                    "name": f"{kind} of {work.title.title}",
                    "key": f"{work.id:x}-{kind.lower()}"[:11],
                    "site": site,
                    "size": 1080,
                    "type": kind,
                    "official": official,
                    "published_at": "2024-01-01T12:00:00.000Z",
                    "id": f"{work.id:024x}"[:23] + str(number),
                }
                for number, (kind, site, official) in enumerate(shown)
            ]
        }

    def release_dates(self, work: Work, query: Mapping[str, str]) -> Row:
        if work.released is None:
            return {"results": []}
        one = {
            "certification": work.title.content_rating,
            "descriptors": [],
            "iso_639_1": "",
            "note": "",
            "release_date": f"{work.released.isoformat()}T00:00:00.000Z",
            "type": 3,
        }
        return {"results": [{"iso_3166_1": "US", "release_dates": [one]}]}

    def content_ratings(self, work: Work, query: Mapping[str, str]) -> Row:
        return {"results": [{"descriptors": [], "iso_3166_1": "US", "rating": work.title.content_rating}]}

    def translations(self, work: Work, query: Mapping[str, str]) -> Row:
        name = "title" if work.kind == "movie" else "name"
        found = [("en", "US", "English", "", work.overview("en"), work.title.tagline)]
        if any(work.german):
            found.append(("de", "DE", "German", work.german[0], work.german[1], ""))
        return {
            "translations": [
                {
                    "iso_3166_1": country,
                    "iso_639_1": language,
                    "name": english,
                    "english_name": english,
                    "data": {"homepage": "", "overview": overview, "tagline": tagline, name: title},
                }
                for language, country, english, title, overview, tagline in found
            ]
        }

    def similar(self, work: Work, query: Mapping[str, str]) -> Row:
        near = [
            other
            for other in self._catalogue.of(work.kind)
            if other is not work and other.title.genres[:1] == work.title.genres[:1]
        ]
        return paged([row(one, language_of(query)) for one in near[:40]], 1)

    def watch_providers(self, work: Work, query: Mapping[str, str]) -> Row:
        return {"results": {}}


_PARTS: Mapping[str, Part] = {
    "credits": Details.credits,
    "aggregate_credits": Details.aggregate_credits,
    "external_ids": Details.external_ids,
    "images": Details.images,
    "keywords": Details.keywords,
    "videos": Details.videos,
    "release_dates": Details.release_dates,
    "content_ratings": Details.content_ratings,
    "translations": Details.translations,
    "similar": Details.similar,
    "recommendations": Details.similar,
    "watch/providers": Details.watch_providers,
}
_ONLY = {"aggregate_credits": "tv", "content_ratings": "tv", "release_dates": "movie"}


def _collection(work: Work) -> Row | None:
    """Those set in a harbour are sold together."""
    if "arbour" not in work.title.title:
        return None
    return {"id": 77_001, "name": "The Harbour Collection", "poster_path": None, "backdrop_path": None}


def language_of(query: Mapping[str, str]) -> str:
    return query.get("language", "en-US").partition("-")[0].lower() or "en"


def _someone(person_id: int, name: str, gender: int, profile: Picture | None) -> dict[str, Any]:
    return {
        "adult": False,
        "gender": gender,
        "id": person_id,
        "known_for_department": "Acting",
        "name": name,
        "original_name": name,
        "popularity": 1.0,
        "profile_path": profile.path if profile else None,
    }


def _image(picture: Picture) -> Row:
    width, height = SIZES[picture.kind]
    return {
        "aspect_ratio": round(width / height, 3),
        "file_path": picture.path,
        "height": height,
        "width": width,
        "iso_639_1": picture.language,
        "vote_average": 5.4,
        "vote_count": 7,
    }
