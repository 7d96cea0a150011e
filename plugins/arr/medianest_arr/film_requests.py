"""Requests for films, taken by Radarr itself: looked up, added, monitored, searched for. Nothing is ever deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from medianest_arr import choices, radarr
from medianest_arr.client import AlreadyThere, ArrClient, Missing
from medianest_arr.models import Film, converted, instant
from medianest_arr.progress import Progress, progress
from medianest_arr.service import RADARR
from medianest_arr.settings import RadarrSettings
from medianest_core.sdk import (
    MOVIE,
    N_,
    Rejected,
    RequestBackend,
    RequestItem,
    RequestOption,
    RequestState,
    RequestStatus,
)

_PREFIX = "movie/"


class RadarrRequests(RequestBackend[RadarrSettings, ArrClient]):
    """The reference of a request is "movie/" and Radarr's id of the film."""

    service = RADARR

    def kinds(self) -> frozenset[str]:
        return frozenset({MOVIE})

    async def submit(self, item: RequestItem, user: str) -> RequestState:
        refuse_other_copies(self.client, item)
        film = await self._held(item)
        if film is None:
            film = await self._add(item)
        elif not film.monitored:
            await self._monitor(film.id, True)
            if not film.has_file:
                await radarr.search(self.client, film.id)
            film = await radarr.film_by_id(self.client, film.id) or film
        elif not film.has_file:
            await radarr.search(self.client, film.id)
        self.client.forget()
        return await self._stands(film)

    async def find(self, item: RequestItem, user: str) -> RequestState | None:
        if not fits(self.client, item):
            return None
        film = await self._held(item)
        if film is None or not (film.monitored or film.has_file):
            return None
        return await self._stands(film)

    async def state(self, reference: str) -> RequestState:
        id = _id(reference)
        film = None if id is None else await radarr.film_by_id(self.client, id)
        if film is None:
            return RequestState(
                reference,
                RequestStatus.GONE,
                N_("{app} does not have this title any more.").format(app="Radarr"),
            )
        return await self._stands(film)

    async def cancel(self, reference: str) -> None:
        if (id := _id(reference)) is None:
            return
        try:
            await self._monitor(id, False)
        except Missing:
            return
        self.client.forget()

    async def options(self, kind: str, variant: str = "") -> Sequence[RequestOption]:
        return await choices.offered(self.client, self.config)

    async def _held(self, item: RequestItem) -> Film | None:
        if item.ids.get("tmdb"):
            return await radarr.film_by_tmdb(self.client, item.ids["tmdb"])
        found = await radarr.look_up(self.client, item.ids)
        if found is None or not found.get("tmdbId"):
            return None
        return await radarr.film_by_tmdb(self.client, str(found["tmdbId"]))

    async def _add(self, item: RequestItem) -> Film:
        wish = await choices.chosen(self.client, self.config, item.options)
        found = await radarr.look_up(self.client, item.ids)
        if found is None:
            raise Rejected(N_("{app} does not know this title.").format(app="Radarr"))
        body: dict[str, Any] = {
            **{
                key: value for key, value in found.items() if key not in ("id", "path", "folderName", "added")
            },
            "qualityProfileId": wish.profile,
            "rootFolderPath": wish.root,
            "tags": list(wish.tags),
            "monitored": True,
            "minimumAvailability": "released",
            "addOptions": {"monitor": "movieOnly", "searchForMovie": True},
        }
        try:
            return await self.client.post("/movie", body, Film)
        except AlreadyThere:
            # Someone else was faster; that it is looked for is all that was asked.
            film = await radarr.film_by_tmdb(self.client, str(found.get("tmdbId")))
            if film is None:
                raise
            if not film.monitored:
                await self._monitor(film.id, True)
            return film

    async def _monitor(self, id: int, wish: bool) -> None:
        whole = await radarr.whole_film(self.client, id)
        if bool(whole.get("monitored")) != wish:
            converted(await self.client.put(f"/movie/{id}", {**whole, "monitored": wish}), Film)

    async def _stands(self, film: Film) -> RequestState:
        rows = () if film.has_file else await self.client.queue()
        return state_of(film, progress((row for row in rows if row.movie_id == film.id), "Radarr"))


def state_of(film: Film, under_way: Progress | None) -> RequestState:
    """What the facts of a film mean for a request."""
    reference = f"{_PREFIX}{film.id}"
    if film.has_file:
        added = instant(film.movie_file.date_added) if film.movie_file else None
        return RequestState(reference, RequestStatus.AVAILABLE, changed_at=added)
    if under_way is not None:
        text = under_way.reason or under_way.note
        return RequestState(reference, RequestStatus.PROCESSING, text, changed_at=under_way.began_at)
    if not film.monitored:
        text = N_("{app} does not look for it any more: someone switched that off there.").format(
            app="Radarr"
        )
        return RequestState(reference, RequestStatus.DECLINED, text)
    return RequestState(
        reference,
        RequestStatus.PROCESSING,
        waiting_text(film),
        changed_at=instant(film.last_search_time),
    )


def waiting_text(film: Film) -> str:
    """Why there is no download of a film that is looked for."""
    if not film.is_available:
        return N_("It has not been released yet; it is looked for from then on.")
    if film.last_search_time:
        return N_("Nothing suitable was found yet; {app} goes on looking.").format(app="Radarr")
    return N_("It is being looked for.")


def refuse_other_copies(client: ArrClient, item: RequestItem) -> None:
    """Raises Rejected where the request wants the other kind of copy than this instance keeps."""
    if fits(client, item):
        return
    if client.uhd:
        raise Rejected(N_("This {app} keeps only 4K copies.").format(app=client.app))
    raise Rejected(
        N_("This {app} does not keep 4K copies. An admin can say so in its settings.").format(app=client.app)
    )


def fits(client: ArrClient, item: RequestItem) -> bool:
    """Does the instance keep such copies?"""
    return client.uhd == (item.variant == "4k")


def _id(reference: str) -> int | None:
    number = reference.removeprefix(_PREFIX)
    return int(number) if reference.startswith(_PREFIX) and number.isdecimal() else None
