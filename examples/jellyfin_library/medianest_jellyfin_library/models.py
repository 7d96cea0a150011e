"""What Jellyfin answers, as far as it is needed: names in PascalCase, durations in ticks of 100 ns, ids of others as text."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_pascal

TICKS_A_MS = 10_000


class Said(BaseModel):
    model_config = ConfigDict(alias_generator=to_pascal, populate_by_name=True)


class Folder(Said):
    """A library. collection_type: "movies", "tvshows", or of no interest here."""

    name: str
    item_id: str
    collection_type: str | None = None
    locations: list[str] = []


class Person(Said):
    name: str
    role: str | None = None
    type: str = ""


class Item(Said):
    id: str
    name: str
    type: str
    overview: str | None = None
    production_year: int | None = None
    premiere_date: str | None = None
    date_created: str | None = None
    official_rating: str | None = None
    community_rating: float | None = None
    run_time_ticks: int | None = None
    provider_ids: dict[str, str | None] = {}
    genres: list[str] = []
    people: list[Person] = []
    index_number: int | None = None
    series_id: str | None = None
    season_id: str | None = None
    path: str | None = None
    image_tags: dict[str, str] = {}


class Page(Said):
    items: list[Item]
    total_record_count: int = 0


class About(Said):
    server_name: str
    version: str
    id: str


def instant(said: str | None) -> float | None:
    """Epoch seconds of "2024-05-01T10:20:30.1234567Z"; None where it is none. Seven digits of a second are one more than Python reads."""
    if not said:
        return None
    head, _, fraction = said.removesuffix("Z").partition(".")
    try:
        return datetime.fromisoformat(f"{head}.{(fraction or '0')[:6].ljust(6, '0')}+00:00").timestamp()
    except ValueError:
        return None
