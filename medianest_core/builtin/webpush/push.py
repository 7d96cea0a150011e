"""Encrypts a message for one browser (RFC 8291), signs who sends it (VAPID, RFC 8292), and hands it to the push service."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any
from urllib.parse import urlsplit

import http_ece
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02

from medianest_core.builtin.webpush.settings import PushSettings
from medianest_core.builtin.webpush.subscription import encoded, parsed
from medianest_core.sdk import N_, Http, Message, NotFound, Rejected

KEPT = 86_400
"""Seconds that a push service keeps a message for a device that is off."""
SIGNED_FOR = 12 * 3600
MOST = 3000
"""Bytes of a message before it is encrypted: push services take about 4000."""


class Push:
    """public_key: what browsers subscribe with."""

    def __init__(self, config: PushSettings, http: Http) -> None:
        self._config = config
        self._http = http
        self._vapid: Any = Vapid02.from_raw(config.key.reveal().encode())
        self.public_key = encoded(
            self._vapid.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        )

    async def send(self, target: str, message: Message) -> None:
        """Raises NotFound where the subscription has ended, and the SDK's other errors."""
        subscription = parsed(target)
        try:
            content = http_ece.encrypt(
                payload(message),
                private_key=ec.generate_private_key(ec.SECP256R1()),
                dh=subscription.public,
                auth_secret=subscription.auth,
            )
        except (ValueError, http_ece.ECEException, UnsupportedAlgorithm) as error:
            raise Rejected(N_("The key of this device cannot be used. Add the device again.")) from error
        answer = await self._http.request(
            "POST",
            subscription.endpoint,
            headers=self._headers(subscription.endpoint, message),
            content=content,
        )
        if answer.status in (404, 410):
            raise NotFound(N_("This device takes no messages any more. Add it again there."))
        if answer.status in (400, 401, 403, 413):
            raise Rejected(
                N_("The push service refused the message ({status}).").format(status=answer.status)
            )
        answer.raise_for_status()

    def _headers(self, endpoint: str, message: Message) -> dict[str, str]:
        parts = urlsplit(endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int(time.time()) + SIGNED_FOR,
            "sub": f"mailto:{self._config.contact}",
        }
        headers = {
            **self._vapid.sign(claims),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(KEPT),
            "Urgency": "high" if message.urgent else "normal",
        }
        if message.id:
            # A push service keeps only the newest of a topic, so what is sent again takes the place of what it was.
            headers["Topic"] = encoded(hashlib.sha256(message.id.encode()).digest())[:32]
        return headers


def payload(message: Message) -> bytes:
    """What the service worker is told: title, body, path, tag (equal for repetitions), lang."""
    body = message.body
    while True:
        told = {
            "title": message.title,
            "body": body,
            "path": message.path,
            "tag": message.id,
            "lang": message.locale,
            "urgent": message.urgent,
        }
        raw = json.dumps(told, ensure_ascii=False).encode()
        if len(raw) <= MOST or not body:
            return raw
        body = body[: len(body) * 3 // 4].rstrip() + "…" if len(body) > 8 else ""
