"""The plugin keeps the contracts of what it provides, signed in and from a status page."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from medianest_core.sdk import Delivery
from medianest_core.testing.contracts import StatusContract, WebhookContract
from medianest_core.testing.contracts.webhooks import Posted
from medianest_uptimekuma.simulator import SLUG, KumaSimulator
from medianest_uptimekuma.status import KumaStatus
from medianest_uptimekuma.webhooks import KumaWebhooks

from .kuma_kit import SIGN_IN

FEW = {"monitors": 6}


class TestStatus(StatusContract):
    provider = KumaStatus
    simulator = KumaSimulator
    options = FEW
    settings = SIGN_IN
    outlasting = ("AsyncSocket._send_ping",)

    def values(self) -> dict[str, Any]:
        return {"url": self.stand_in.base_url, **self.settings}


class TestStatusPage(StatusContract):
    """The same from a public status page."""

    provider = KumaStatus
    simulator = KumaSimulator
    options = FEW

    def values(self) -> dict[str, Any]:
        return {"url": self.stand_in.base_url, "status_page": SLUG}


class TestWebhooks(WebhookContract):
    provider = KumaWebhooks
    simulator = KumaSimulator
    options = FEW
    settings = SIGN_IN

    def values(self) -> dict[str, Any]:
        return {"url": self.stand_in.base_url, **self.settings}

    def posted(self) -> Sequence[Posted]:
        beat = {"monitorID": 4, "status": 0, "time": "2026-01-02 03:04:05.678"}
        return [
            Posted(_message("[Plex] [Down] timeout", beat, {"name": "Plex"}), "status.changed"),
            Posted(_message("[Plex] [Up] 200", {**beat, "status": 1}, {"name": "Plex"}), "status.changed"),
            Posted(_message("MediaNest Testing", None, None), "test"),
        ]

    async def registered(self) -> Mapping[str, int]:
        assert isinstance(self.stand_in, KumaSimulator)
        return Counter(str(one["webhookURL"]) for one in self.stand_in.world.notifications.values())

    async def reset(self) -> None:
        assert isinstance(self.stand_in, KumaSimulator)
        self.stand_in.world.notifications.clear()


def _message(words: str, beat: Any, monitor: Any) -> Delivery:
    body = json.dumps({"msg": words, "heartbeat": beat, "monitor": monitor}).encode()
    return Delivery({"content-type": "application/json"}, body)
