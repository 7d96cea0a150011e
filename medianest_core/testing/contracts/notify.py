"""The contract of a Notifier."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, ClassVar

from medianest_core.sdk.errors import NotFound, NotReady, UserError
from medianest_core.sdk.notify import MaybeSent, Message, MessageItem, Notifier, NotifyCapability
from medianest_core.sdk.service import Provider
from medianest_core.testing.contracts.common import CommonContract
from medianest_core.testing.contracts.contract import Contract, clause, misbehaving

PLAIN = Message("The drain is blocked", "Since this morning.", id="m-1")
FULL = Message(
    "Drama: “ä & <b>” \N{CLAPPER BOARD}",
    "First line\nSecond line with 'quotes' and {braces}",
    url="https://portal.example/titles/1",
    path="/titles/1",
    id="m-2",
    notes=("You get this because you asked for it.",),
    unsubscribe_url="https://portal.example/unsubscribe/1",
    urgent=True,
    locale="de",
    site="Home",
    link_title="Look at it",
    code="123456",
    items=(MessageItem("One", "first", "https://portal.example/1"), MessageItem("Two")),
    more="and 3 more",
)
LONG = Message("T" * 500, "word " * 2000, id="m-3")


def receiving(cls: type[Contract[Any]]) -> bool:
    """Whether what arrived can be counted."""
    return issubclass(cls, NotifierContract) and cls.arrived is not NotifierContract.arrived


def leaving(cls: type[Contract[Any]]) -> bool:
    """Whether an address can be one that is no more."""
    return issubclass(cls, NotifierContract) and bool(cls.gone)


def losing(cls: type[Contract[Any]]) -> bool:
    """Whether an answer can get lost after the message was taken."""
    return misbehaving(cls) and receiving(cls)


class NotifierContract(CommonContract[Notifier[Any, Any]]):
    """target: an address that takes messages. untidy: the same as somebody types it. wrong: what is no address. gone: an address
    that is no more, where the service tells. sending: path of the call that hands a message over, where there are others.
    """

    kind: ClassVar[type[Provider[Any, Any]]] = Notifier
    away: ClassVar[tuple[type[Exception], ...]] = (NotReady, MaybeSent)
    sending: ClassVar[str] = ""
    target: ClassVar[str] = ""
    untidy: ClassVar[str] = ""
    wrong: ClassVar[str] = ""
    gone: ClassVar[str] = ""

    def address(self) -> str:
        """The address; override where it depends on the stand-in."""
        return self.target

    async def arrived(self) -> Sequence[str]:
        """Texts of the messages that arrived so far, as they arrived."""
        raise NotImplementedError

    async def read(self, provider: Notifier[Any, Any]) -> object:
        return await provider.send(self._tidy(), PLAIN)  # type: ignore[func-returns-value]  # that it says nothing is looked at

    def _tidy(self) -> str:
        return self.provider.check_target(self.address())  # type: ignore[attr-defined,no-any-return]

    @clause()
    async def test_the_field_for_addresses_has_a_name(self) -> None:
        assert self.subject.target_title.strip()
        assert all(isinstance(one, str) for one in (self.subject.target_help, self.subject.target_example))
        assert isinstance(self.subject.confirms, bool)

    @clause()
    async def test_an_example_is_an_address(self) -> None:
        example = self.subject.target_example
        try:
            assert not example or self.subject.check_target(example)
        except UserError as error:
            raise AssertionError(f"its own example is none: {error}") from error

    @clause()
    async def test_an_empty_address_is_none(self) -> None:
        for text in ("", "   "):
            error = await self._refusal(text)
            assert error is not None and str(error).strip(), f"{text!r} is taken for an address"

    @clause()
    async def test_what_is_no_address_is_refused(self) -> None:
        assert not self.wrong or await self._refusal(self.wrong) is not None, f"{self.wrong!r} is taken"

    @clause()
    async def test_tidying_twice_changes_nothing(self) -> None:
        for text in filter(None, (self.address(), self.untidy)):
            once = self.subject.check_target(text)
            assert self.subject.check_target(once) == once

    @clause()
    async def test_what_is_typed_untidily_is_the_same_address(self) -> None:
        assert not self.untidy or self.subject.check_target(self.untidy) == self._tidy()

    @clause()
    async def test_an_address_is_not_shown_whole(self) -> None:
        shown = self.subject.shown(self._tidy())
        assert isinstance(shown, str) and shown.strip() and shown != self._tidy()

    @clause()
    async def test_sending_says_nothing(self) -> None:
        assert await self.read(self.subject) is None

    @clause(where=receiving)
    async def test_a_message_arrives_once(self) -> None:
        before = len(await self.arrived())
        await self.subject.send(self._tidy(), PLAIN)
        assert len(await self.arrived()) - before == 1

    @clause(where=receiving)
    async def test_a_message_keeps_its_words(self) -> None:
        await self.subject.send(self._tidy(), PLAIN)
        text = (await self.arrived())[-1]
        assert PLAIN.title in text and PLAIN.body in text, text[:500]

    @clause(where=receiving)
    async def test_a_message_with_everything_arrives(self) -> None:
        before = len(await self.arrived())
        await self.subject.send(self._tidy(), FULL)
        texts = await self.arrived()
        assert len(texts) - before == 1
        assert "Second line" in texts[-1], texts[-1][:500]

    @clause(where=receiving)
    async def test_letters_of_other_languages_arrive(self) -> None:
        await self.subject.send(self._tidy(), Message("Größe", "шум 音", id="m-4"))
        text = (await self.arrived())[-1]
        assert "Größe" in text and "шум 音" in text, text[:500]

    @clause(where=receiving)
    async def test_a_long_message_arrives(self) -> None:
        before = len(await self.arrived())
        await self.subject.send(self._tidy(), LONG)
        assert len(await self.arrived()) - before == 1

    @clause(where=receiving)
    async def test_every_message_arrives(self) -> None:
        before = len(await self.arrived())
        for number in range(3):
            await self.subject.send(self._tidy(), Message(f"Number {number}", "text", id=f"n-{number}"))
        assert len(await self.arrived()) - before == 3

    @clause(where=leaving)
    async def test_an_address_that_is_no_more_is_not_found(self) -> None:
        error = await self.trouble(lambda: self.subject.send(self.gone, PLAIN))
        assert isinstance(error, NotFound), f"it says {error!r}"

    @clause(where=losing)
    async def test_a_message_whose_receipt_got_lost_may_have_arrived(self) -> None:
        before = len(await self.arrived())
        self.stand_in.faults.add("lost", self.sending)
        async with self.another() as notifier:
            error = await self.trouble(lambda: notifier.send(self._tidy(), PLAIN))
        assert len(await self.arrived()) - before == 1, "it was sent more than once"
        assert isinstance(error, MaybeSent), f"it would be sent again, because it says {error!r}"

    @clause(NotifyCapability.TEST, where=receiving)
    async def test_a_test_arrives(self) -> None:
        before = len(await self.arrived())
        await self.subject.test(self._tidy())
        assert len(await self.arrived()) - before == 1

    @clause(NotifyCapability.BROWSER)
    async def test_browsers_can_read_the_key(self) -> None:
        key = await self.subject.browser_key()
        assert "=" not in key and "+" not in key and "/" not in key, key
        raw = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))
        assert len(raw) == 65 and raw[0] == 4, "an uncompressed point on P-256"

    @clause(NotifyCapability.BROWSER)
    async def test_the_key_stays_the_same(self) -> None:
        async with self.another() as again:
            assert await again.browser_key() == await self.subject.browser_key()

    async def _refusal(self, text: str) -> UserError | None:
        try:
            self.subject.check_target(text)
        except UserError as error:
            return error
        return None
