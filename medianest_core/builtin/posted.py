"""What the receivers of posted JSON have in common: a secret in a header, an object, and short texts in it."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from typing import Any

from medianest_core.sdk import Delivery, InvalidResponse, Secret

ANY_SERVER = "*"
"""`Hint.about` of a message that may concern any service."""


def is_admitted(delivery: Delivery, header: str, secret: Secret | None) -> bool:
    """Does it carry the secret? Without one the address alone protects. header: lower-case."""
    if not secret:
        return True
    return hmac.compare_digest(delivery.headers.get(header, "").encode(), secret.reveal().encode())


def json_of(delivery: Delivery, refusal: str) -> Any:
    """The JSON in it. Raises InvalidResponse with `refusal`."""
    try:
        return json.loads(delivery.body)
    except (ValueError, RecursionError) as error:
        raise InvalidResponse(refusal) from error


def object_of(delivery: Delivery, refusal: str) -> Mapping[str, Any]:
    """The same where it is to be an object."""
    found = json_of(delivery, refusal)
    if not isinstance(found, dict):
        raise InvalidResponse(refusal)
    return found


def text_of(value: Any) -> str:
    """A text or whole number, stripped; "" for anything else."""
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
