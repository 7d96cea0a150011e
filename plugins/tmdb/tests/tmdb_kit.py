"""The plugin's parts pointed at a simulator through the guarded HTTP client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from medianest_core.base.egress import EgressPolicy
from medianest_core.base.http_factory import HttpFactory
from medianest_core.sdk import Http
from medianest_core.testing.simulators import RunningSimulator
from medianest_core.testing.world.titles import MOVIE, SHOW, elsewhere, household
from medianest_tmdb.catalog import TmdbCatalog
from medianest_tmdb.client import TmdbClient
from medianest_tmdb.fields import TmdbFields
from medianest_tmdb.service import connect
from medianest_tmdb.settings import TmdbSettings
from medianest_tmdb.simulator import TmdbSimulator
from medianest_tmdb.status import TmdbStatus

INSTANCE = "11111111-2222-3333-4444-666666666666"
FILM, SERIES = elsewhere(MOVIE)[0], household(SHOW)[1]


@dataclass
class Plugged:
    """One instance of the plugin, connected to `simulator`."""

    simulator: TmdbSimulator
    settings: TmdbSettings
    http: Http
    client: TmdbClient

    @property
    def catalog(self) -> TmdbCatalog:
        return TmdbCatalog(INSTANCE, self.settings, self.http, self.client)

    @property
    def fields(self) -> TmdbFields:
        return TmdbFields(INSTANCE, self.settings, self.http, self.client)

    @property
    def status(self) -> TmdbStatus:
        return TmdbStatus(INSTANCE, self.settings, self.http, self.client)

    def asked(self, path: str = "") -> list[dict[str, Any]]:
        """What the service was asked, below a path."""
        return [one for one in self.simulator.service.requests if one["path"].startswith(f"/3{path}")]


async def plug(factory: HttpFactory, served: RunningSimulator, **values: Any) -> Plugged:
    """The plugin configured as the demo does it, with `values` on top."""
    simulator = served.simulator
    assert isinstance(simulator, TmdbSimulator)
    settings = TmdbSettings.model_validate({**simulator.demo_instances()[0].settings, **values})
    http = factory.for_instance(settings.base_url(), EgressPolicy.for_settings(settings))
    return Plugged(simulator, settings, http, await connect(settings, http))
