"""The plugin's parts pointed at a simulator through the guarded HTTP client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from medianest_core.base.egress import EgressPolicy
from medianest_core.base.http_factory import HttpFactory
from medianest_core.sdk import Http, Library, RawRecord, Secret
from medianest_core.testing.simulators import RunningSimulator
from medianest_plex.auth import PlexAuth
from medianest_plex.client import PlexServer
from medianest_plex.media import PlexMedia
from medianest_plex.service import connect
from medianest_plex.settings import PlexSettings
from medianest_plex.simulator import PlexSimulator
from medianest_plex.status import PlexStatus
from medianest_plex.webhooks import PlexWebhooks

INSTANCE = "11111111-2222-3333-4444-555555555555"


@dataclass
class Plugged:
    """One instance of the plugin, connected to `simulator`."""

    simulator: PlexSimulator
    url: str
    settings: PlexSettings
    http: Http
    server: PlexServer

    @property
    def auth(self) -> PlexAuth:
        return PlexAuth(INSTANCE, self.settings, self.http, self.server)

    @property
    def media(self) -> PlexMedia:
        return PlexMedia(INSTANCE, self.settings, self.http, self.server)

    @property
    def status(self) -> PlexStatus:
        return PlexStatus(INSTANCE, self.settings, self.http, self.server)

    @property
    def webhooks(self) -> PlexWebhooks:
        return PlexWebhooks(INSTANCE, self.settings, self.http, self.server)

    def token_of(self, user: str) -> Secret:
        """An account token of that person."""
        accounts = self.simulator.world.accounts
        return Secret(accounts.account_token(accounts.find(user), "some-device"))

    def approve(self, state: Mapping[str, str], user: str) -> None:
        """What the person does at Plex."""
        pin = self.simulator.world.pins.get(int(state["pin"]), state["device"])
        assert pin is not None
        self.simulator.world.pins.approve(pin, self.simulator.world.accounts.find(user))

    async def library(self, title: str) -> Library:
        return next(found for found in await self.media.libraries() if found.title == title)

    async def records(self, title: str) -> list[RawRecord]:
        """Everything a library lists, in order."""
        library = await self.library(title)
        return [record async for page in self.media.records(library) for record in page.records]


async def plug(factory: HttpFactory, served: RunningSimulator, **values: Any) -> Plugged:
    """The plugin configured as the demo does it, with `values` on top."""
    simulator = served.simulator
    assert isinstance(simulator, PlexSimulator)
    settings = PlexSettings.model_validate({**simulator.demo_instances()[0].settings, **values})
    http = factory.for_instance(settings.base_url(), EgressPolicy.for_settings(settings))
    return Plugged(simulator, served.url, settings, http, await connect(settings, http))
