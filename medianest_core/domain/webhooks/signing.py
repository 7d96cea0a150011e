"""Signatures of what we send, and of what is sent to us where it has one, as Standard Webhooks v1 says: HMAC-SHA256 over id, time and
body, under a secret that both sides know."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence

from medianest_core.base.texts import N_
from medianest_core.sdk.errors import UserError

PREFIX = "whsec_"
_SIZE = 32
_MOST = 10
"""Signatures of one message that are looked at."""
WINDOW = 300.0
"""Seconds that the time of a signed message may be off ours: an older one may be a copy."""


def new_secret() -> str:
    """A secret as receivers' libraries take it: "whsec_" and the bytes in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_SIZE)).decode()


def signed(message_id: str, at: float, body: bytes, keys: Sequence[str]) -> Mapping[str, str]:
    """The headers of a message sent at `at` (epoch seconds); one signature for each of `keys`, the newest first."""
    stamp = str(int(at))
    signatures = [
        _signature(base64.b64decode(key.removeprefix(PREFIX)), message_id, stamp, body) for key in keys
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(f"v1,{one}" for one in signatures),
    }


def check(headers: Mapping[str, str], body: bytes, key: bytes, now: float) -> None:
    """Nothing where the message has no signature: then the secret in its address or header is all that lets it in.

    headers: lower-case names. Raises UserError for a signature that does not fit, or that is not of now.
    """
    given = headers.get("webhook-signature")
    if given is None:
        return
    identifier, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not identifier or not (stamp.isdecimal() and stamp.isascii() and len(stamp) < 16):
        raise UserError(N_("A signed message has the headers webhook-id and webhook-timestamp, too."))
    if abs(int(stamp) - now) > WINDOW:
        raise UserError(N_("This message was signed at another time: it is old, or a clock is wrong."))
    right = f"v1,{_signature(key, identifier, stamp, body)}".encode()
    if not any(hmac.compare_digest(one.encode(), right) for one in given.split()[:_MOST]):
        raise UserError(N_("The signature does not fit this message and the secret of this address."))


def _signature(key: bytes, identifier: str, stamp: str, body: bytes) -> str:
    said = f"{identifier}.{stamp}.".encode() + body
    return base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()
