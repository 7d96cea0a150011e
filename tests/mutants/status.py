"""StatusProviders that are wrong."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from medianest_core.sdk import Item, Snapshot, StatusCapability
from tests.kitchen_sink.status import SinkStatus
from tests.kitchen_sink.test_contracts import TestStatus
from tests.mutants.anything import add_all, add_hidden
from tests.mutants.wrong import Collection, Then, then

MUTANTS = Collection(TestStatus)
_add = MUTANTS.add
add_all(MUTANTS, "snapshot", Snapshot([]), everything=True)
add_hidden(MUTANTS, "incidents", StatusCapability.INCIDENTS)


def _first(**changed: Any) -> dict[str, Any]:
    return {
        "snapshot": then(
            lambda said: replace(said, items=[replace(said.items[0], **changed), *said.items[1:]])
        )
    }


class Counting:
    count = 0

    @classmethod
    def next(cls) -> str:
        cls.count += 1
        return str(cls.count)


async def deaf(self: Any) -> Any:
    while True:
        yield await SinkStatus.snapshot(self)
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            continue


_add("test_a_snapshot_is_made_of_items", "answers with a list", snapshot=then(lambda said: list(said.items)))
_add("test_every_item_has_a_name", "an item without a name", **_first(name=" "))
_add("test_items_can_be_told_apart", "a key twice", **_first(key="drain"))
_add(
    "test_items_keep_their_keys",
    "keys that are counted",
    snapshot=then(
        lambda said: replace(said, items=[replace(one, key=Counting.next()) for one in said.items])
    ),
)
_add("test_an_item_is_up_or_down_or_unknown", "up as a word", **_first(up="up"))
_add("test_response_times_are_milliseconds", "-1 for unknown", **_first(response_ms=-1.0))
_add("test_certificates_end_at_a_time", "milliseconds", **_first(certificate_ends_at=1_800_000_000_000.0))
_add(
    "test_an_items_address_can_be_opened",
    "an address that runs a script",
    **_first(url="javascript:alert(1)"),
)
_add("test_history_begins_with_the_oldest", "the newest first", history=then(lambda said: said[::-1]))
_add(
    "test_history_goes_back_no_further_than_asked",
    "everything each time",
    history=Then(lambda said, self, since: self.told.setdefault("all", said)),
    told={},
)
_add(
    "test_history_tells_of_items_that_are_there",
    "beats under names of their own",
    history=then(lambda said: [replace(one, name=f"monitor {one.name}") for one in said]),
)
_add(
    "test_watching_begins_with_what_is_so_now",
    "begins with nothing",
    watch=then(lambda said: Snapshot([Item("Loading", None)])),
)
_add("test_watching_ends_when_nobody_looks", "watches for ever", watch=deaf)
_add(
    "test_incidents_say_what_and_when",
    "ends before it begins",
    incidents=then(lambda said: [replace(one, ended_at=1.0) for one in said]),
)
_add("test_the_newest_incident_comes_first", "the oldest first", incidents=then(lambda said: said[::-1]))
