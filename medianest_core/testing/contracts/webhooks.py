"""The contract of a WebhookReceiver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from medianest_core.sdk.errors import InvalidResponse, ProviderError
from medianest_core.sdk.service import Provider
from medianest_core.sdk.webhooks import Delivery, Hint, WebhookCapability, WebhookReceiver
from medianest_core.testing.contracts.clients import NobodyThere
from medianest_core.testing.contracts.common import CommonContract
from medianest_core.testing.contracts.contract import Contract, clause
from medianest_core.testing.contracts.watching import no_secrets

_KINDS = ("application/json", "multipart/form-data; boundary=b", "text/plain", "")
NONSENSE = (
    b"",
    b"\x00\xff\xfe garbage",
    b"null",
    b"[]",
    b'"text"',
    b"{}",
    b'{"event": 5, "payload": [null]}',
    b"[" * 20_000,
    b'--b\r\nContent-Disposition: form-data; name="payload"\r\n\r\n[1]\r\n--b--\r\n',
)


@dataclass(frozen=True, slots=True)
class Posted:
    """A delivery as the service sends it. topic: of the hint, None where it is of no interest."""

    delivery: Delivery
    topic: str | None


def secured(cls: type[Contract[Any]]) -> bool:
    """Whether a delivery can be a forged one."""
    return issubclass(cls, WebhookContract) and cls.forged is not WebhookContract.forged


class WebhookContract(CommonContract[WebhookReceiver[Any, Any]]):
    """A suite hands over what the service posts in `posted()`, recorded or made."""

    kind: ClassVar[type[Provider[Any, Any]]] = WebhookReceiver
    asks: ClassVar[bool] = False

    def posted(self) -> Sequence[Posted]:
        """Deliveries of different things that the service sends; the first is of interest."""
        raise NotImplementedError

    def forged(self) -> Sequence[Delivery]:
        """Deliveries that are somebody else's, where the service proves which are its own."""
        raise NotImplementedError

    async def registered(self) -> Mapping[str, int]:
        """Address → how often the service would post to it; where the provider can register."""
        raise NotImplementedError

    def hook(self) -> str:
        """An address to register; one that answers, where the service tries it."""
        return "https://portal.example/webhooks/x/y/token"

    def _nonsense(self) -> list[Delivery]:
        headers = self.posted()[0].delivery.headers
        own = [replace(self.posted()[0].delivery, body=body) for body in NONSENSE]
        bare = [Delivery({**headers, "content-type": kind}, body) for kind in _KINDS for body in NONSENSE]
        return [*own, *bare, *(Delivery({}, body) for body in NONSENSE)]

    @clause()
    async def test_its_own_deliveries_are_verified(self) -> None:
        for one in self.posted():
            assert self.subject.verify(one.delivery) is True

    @clause(where=secured)
    async def test_a_forged_delivery_is_refused(self) -> None:
        for one in self.forged():
            assert self.subject.verify(one) is False

    @clause()
    async def test_verifying_nonsense_says_yes_or_no(self) -> None:
        for one in self._nonsense():
            try:
                said: object = self.subject.verify(one)
            except Exception as error:
                said = error
            assert isinstance(said, bool), f"{one.body[:40]!r} gives {said!r}"

    @clause()
    async def test_an_id_is_a_text_or_none(self) -> None:
        for one in self.posted():
            key = self.subject.delivery_id(one.delivery)
            assert key is None or (isinstance(key, str) and key), key

    @clause()
    async def test_a_delivery_keeps_its_id(self) -> None:
        for one in self.posted():
            assert self.subject.delivery_id(one.delivery) == self.subject.delivery_id(one.delivery)

    @clause()
    async def test_different_deliveries_have_different_ids(self) -> None:
        keys = [key for one in self.posted() if (key := self.subject.delivery_id(one.delivery)) is not None]
        assert len(keys) == len(set(keys))

    @clause()
    async def test_nonsense_has_an_id_or_none(self) -> None:
        for one in self._nonsense():
            try:
                said: object = self.subject.delivery_id(one)
            except InvalidResponse:
                continue
            except Exception as error:
                said = error
            assert said is None or isinstance(said, str), f"{one.body[:40]!r} gives {said!r}"

    @clause()
    async def test_a_delivery_is_understood(self) -> None:
        for one in self.posted():
            hint = self.subject.parse(one.delivery)
            assert (hint and hint.topic) == one.topic, f"{one.delivery.body[:200]!r} gives {hint}"

    @clause()
    async def test_some_delivery_is_of_interest(self) -> None:
        assert isinstance(self.subject.parse(self.posted()[0].delivery), Hint)

    @clause()
    async def test_a_hint_is_made_of_texts(self) -> None:
        for hint in self._hints():
            assert isinstance(hint.topic, str) and hint.topic
            assert not isinstance(hint.keys, str) and all(
                isinstance(key, str) and key for key in hint.keys
            ), hint
            assert all(isinstance(part, str) for pair in hint.facts.items() for part in pair), hint
            assert isinstance(hint.about, str)

    @clause()
    async def test_keys_are_named_once(self) -> None:
        for hint in self._hints():
            assert len(hint.keys) == len(set(hint.keys)), hint

    @clause()
    async def test_a_summary_is_one_line(self) -> None:
        for hint in self._hints():
            assert "\n" not in hint.summary and len(hint.summary) <= 500, hint.summary

    @clause()
    async def test_a_hint_holds_no_secret(self) -> None:
        for hint in self._hints():
            no_secrets(f"{hint!r}", self.secrets, "the hint")

    @clause()
    async def test_reading_twice_gives_the_same(self) -> None:
        for one in self.posted():
            assert self.subject.parse(one.delivery) == self.subject.parse(one.delivery)

    @clause()
    async def test_nonsense_is_not_understood(self) -> None:
        for one in self._nonsense():
            try:
                said: object = self.subject.parse(one)
            except InvalidResponse as error:
                assert str(error).strip()
                continue
            except Exception as error:
                said = error
            assert said is None or isinstance(said, Hint), f"{one.body[:40]!r} gives {said!r}"

    @clause()
    async def test_bytes_are_no_message(self) -> None:
        one = replace(self.posted()[0].delivery, body=b"\x00\xff\xfe garbage")
        try:
            said: object = self.subject.parse(one)
        except InvalidResponse:
            return
        raise AssertionError(f"it understands garbage as {said!r}")

    @clause()
    async def test_reading_asks_nobody(self) -> None:
        http = NobodyThere()
        async with self.another(http) as receiver:
            for one in self.posted():
                receiver.verify(one.delivery)
                receiver.delivery_id(one.delivery)
                receiver.parse(one.delivery)
        assert http.asked == []

    @clause()
    async def test_what_is_too_large_is_said(self) -> None:
        assert 1_000 <= self.subject.max_bytes <= 64_000_000
        assert all(len(one.delivery.body) <= self.subject.max_bytes for one in self.posted())

    @clause(WebhookCapability.REGISTER)
    async def test_registering_twice_is_registering_once(self) -> None:
        address = self.hook()
        for _ in range(2):
            await self.subject.register(address)
        assert (await self.registered()).get(address) == 1

    @clause(WebhookCapability.REGISTER, WebhookCapability.UNREGISTER)
    async def test_what_is_unregistered_is_gone(self) -> None:
        address = self.hook()
        await self.subject.register(address)
        try:
            for _ in range(2):
                await self.subject.unregister(address)
        except ProviderError as error:
            raise AssertionError(f"what is gone need not be there, and it says {error!r}") from error
        assert not (await self.registered()).get(address)

    @clause(WebhookCapability.UNREGISTER)
    async def test_others_stay_registered(self) -> None:
        mine, other = self.hook(), f"{self.hook()}-of-another"
        for address in (mine, other):
            await self.subject.register(address)
        await self.subject.unregister(mine)
        assert (await self.registered()).get(other) == 1

    def _hints(self) -> list[Hint]:
        return [hint for one in self.posted() if (hint := self.subject.parse(one.delivery)) is not None]
