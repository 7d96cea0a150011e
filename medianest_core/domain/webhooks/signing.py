"""Signatures of what we send, as Standard Webhooks v1 says: HMAC-SHA256 over id, time and body, under a secret that both sides know."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence

PREFIX = "whsec_"
_SIZE = 32


def new_secret() -> str:
    """A secret as receivers' libraries take it: "whsec_" and the bytes in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_SIZE)).decode()


def signed(message_id: str, at: float, body: bytes, keys: Sequence[str]) -> Mapping[str, str]:
    """The headers of a message sent at `at` (epoch seconds); one signature for each of `keys`, the newest first."""
    stamp = str(int(at))
    said = f"{message_id}.{stamp}.".encode() + body
    signatures = [
        base64.b64encode(
            hmac.new(base64.b64decode(key.removeprefix(PREFIX)), said, hashlib.sha256).digest()
        ).decode()
        for key in keys
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(f"v1,{one}" for one in signatures),
    }
