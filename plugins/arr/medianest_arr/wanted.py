"""Which part of a series a request is for, and how much of it is there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from medianest_arr.models import Episode, Series, instant
from medianest_core.sdk import RequestItem, RequestStatus

_REFERENCE = re.compile(r"series/(\d+)(?:/s([\d,]+))?(?:/e([\dx,]+))?")


@dataclass(frozen=True, slots=True)
class Part:
    """seasons: empty together with episodes means the whole series, without specials. episodes: (season, number)."""

    seasons: tuple[int, ...] = ()
    episodes: tuple[tuple[int, int], ...] = ()

    @property
    def whole(self) -> bool:
        return not self.seasons and not self.episodes

    def takes(self, episode: Episode) -> bool:
        """Does it hold this episode?"""
        if self.whole:
            return episode.season_number > 0
        place = (episode.season_number, episode.episode_number)
        return episode.season_number in self.seasons or place in self.episodes


def part_of(item: RequestItem) -> Part:
    """What a request is for. Single episodes whose season is asked for as a whole need no mention."""
    seasons = tuple(sorted(set(item.seasons)))
    episodes = tuple(sorted({(season, number) for season, number in item.episodes if season not in seasons}))
    return Part(seasons, episodes)


def reference(series: int, part: Part) -> str:
    """What a request is called: "series/12", "series/12/s1,2", "series/12/e1x3"."""
    text = f"series/{series}"
    if part.seasons:
        text += f"/s{','.join(map(str, part.seasons))}"
    if part.episodes:
        text += f"/e{','.join(f'{season}x{number}' for season, number in part.episodes)}"
    return text


def parsed(text: str) -> tuple[int, Part] | None:
    """Series and part of a reference; None for what is none."""
    found = _REFERENCE.fullmatch(text)
    if found is None:
        return None
    seasons = tuple(int(part) for part in (found[2] or "").split(",") if part)
    pairs = [pair.split("x") for pair in (found[3] or "").split(",") if pair]
    return int(found[1]), Part(
        seasons, tuple((int(pair[0]), int(pair[1])) for pair in pairs if len(pair) == 2)
    )


def taken(series: Series, episodes: Sequence[Episode], part: Part) -> bool:
    """Is all of this part there or looked for? A series whose episodes are not known yet counts by its seasons."""
    rows = [row for row in episodes if part.takes(row)]
    if (
        any(row.has_file for row in rows)
        and all(row.has_file for row in rows)
        and _seasons_present(rows, part)
    ):
        return True
    if not series.monitored:
        return False
    flags = {row.season_number: row.monitored for row in series.seasons if row.season_number}
    wished = sorted(flags) if part.whole else part.seasons
    for number in wished:
        mine = [row for row in rows if row.season_number == number]
        covered = bool(mine) and all(row.monitored or row.has_file for row in mine)
        if not (flags.get(number) or covered):
            return False
    places = {(row.season_number, row.episode_number): row for row in rows}
    return all(
        (row := places.get(place)) is not None and (row.monitored or row.has_file) for place in part.episodes
    ) and (bool(wished) or bool(part.episodes))


def _seasons_present(rows: Sequence[Episode], part: Part) -> bool:
    return set(part.seasons) <= {row.season_number for row in rows} and set(part.episodes) <= {
        (row.season_number, row.episode_number) for row in rows
    }


def status_of(episodes: Iterable[Episode]) -> RequestStatus:
    """How far a season, or another set of episodes, is. What has not aired yet keeps it from being complete."""
    rows = list(episodes)
    have = sum(row.has_file for row in rows)
    if rows and have == len(rows):
        return RequestStatus.AVAILABLE
    if have:
        return RequestStatus.PARTIALLY_AVAILABLE
    if any(row.monitored for row in rows):
        return RequestStatus.PROCESSING
    return RequestStatus.DECLINED


def statuses(episodes: Sequence[Episode], part: Part) -> Mapping[int, RequestStatus]:
    """Season → status, of the episodes that are asked for."""
    rows = [row for row in episodes if part.takes(row)]
    return {
        number: status_of([row for row in rows if row.season_number == number])
        for number in sorted({row.season_number for row in rows})
    }


def aired(episode: Episode, now: float) -> bool:
    """Has it been shown? Where nobody knows when, it has not."""
    at = instant(episode.air_date_utc)
    return at is not None and at <= now
