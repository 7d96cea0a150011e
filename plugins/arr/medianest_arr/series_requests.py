"""Requests for series, seasons and episodes, taken by Sonarr itself. Nothing is ever deleted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from medianest_arr import choices, sonarr
from medianest_arr.client import AlreadyThere, ArrClient, Missing
from medianest_arr.film_requests import fits, refuse_other_copies
from medianest_arr.models import Episode, Series, instant
from medianest_arr.progress import Progress, progress
from medianest_arr.service import SONARR
from medianest_arr.settings import SonarrSettings
from medianest_arr.wanted import Part, aired, parsed, part_of, reference, statuses, taken
from medianest_core.sdk import (
    EPISODE,
    N_,
    SEASON,
    SHOW,
    NotReady,
    Rejected,
    RequestBackend,
    RequestItem,
    RequestOption,
    RequestState,
    RequestStatus,
)

_PATIENCE = 18.0
"""Seconds that a new series may take to show its episodes."""
_PAUSE = 0.3


class SonarrRequests(RequestBackend[SonarrSettings, ArrClient]):
    """The reference of a request names Sonarr's series and the seasons or episodes that were asked for; see `wanted.reference`."""

    service = SONARR

    def kinds(self) -> frozenset[str]:
        return frozenset({SHOW, SEASON, EPISODE})

    async def submit(self, item: RequestItem, user: str) -> RequestState:
        refuse_other_copies(self.client, item)
        part = part_of(item)
        series = await self._held(item)
        if series is None:
            series = await self._add(item, part)
            if part.episodes:
                await self._look_for_episodes(series, part)
        else:
            await self._look_for_more(series, part)
        self.client.forget()
        return await self._stands(series.id, part)

    async def find(self, item: RequestItem, user: str) -> RequestState | None:
        if not fits(self.client, item):
            return None
        series = await self._held(item)
        if series is None:
            return None
        part = part_of(item)
        episodes = await sonarr.episodes_of(self.client, [series.id])
        if not taken(series, episodes, part):
            return None
        return await self._state_of(series, episodes, part)

    async def state(self, reference: str) -> RequestState:
        meant = parsed(reference)
        if meant is None:
            return _gone(reference)
        return await self._stands(*meant)

    async def cancel(self, reference: str) -> None:
        meant = parsed(reference)
        if meant is None:
            return
        id, part = meant
        try:
            if part.whole:
                await sonarr.watch(self.client, id, seasons=(), wish=False, series=False)
            else:
                await sonarr.watch(self.client, id, seasons=part.seasons, wish=False)
            rows = await sonarr.episodes_of(self.client, [id]) if part.episodes else ()
        except Missing:
            return
        single = [row.id for row in rows if (row.season_number, row.episode_number) in part.episodes]
        if single:
            await sonarr.watch_episodes(self.client, single, False)
        self.client.forget()

    async def options(self, kind: str, variant: str = "") -> Sequence[RequestOption]:
        return [*await choices.offered(self.client, self.config), choices.series_types()]

    async def _held(self, item: RequestItem) -> Series | None:
        if item.ids.get("tvdb"):
            return await sonarr.series_by_tvdb(self.client, item.ids["tvdb"])
        return next(iter(await sonarr.series_of(self.client, [item.ids])), None)

    async def _add(self, item: RequestItem, part: Part) -> Series:
        wish = await choices.chosen(self.client, self.config, item.options)
        found = await sonarr.look_up(self.client, item)
        if found is None:
            raise Rejected(N_("{app} does not know this title.").format(app="Sonarr"))
        rows = [row for row in found.get("seasons") or () if isinstance(row, dict)]
        numbers = {int(row.get("seasonNumber") or 0) for row in rows}
        unknown = set(part.seasons) - numbers
        if unknown:
            raise Rejected(
                N_("{app} knows no season {number} of this series.").format(app="Sonarr", number=min(unknown))
            )
        asked = {number for number in numbers if number > 0} if part.whole else set(part.seasons)
        left_out = ("id", "path", "added", "statistics", "nextAiring", "previousAiring")
        body: dict[str, Any] = {
            **{key: value for key, value in found.items() if key not in left_out},
            "seasons": [{"seasonNumber": number, "monitored": number in asked} for number in sorted(numbers)],
            "qualityProfileId": wish.profile,
            "rootFolderPath": wish.root,
            "tags": list(wish.tags),
            "monitored": True,
            "monitorNewItems": "all" if part.whole else "none",
            "seasonFolder": True,
            "seriesType": choices.series_type(item.options, _type_of(found)),
            # "skip": what is looked for is what the seasons above say.
            "addOptions": {"monitor": "skip", "searchForMissingEpisodes": bool(asked)},
        }
        try:
            return await self.client.post("/series", body, Series)
        except AlreadyThere:
            series = await self._held(item)
            if series is None:
                raise
            await self._look_for_more(series, part)
            return series

    async def _look_for_more(self, series: Series, part: Part) -> None:
        """Have more of a series looked for that is there already."""
        numbers = [row.season_number for row in series.seasons if row.season_number > 0]
        wished = numbers if part.whole else list(part.seasons)
        await sonarr.watch(self.client, series.id, seasons=wished, wish=True, series=True)
        if part.whole:
            await sonarr.search_series(self.client, series.id)
        for number in part.seasons:
            await sonarr.search_season(self.client, series.id, number)
        if part.episodes:
            await self._look_for_episodes(series, part)

    async def _look_for_episodes(self, series: Series, part: Part) -> None:
        rows = await self._episodes_in_time(series.id)
        places = {(row.season_number, row.episode_number): row for row in rows}
        unknown = [place for place in part.episodes if place not in places]
        if unknown:
            raise Rejected(
                N_("{app} knows no episode {number} of season {season}.").format(
                    app="Sonarr", number=unknown[0][1], season=unknown[0][0]
                )
            )
        meant = [places[place] for place in part.episodes]
        off = [row.id for row in meant if not row.monitored]
        if off:
            await sonarr.watch_episodes(self.client, off, True)
        now = time.time()
        missing = [row.id for row in meant if not row.has_file and aired(row, now)]
        if missing:
            await sonarr.search_episodes(self.client, missing)

    async def _episodes_in_time(self, id: int) -> Sequence[Episode]:
        # A new series has no episodes before Sonarr has read about it.
        ends = time.monotonic() + _PATIENCE
        while not (rows := await sonarr.episodes_of(self.client, [id])):
            if time.monotonic() > ends:
                raise NotReady(N_("{app} is still reading about this series.").format(app="Sonarr"))
            await asyncio.sleep(_PAUSE)
        return rows

    async def _stands(self, id: int, part: Part) -> RequestState:
        series = await sonarr.series_by_id(self.client, id)
        if series is None:
            return _gone(reference(id, part))
        return await self._state_of(series, await sonarr.episodes_of(self.client, [id]), part)

    async def _state_of(self, series: Series, episodes: Sequence[Episode], part: Part) -> RequestState:
        mine = [row for row in episodes if part.takes(row)]
        ids = {row.id for row in mine if not row.has_file}
        rows = await self.client.queue() if ids else ()
        return state_of(
            series, episodes, part, progress((row for row in rows if row.episode_id in ids), "Sonarr")
        )


