"""A Plex simulator on loopback and the plugin's parts pointed at it through the guarded HTTP client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from medianest_core.base.egress import EgressPolicy
from medianest_core.base.http import HttpFactory
from medianest_core.sdk import Http, Library, RawRecord, Secret
from medianest_core.testing.simulators import RunningSimulator, running
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


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[RunningSimulator]:
    async with running(PlexSimulator(items=60, data_dir=tmp_path)) as found:
        yield found


@pytest.fixture
async def factory() -> AsyncIterator[HttpFactory]:
    made = HttpFactory()
    yield made
    await made.close()


@pytest.fixture
async def plex(served: RunningSimulator, factory: HttpFactory) -> Plugged:
    """Configured with the server's own token, as the demo is."""
    return await plug(factory, served)


@pytest.fixture
async def owner_plex(served: RunningSimulator, factory: HttpFactory) -> Plugged:
    """Configured with the owner's account token, as an admin would copy it from Plex Web."""
    token = served.simulator.facts()["owner_account_token"]
    return await plug(factory, served, token=token)


@pytest.fixture(params=["server token", "account token"])
async def either_plex(request: pytest.FixtureRequest, plex: Plugged, owner_plex: Plugged) -> Plugged:
    """Once with each kind of token."""
    return plex if request.param == "server token" else owner_plex
