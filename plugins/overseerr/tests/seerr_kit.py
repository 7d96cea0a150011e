"""The plugin's parts pointed at a simulator through the guarded HTTP client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from medianest_core.base.egress import EgressPolicy
from medianest_core.base.http_factory import HttpFactory
from medianest_core.sdk import MOVIE, SHOW, Http, RequestItem
from medianest_core.testing.simulators import RunningSimulator
from medianest_overseerr.catalog import SeerrCatalog
from medianest_overseerr.client import SeerrClient
from medianest_overseerr.requests import SeerrRequests
from medianest_overseerr.service import connect
from medianest_overseerr.settings import SeerrSettings
from medianest_overseerr.simulation import flow
from medianest_overseerr.simulation.titles import Work
from medianest_overseerr.simulation.world import World
from medianest_overseerr.simulator import SeerrSimulator
from medianest_overseerr.status import SeerrStatus
from medianest_overseerr.webhooks import SeerrWebhooks

INSTANCE = "11111111-2222-3333-4444-555555555555"
CASEY, JORDAN, NOBODY = "2", "3", "4"


@dataclass
class Plugged:
    """One instance of the plugin, connected to `simulator`."""

    simulator: SeerrSimulator
    url: str
    settings: SeerrSettings
    http: Http
    client: SeerrClient
    _parts: tuple[Any, ...] = field(init=False)

    def __post_init__(self) -> None:
        self._parts = (INSTANCE, self.settings, self.http, self.client)

    @property
    def requests(self) -> SeerrRequests:
        return SeerrRequests(*self._parts)

    @property
    def catalog(self) -> SeerrCatalog:
        return SeerrCatalog(*self._parts)

    @property
    def webhooks(self) -> SeerrWebhooks:
        return SeerrWebhooks(*self._parts)

    @property
    def status(self) -> SeerrStatus:
        return SeerrStatus(*self._parts)

    @property
    def world(self) -> World:
        return self.simulator.world

    def film(self, index: int = 0) -> Work:
        """One that nobody has."""
        return [work for work in self.world.titles.all("movie") if not work.owned][index]

    def series(self, seasons: int = 2) -> Work:
        """One with at least so many seasons that nobody has."""
        return next(
            work for work in self.world.titles.all("tv") if not work.owned and work.facts.seasons >= seasons
        )

    def made(self) -> list[Mapping[str, Any]]:
        """Requests that came into being at the service."""
        return list(self.simulator.ledger.facts("request.created"))

    def available(self, reference: str, seasons: list[int] | None = None) -> None:
        """A scan finds it."""
        row = self.world.requests[int(reference)]
        flow.available(self.world, row.media, bool(row.is4k), seasons)


def item(work: Work, *seasons: int, variant: str = "", **options: str) -> RequestItem:
    """What the core would ask for."""
    return RequestItem(
        MOVIE if work.kind == "movie" else SHOW,
        {"tmdb": str(work.tmdb)},
        work.name,
        work.facts.year,
        seasons=seasons,
        variant=variant,
        options=options,
    )


async def plug(factory: HttpFactory, served: RunningSimulator, **values: Any) -> Plugged:
    """The plugin configured as the demo does it, with `values` on top."""
    simulator = served.simulator
    assert isinstance(simulator, SeerrSimulator)
    settings = SeerrSettings.model_validate({**simulator.demo_instances()[0].settings, **values})
    http = factory.for_instance(settings.base_url(), EgressPolicy.for_settings(settings))
    return Plugged(simulator, served.url, settings, http, await connect(settings, http))
