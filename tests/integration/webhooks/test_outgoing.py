"""Messages to others: written with their event, signed as the standard says, sent until somebody took them, and no longer than that."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook

from medianest_core.bus.events import JobChanged, RequestUpdate, SystemAlert
from medianest_core.domain.webhooks.entries import MessageStatus, Sending
from medianest_core.domain.webhooks.sending import KEPT, PAUSE_AFTER, PAUSE_SINCE, RETRY
from medianest_core.domain.webhooks.subscriptions import OLD_SECRET, Wanted
from medianest_core.sdk.errors import NotReady, RateLimited, Rejected, UserError
from medianest_core.sdk.events import Audience
from medianest_core.store.errors import Stale
from medianest_core.store.tables.webhooks import webhook_messages, webhook_subscriptions

ALERT = SystemAlert(key="disk", title="The disk is full", message="Make room.")


async def one(world: Any, url: str) -> tuple[str, str, str]:
    """(subscription, its secret, a message to it that waits)."""
    subscription, secret = await world.subscribe(url)
    await world.publish(ALERT)
    (message,) = await world.log(subscription)
    return subscription, secret, message.id


def verified(
    secret: str, got: tuple[dict[str, str], bytes], monkeypatch: pytest.MonkeyPatch, at: float
) -> Any:
    """What an independent receiver makes of it at that time."""

    class Then(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.fromtimestamp(at, tz or UTC)

    monkeypatch.setattr("standardwebhooks.webhooks.datetime", Then)
    headers, body = got
    return Webhook(secret).verify(body, headers)


async def test_a_message_is_written_with_its_event(world: Any, receiver: Any) -> None:
    subscription, _ = await world.subscribe(receiver.url)
    with pytest.raises(RuntimeError):
        async with world.db.begin() as tx:
            await world.bus.publish(tx, ALERT, Audience.admins())
            raise RuntimeError("what asked for it fails after all")
    assert await world.log(subscription) == [] and await world.queued() == []
    await world.publish(ALERT)
    (message,), (job,) = await world.log(subscription), await world.queued()
    assert (message.status, message.event, message.job_id) == (
        MessageStatus.WAITING,
        "system:alert",
        job["id"],
    )
    assert job["args"] == {"message_id": message.id, "forced": False}


async def test_an_independent_receiver_believes_it(
    world: Any, receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription, secret, message = await one(world, receiver.url)
    assert await world.send(message) == "204"
    told = verified(secret, receiver.got[0], monkeypatch, world.clock.now())
    assert told["type"] == "system:alert" and told["data"]["title"] == "The disk is full"
    assert datetime.fromisoformat(told["timestamp"]).timestamp() == world.clock.now()
    (entry,) = await world.log(subscription)
    assert (entry.status, entry.code, entry.tries, entry.error) == (MessageStatus.SENT, 204, 1, "")
    assert entry.took_ms is not None and receiver.ids() == [f"msg_{message}"]
    assert await world.send(message) == "sent" and len(receiver.got) == 1, "it is not sent twice"


async def test_a_new_secret_is_signed_beside_the_old_one_for_a_day(
    world: Any, receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription, old, message = await one(world, receiver.url)
    new = await world.subscriptions.new_secret(subscription, None)
    assert new != old and new.startswith("whsec_")
    await world.send(message)
    for secret in (old, new):
        assert verified(secret, receiver.got[0], monkeypatch, world.clock.now())
    world.clock.advance(OLD_SECRET + 1)
    again = await world.sender.replay(subscription, message, None)
    await world.send(again, forced=True)
    assert verified(new, receiver.got[1], monkeypatch, world.clock.now())
    with pytest.raises(Exception, match="No matching signature"):
        verified(old, receiver.got[1], monkeypatch, world.clock.now())
    assert receiver.ids()[0] == receiver.ids()[1], "the same message, for whoever has seen it"


@pytest.mark.parametrize(
    ("status", "headers", "kind", "wait"),
    [
        (500, {}, NotReady, None),
        (404, {}, NotReady, None),
        (302, {"location": "http://127.0.0.1:1/"}, NotReady, None),
        (429, {"retry-after": "120"}, RateLimited, 120.0),
        (503, {"retry-after": "Tue, 14 Nov 2023 22:14:20 GMT"}, RateLimited, 60.0),
        (429, {"retry-after": "soon"}, RateLimited, None),
    ],
)
async def test_what_is_not_taken_is_tried_again(
    world: Any, receiver: Any, status: int, headers: dict[str, str], kind: type, wait: float | None
) -> None:
    subscription, _, message = await one(world, receiver.url)
    receiver.status, receiver.headers = status, headers
    failed = await world.send(message)
    assert isinstance(failed, kind) and getattr(failed, "retry_after", None) == wait
    (entry,) = await world.log(subscription)
    assert (entry.status, entry.code, entry.tries) == (MessageStatus.WAITING, status, 1)
    assert str(status) in entry.error and "canary" not in entry.error
    assert (await world.subscriptions.get(subscription)).failures == 1
    receiver.status = 200
    assert await world.send(message, 2) == "200"
    assert (await world.subscriptions.get(subscription)).failures == 0


async def test_nobody_there_counts_as_a_failure_too(world: Any) -> None:
    subscription, _, message = await one(world, "http://127.0.0.1:9/hook")
    assert isinstance(await world.send(message), NotReady)
    (entry,) = await world.log(subscription)
    assert entry.code is None and "127.0.0.1:9" in entry.error


async def test_gone_ends_it(world: Any, receiver: Any) -> None:
    subscription, _, message = await one(world, receiver.url)
    receiver.status = 410
    assert isinstance(await world.send(message), Rejected)
    found = await world.subscriptions.get(subscription)
    assert found.state is Sending.OFF and "410" in found.reason
    await world.sender.refresh()
    await world.publish(ALERT)
    assert [entry.status for entry in await world.log(subscription)] == [MessageStatus.FAILED]


async def test_repeated_failure_pauses_it_tells_admins_and_loses_nothing(world: Any, receiver: Any) -> None:
    subscription, _, message = await one(world, receiver.url)
    alerts: list[Any] = []

    async def hear(event: SystemAlert) -> None:
        alerts.append((event.key, event.active))

    world.bus.subscribe(SystemAlert, hear)
    receiver.status = 500
    for _ in range(PAUSE_AFTER + 1):
        await world.send(message)
    assert (await world.subscriptions.get(subscription)).state is Sending.ACTIVE, (
        "a restart over there takes minutes"
    )
    world.clock.advance(PAUSE_SINCE)
    await world.send(message)
    found = await world.subscriptions.get(subscription)
    assert found.state is Sending.PAUSED and "500" in found.reason
    await world.bus.drain()
    assert (f"webhook:{subscription}", True) in alerts

    receiver.status, before = 204, len(receiver.got)
    await world.publish(ALERT)
    waiting = await world.log(subscription)
    assert len(waiting) == 2 and {entry.status for entry in waiting} == {MessageStatus.WAITING}
    assert [await world.send(entry.id) for entry in waiting] == ["paused"] * 2
    assert len(receiver.got) == before
    assert await world.sender.resume(subscription, None) == 2
    assert [await world.send(entry.id) for entry in waiting] == ["204"] * 2
    await world.bus.drain()
    assert alerts[-1] == (f"webhook:{subscription}", False)


async def test_a_message_out_of_attempts_pauses_it(world: Any, receiver: Any) -> None:
    subscription, _, message = await one(world, receiver.url)
    receiver.status = 500
    await world.send(message, RETRY.attempts)
    (entry, *_) = await world.log(subscription)
    assert entry.status is MessageStatus.FAILED
    assert (await world.subscriptions.get(subscription)).state is Sending.PAUSED


async def test_a_test_is_sent_once_whatever_the_state(world: Any, receiver: Any) -> None:
    subscription, _ = await world.subscribe(receiver.url)
    await world.sender.halt(subscription, Sending.PAUSED, None)
    test = await world.sender.test(subscription, None)
    assert (await world.queued())[-1]["max_attempts"] == 1
    assert await world.send(test, forced=True) == "204"
    assert json.loads(receiver.got[0][1])["type"] == "webhook:test"
    receiver.status = 500
    failing = await world.sender.test(subscription, None)
    await world.send(failing, forced=True)
    found = await world.subscriptions.get(subscription)
    assert (found.state, found.failures) == (Sending.PAUSED, 0)


async def test_one_message_for_one_happening(world: Any, receiver: Any) -> None:
    subscription, _ = await world.subscribe(receiver.url, "request:update", "job:changed")
    update = RequestUpdate(request_id="r", status="approved", title="Tin Moon")
    async with world.db.begin() as tx:
        await world.bus.publish(tx, update, Audience.admins())
        await world.bus.publish(tx, update.model_copy(update={"user_id": "u"}), Audience.user("u"))
        own = JobChanged(job_id="j", job="webhooks.send", state="done")
        await world.bus.publish(tx, own, Audience.admins())
        await world.bus.publish(tx, own.model_copy(update={"job": "library.sync"}), Audience.admins())
    assert sorted(entry.event for entry in await world.log(subscription)) == ["job:changed", "request:update"]


async def test_switched_off_and_removed_ones_hear_nothing(world: Any, receiver: Any) -> None:
    off, _, waiting = await one(world, receiver.url)
    gone, _ = await world.subscribe(receiver.url)
    await world.sender.halt(off, Sending.OFF, None)
    # Another process removes it, and this one has not heard of that yet.
    await world.subscriptions.remove(gone, None)
    await world.publish(ALERT)
    assert [entry.status for entry in await world.log(off)] == [MessageStatus.DROPPED]
    assert await world.send(waiting) == "dropped"
    async with world.db.read() as tx:
        assert len(await tx.all(select(webhook_messages))) == 1
    assert receiver.got == []


ALERTS = ("system:alert",)
REFUSED = (
    ("url", Wanted("a", ALERTS, "ftp://example.org/")),
    ("url", Wanted("a", ALERTS, "https://user:word@example.org/")),
    ("url", Wanted("a", ALERTS, "https://exa mple.org/")),
    ("url", Wanted("a", ALERTS, "https://example.org:99999/")),
    ("url", Wanted("a", ALERTS, None)),
    ("events", Wanted("a", (), "https://example.org/")),
    ("events", Wanted("a", ("sessions:ended",), "https://example.org/")),
    ("events", Wanted("a", ("job:progress",), "https://example.org/")),
    ("name", Wanted(" ", ALERTS, "https://example.org/")),
)


async def test_what_cannot_be_subscribed(world: Any) -> None:
    for field, wanted in REFUSED:
        with pytest.raises(UserError) as refused:
            await world.subscriptions.create(wanted, None)
        assert refused.value.field == field, wanted
    assert await world.subscriptions.all() == []


async def test_addresses_nobody_may_reach_are_not_contacted(world: Any, receiver: Any) -> None:
    subscription, _, message = await one(world, "http://0.0.0.0:1/hook")
    assert isinstance(await world.send(message), Rejected)
    found = await world.subscriptions.get(subscription)
    assert found.state is Sending.PAUSED and "was not contacted" in found.reason


async def test_neither_address_nor_secret_stand_open_in_the_database(world: Any, receiver: Any) -> None:
    subscription, secret, message = await one(world, receiver.url)
    await world.send(message)
    async with world.db.read() as tx:
        stored = [dict(row) for row in await tx.all(select(webhook_subscriptions))]
        sent = [dict(row) for row in await tx.all(select(webhook_messages))]
    text = repr(stored) + repr(sent) + repr(await world.queued()) + repr(await world.subscriptions.all())
    assert "canary" not in text and secret not in text
    assert await world.subscriptions.url(subscription) == receiver.url


async def test_of_two_who_change_it_at_the_same_time_one_is_told(world: Any) -> None:
    subscriptions = world.subscriptions
    made, _ = await world.subscribe("http://receiver.test/hook")
    known = await subscriptions.get(made)
    changes = (
        subscriptions.change(made, Wanted(name, known.events), known.version, None) for name in "abcdef"
    )
    answers = await asyncio.gather(*changes, return_exceptions=True)
    assert sum(isinstance(answer, Stale) for answer in answers) == len(answers) - 1


async def test_what_waits_for_a_paused_one_is_forgotten_in_time_too(world: Any) -> None:
    made, _ = await world.subscribe("http://receiver.test/hook")
    await world.sender.halt(made, Sending.PAUSED, None)
    await world.publish(ALERT)
    world.clock.advance(KEPT + 1)
    await world.publish(ALERT)
    assert len(await world.log(made)) == 1
