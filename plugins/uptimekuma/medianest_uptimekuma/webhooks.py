"""What Uptime Kuma posts when a monitor changes: JSON, or a form whose one field holds it. It is not signed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from medianest_core.sdk import N_, Delivery, Hint, InvalidResponse, Rejected, Unsupported, WebhookReceiver
from medianest_uptimekuma.client import KumaClient
from medianest_uptimekuma.models import DOWN, MAINTENANCE, PENDING, UP, number
from medianest_uptimekuma.service import KUMA
from medianest_uptimekuma.settings import KumaSettings

if TYPE_CHECKING:
    from medianest_uptimekuma.session import Session

_NAME = "MediaNest"
_WORDS = {UP: "up", DOWN: "down", PENDING: "pending", MAINTENANCE: "maintenance"}
_LONGEST = 300


class KumaWebhooks(WebhookReceiver[KumaSettings, KumaClient]):
    """Topics: "status.changed" with the monitor's key and facts {"status", "monitor"}; without keys where a certificate ends
    soon; "test"."""

    service = KUMA

    def verify(self, delivery: Delivery) -> bool:
        try:
            payload(delivery)
        except InvalidResponse:
            return False
        return True

    def delivery_id(self, delivery: Delivery) -> str | None:
        beat = payload(delivery).get("heartbeat")
        if not isinstance(beat, dict) or beat.get("time") is None:
            return None
        return f"{beat.get('monitorID')} {beat.get('time')} {beat.get('status')}"

    def parse(self, delivery: Delivery) -> Hint | None:
        told = payload(delivery)
        said = str(told["msg"])[:_LONGEST]
        beat, monitor = told.get("heartbeat"), told.get("monitor")
        if not isinstance(beat, dict) or beat.get("monitorID") is None:
            # The name of the notification and this word are all that a test says.
            return Hint("test" if said.endswith("Testing") else "status.changed", (), said)
        facts = {"status": _WORDS.get(number(beat.get("status")) or DOWN, "down")}
        if isinstance(monitor, dict) and monitor.get("name"):
            facts["monitor"] = str(monitor["name"])
        return Hint("status.changed", [str(beat["monitorID"])], said, facts)

    async def register(self, url: str) -> None:
        """Add a notification for all monitors, those to come too. Needs a sign-in; raises Unsupported without one."""
        session = self._session()
        if await self._known(session, url):
            return
        answer = await session.call("addNotification", _notification(url), None)
        if not isinstance(answer, dict) or answer.get("ok") is not True:
            raise Rejected(N_("Uptime Kuma did not take the notification."))

    async def unregister(self, url: str) -> None:
        session = self._session()
        for key in await self._known(session, url):
            await session.call("deleteNotification", key)

    def _session(self) -> Session:
        if self.client.session is None:
            raise Unsupported(
                N_(
                    "Only with a user name and password can the portal add itself to Uptime Kuma. Add a notification of type"
                    " webhook there by hand."
                )
            )
        return self.client.session

    async def _known(self, session: Session, url: str) -> list[Any]:
        board = await session.board()
        return [one.get("id") for one in board.notifications if _settings(one).get("webhookURL") == url]


def payload(delivery: Delivery) -> Mapping[str, Any]:
    """The message: "msg" is text, "heartbeat" and "monitor" are there, if only as null. Raises InvalidResponse."""
    try:
        told = orjson.loads(_json_part(delivery))
    except ValueError as error:
        raise _strange() from error
    if not isinstance(told, dict) or not isinstance(told.get("msg"), str):
        raise _strange()
    if not {"heartbeat", "monitor"} <= told.keys():
        raise _strange()
    return told


def _json_part(delivery: Delivery) -> bytes:
    kind = delivery.headers.get("content-type", "")
    if not kind.lower().startswith("multipart/form-data"):
        return delivery.body
    from io import BytesIO

    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import parse_form

    found: list[bytes] = []

    def on_field(field: Any) -> None:
        if field.field_name == b"data":
            found.append(field.value or b"")

    try:
        parse_form(
            {"Content-Type": kind.encode("latin-1", "replace")},
            BytesIO(delivery.body),
            on_field,
            lambda file: None,
        )
    except (FormParserError, ValueError) as error:
        raise _strange() from error
    return found[0] if found else b""


def _strange() -> InvalidResponse:
    return InvalidResponse("This is not a message of Uptime Kuma with its preset body.")


def _notification(url: str) -> dict[str, Any]:
    return {
        "name": _NAME,
        "type": "webhook",
        "isDefault": True,
        "applyExisting": True,
        "httpMethod": "post",
        "webhookURL": url,
        "webhookContentType": "json",
        "webhookCustomBody": "",
        "webhookAdditionalHeaders": "",
    }


def _settings(notification: Mapping[str, Any]) -> Mapping[str, Any]:
    written = notification.get("config")
    try:
        told = orjson.loads(written) if isinstance(written, str) else written
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
