"""Notifiers that are wrong."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from medianest_core.sdk import MaybeSent, Message, NotifyCapability, NotReady, UserError
from tests.kitchen_sink.notify import SinkNotifier
from tests.kitchen_sink.test_contracts import TestNotifier
from tests.mutants.anything import add_all, add_hidden
from tests.mutants.wrong import Collection, Then, says

MUTANTS = Collection(TestNotifier)
_add = MUTANTS.add
add_all(MUTANTS, "send", None)
add_hidden(MUTANTS, "test", NotifyCapability.TEST)


def _sends(change: Any) -> dict[str, Any]:
    """Messages that are changed before they are sent; None where they are not sent at all."""

    async def send(self: Any, target: str, message: Message) -> None:
        for one in change(message):
            await SinkNotifier.send(self, target, one)

    return {"send": send}


def _checks(check: Any) -> dict[str, Any]:
    return {"check_target": classmethod(lambda cls, target: check(target))}


def _lenient(target: str) -> str:
    try:
        return SinkNotifier.check_target(target)
    except UserError:
        return target.strip() or "kitchen/tap"


def _picky(target: str) -> str:
    if "/" not in target:
        if target.strip():
            return "kitchen/tap"
        raise UserError("Enter an address.")
    return SinkNotifier.check_target(target)


def _longer(target: str) -> str:
    return f"{SinkNotifier.check_target(target)}/{random.getrandbits(32)}"


def _exact(target: str) -> str:
    if not target.strip():
        raise UserError("Enter an address.")
    return target


async def answers(self: Any, target: str, message: Message) -> Any:
    await SinkNotifier.send(self, target, message)
    return True


async def surely(self: Any, target: str, message: Message) -> None:
    try:
        await SinkNotifier.send(self, target, message)
    except MaybeSent as error:
        raise NotReady("It is away.") from error


async def blind(self: Any, target: str, message: Message) -> None:
    if target == "kitchen/gone":
        raise NotReady("It is away.")
    await SinkNotifier.send(self, target, message)


def _once(sent: list[str] = []) -> dict[str, Any]:  # noqa: B006  # one list is what makes it wrong
    def change(message: Message) -> list[Message]:
        sent.append(message.id)
        return [message] if len(sent) < 2 else []

    return _sends(change)


_add("test_the_field_for_addresses_has_a_name", "a field without a name", target_title=" ")
_add("test_an_example_is_an_address", "an example that is none", target_example="somewhere")
_add("test_an_empty_address_is_none", "nothing is an address", **_checks(_lenient))
_add("test_what_is_no_address_is_refused", "anything is an address", **_checks(_picky))
_add("test_tidying_twice_changes_nothing", "addresses that grow", **_checks(_longer))
_add("test_what_is_typed_untidily_is_the_same_address", "takes addresses as typed", **_checks(_exact))
_add("test_an_address_is_not_shown_whole", "shows all of it", shown=classmethod(lambda cls, target: target))
_add("test_sending_says_nothing", "says something", send=answers)
_add("test_a_message_arrives_once", "sends twice", **_sends(lambda one: [one, one]))
_add("test_a_message_keeps_its_words", "only titles", **_sends(lambda one: [replace(one, body="")]))
_add(
    "test_a_message_with_everything_arrives",
    "one line only",
    **_sends(lambda one: [replace(one, body=one.body.split("\n")[0])]),
)
_add(
    "test_letters_of_other_languages_arrive",
    "only English letters",
    **_sends(lambda one: [replace(one, title=one.title.encode("ascii", "replace").decode())]),
)
_add(
    "test_a_long_message_arrives",
    "drops what is long",
    **_sends(lambda one: [one] if len(one.body) < 200 else []),
)
_add("test_every_message_arrives", "only the first", **_once())
_add("test_an_address_that_is_no_more_is_not_found", "does not see what is gone", send=blind)
_add(
    "test_a_message_whose_receipt_got_lost_may_have_arrived", "what has no receipt was not sent", send=surely
)
_add("test_a_test_arrives", "tests nothing", test=says(None))
_add("test_browsers_can_read_the_key", "a key with padding", browser_key=says("AAAA="))
_add(
    "test_the_key_stays_the_same",
    "a new key each time",
    browser_key=Then(lambda said, self: said[:-8] + f"{random.getrandbits(32):08x}"),
)
