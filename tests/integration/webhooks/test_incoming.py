"""What services tell us: where they are told to post to, who follows what they say, and following it again."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select, update

from medianest_core.bus.events import StatusHint
from medianest_core.domain.webhooks.deliveries import KEEP_BYTES, ProcessArgs
from medianest_core.sdk.errors import Rejected, UserError
from medianest_core.sdk.media import MediaSource
from medianest_core.sdk.requests import RequestBackend
from medianest_core.sdk.status import StatusProvider
from medianest_core.sdk.webhooks import Delivery, WebhookReceiver
from medianest_core.store.tables.ledger import jobs
from medianest_core.store.tables.webhooks import webhook_addresses, webhook_deliveries
from tests.integration.webhooks.conftest import Attempt

PUBLIC = "https://media.home"
GOOD = {"x-toy": "right-key"}


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MEDIANEST_PUBLIC_URL", PUBLIC)
    return PUBLIC


@pytest.fixture
async def box(public: str, toy_gate: Any) -> AsyncIterator[Any]:
    """posts_to: where the toy thinks that we are."""
    instances = toy_gate.services.host.instances
    toy = sys.modules[instances.provider_class(WebhookReceiver, toy_gate.toy).__module__]
    toy_gate.posts_to = toy.posts_to
    toy_gate.posts_to.clear()
    await toy_gate.services.webhooks.start()
    yield toy_gate
    await toy_gate.services.webhooks.stop()


async def told(box: Any, message: str, headers: dict[str, str] | None = None) -> str:
    """The toy posts it; id of the delivery."""
    hooks = box.services.webhooks
    handle = hooks.addresses.receiver(box.toy)
    accepted = await hooks.deliveries.accept(handle, Delivery(headers or GOOD, message.encode()))
    assert accepted.delivery_id is not None
    return str(accepted.delivery_id)


async def follow(box: Any, delivery_id: str) -> str:
    attempt = Attempt(box.services.db, 1)
    async with box.services.db.begin() as tx:
        row = await tx.one(select(webhook_deliveries).where(webhook_deliveries.c.id == delivery_id))
    attempt.job_id = row["job_id"]
    return str(await box.services.webhooks.deliveries.process(attempt, ProcessArgs(delivery_id=delivery_id)))


def is_a(box: Any, monkeypatch: pytest.MonkeyPatch, *kinds: type) -> None:
    """From now on the toy passes for these."""
    monkeypatch.setattr(box.services.host.instances, "has", lambda kind, _: kind in (*kinds, WebhookReceiver))


async def enqueued(box: Any) -> list[tuple[str, dict[str, Any]]]:
    async with box.services.db.read() as tx:
        rows = await tx.all(select(jobs).where(jobs.c.name != "webhooks.process"))
    return [(row["name"], {name: value for name, value in row["args"].items() if value}) for row in rows]


async def test_registered_moved_and_taken_away_with_its_service(box: Any) -> None:
    addresses = box.services.webhooks.addresses
    first = await addresses.register(box.toy, None)
    assert box.posts_to == [first.url] == [PUBLIC + first.path] and first.registered_at is not None
    await addresses.register(box.toy, None)
    rotated = await addresses.rotate(box.toy, None)
    assert rotated.url != first.url and rotated.registered_at is not None and rotated.problem == ""
    assert box.posts_to[-1] == rotated.url, "it posts to the new address"
    async with box.services.db.read() as tx:
        (row,) = await tx.all(select(webhook_addresses))
    assert rotated.path.rsplit("/", 1)[1] not in str(dict(row)), "sealed"
    (receiver,) = await addresses.receivers()
    assert (receiver.title, receiver.addressed, receiver.last_at) == ("My toy", True, None)
    box.posts_to[:] = [rotated.url]
    await box.services.host.instances.remove(box.toy, None)
    assert box.posts_to == []


async def test_unregistered_by_hand(box: Any) -> None:
    addresses = box.services.webhooks.addresses
    await addresses.register(box.toy, None)
    after = await addresses.unregister(box.toy, None)
    assert box.posts_to == [] and after.registered_at is None
    await addresses.unregister(box.toy, None)


async def test_a_service_that_refuses_stands_in_nobodys_way(box: Any) -> None:
    services, addresses = box.services, box.services.webhooks.addresses
    await addresses.register(box.toy, None)
    info = services.host.instances.info(box.toy)
    await services.host.instances.update(box.toy, {"word": "stubborn"}, info.version, None)
    await services.host.instances.settle(60)
    with pytest.raises(Rejected):
        await addresses.register(box.toy, None)
    rotated = await addresses.rotate(box.toy, None)
    assert "does not want to" in rotated.problem and rotated.registered_at is None
    box.posts_to.clear()
    await services.host.instances.remove(box.toy, None)


async def test_without_a_public_address_the_admin_is_told_which_setting(toy_gate: Any) -> None:
    with pytest.raises(UserError, match="MEDIANEST_PUBLIC_URL"):
        await toy_gate.services.webhooks.addresses.register(toy_gate.toy, None)
    assert (await toy_gate.services.webhooks.addresses.get(toy_gate.toy, None)).url is None


@pytest.mark.parametrize(
    ("kind", "message", "expected"),
    [
        (
            MediaSource,
            '{"topic": "media.changed", "keys": ["7"]}',
            [("library.sync", {"instance_ids": ["TOY"], "keys": ["7"]})],
        ),
        (
            MediaSource,
            '{"topic": "library.changed", "keys": ["7"]}',
            [("library.sync", {"instance_ids": ["TOY"], "recent": True})],
        ),
        (
            RequestBackend,
            '{"topic": "request.changed", "keys": ["r1"]}',
            [("requests.refresh", {"instance_id": "TOY", "references": ["r1"]})],
        ),
        (
            RequestBackend,
            '{"topic": "issue.changed", "keys": ["i1"]}',
            [("requests.refresh", {"instance_id": "TOY"})],
        ),
        (
            RequestBackend,
            '{"topic": "media.removed", "keys": ["7"]}',
            [("requests.refresh", {"instance_id": "TOY"})],
        ),
        (StatusProvider, '{"topic": "media.changed", "keys": ["7"]}', []),
        (MediaSource, '{"topic": "toy.own", "keys": ["7"]}', []),
    ],
)
async def test_each_topic_reaches_its_domain(
    box: Any, monkeypatch: pytest.MonkeyPatch, kind: type, message: str, expected: list[Any]
) -> None:
    delivery = await told(box, message)
    is_a(box, monkeypatch, kind)
    done = await follow(box, delivery)
    found = await enqueued(box)
    assert json.loads(json.dumps(found)) == json.loads(json.dumps(expected).replace("TOY", box.toy))
    assert done == (expected[0][0] if expected else "nothing to do")
    (entry,), _ = await box.services.webhooks.deliveries.log()
    assert (entry.status, entry.result) == ("processed", done)


async def test_the_status_is_asked_wherever_it_is_collected(
    box: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []

    async def hear(event: StatusHint) -> None:
        heard.append(event.instance_id)

    box.services.bus.subscribe(StatusHint, hear)
    delivery = await told(box, '{"topic": "status.changed"}')
    is_a(box, monkeypatch, StatusProvider)
    await follow(box, delivery)
    await box.services.bus.drain()
    assert heard == [box.toy]


async def test_some_speak_of_others(box: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    other = await box.services.host.instances.create("toy", "toy", "attic", "The attic", {"key": "k"}, None)
    named = await told(box, '{"topic": "media.changed", "keys": ["7"], "about": "the ATTIC"}')
    anyone = await told(box, '{"topic": "library.changed", "keys": ["7"], "about": "*"}')
    nobody = await told(box, '{"topic": "library.changed", "about": "cellar"}')
    is_a(box, monkeypatch, MediaSource)
    assert [await follow(box, one) for one in (named, anyone, nobody)] == [
        "library.sync",
        "library.sync",
        "nothing to do",
    ]
    found = await enqueued(box)
    assert [args.get("keys") for _, args in found] == [["7"], None]
    assert all(other.id in args["instance_ids"] for _, args in found)
    assert [args.get("recent") for _, args in found] == [None, True]


async def test_a_delivery_is_followed_again_as_it_is_understood_now(
    box: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliveries = box.services.webhooks.deliveries
    first = await told(box, '{"topic": "media.changed", "keys": ["7"], "note": "x"}')
    large = await told(box, '{"topic": "media.removed", "keys": ["8"]}' + " " * KEEP_BYTES)
    ignored = await deliveries.accept(
        box.services.webhooks.addresses.receiver(box.toy), Delivery(GOOD, b'{"topic": null}')
    )
    found, content = await deliveries.get(first)
    assert content is not None and '"note": "x"' in content.text and found.kept
    assert "right-key" not in str(content.headers)
    async with box.services.db.begin() as tx:
        # As an older version of the receiver would have read it.
        await tx.execute(
            update(webhook_deliveries).where(webhook_deliveries.c.id == first).values(topic="test", keys=[])
        )
    again = {await deliveries.replay(one, None): one for one in (first, large, ignored.delivery_id)}
    entries = {one.id: one for one in (await deliveries.log())[0]}
    shown = {entries[new].replay_of: (entries[new].topic, list(entries[new].keys)) for new in again}
    assert shown == {
        first: ("media.changed", ["7"]),
        large: ("media.removed", ["8"]),
        ignored.delivery_id: ("", []),
    }
    assert {entries[new].status for new in again} == {"received", "ignored"}
    assert (await deliveries.get(large))[1] is None
    async with box.services.db.read() as tx:
        stored = str([dict(row) for row in await tx.all(select(webhook_deliveries))])
    assert "note" not in stored, "sealed"
    counts = await deliveries.counts()
    assert (counts["received"], counts["ignored"]) == (4, 2)
    assert len((await deliveries.log(status="ignored", instance_id=box.toy))[0]) == 2


async def test_a_delivery_whose_job_failed_says_so(box: Any) -> None:
    deliveries = box.services.webhooks.deliveries
    await told(box, '{"topic": "test"}')
    async with box.services.db.begin() as tx:
        await tx.execute(update(jobs).values(state="failed"))
    ((entry,), _), ((other), _) = (
        await deliveries.log(status="failed"),
        await deliveries.log(status="received"),
    )
    assert entry.status == "failed" and other == []
    with pytest.raises(UserError):
        await deliveries.log(status="nonsense")
