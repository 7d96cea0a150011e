"""What the second generation keeps of checks for long: counts and pings by minute, hour or day."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any

from medianest_uptimekuma.models import UP
from medianest_uptimekuma.simulation.monitors import DAY, Beat, Monitor
from medianest_uptimekuma.simulation.world import World


def chart(world: World, monitor: Monitor, since: float, step: int) -> list[dict[str, Any]]:
    """Newest first. Before the checks that are kept one by one there are `world.depth` days made up."""
    beats = world.beats(monitor)
    buckets: dict[int, list[Beat]] = defaultdict(list)
    for beat in beats:
        if beat.at > since:
            buckets[int(beat.at // step) * step].append(beat)
    rows = [_counted(at, found) for at, found in sorted(buckets.items(), reverse=True)]
    first = beats[0].at if beats else world.now()
    begin = max(since, first - world.depth * DAY)
    at = int(first // step) * step - step
    while step > 60 and at >= begin:
        rows.append(_made_up(world, monitor, at, step))
        at -= step
    return rows


def _counted(at: int, beats: list[Beat]) -> dict[str, Any]:
    pings = [beat.ping for beat in beats if beat.ping is not None]
    up = sum(beat.status == UP for beat in beats)
    return _row(at, up, len(beats) - up, pings)


def _made_up(world: World, monitor: Monitor, at: int, step: int) -> dict[str, Any]:
    chance = random.Random(world.seed * 104_729 + monitor.id * 1009 + at)
    checks = step // max(monitor.interval, 1)
    down = chance.randrange(1, max(2, checks // 3)) if chance.random() < 0.012 else 0
    mean = max(1, round(chance.gauss(monitor.pace, monitor.pace / 10)))
    return _row(
        at, checks - down, down, [] if monitor.type == "group" else [mean - mean // 3, mean, mean * 2]
    )


def _row(at: int, up: int, down: int, pings: list[int]) -> dict[str, Any]:
    mean = sum(pings) / len(pings) if pings else 0
    return {
        "up": up,
        "down": down,
        "avgPing": mean,
        "minPing": min(pings, default=0),
        "maxPing": max(pings, default=0),
        "timestamp": at,
    }
