"""What the portal brings along to be told of things keeps the contract of webhook receivers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from medianest_core.builtin.generic.receiver import GenericWebhooks
from medianest_core.builtin.jellyfin.receiver import JellyfinWebhooks
from medianest_core.builtin.tautulli.receiver import TautulliWebhooks
from medianest_core.sdk import Delivery
from medianest_core.testing.contracts import WebhookContract
from medianest_core.testing.contracts.webhooks import Posted

SECRET = "a-secret-of-webhooks"


def posted(topic: str | None, /, **said: Any) -> Posted:
    headers = {"content-type": "application/json", "x-medianest-secret": SECRET}
    return Posted(Delivery(headers, json.dumps(said).encode()), topic)


def _forged(suite: WebhookContract) -> Sequence[Delivery]:
    real = suite.posted()[0].delivery
    return [Delivery({}, real.body), Delivery({"x-medianest-secret": "another"}, real.body)]


class TestTautulli(WebhookContract):
    provider = TautulliWebhooks
    settings: ClassVar[Mapping[str, Any]] = {"secret": SECRET, "server": "Living room"}
    forged = _forged

    def posted(self) -> Sequence[Posted]:
        film = {"media_type": "movie", "title": "Salt Meridian", "rating_key": "12"}
        return [
            posted("media.changed", action="created", **film),
            posted("library.changed", action="created", media_type="show", title="Tin Moon", rating_key="10"),
            posted("test", action="test"),
            posted(None, action="play", **film),
        ]


class TestJellyfin(WebhookContract):
    provider = JellyfinWebhooks
    settings: ClassVar[Mapping[str, Any]] = {"secret": SECRET}
    forged = _forged

    def posted(self) -> Sequence[Posted]:
        film = {"ItemType": "Movie", "ItemId": "0b1c", "Name": "Salt Meridian"}
        return [
            posted("library.changed", NotificationType="ItemAdded", **film),
            posted("media.removed", NotificationType="ItemDeleted", **film),
            posted("test", NotificationType="Generic"),
            posted(None, NotificationType="PlaybackStart", **film),
        ]


class TestGeneric(WebhookContract):
    provider = GenericWebhooks
    settings: ClassVar[Mapping[str, Any]] = {
        "secret": SECRET,
        "secret_header": "X-MediaNest-Secret",
        "id_at": "/id",
        "topic_at": "/topic",
        "summary_at": "/title",
        "topic": "",
    }
    forged = _forged

    def posted(self) -> Sequence[Posted]:
        return [
            posted("library.changed", id="1", topic="library.changed", title="New films"),
            posted("status.changed", id="2", topic="status.changed", title="Down"),
        ]
