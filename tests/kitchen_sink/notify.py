"""Notifier of the kitchen sink, with every ability that has a method."""

from __future__ import annotations

from typing import ClassVar

from medianest_core.sdk import Http, MaybeSent, Message, Notifier, NotReady, UserError
from tests.kitchen_sink.service import Facet, SinkSettings

KEY = "BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-P0A"


class SinkNotifier(Facet, Notifier[SinkSettings, Http]):
    target_title: ClassVar[str] = "Tap"
    target_example: ClassVar[str] = "kitchen/tap"

    @classmethod
    def check_target(cls, target: str) -> str:
        room, slash, tap = target.strip().lower().partition("/")
        if not (room and slash and tap):
            raise UserError("A room and a tap, like kitchen/tap.", "target")
        return f"{room}/{tap}"

    @classmethod
    def shown(cls, target: str) -> str:
        return f"{target.partition('/')[0]}/…"

    async def send(self, target: str, message: Message) -> None:
        reached = await self.ask("version")
        try:
            await self.ask("drop", tap=target, text=f"{message.title}\n{message.body}")
        except NotReady as error:
            if reached:
                raise MaybeSent("It was handed over, and nothing was said.") from error
            raise

    async def test(self, target: str) -> None:
        await self.send(target, Message("A test", "It works."))

    async def browser_key(self) -> str:
        return KEY
