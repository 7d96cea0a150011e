"""The plugin keeps the contracts of what it provides."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from medianest_core.sdk import Delivery, RequestItem, RequestState
from medianest_core.testing.contracts import CatalogContract, RequestContract, StatusContract, WebhookContract
from medianest_core.testing.contracts.contract import INSTANCE
from medianest_core.testing.contracts.webhooks import Posted
from medianest_overseerr.catalog import SeerrCatalog
from medianest_overseerr.requests import SeerrRequests
from medianest_overseerr.simulation.constants import MediaStatus
from medianest_overseerr.simulation.titles import Work
from medianest_overseerr.simulator import SeerrSimulator
from medianest_overseerr.status import SeerrStatus
from medianest_overseerr.webhooks import SeerrWebhooks

from .seerr_kit import CASEY, item


class TestStatus(StatusContract):
    provider = SeerrStatus
    simulator = SeerrSimulator
    refuses = False


class TestCatalog(CatalogContract):
    provider = SeerrCatalog
    simulator = SeerrSimulator
    words = "the"
    nobody = ("movie", {"tmdb": "99999999"})


class TestRequests(RequestContract):
    provider = SeerrRequests
    simulator = SeerrSimulator
    anew = False
    user = CASEY

    async def reset(self) -> None:
        assert isinstance(self.stand_in, SeerrSimulator)
        await self.stand_in.world.reset()

    def wished(self) -> RequestItem:
        return item(self._works(owned=False)[0])

    def broken(self) -> RequestItem:
        assert isinstance(self.stand_in, SeerrSimulator)
        work = self._works(owned=False)[1]
        self.stand_in.world.media_of(work).status = MediaStatus.AVAILABLE
        return item(work)

    async def waiting(self) -> RequestState:
        async with self.another(approve_there=True) as patient:
            return await patient.submit(self.wished(), CASEY)

    def _works(self, *, owned: bool) -> list[Work]:
        assert isinstance(self.stand_in, SeerrSimulator)
        return [work for work in self.stand_in.world.titles.all("movie") if bool(work.owned) is owned]


class TestWebhooks(WebhookContract):
    provider = SeerrWebhooks
    simulator = SeerrSimulator
    exempt: ClassVar[Mapping[str, str]] = {
        "test_others_stay_registered": "It can send to one address only, and says so."
    }

    async def reset(self) -> None:
        assert isinstance(self.stand_in, SeerrSimulator)
        await self.stand_in.world.reset()

    def hook(self) -> str:
        return f"https://portal.example/webhooks/overseerr/{INSTANCE}/token"

    def posted(self) -> Sequence[Posted]:
        return [
            Posted(self._message(notification_type="MEDIA_APPROVED", request_id="3"), "request.changed"),
            Posted(self._message(notification_type="ISSUE_CREATED", issue_id="5"), "issue.changed"),
            Posted(self._message(notification_type="TEST_NOTIFICATION"), "test"),
            Posted(self._message(notification_type="SOMETHING_NEW"), None),
        ]

    def forged(self) -> Sequence[Delivery]:
        real = self.posted()[0].delivery
        return [Delivery({}, real.body), Delivery({"authorization": "another"}, real.body)]

    async def registered(self) -> Mapping[str, int]:
        found = await self.subject.client.webhook()
        address = found["options"].get("webhookUrl")
        return {address: 1} if found["enabled"] and address else {}

    def _message(self, **said: Any) -> Delivery:
        body = {"subject": "The Meridian Heist (2025)", **said}
        secret = self.subject.config.message_secret()
        return Delivery(
            {"authorization": secret, "content-type": "application/json"}, json.dumps(body).encode()
        )
