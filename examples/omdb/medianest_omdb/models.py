"""What OMDb answers: everything is text, and "N/A" says that it does not know."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field


class Answer(BaseModel):
    response: bool = Field(alias="Response")
    error: str = Field("", alias="Error")
    plot: str = Field("", alias="Plot")
    rated: str = Field("", alias="Rated")
    released: str = Field("", alias="Released")
    runtime: str = Field("", alias="Runtime")
    genre: str = Field("", alias="Genre")
    director: str = Field("", alias="Director")
    writer: str = Field("", alias="Writer")
    imdb_rating: str = Field("", alias="imdbRating")

    def values(self) -> Mapping[str, Any]:
        """Field → value, of those it knows."""
        minutes = re.match(r"(\d+) min", self.runtime)
        found = {
            "summary": _text(self.plot),
            "content_rating": _text(self.rated),
            "released_on": _day(self.released),
            "duration_ms": int(minutes[1]) * 60_000 if minutes else None,
            "genres": _list(self.genre),
            "directors": _list(self.director),
            "writers": _list(self.writer),
            "rating": float(self.imdb_rating) if re.fullmatch(r"\d+(\.\d+)?", self.imdb_rating) else None,
        }
        return {name: value for name, value in found.items() if value}


FIELDS = (
    "summary",
    "content_rating",
    "released_on",
    "duration_ms",
    "genres",
    "directors",
    "writers",
    "rating",
)


def _text(said: str) -> str | None:
    return None if said in ("", "N/A") else said


def _list(said: str) -> list[str]:
    return [one.strip() for one in (_text(said) or "").split(",") if one.strip()]


def _day(said: str) -> str | None:
    try:
        return datetime.strptime(said, "%d %b %Y").date().isoformat()  # a day has no zone
    except ValueError:
        return None
