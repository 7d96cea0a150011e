"""What a metadata file says of its title. Pure.

Such files are JSON with the names that TMDB uses (`title` or `name`, `overview`, `release_date`, `genres`, `credits`, `external_ids`, …);
see the README for all that are read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import xxhash

from medianest_core.sdk import N_, InvalidResponse
from medianest_manifest.models import number, table, text, whole

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_PROVIDERS = ("tmdb", "imdb", "tvdb")
_MOST_PEOPLE = 20


@dataclass(frozen=True, slots=True)
class Facts:
    """Who a title is. stamp: of the file's bytes; 0 where there is none."""

    title: str | None = None
    year: int | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    stamp: int = 0


UNKNOWN = Facts()


def parsed(content: bytes) -> Mapping[str, Any]:
    """A metadata file. Raises InvalidResponse."""
    try:
        return msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidResponse(N_("A metadata file is not a JSON object.")) from error


def facts_of(content: bytes) -> Facts:
    """Raises InvalidResponse."""
    said = parsed(content)
    day = _day(said)
    year = whole(said.get("year")) or (int(day[:4]) if day else None)
    return Facts(title_of(said), year, ids_of(said), xxhash.xxh3_64_intdigest(content))


def title_of(said: Mapping[str, Any]) -> str | None:
    """How the title is shown."""
    return text(said.get("title")) or text(said.get("name"))


def ids_of(said: Mapping[str, Any]) -> Mapping[str, str]:
    """Ids by provider. TMDB's own files call theirs `id`."""
    given, outer = table(said.get("ids")), table(said.get("external_ids"))
    found: dict[str, str] = {}
    for provider in _PROVIDERS:
        names = (f"{provider}_id", f"{provider}Id")
        values = [given.get(provider), *(where.get(name) for where in (said, outer) for name in names)]
        if provider == "tmdb":
            values.append(said.get("id") if isinstance(said.get("id"), int) else None)
        value = next((one for one in values if isinstance(one, str | int) and one and one is not True), None)
        if value is not None:
            found[provider] = str(value)
    return found


def values_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """Field → value, without what the file does not say. Nothing of it decides which title this is."""
    cast, crew = _people(said)
    runtime = number(said.get("runtime"))
    values = {
        "summary": text(said.get("overview")) or text(said.get("summary")),
        "tagline": text(said.get("tagline")),
        "released_on": _day(said),
        "rating": _rating(said.get("vote_average", said.get("rating"))),
        "content_rating": text(said.get("content_rating")) or text(said.get("certification")),
        "studio": next(
            iter(_named(said.get("production_companies")) or _named(said.get("networks"))),
            text(said.get("studio")),
        ),
        "genres": _named(said.get("genres")),
        "directors": [name for name, job in crew if job == "Director"],
        "writers": [name for name, job in crew if job in ("Writer", "Screenplay")],
        "cast": cast,
        "duration_ms": round(runtime * 60_000) if runtime else None,
    }
    return {name: value for name, value in values.items() if value or value == 0}


def _rating(value: object) -> float | None:
    found = number(value)
    return found if found is not None and 0 < found <= 10 else None


def _day(said: Mapping[str, Any]) -> str | None:
    for name in ("release_date", "first_air_date", "air_date"):
        value = text(said.get(name))
        if value and _DATE.match(value):
            return value[:10]
    return None


def _named(value: object) -> list[str]:
    if not isinstance(value, list):
        return []
    names = (text(one) or text(table(one).get("name")) for one in value)
    return list(dict.fromkeys(name for name in names if name))


def _people(said: Mapping[str, Any]) -> tuple[list[dict[str, str]], list[tuple[str, str]]]:
    credits = table(said.get("credits"))
    cast = [
        {"name": name, "role": text(one.get("character")) or text(one.get("role")) or ""}
        for one in _rows(credits.get("cast", said.get("cast")))[:_MOST_PEOPLE]
        if (name := text(one.get("name")))
    ]
    crew = [
        (name, text(one.get("job")) or "")
        for one in _rows(credits.get("crew", said.get("crew")))
        if (name := text(one.get("name")))
    ]
    return cast, crew


def _rows(value: object) -> list[Mapping[str, Any]]:
    return [table(one) for one in value] if isinstance(value, list) else []
