"""The Plex plugin as the portal runs it: found, activated, tested, connected and called through the guard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from medianest_core.base.crypto import Keyring
from medianest_core.base.http_factory import HttpFactory
from medianest_core.base.settings import AppSettings
from medianest_core.bus.outbox import EventBus
from medianest_core.host.lifecycle import PluginHost
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk import AuthFailed, AuthFlow, AuthProvider, MediaSource, NotReady, WebhookReceiver
from medianest_core.store.engine import Database
from medianest_core.store.migrate import upgrade
from medianest_core.store.repos.events import EventRepo
from medianest_core.testing.faults import Rule
from medianest_core.testing.simulators import running
from medianest_plex.simulator import PlexSimulator
from tests.databases import database_url


@pytest.fixture
async def plex(tmp_path: Path) -> AsyncIterator[PlexSimulator]:
    simulator = PlexSimulator(items=40, data_dir=tmp_path / "plex")
    async with running(simulator):
        yield simulator


@pytest.fixture
async def host(tmp_path: Path, backend: str) -> AsyncIterator[PluginHost]:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    db = Database(database_url(data_dir))
    await db.start()
    await upgrade(db)
    settings = AppSettings(data_dir=data_dir, _env_file=None)
    bus, http = EventBus(EventRepo(db)), HttpFactory(settings)
    keyring = Keyring.load_or_create(data_dir / "keys.json")
    made = PluginHost(settings, db, keyring, bus, http, Ledger(db, bus=bus))
    await made.start()
    yield made
    await made.stop()
    await bus.close()
    await http.close()
    await db.close()


async def test_from_the_form_to_the_first_titles(host: PluginHost, plex: PlexSimulator) -> None:
    values = plex.demo_instances()[0].settings
    with pytest.raises(AuthFailed, match="refuses the token"):
        await host.instances.test("plex", "plex", {**values, "token": "wrong"})
    result = await host.instances.test("plex", "plex", values)
    assert result.message == "Living Room, version 1.42, 3 libraries"

    made = await host.instances.create("plex", "plex", "living", "Living room", values, None)
    async with asyncio.timeout(20):
        while not host.instances.info(made.id).ready:  # the state is a row, not an event
            await asyncio.sleep(0.02)

    media = host.instances.get(MediaSource, made.id).api  # type: ignore[type-abstract]  # a key, not made
    library = (await media.libraries())[0]
    titles = [raw.decode() async for page in media.records(library) for raw in page.records]
    assert len(titles) > 10 and all(title.library == library.key for title in titles)
    image = await media.image(titles[0].fields["assets"]["poster"], 100, 150)
    assert image.media_type.startswith("image/")

    auth = host.instances.get(AuthProvider, made.id).api  # type: ignore[type-abstract]  # a key, not made
    challenge = await auth.begin(AuthFlow.CODE, return_url="http://portal.example/")
    pin = plex.world.pins.by_code(challenge.code or "")
    assert pin is not None
    plex.world.pins.approve(pin, plex.world.accounts.find("casey"))
    identity = await auth.complete(challenge.state, {})
    assert identity is not None and identity.username == "casey"
    assert host.instances.get(WebhookReceiver, made.id)  # type: ignore[type-abstract]  # a key, not made

    plex.faults.set(Rule("500", "/library"))
    with pytest.raises(NotReady):
        [page async for page in media.records(library)]
