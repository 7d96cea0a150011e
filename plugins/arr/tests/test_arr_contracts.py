"""The plugin keeps the contracts of what it provides, for Radarr and for Sonarr."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, ClassVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from medianest_arr.fields import RadarrFields, SonarrFields
from medianest_arr.film_requests import RadarrRequests
from medianest_arr.series_requests import SonarrRequests
from medianest_arr.simulation.shows import Shows
from medianest_arr.simulator import ArrSimulator, RadarrSimulator, SonarrSimulator
from medianest_arr.status import RadarrStatus, SonarrStatus
from medianest_arr.webhooks import RadarrWebhooks, SonarrWebhooks
from medianest_core.sdk import EPISODE, Delivery, RequestItem, TitleKey
from medianest_core.testing.contracts import (
    FieldOwnerContract,
    RequestContract,
    StatusContract,
    WebhookContract,
)
from medianest_core.testing.contracts.contract import INSTANCE
from medianest_core.testing.contracts.webhooks import Posted
from medianest_core.testing.loopback import serving
from medianest_core.testing.simulators import Simulator
from medianest_core.testing.world.titles import MOVIE, SHOW, household

from .arr_kit import film_item, series_item, wished_film, wished_series

PASSWORD = "a-password-for-messages"
FEW = {"items": 4}


class TestRadarrStatus(StatusContract):
    provider = RadarrStatus
    simulator = RadarrSimulator
    options = FEW


class TestSonarrStatus(StatusContract):
    provider = SonarrStatus
    simulator = SonarrSimulator
    options = FEW


class TestRadarrFields(FieldOwnerContract):
    provider = RadarrFields
    simulator = RadarrSimulator
    options = FEW

    def known(self) -> Sequence[TitleKey]:
        return [
            TitleKey(f"t{number}", MOVIE, {"tmdb": one.ids["tmdb"]}, one.title, one.year)
            for number, one in enumerate(household(MOVIE)[:2])
        ]

    async def change(self) -> None:
        one = wished_film()
        async with self.another() as fields:
            await RadarrRequests(INSTANCE, fields.config, fields.http, fields.client).submit(
                film_item(one), ""
            )
        _pass_time(self.stand_in)


class TestSonarrFields(FieldOwnerContract):
    provider = SonarrFields
    simulator = SonarrSimulator
    options = FEW

    def known(self) -> Sequence[TitleKey]:
        assert isinstance(self.stand_in, SonarrSimulator) and isinstance(self.stand_in.world, Shows)
        found = self.stand_in.world.by_tvdb(household(SHOW)[0].ids["tvdb"])
        assert found is not None
        held = [one for one in found.episodes if one.file][:2]
        return [
            TitleKey(f"t{one.tvdb}", EPISODE, {"tvdb": str(one.tvdb)}, "An episode", None) for one in held
        ]

    async def change(self) -> None:
        one = wished_series()
        async with self.another() as fields:
            await SonarrRequests(INSTANCE, fields.config, fields.http, fields.client).submit(
                series_item(one), ""
            )
        _pass_time(self.stand_in)


def _pass_time(stand_in: Simulator) -> None:
    """What was asked for is fetched and imported."""
    assert isinstance(stand_in, ArrSimulator)
    stand_in.world.advance(90)


class TestRadarrRequests(RequestContract):
    provider = RadarrRequests
    simulator = RadarrSimulator
    options = FEW
    gone = "movie/9999"

    def wished(self) -> RequestItem:
        return film_item(wished_film())


class TestSonarrRequests(RequestContract):
    provider = SonarrRequests
    simulator = SonarrSimulator
    options = FEW
    gone = "series/9999"

    def wished(self) -> RequestItem:
        return series_item(wished_series())


class Webhooks(WebhookContract):
    """What both have in common."""

    options = FEW
    settings: ClassVar[Mapping[str, Any]] = {"webhook_password": PASSWORD}
    _hook = ""

    @contextlib.asynccontextmanager
    async def surroundings(self) -> AsyncIterator[None]:
        async def take(request: Request) -> Response:
            return Response(status_code=202)

        async with serving(Starlette(routes=[Route("/hook/{token}", take, methods=["POST"])])) as url:
            self._hook = f"{url}/hook/token"
            yield

    def hook(self) -> str:
        return self._hook

    async def reset(self) -> None:
        assert isinstance(self.stand_in, ArrSimulator)
        self.stand_in.world.notifications.clear()

    async def registered(self) -> Mapping[str, int]:
        return Counter(str(row.setting("url")) for row in await self.subject.client.notifications())

    def forged(self) -> Sequence[Delivery]:
        real = self.posted()[0].delivery
        return [Delivery({}, real.body), Delivery({"x-webhook-secret": "another"}, real.body)]


def _message(**said: Any) -> Delivery:
    return Delivery(
        {"content-type": "application/json", "x-webhook-secret": PASSWORD}, json.dumps(said).encode()
    )


class TestRadarrWebhooks(Webhooks):
    provider = RadarrWebhooks
    simulator = RadarrSimulator

    def posted(self) -> Sequence[Posted]:
        film = {"id": 7, "title": "The Meridian Heist", "tmdbId": 674634, "imdbId": "tt123"}
        return [
            Posted(_message(eventType="Download", movie=film), "media.changed"),
            Posted(_message(eventType="Grab", movie=film), "request.changed"),
            Posted(_message(eventType="Health", level="warning", message="No indexers."), "status.changed"),
            Posted(_message(eventType="Test"), "test"),
            Posted(_message(eventType="SomethingNew", movie=film), None),
        ]


class TestSonarrWebhooks(Webhooks):
    provider = SonarrWebhooks
    simulator = SonarrSimulator

    def posted(self) -> Sequence[Posted]:
        series = {"id": 7, "title": "Tin Moon", "tvdbId": 12345}
        episodes = [{"id": 1, "seasonNumber": 1, "episodeNumber": 2}]
        return [
            Posted(_message(eventType="Download", series=series, episodes=episodes), "media.changed"),
            Posted(_message(eventType="Grab", series=series, episodes=episodes), "request.changed"),
            Posted(_message(eventType="Test"), "test"),
        ]
