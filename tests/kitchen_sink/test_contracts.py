"""The kitchen sink keeps every contract, and has every ability."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence

from medianest_core.sdk import MOVIE, Challenge, Delivery, RequestItem, TitleKey
from medianest_core.testing.contracts import (
    AuthContract,
    CatalogContract,
    DownloaderContract,
    FieldOwnerContract,
    MediaContract,
    NotifierContract,
    RequestContract,
    StatusContract,
    WebhookContract,
)
from medianest_core.testing.contracts.webhooks import Posted
from tests.kitchen_sink.auth import SinkAuth
from tests.kitchen_sink.catalog import SinkCatalog
from tests.kitchen_sink.downloads import HOST, SinkDownloader
from tests.kitchen_sink.fields import SinkFields
from tests.kitchen_sink.media import SinkMedia
from tests.kitchen_sink.notify import SinkNotifier
from tests.kitchen_sink.requests import SinkRequests
from tests.kitchen_sink.simulator import KEY, SinkSimulator
from tests.kitchen_sink.status import SinkStatus
from tests.kitchen_sink.webhooks import SinkWebhooks, signature


class TestStatus(StatusContract):
    provider = SinkStatus
    simulator = SinkSimulator


class TestMedia(MediaContract):
    provider = SinkMedia
    simulator = SinkSimulator

    async def happen(self) -> None:
        assert isinstance(self.stand_in, SinkSimulator)
        self.stand_in.world.changed.put_nowait("film-1")


class TestFields(FieldOwnerContract):
    provider = SinkFields
    simulator = SinkSimulator

    def known(self) -> Sequence[TitleKey]:
        return [TitleKey(f"t{n}", MOVIE, {"imdb": f"tt{n}"}, f"Film {n}", 1990) for n in (1, 2)]


class TestCatalog(CatalogContract):
    provider = SinkCatalog
    simulator = SinkSimulator


class TestRequests(RequestContract):
    provider = SinkRequests
    simulator = SinkSimulator
    anew = False
    user = "ann"

    async def reset(self) -> None:
        assert isinstance(self.stand_in, SinkSimulator)
        self.stand_in.world.requests.clear()
        self.stand_in.world.issues.clear()

    def wished(self) -> RequestItem:
        return RequestItem(MOVIE, {"imdb": "tt5"}, "The Wish", 2020)

    def broken(self) -> RequestItem:
        return RequestItem(MOVIE, {"imdb": "tt1"}, "The Leak", 2001)


class TestNotifier(NotifierContract):
    provider = SinkNotifier
    simulator = SinkSimulator
    target = "kitchen/tap"
    sending = "/drop"
    untidy = " Kitchen/TAP "
    wrong = "tap"
    gone = "kitchen/gone"

    async def arrived(self) -> Sequence[str]:
        assert isinstance(self.stand_in, SinkSimulator)
        return self.stand_in.world.dropped


class TestWebhooks(WebhookContract):
    provider = SinkWebhooks
    simulator = SinkSimulator

    async def reset(self) -> None:
        assert isinstance(self.stand_in, SinkSimulator)
        self.stand_in.world.hooks.clear()

    def posted(self) -> Sequence[Posted]:
        return [
            Posted(_signed({"id": "1", "event": "changed", "key": "film-1"}), "media.changed"),
            Posted(_signed({"id": "2", "event": "hello"}), None),
        ]

    def forged(self) -> Sequence[Delivery]:
        real = self.posted()[0].delivery
        return [
            Delivery({}, real.body),
            Delivery(real.headers, real.body + b" "),
            Delivery({"x-signature": "ä"}, real.body),
        ]

    async def registered(self) -> Mapping[str, int]:
        assert isinstance(self.stand_in, SinkSimulator)
        return Counter(self.stand_in.world.hooks)


class TestAuth(AuthContract):
    provider = SinkAuth
    simulator = SinkSimulator
    refuses = True
    person = "ann"
    other = "bob"
    stranger = "zoe"

    async def reset(self) -> None:
        assert isinstance(self.stand_in, SinkSimulator)
        self.stand_in.world.people_in = {"ann", "bob"}

    async def approve(self, challenge: Challenge, who: str) -> Mapping[str, str]:
        assert isinstance(self.stand_in, SinkSimulator)
        self.stand_in.world.attempts[challenge.state["attempt"]] = who
        return {"attempt": challenge.state["attempt"]}

    async def expel(self, who: str) -> None:
        assert isinstance(self.stand_in, SinkSimulator)
        self.stand_in.world.people_in.discard(who)


class TestDownloader(DownloaderContract):
    provider = SinkDownloader
    simulator = SinkSimulator
    refuses = True
    broken = "nine"

    def address(self) -> str:
        return f"{HOST}one"

    def several(self) -> str:
        return f"{HOST}all"


def _signed(message: dict[str, str]) -> Delivery:
    body = json.dumps(message).encode()
    return Delivery({"content-type": "application/json", "x-signature": signature(KEY, body)}, body)
