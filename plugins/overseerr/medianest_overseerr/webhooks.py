"""What Seerr posts: JSON from a template that admins may change, with a fixed text in the Authorization header and no signature.

Each message only says which request or issue to look at again. All its values are text, it may come twice or out of order, and it has no id.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from typing import Any

from medianest_core.sdk import MOVIE, N_, SHOW, Delivery, Hint, InvalidResponse, Rejected, WebhookReceiver
from medianest_overseerr import reading
from medianest_overseerr.client import SeerrClient
from medianest_overseerr.reading import Row
from medianest_overseerr.service import SEERR
from medianest_overseerr.settings import SeerrSettings

REQUEST_CHANGED, ISSUE_CHANGED, TEST = "request.changed", "issue.changed", "test"
TEST_MESSAGE = "TEST_NOTIFICATION"
_SUMMARIES = {
    "MEDIA_PENDING": N_("Waits for approval: {title}"),
    "MEDIA_APPROVED": N_("Approved: {title}"),
    "MEDIA_AUTO_APPROVED": N_("Approved by itself: {title}"),
    "MEDIA_AVAILABLE": N_("Available: {title}"),
    "MEDIA_DECLINED": N_("Declined: {title}"),
    "MEDIA_FAILED": N_("Failed: {title}"),
    "ISSUE_CREATED": N_("An issue was reported: {title}"),
    "ISSUE_COMMENT": N_("A comment on an issue: {title}"),
    "ISSUE_RESOLVED": N_("An issue was resolved: {title}"),
    "ISSUE_REOPENED": N_("An issue is open again: {title}"),
}
EVERYTHING = 2 + 4 + 8 + 16 + 64 + 128 + 256 + 512 + 1024 + 2048
"""The kinds of messages, as bits of its settings."""
TEMPLATE = json.dumps(
    {
        "notification_type": "{{notification_type}}",
        "event": "{{event}}",
        "subject": "{{subject}}",
        "{{media}}": {
            "media_type": "{{media_type}}",
            "tmdbId": "{{media_tmdbid}}",
            "tvdbId": "{{media_tvdbid}}",
            "status": "{{media_status}}",
            "status4k": "{{media_status4k}}",
        },
        "{{request}}": {"request_id": "{{request_id}}"},
        "{{issue}}": {
            "issue_id": "{{issue_id}}",
            "issue_type": "{{issue_type}}",
            "issue_status": "{{issue_status}}",
        },
    },
    indent=2,
)
"""What we ask it to send: no names, addresses or texts of people."""


class SeerrWebhooks(WebhookReceiver[SeerrSettings, SeerrClient]):
    service = SEERR
    max_bytes = 100_000

    def verify(self, delivery: Delivery) -> bool:
        sent = delivery.headers.get("authorization", "")
        return hmac.compare_digest(sent.encode(), self.config.message_secret().encode())

    def delivery_id(self, delivery: Delivery) -> str | None:
        return None

    def parse(self, delivery: Delivery) -> Hint | None:
        message = _message(delivery)
        kind = _kind(message)
        if kind == TEST_MESSAGE:
            return Hint(TEST, summary=N_("A test message"))
        if kind and kind not in _SUMMARIES:
            return None
        request = _deep(message, "request_id")
        issue = _deep(message, "issue_id")
        title = _deep(message, "subject") or N_("unknown title")
        facts = _facts(message, kind)
        if kind.startswith("ISSUE") or (not kind and issue and not request):
            keys = [issue] if issue else []
            topic = ISSUE_CHANGED
        else:
            keys = [request] if request else []
            topic = REQUEST_CHANGED
        if keys:
            facts["reference"] = keys[0]
        summary = _SUMMARIES.get(kind, N_("Something changed: {title}")).format(title=title)
        return Hint(topic, keys, summary, facts)

    async def register(self, url: str) -> None:
        current = await self.client.webhook()
        there = reading.text(reading.part(current, "options"), "webhookUrl")
        if current.get("enabled") is True and there and not self._ours(there):
            raise Rejected(
                "Overseerr or Seerr sends its messages to another address already, and can send to one only. Switch its webhook off there first."
            )
        await self.client.save_webhook(self._wanted(url, enabled=True))

    async def unregister(self, url: str) -> None:
        current = await self.client.webhook()
        there = reading.text(reading.part(current, "options"), "webhookUrl")
        if there == url or (there and self._ours(there)):
            await self.client.save_webhook(self._wanted(there, enabled=False))

    def _ours(self, address: str) -> bool:
        """An older address of this very instance counts as ours: the last part changes when an admin renews it."""
        return f"/webhooks/overseerr/{self.instance}/" in address

    def _wanted(self, url: str, *, enabled: bool) -> Mapping[str, Any]:
        return {
            "enabled": enabled,
            "types": EVERYTHING,
            "options": {
                "webhookUrl": url,
                "authHeader": self.config.message_secret(),
                # Reading gives plain text, but saving wants it made a string: else every message would fail.
                "jsonPayload": json.dumps(TEMPLATE),
            },
        }


def _message(delivery: Delivery) -> Row:
    try:
        found = json.loads(delivery.body)
    except (ValueError, RecursionError) as error:
        raise InvalidResponse("This is not a message of Overseerr or Seerr.") from error
    if not isinstance(found, dict):
        raise InvalidResponse("This is not a message of Overseerr or Seerr.")
    return found


def _kind(message: Row) -> str:
    """Under its usual name, else wherever one of the known words stands; empty where a changed template leaves it out."""
    named = reading.text(message, "notification_type")
    if named:
        return named
    known = {*_SUMMARIES, TEST_MESSAGE}
    return next((value for value in message.values() if isinstance(value, str) and value in known), "")


def _facts(message: Row, kind: str) -> dict[str, str]:
    facts = {"event": kind} if kind else {}
    media_type = _deep(message, "media_type")
    if media_type in ("movie", "tv"):
        facts["kind"] = MOVIE if media_type == "movie" else SHOW
    for name, keys in {
        "tmdb": ("tmdbId", "media_tmdbid"),
        "tvdb": ("tvdbId", "media_tvdbid"),
        "status": ("status", "media_status"),
        "status_4k": ("status4k", "media_status4k"),
        "issue": ("issue_type",),
        "issue_status": ("issue_status",),
    }.items():
        value = _deep(message, *keys)
        if value:
            facts[name] = value.lower() if name not in ("tmdb", "tvdb") else value
    if "subject" in message:
        facts["title"] = _deep(message, "subject")
    return facts


def _deep(message: Row, *names: str) -> str:
    """A value at the top or one step down, as text; a placeholder that was not filled in counts as missing."""
    for part in (message, *(value for value in message.values() if isinstance(value, dict))):
        for name in names:
            value = part.get(name)
            text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
            if text and "{{" not in text:
                return text[:200]
    return ""
