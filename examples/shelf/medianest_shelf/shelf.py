"""The service type and what stands on the shelf: titles that live in the plugin itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field

from medianest_core.sdk import CheckResult, Http, ServiceSettings, ServiceType


class ShelfSettings(ServiceSettings):
    owner: str = Field(
        "Somebody", title="Owner", description="Whose shelf it is; part of the library's name."
    )


@dataclass(frozen=True, slots=True)
class Film:
    """minutes: running time. stars: 0 to 10, what the owner thinks of it."""

    key: str
    title: str
    year: int
    imdb: str
    minutes: int
    summary: str
    stars: float


@dataclass
class Shelf:
    """The client of an instance. There is nothing to connect to; a real one would hold a connection or a parsed file."""

    owner: str
    films: Sequence[Film]


FILMS = (
    Film(
        "a1",
        "The Lighthouse of Paper",
        1987,
        "tt9000001",
        94,
        "A keeper writes to ships that never come.",
        8.5,
    ),
    Film("a2", "Nine Bicycles", 2003, "tt9000002", 101, "Nine thefts, one summer, no culprit.", 7.0),
    Film("b1", "Salt and Iron", 2019, "tt9000003", 128, "Two sisters inherit a foundry by the sea.", 9.0),
)


async def connect(settings: ShelfSettings, http: Http) -> Shelf:
    """Once for each instance."""
    return Shelf(settings.owner, FILMS)


async def check(settings: ShelfSettings, client: Shelf) -> CheckResult:
    """For "Test connection"."""
    return CheckResult(f"{len(client.films)} films stand on it.")


SHELF: ServiceType[ShelfSettings, Shelf] = ServiceType(
    "shelf", ShelfSettings, title="Shelf", icon="library", connect=connect, check=check
)
