"""A push subscription as browsers make it: where its messages go, and the keys only that browser can open them with."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from medianest_core.sdk import N_, UserError


@dataclass(frozen=True, slots=True)
class Subscription:
    """public: the browser's point on P-256, 65 bytes. auth: 16 bytes shared with it."""

    endpoint: str
    public: bytes
    auth: bytes


def parsed(text: str) -> Subscription:
    """Raises UserError."""
    wrong = UserError(N_("The browser did not give what is needed."), "target")
    try:
        told = json.loads(text)
        endpoint, keys = told["endpoint"], told["keys"]
        public, auth = _bytes(keys["p256dh"]), _bytes(keys["auth"])
        parts = urlsplit(endpoint)
        _port = parts.port
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise wrong from None
    plain = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
    if (
        (parts.scheme != "https" and not plain)
        or not parts.hostname
        or parts.username
        or len(endpoint) > 2000
    ):
        raise wrong
    if len(public) != 65 or public[0] != 4 or len(auth) != 16 or not endpoint.isascii():
        raise wrong
    return Subscription(endpoint, public, auth)


def checked(text: str) -> str:
    """The subscription with nothing but what is needed, always in the same words. Raises UserError."""
    found = parsed(text)
    keys = {"p256dh": encoded(found.public), "auth": encoded(found.auth)}
    return json.dumps({"endpoint": found.endpoint, "keys": keys}, sort_keys=True)


def masked(text: str) -> str:
    """Whose push service it is."""
    return urlsplit(parsed(text).endpoint).hostname or ""


def encoded(raw: bytes) -> str:
    """Unpadded URL-safe Base64."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(
        text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True
    )