def state_of(
    series: Series,
    episodes: Sequence[Episode],
    part: Part,
    under_way: Progress | None,
    now: float | None = None,
) -> RequestState:
    """What the facts of a series mean for a request."""
    at = time.time() if now is None else now
    name = reference(series.id, part)
    seasons = statuses(episodes, part)
    mine = [row for row in episodes if part.takes(row)]
    if not mine:
        if series.monitored:
            text = N_("{app} is still reading about this series.").format(app="Sonarr")
            return RequestState(name, RequestStatus.PROCESSING, text)
        return RequestState(name, RequestStatus.DECLINED, _switched_off())
    have = sum(row.has_file for row in mine)
    searched = max((t for row in mine if (t := instant(row.last_search_time)) is not None), default=None)
    if have == len(mine):
        return RequestState(name, RequestStatus.AVAILABLE, seasons=seasons)
    text = under_way.reason or under_way.note if under_way else waiting_text(mine, at)
    if have:
        counted = N_("{have} of {count} episodes are there. {reason}").format(
            have=have, count=len(mine), reason=text
        )
        return RequestState(name, RequestStatus.PARTIALLY_AVAILABLE, counted, seasons, searched)
    wanted = series.monitored and any(row.monitored for row in mine)
    if not wanted and under_way is None:
        return RequestState(name, RequestStatus.DECLINED, _switched_off(), seasons)
    return RequestState(name, RequestStatus.PROCESSING, text, seasons, searched)


def waiting_text(episodes: Sequence[Episode], now: float) -> str:
    """Why there is no download of episodes that are looked for."""
    missing = [row for row in episodes if not row.has_file]
    if not any(aired(row, now) for row in missing):
        return N_("The rest has not aired yet; it is looked for from then on.")
    if any(row.last_search_time for row in missing):
        return N_("Nothing suitable was found yet; {app} goes on looking.").format(app="Sonarr")
    return N_("It is being looked for.")


def _gone(name: str) -> RequestState:
    return RequestState(
        name, RequestStatus.GONE, N_("{app} does not have this title any more.").format(app="Sonarr")
    )


def _switched_off() -> str:
    return N_("{app} does not look for it any more: someone switched that off there.").format(app="Sonarr")


def _type_of(found: dict[str, Any]) -> str:
    genres = [str(genre).casefold() for genre in found.get("genres") or ()]
    return "anime" if "anime" in genres else str(found.get("seriesType") or "standard")
