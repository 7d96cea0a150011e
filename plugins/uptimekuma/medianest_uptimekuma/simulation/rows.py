"""The shapes in which one check is told: as a row of the database, live, and in a webhook."""

from __future__ import annotations

from typing import Any

from medianest_uptimekuma.models import DOWN
from medianest_uptimekuma.simulation.monitors import Beat
from medianest_uptimekuma.simulation.world import World


def row(world: World, monitor: int, beat: Beat) -> dict[str, Any]:
    """As it lies in the database: snake case, numbers for truth."""
    body: dict[str, Any] = {
        "id": beat.id,
        "important": int(beat.important),
        "monitor_id": monitor,
        "status": beat.status,
        "msg": beat.msg,
        "time": world.stamp(beat.at),
        "ping": beat.ping,
        "duration": beat.duration,
        "down_count": 0,
    }
    if world.profile.second:
        # What was answered is packed.
        body |= {"end_time": world.stamp(beat.at), "retries": beat.retries, "response": "iwCAb2sD"}
    return body


def live(world: World, monitor: int, beat: Beat, *, first: bool = False) -> dict[str, Any]:
    """As it is sent the moment it happens: camel case; a ping only where something answered."""
    body: dict[str, Any] = {
        "monitorID": monitor,
        "status": beat.status,
        "time": world.stamp(beat.at),
        "msg": beat.msg,
        "important": beat.important,
    }
    if beat.ping is not None and beat.status != DOWN:
        body["ping"] = beat.ping
    if not first:
        body["duration"] = beat.duration
    if world.profile.second:
        body["retries"] = beat.retries
    return body


def listed(world: World, monitor: int, beat: Beat) -> dict[str, Any]:
    """As it stands in the list of events."""
    return live(world, monitor, beat) | {"important": int(beat.important)}
