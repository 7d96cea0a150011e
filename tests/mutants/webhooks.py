"""WebhookReceivers that are wrong."""

from __future__ import annotations

import contextlib
import json
import random
from dataclasses import replace
from typing import Any

from medianest_core.sdk import Delivery, Hint, InvalidResponse, NotReady, WebhookCapability
from tests.kitchen_sink.test_contracts import TestWebhooks
from tests.kitchen_sink.webhooks import SinkWebhooks
from tests.mutants.anything import add_hidden
from tests.mutants.wrong import Collection, Then, says

MUTANTS = Collection(TestWebhooks)
_add = MUTANTS.add
add_hidden(MUTANTS, "register", WebhookCapability.REGISTER)


def _hints(**changed: Any) -> dict[str, Any]:
    return {"parse": Then(lambda said, self, delivery: said and replace(said, **changed))}


def trusting(self: Any, delivery: Delivery) -> bool:
    return True


def hasty(self: Any, delivery: Delivery) -> bool:
    return (SinkWebhooks.verify(self, delivery) and bool(json.loads(delivery.body))) or json.loads(
        delivery.body
    ) == 0


def hopeful(self: Any, delivery: Delivery) -> Any:
    return json.loads(delivery.body).get("id")


def tolerant(self: Any, delivery: Delivery) -> Hint | None:
    try:
        return SinkWebhooks.parse(self, delivery)
    except InvalidResponse:
        return Hint("media.changed")


def looking(self: Any, delivery: Delivery) -> Hint | None:
    asking = self.http.post("/version")
    with contextlib.suppress(StopIteration, NotReady):
        asking.send(None)
    asking.close()
    return SinkWebhooks.parse(self, delivery)


def leaking(self: Any, delivery: Delivery) -> Hint | None:
    said = SinkWebhooks.parse(self, delivery)
    return said and replace(said, summary=f"with {self.config.key.reveal()}")


async def again(self: Any, url: str) -> None:
    await self.ask("subscribe", url=f"{url}#{random.getrandbits(32)}")


async def everyone(self: Any, url: str) -> None:
    await self.ask("unsubscribe_all")


_add("test_its_own_deliveries_are_verified", "trusts nobody", verify=lambda self, delivery: False)
_add("test_a_forged_delivery_is_refused", "trusts everybody", verify=trusting)
_add("test_verifying_nonsense_says_yes_or_no", "reads before it looks", verify=hasty)
_add(
    "test_an_id_is_a_text_or_none",
    "numbers for ids",
    delivery_id=Then(lambda said, self, delivery: int(said or 0)),
)
_add(
    "test_a_delivery_keeps_its_id",
    "a new id each time",
    delivery_id=lambda self, delivery: f"{random.getrandbits(64)}",
)
_add("test_different_deliveries_have_different_ids", "one id for all", delivery_id=lambda self, delivery: "1")
_add("test_nonsense_has_an_id_or_none", "stumbles over nonsense", delivery_id=hopeful)
_add("test_a_delivery_is_understood", "another topic", **_hints(topic="library.changed"))
_add("test_some_delivery_is_of_interest", "interested in nothing", parse=lambda self, delivery: None)
_add("test_a_hint_is_made_of_texts", "numbers for keys", **_hints(keys=[1]))
_add("test_keys_are_named_once", "a key twice", **_hints(keys=["film-1", "film-1"]))
_add("test_a_summary_is_one_line", "a summary of two lines", **_hints(summary="one\ntwo"))
_add("test_a_hint_holds_no_secret", "tells its key", parse=leaking)
_add(
    "test_reading_twice_gives_the_same",
    "reads it differently each time",
    parse=Then(lambda said, self, delivery: said and replace(said, summary=f"{random.getrandbits(64)}")),
)
_add(
    "test_nonsense_is_not_understood",
    "stumbles over nonsense",
    parse=lambda self, delivery: json.loads(delivery.body)["key"],
)
_add("test_bytes_are_no_message", "understands anything", parse=tolerant)
_add("test_reading_asks_nobody", "asks while it reads", parse=looking)
_add("test_what_is_too_large_is_said", "takes nothing", max_bytes=10)
_add("test_registering_twice_is_registering_once", "registers under another address", register=again)
_add("test_what_is_unregistered_is_gone", "stays registered", unregister=says(None))
_add("test_others_stay_registered", "unregisters everybody", unregister=everyone)
