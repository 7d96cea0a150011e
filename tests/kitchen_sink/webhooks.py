"""WebhookReceiver of the kitchen sink, with every ability that has a method."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from medianest_core.sdk import Delivery, Hint, Http, InvalidResponse, WebhookReceiver
from tests.kitchen_sink.service import Facet, SinkSettings


def signature(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class SinkWebhooks(Facet, WebhookReceiver[SinkSettings, Http]):
    def verify(self, delivery: Delivery) -> bool:
        meant = signature(self.config.key.reveal(), delivery.body)
        return hmac.compare_digest(delivery.headers.get("x-signature", "").encode(), meant.encode())

    def delivery_id(self, delivery: Delivery) -> str | None:
        return str(self._message(delivery).get("id") or "") or None

    def parse(self, delivery: Delivery) -> Hint | None:
        said = self._message(delivery)
        key = said.get("key")
        if said.get("event") != "changed" or not isinstance(key, str):
            return None
        return Hint("media.changed", [key], f"Changed: {key}"[:200], {"event": "changed"})

    async def register(self, url: str) -> None:
        await self.ask("subscribe", url=url)

    async def unregister(self, url: str) -> None:
        await self.ask("unsubscribe", url=url)

    def _message(self, delivery: Delivery) -> dict[str, Any]:
        try:
            said = json.loads(delivery.body)
        except (ValueError, RecursionError) as error:
            raise InvalidResponse("This is no message of a sink.") from error
        if not isinstance(said, dict):
            raise InvalidResponse("This is no message of a sink.")
        return said
