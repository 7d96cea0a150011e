"""The plugin's parts pointed at a simulator through the guarded HTTP client."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medianest_arr.client import ArrClient
from medianest_arr.fields import RadarrFields, SonarrFields
from medianest_arr.film_requests import RadarrRequests
from medianest_arr.series_requests import SonarrRequests
from medianest_arr.service import connect
from medianest_arr.settings import RadarrSettings, SonarrSettings
from medianest_arr.simulation.films import Films
from medianest_arr.simulation.shows import Shows
from medianest_arr.simulation.things import TODAY, episodes_of
from medianest_arr.simulator import ArrSimulator, RadarrSimulator, SonarrSimulator
from medianest_arr.status import RadarrStatus, SonarrStatus
from medianest_arr.webhooks import RadarrWebhooks, SonarrWebhooks
from medianest_core.base.egress import EgressPolicy
from medianest_core.base.http_factory import HttpFactory
from medianest_core.sdk import EPISODE, MOVIE, SEASON, SHOW, Http, RequestItem
from medianest_core.testing.simulators import RunningSimulator
from medianest_core.testing.world.titles import MOVIE as FILM
from medianest_core.testing.world.titles import SHOW as SERIES
from medianest_core.testing.world.titles import Title, elsewhere, household

INSTANCE = "11111111-2222-3333-4444-555555555555"


@dataclass
class Plugged:
    """One instance of the plugin, connected to `simulator`."""

    simulator: ArrSimulator
    url: str
    settings: Any
    http: Http
    client: ArrClient

    def _made(self, kind: Any) -> Any:
        return kind(INSTANCE, self.settings, self.http, self.client)

    @property
    def radarr(self) -> RadarrRequests:
        made: RadarrRequests = self._made(RadarrRequests)
        return made

    @property
    def sonarr(self) -> SonarrRequests:
        made: SonarrRequests = self._made(SonarrRequests)
        return made

    @property
    def films(self) -> Films:
        assert isinstance(self.simulator.world, Films)
        return self.simulator.world

    @property
    def shows(self) -> Shows:
        assert isinstance(self.simulator.world, Shows)
        return self.simulator.world

    def fields(self) -> Any:
        return self._made(RadarrFields if isinstance(self.simulator, RadarrSimulator) else SonarrFields)

    def status(self) -> Any:
        return self._made(RadarrStatus if isinstance(self.simulator, RadarrSimulator) else SonarrStatus)

    def webhooks(self) -> Any:
        return self._made(RadarrWebhooks if isinstance(self.simulator, RadarrSimulator) else SonarrWebhooks)

    def pass_time(self, seconds: float) -> None:
        """Let time pass over there; what was shared is asked for again."""
        self.simulator.world.advance(seconds)
        self.client.forget()

    def done(self, kind: str) -> int:
        """How often something happened over there."""
        return len(self.simulator.ledger.entries(kind))


async def plug(factory: HttpFactory, served: RunningSimulator, **values: Any) -> Plugged:
    """The plugin configured as the demo does it, with `values` on top."""
    simulator = served.simulator
    assert isinstance(simulator, ArrSimulator)
    kind = SonarrSettings if isinstance(simulator, SonarrSimulator) else RadarrSettings
    settings = kind.model_validate({**simulator.demo_instances()[0].settings, **values})
    http = factory.for_instance(settings.base_url(), EgressPolicy.for_settings(settings))
    return Plugged(simulator, served.url, settings, http, await connect(settings, http))


def radarr_simulator(folder: Path, items: int = 4, **options: Any) -> RadarrSimulator:
    return RadarrSimulator(items=items, data_dir=folder, **options)


def sonarr_simulator(folder: Path, items: int = 3, **options: Any) -> SonarrSimulator:
    return SonarrSimulator(items=items, data_dir=folder, **options)


def wished_film() -> Title:
    """A film that is out and that nobody has."""
    return next(one for one in elsewhere(FILM) if one.year < 2024)


def wished_series() -> Title:
    """A series of several seasons that nobody has, and that has ended."""
    return next(
        one
        for one in elsewhere(SERIES)
        if one.seasons > 2 and all(aired < TODAY for *_, aired in episodes_of(one))
    )


def held_film() -> Title:
    return household(FILM)[0]


def held_series() -> Title:
    return household(SERIES)[0]


def film_item(title: Title, **values: Any) -> RequestItem:
    """A request for a film by its TMDB id."""
    return RequestItem(MOVIE, {"tmdb": title.ids["tmdb"]}, title.title, title.year, **values)


def series_item(title: Title, **values: Any) -> RequestItem:
    """A request for a series or a part of it by its TVDB id."""
    kind = EPISODE if values.get("episodes") else SEASON if values.get("seasons") else SHOW
    return RequestItem(kind, {"tvdb": title.ids["tvdb"]}, title.title, title.year, **values)
