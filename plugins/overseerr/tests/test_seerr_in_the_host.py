"""The plugin as the portal runs it: found, activated, tested, connected and called through the guard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from medianest_core.base.crypto import Keyring
from medianest_core.base.http_factory import HttpFactory
from medianest_core.base.settings import AppSettings
from medianest_core.bus.outbox import EventBus
from medianest_core.host.lifecycle import PluginHost
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk import (
    Catalog,
    NotReady,
    RequestBackend,
    RequestCapability,
    RequestStatus,
    WebhookReceiver,
)
from medianest_core.store.engine import Database
from medianest_core.store.migrate import upgrade
from medianest_core.store.repos.events import EventRepo

from .seerr_kit import CASEY, Plugged, item


@pytest_asyncio.fixture(loop_scope="session")
async def host(tmp_path: Path) -> AsyncIterator[PluginHost]:
    db = Database(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
    await db.start()
    await upgrade(db)
    settings = AppSettings(data_dir=tmp_path, _env_file=None)
    bus, http = EventBus(EventRepo(db)), HttpFactory(settings)
    keyring = Keyring.load_or_create(tmp_path / "keys.json")
    made = PluginHost(settings, db, keyring, bus, http, Ledger(db, bus=bus))
    await made.start()
    yield made
    await made.stop()
    await bus.close()
    await http.close()
    await db.close()


async def test_from_the_form_to_one_request_though_its_reply_was_lost(
    host: PluginHost, seerr: Plugged
) -> None:
    values = seerr.simulator.demo_instances()[0].settings
    result = await host.instances.test("overseerr", "seerr", values)
    assert result.message == "Seerr 3.1.0, acting as Olivia Owner"
    made = await host.instances.create("overseerr", "seerr", "requests", "Requests", values, None)
    async with asyncio.timeout(60):
        while not host.instances.info(made.id).ready:  # the state is a row, not an event
            await asyncio.sleep(0.02)

    handle = host.instances.get(RequestBackend, made.id)  # type: ignore[type-abstract]  # a key, not made
    assert all(handle.can(capability) for capability in RequestCapability)
    backend, wanted = handle.api, item(seerr.film())
    assert await backend.find(wanted, CASEY) is None
    seerr.world.options.lost_replies = 1
    try:
        await backend.submit(wanted, CASEY)
    except NotReady:
        sent = await backend.find(wanted, CASEY)
    else:
        raise AssertionError("the reply was lost")
    assert sent is not None and sent.status in (RequestStatus.APPROVED, RequestStatus.PROCESSING)
    assert len(seerr.made()) == 1
    assert {person.identities.get("plex") for person in await backend.users()} >= {"1000001", "1000002"}

    catalog = host.instances.get(Catalog, made.id).api  # type: ignore[type-abstract]  # a key, not made
    assert catalog.feeds()[0].name == "trending"
    assert (await catalog.search(wanted.title)).entries
    receiver = host.instances.get(WebhookReceiver, made.id).api  # type: ignore[type-abstract]  # a key, not made
    address = f"http://portal.test/webhooks/overseerr/{made.id}/token"
    await receiver.register(address)
    assert seerr.world.webhooks.agent.url == address
    await receiver.unregister(address)
    assert not seerr.world.webhooks.agent.enabled
