"""Keeps the rows of a simulated Seerr over a restart, as one JSON document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from itertools import count
from typing import Any

import orjson

from medianest_overseerr.simulation.people import People, Person
from medianest_overseerr.simulation.records import (
    Comment,
    IssueRow,
    Media,
    Request,
    RequestedSeason,
    SeasonRow,
)
from medianest_overseerr.simulation.webhooks import Agent
from medianest_overseerr.simulation.world import World


def dump(world: World) -> bytes:
    """All rows, for `load` after the next start."""
    return orjson.dumps(
        {
            "everyone": [asdict(person) for person in world.people.everyone],
            "importable": [asdict(person) for person in world.people.importable],
            "media": [asdict(media) for media in world.media.values()],
            "requests": [asdict(row) | {"media": row.media.id} for row in world.requests.values()],
            "issues": [asdict(row) | {"media": row.media.id} for row in world.issues.values()],
            "agent": asdict(world.webhooks.agent),
            "next": next(world.ids),
        }
    )


def load(world: World, kept: bytes) -> None:
    """What `dump` kept. ValueError where it is another version's; the world is as before then."""
    try:
        found = orjson.loads(kept)
        people = People(
            [Person(**row) for row in found["everyone"]], [Person(**row) for row in found["importable"]]
        )
        media = {row["id"]: _media(row) for row in found["media"]}
        requests = {row["id"]: _request(row, media) for row in found["requests"]}
        issues = {row["id"]: _issue(row, media) for row in found["issues"]}
        agent, first = Agent(**found["agent"]), int(found["next"])
    except (TypeError, KeyError) as error:
        raise ValueError("these rows cannot be read") from error
    world.people, world.media, world.requests, world.issues = people, media, requests, issues
    world.webhooks.agent, world.ids = agent, count(first)


def _media(row: Mapping[str, Any]) -> Media:
    return Media(**{**row, "seasons": [SeasonRow(**season) for season in row["seasons"]]})


def _request(row: Mapping[str, Any], media: Mapping[int, Media]) -> Request:
    seasons = [RequestedSeason(**season) for season in row["seasons"]]
    return Request(**{**row, "media": media[row["media"]], "seasons": seasons})


def _issue(row: Mapping[str, Any], media: Mapping[int, Media]) -> IssueRow:
    comments = [Comment(**comment) for comment in row["comments"]]
    return IssueRow(**{**row, "media": media[row["media"]], "comments": comments})
