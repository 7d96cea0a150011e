"""Carries messages to topics."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from medianest_core.sdk import Http, InvalidResponse, MaybeSent, Message, Notifier, NotReady, UserError
from medianest_ntfy.service import NTFY, headers
from medianest_ntfy.settings import NtfySettings

_TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")
LONGEST = 4000
"""Bytes of a message; what is longer than 4,096 the server takes for an attachment."""
NORMAL, URGENT = 3, 5


class NtfyNotifier(Notifier[NtfySettings, Http]):
    service = NTFY
    target_title: ClassVar[str] = "Topic"
    target_help: ClassVar[str] = (
        "Anyone who knows a topic of the public server can read it: choose one that nobody guesses."
    )
    target_example: ClassVar[str] = "our-house-7f3a"

    @classmethod
    def check_target(cls, target: str) -> str:
        tidied = super().check_target(target).rsplit("/", 1)[-1]
        if not _TOPIC.fullmatch(tidied):
            raise UserError("A topic has letters, digits, dashes and underscores, 64 at most.", "target")
        return tidied

    @classmethod
    def shown(cls, target: str) -> str:
        # Whoever knows the topic reads along, so it is as good as a password.
        return f"{target[:3]}…"

    async def send(self, target: str, message: Message) -> None:
        body: dict[str, Any] = {
            "topic": target,
            "title": message.title,
            "message": _cut("\n".join([message.body, *message.notes])),
            "priority": URGENT if message.urgent else NORMAL,
        }
        if message.url:
            body["click"] = message.url
            body["actions"] = [{"action": "view", "label": message.link_title or "Open", "url": message.url}]
        try:
            reply = await self.http.request("POST", "/", json=body, headers=headers(self.config))
        except NotReady as error:
            # Nothing came back: the message may be out all the same, and said twice it would be a nuisance.
            raise MaybeSent(f"{error} The message may have arrived.") from error
        said = reply.raise_for_status().json()
        if not isinstance(said, dict) or not said.get("id"):
            raise InvalidResponse("ntfy answered with something that is not understood.")

    async def test(self, target: str) -> None:
        await self.send(target, Message("MediaNest", "This is a test."))


def _cut(text: str) -> str:
    raw = text.encode()
    return text if len(raw) <= LONGEST else raw[:LONGEST].decode(errors="ignore") + " …"
