"""The webhook notifications that Uptime Kuma sends when a monitor changes."""

from __future__ import annotations

import asyncio
import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from medianest_uptimekuma.models import DOWN, UP
from medianest_uptimekuma.simulation.monitors import Beat, Monitor
from medianest_uptimekuma.simulation.rows import live
from medianest_uptimekuma.simulation.world import World

_TIMEOUT = 5.0


class Webhooks:
    """Sends to the notifications of type webhook that the world knows."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def announce(self, monitor: Monitor, beat: Beat) -> None:
        """Tell every webhook of a change; what they answer is only written down."""
        for notification in list(self.world.notifications.values()):
            if notification.get("type") == "webhook":
                status = await self.send(notification, self.payload(monitor, beat))
                self.world.ledger.record(
                    "webhook.sent", url=str(notification.get("webhookURL")), monitor=monitor.id, status=status
                )

    async def test(self, notification: Mapping[str, Any]) -> int | None:
        """What the test button sends: a name, and nothing about any monitor."""
        return await self.send(
            notification,
            {"heartbeat": None, "monitor": None, "msg": f"{notification.get('name')} Testing"},
        )

    def payload(self, monitor: Monitor, beat: Beat) -> dict[str, Any]:
        """What is sent of one check."""
        world = self.world
        heartbeat = live(world, monitor.id, beat) | {
            "important": True,
            "timezone": "Europe/Berlin",
            "timezoneOffset": "+02:00",
            "localDateTime": world.stamp(beat.at + 7200)[:19],
        }
        if beat.status == UP and monitor.last_down is not None:
            heartbeat["lastDownTime"] = world.stamp(monitor.last_down)
        document = world.document(monitor)
        for name in ("headers", "body", "pushToken", "basic_auth_user", "basic_auth_pass"):
            document.pop(name, None)
        word = {DOWN: "🔴 Down", UP: "✅ Up"}.get(beat.status, "⚠️ Changed")
        return {
            "heartbeat": heartbeat,
            "monitor": document | {"includeSensitiveData": False},
            "msg": f"[{monitor.name}] [{word}] {beat.msg}",
        }

    async def send(self, notification: Mapping[str, Any], payload: dict[str, Any]) -> int | None:
        """The status that was answered, None where nothing answered."""
        if notification.get("webhookContentType") == "form-data":
            content_type, body = form(payload)
        else:
            content_type, body = "application/json", json.dumps(payload).encode()
        headers = {"Content-Type": content_type, "User-Agent": f"Uptime-Kuma/{self.world.profile.version}"}
        extra = notification.get("webhookAdditionalHeaders")
        headers |= json.loads(extra) if isinstance(extra, str) and extra else {}
        return await asyncio.to_thread(_post, str(notification.get("webhookURL")), headers, body)


def form(payload: dict[str, Any]) -> tuple[str, bytes]:
    """Content type and body of the mode that wraps the JSON into a form's one field."""
    boundary = f"--------------------------{secrets.token_hex(12)}"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="data"\r\n\r\n'
    return (
        f"multipart/form-data; boundary={boundary}",
        head.encode() + json.dumps(payload).encode() + f"\r\n--{boundary}--\r\n".encode(),
    )


def _post(url: str, headers: Mapping[str, str], body: bytes) -> int | None:
    if not url.startswith(("http://", "https://")):
        return None
    request = urllib.request.Request(url, body, dict(headers), method="POST")  # noqa: S310  # scheme checked above
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_TIMEOUT) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None
