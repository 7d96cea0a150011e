"""The plugin keeps the contracts of what it provides."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from medianest_core.sdk import Challenge, Delivery
from medianest_core.testing.contracts import AuthContract, MediaContract, StatusContract, WebhookContract
from medianest_core.testing.contracts.webhooks import Posted
from medianest_core.testing.world.titles import elsewhere
from medianest_plex.auth import PlexAuth
from medianest_plex.media import PlexMedia
from medianest_plex.simulation.webhooks import multipart
from medianest_plex.simulation.world import World
from medianest_plex.simulator import PlexSimulator
from medianest_plex.status import PlexStatus
from medianest_plex.webhooks import PlexWebhooks

ITEMS = {"items": 12}


class TestStatus(StatusContract):
    provider = PlexStatus
    simulator = PlexSimulator
    options = ITEMS


class TestMedia(MediaContract):
    provider = PlexMedia
    simulator = PlexSimulator
    options = ITEMS
    nobody = "99999999"


class TestAuth(AuthContract):
    provider = PlexAuth
    simulator = PlexSimulator
    options = ITEMS
    person = "casey"
    other = "jordan"
    stranger = "stranger"
    unknown: ClassVar[Mapping[str, str]] = {"pin": "999999", "device": "nobody", "expires_at": "1"}

    async def approve(self, challenge: Challenge, who: str) -> Mapping[str, str]:
        world = _world(self.stand_in)
        pin = world.pins.get(int(challenge.state["pin"]), challenge.state["device"])
        assert pin is not None
        world.pins.approve(pin, world.accounts.find(who))
        return {}

    async def expel(self, who: str) -> None:
        accounts = _world(self.stand_in).accounts
        accounts.revoke(accounts.find(who), account=False, server=False, sharing=True)

    async def reset(self) -> None:
        world = _world(self.stand_in)
        world.accounts.restore(world.accounts.find(self.other))
        lists, person = world.watchlists, world.accounts.find(self.person)
        if not lists.shown(person):
            lists.add(person, lists.key_of(elsewhere("movie")[0].title))


class TestWebhooks(WebhookContract):
    provider = PlexWebhooks
    simulator = PlexSimulator
    options = ITEMS

    async def reset(self) -> None:
        await self.subject.client.identity()

    def posted(self) -> Sequence[Posted]:
        return [
            Posted(self._message("library.new", "movie"), "media.changed"),
            Posted(self._message("library.new", "episode"), "media.changed"),
            Posted(self._message("library.new", "show"), "library.changed"),
            Posted(self._message("media.play", "movie"), None),
        ]

    def forged(self) -> Sequence[Delivery]:
        real = self.posted()[0].delivery
        machine = _world(self.stand_in).accounts.machine.encode()
        return [Delivery(real.headers, real.body.replace(machine, b"another-server"))]

    def _message(self, event: str, kind: str) -> Delivery:
        world = _world(self.stand_in)
        item = next(item for item in world.library.items.values() if item.type == kind)
        said = json.dumps(world.webhooks.payload(event, item, world.accounts.owner)).encode()
        content_type, body = multipart(said, None)
        return Delivery({"content-type": content_type}, body)


def _world(stand_in: Any) -> World:
    assert isinstance(stand_in, PlexSimulator)
    return stand_in.world
