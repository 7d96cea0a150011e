"""E-mail: confirmed addresses, what arrives at a real mail server, and what happens when it does not."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from sqlalchemy import select, update

from medianest_core.domain.accounts.errors import Missing, TooManyAttempts
from medianest_core.domain.notify.planning import SEND_JOB
from medianest_core.sdk.errors import UserError
from medianest_core.store.tables.ledger import jobs
from medianest_core.store.tables.notify import deliveries
from tests.integration.notify.conftest import PUBLIC, Bench, text_of


async def confirmed(bench: Bench, user_id: str, address: str = "ann@example.org") -> Any:
    """A channel by e-mail, its code typed as it arrived."""
    instance = await bench.with_mail()
    channel = await bench.outside.channels.add(user_id, instance, address)
    await bench.until(lambda: arrived(bench, 1))
    code = code_in(bench)
    bench.mail.got.clear()
    return await bench.outside.channels.confirm(user_id, channel.id, code)


async def arrived(bench: Bench, count: int) -> bool:
    return len(bench.mail.got) >= count


def code_in(bench: Bench) -> str:
    found = re.search(r"\b\d{6}\b", bench.mail.got[-1][1]["Subject"])
    assert found is not None
    return found[0]


async def test_a_notification_arrives_once_by_mail(bench: Bench) -> None:
    ann = await bench.gate.person("Ann")
    channel = await confirmed(bench, ann.user.id)
    assert not channel.waits and channel.shown == "an…@example.org"
    await bench.tell(ann.user.id)
    await bench.ended(ann.user.id, "sent")
    ((recipients, message),) = bench.mail.got
    assert recipients == ["ann@example.org"] and message["Subject"] == "“Heat” is here"
    text = text_of(message)
    assert "You can watch it now." in text and f"{PUBLIC}/requests/r1" in text
    stop = message["List-Unsubscribe"].strip("<>")
    assert stop.startswith(f"{PUBLIC}/unsubscribe/") and stop in text
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    (told,) = (await bench.outside.deliveries.log(ann.user.id))[0]
    assert [one.end for one in told.attempts] == ["sent"] and told.channel == "an…@example.org"


async def test_nothing_but_a_code_goes_to_an_address_before_it_is_confirmed(bench: Bench) -> None:
    ann = await bench.gate.person("Ann")
    channels = bench.outside.channels
    channel = await channels.add(ann.user.id, await bench.with_mail(), " stranger@example.org ")
    await bench.until(lambda: arrived(bench, 1))
    await bench.tell(ann.user.id)
    assert await bench.states(ann.user.id) == []
    with pytest.raises(UserError):
        await channels.test(ann.user.id, channel.id, "en")
    code = code_in(bench)
    for _ in range(5):
        with pytest.raises(UserError):
            await channels.confirm(ann.user.id, channel.id, "000000" if code != "000000" else "111111")
    with pytest.raises(UserError, match="Ask for a new one"):
        await channels.confirm(ann.user.id, channel.id, code)
    await channels.code_again(ann.user.id, channel.id)
    await bench.until(lambda: arrived(bench, 2))
    assert not (await channels.confirm(ann.user.id, channel.id, code_in(bench))).waits
    assert len(bench.mail.got) == 2


async def test_what_no_job_carries_any_more_is_no_longer_said_to_wait(bench: Bench) -> None:
    ann = await bench.gate.person("Ann")
    channel = await confirmed(bench, ann.user.id)
    services, instances = bench.gate.services, bench.gate.services.host.instances
    await instances.set_enabled(channel.instance_id, False, None)
    await bench.tell(ann.user.id)

    async def waits() -> bool:
        async with services.db.read() as tx:
            return bool(
                await tx.scalar(select(jobs.c.id).where(jobs.c.name == SEND_JOB, jobs.c.reason != ""))
            )

    await bench.until(waits)
    async with services.db.begin() as tx:
        job_id = str(await tx.scalar(select(jobs.c.id).where(jobs.c.name == SEND_JOB)))
        await tx.execute(update(deliveries).values(due_at=deliveries.c.due_at - 120.0))
    assert await bench.tidied() == ["waiting"], "its job goes on"
    async with services.db.begin() as tx:
        await services.ledger.cancel(tx, job_id)
    assert await bench.tidied() == ["failed"]
    (told,) = (await bench.outside.deliveries.log(ann.user.id))[0]
    assert told.reason == "Its job was ended before it could be sent." and told.ended_at is not None
    await instances.set_enabled(channel.instance_id, True, None)
    await instances.settle(60)
    await bench.outside.deliveries.again(ann.user.id, told.id)
    await bench.ended(ann.user.id, "sent")


async def test_codes_that_are_tried_at_the_same_time_are_all_counted(bench: Bench) -> None:
    ann = await bench.gate.person("Ann")
    channels = bench.outside.channels
    channel = await channels.add(ann.user.id, await bench.with_mail(), "stranger@example.org")
    await bench.until(lambda: arrived(bench, 1))
    code = code_in(bench)
    wrong = (channels.confirm(ann.user.id, channel.id, f"{code}{number}") for number in range(12))
    assert all(isinstance(one, UserError) for one in await asyncio.gather(*wrong, return_exceptions=True))
    with pytest.raises(UserError, match="Ask for a new one"):
        await channels.confirm(ann.user.id, channel.id, code)


async def test_codes_are_few_and_addresses_are_checked(bench: Bench) -> None:
    ann = await bench.gate.person("Ann")
    instance, channels = await bench.with_mail(), bench.outside.channels
    for wrong in (
        "",
        "ann",
        "a@b@c",
        "ann@example.org\r\nBcc: eve@example.org",
        "Ann <ann@example.org>",
        "a b@x.org",
    ):
        with pytest.raises(UserError):
            await channels.add(ann.user.id, instance, wrong)
    for number in range(4):
        await channels.add(ann.user.id, instance, f"stranger{number}@example.org")
    with pytest.raises(TooManyAttempts):
        await channels.add(ann.user.id, instance, "stranger9@example.org")


async def test_channels_belong_to_one_person(bench: Bench) -> None:
    ann, bob = await bench.gate.person("Ann"), await bench.gate.person("Bob")
    channel = await confirmed(bench, ann.user.id)
    channels = bench.outside.channels
    assert await channels.of(bob.user.id) == []
    for theft in (
        channels.remove(bob.user.id, channel.id),
        channels.switch(bob.user.id, channel.id, False),
        channels.test(bob.user.id, channel.id, "en"),
        channels.confirm(bob.user.id, channel.id, "123456"),
        channels.code_again(bob.user.id, channel.id),
    ):
        with pytest.raises(Missing):
            await theft
    await bench.outside.choosing.choose(bob.user.id, {channel.id: {"here": False}})
    await bench.outside.choosing.set_digest(bob.user.id, {channel.id: True})
    (kept,) = await channels.of(ann.user.id)
    assert kept.enabled and kept.wanted["here"] and not kept.digest
    await bench.tell(bob.user.id)
    assert await bench.states(bob.user.id) == [] and bench.mail.got == []


async def test_only_what_was_chosen_goes_out(bench: Bench) -> None:
    ann = await bench.gate.person("Ann")
    channel = await confirmed(bench, ann.user.id)
    await bench.outside.choosing.choose(ann.user.id, {channel.id: {"here": False, "nonsense": True}})
    await bench.tell(ann.user.id)
    await bench.tell(ann.user.id, "request.declined", reason="No.")
    await bench.ended(ann.user.id, "sent")
    assert [message["Subject"] for _, message in bench.mail.got] == ["Your request for “Heat” was declined"]


async def test_the_link_in_a_message_ends_it(bench: Bench) -> None:
    ann = await bench.gate.person("Ann")
    channel = await confirmed(bench, ann.user.id)
    await bench.outside.channels.test(ann.user.id, channel.id, "en")
    token = bench.mail.got[0][1]["List-Unsubscribe"].strip("<>").rpartition("/")[2]
    assert await bench.outside.channels.stop(token[:-1] + "x") is None
    assert await bench.outside.channels.stop("ä") is None
    found = await bench.outside.channels.stoppable(token)
    assert found.shown == "an…@example.org" and (await bench.outside.channels.of(ann.user.id))[0].enabled
    await bench.outside.channels.stop(token)
    (ended,) = await bench.outside.channels.of(ann.user.id)
    assert not ended.enabled and ended.reason
    await bench.tell(ann.user.id)
    assert await bench.states(ann.user.id) == []


async def test_a_server_that_hangs_up_after_the_message_gets_it_only_once(bench: Bench) -> None:
    ann = await bench.gate.person("Ann")
    await confirmed(bench, ann.user.id)
    bench.mail.answer = None
    await bench.tell(ann.user.id)
    await bench.ended(ann.user.id, "unclear")
    assert len(bench.mail.got) == 1
    (told,) = (await bench.outside.deliveries.log(ann.user.id))[0]
    assert "may have arrived" in told.reason
    bench.mail.answer = "250 OK"
    await bench.outside.deliveries.again(ann.user.id, told.id)
    await bench.ended(ann.user.id, "sent")
    first, second = (message["Message-ID"] for _, message in bench.mail.got)
    assert first == second


async def test_a_refusal_is_told_and_a_busy_server_is_tried_again(bench: Bench) -> None:
    ann = await bench.gate.person("Ann")
    await confirmed(bench, ann.user.id)
    bench.mail.recipient = "550 no such mailbox"
    await bench.tell(ann.user.id)
    await bench.ended(ann.user.id, "failed")
    (told,) = (await bench.outside.deliveries.log(ann.user.id))[0]
    assert "550" in told.reason and bench.mail.got == []
    bench.mail.recipient = "451 later"
    await bench.tell(ann.user.id, "request.declined")

    async def waits() -> bool:
        (newest, _) = (await bench.outside.deliveries.log(ann.user.id))[0]
        return newest.state == "waiting" and [one.end for one in newest.attempts] == ["failed"]

    await bench.until(waits)
    bench.mail.recipient = "250 OK"
    times = await bench.outside.choosing.times(ann.user.id)
    # Whoever saves their hours has what waits looked at again.
    await bench.outside.choosing.set_times(
        ann.user.id,
        quiet_from=None,
        quiet_to=None,
        digest_hour=8,
        urgent=False,
        zone="UTC",
        version=times.version,
    )
    await bench.ended(ann.user.id, "sent", "failed")
    assert len(bench.mail.got) == 1


async def test_a_summary_gathers_what_came(bench: Bench) -> None:
    ann = await bench.gate.person("Ann")
    channel = await confirmed(bench, ann.user.id)
    choosing = bench.outside.choosing
    await choosing.set_digest(ann.user.id, {channel.id: True})
    for number in range(3):
        await bench.tell(ann.user.id, title=f"Film {number}")
    assert await bench.states(ann.user.id) == ["waiting"] * 3
    await choosing.set_digest(ann.user.id, {channel.id: False})
    await bench.ended(ann.user.id, "sent", "sent", "sent")
    assert len(bench.mail.got) == 3
