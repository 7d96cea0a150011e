"""A channel: one address at one notifier, where one person is told of things outside the portal."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sqlalchemy import RowMapping

from medianest_core.store.reseal import Sealed
from medianest_core.store.tables.notify import channels

Row: TypeAlias = Mapping[str, Any] | RowMapping
CODE_LASTS = 3600.0
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to be told that an admin has set up. browser_key: what browsers subscribe with; empty for addresses that are typed."""

    instance_id: str
    title: str
    icon: str
    plugin: str
    target_title: str
    target_help: str
    target_example: str
    confirms: bool
    browser: bool
    browser_key: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Channel:
    """shown: what may be seen of the address. waits: it has to be confirmed with a code first. Times: epoch seconds.

    reason: why it was switched off by itself. wanted: by topic, with what was never chosen filled in.
    """

    id: str
    instance_id: str
    title: str
    icon: str
    label: str
    shown: str
    digest: bool
    enabled: bool
    reason: str
    waits: bool
    confirmed_at: float | None
    created_at: float
    wanted: Mapping[str, bool] = field(default_factory=dict)


def sealing(row: Row) -> str:
    """What the sealed address is bound to."""
    return f"notify:{row['id']}"


def code_of(signing_key: bytes, channel_id: str, at: float) -> str:
    """The code sent to an address at that time: it follows from the portal's key, so it is stored nowhere."""
    number = int.from_bytes(_sign(signing_key, f"notify-code:{channel_id}:{at!r}")[:8])
    return f"{number % 10**_DIGITS:0{_DIGITS}}"


def stop_token(signing_key: bytes, channel_id: str) -> str:
    """What stands in the link that ends a channel without signing in."""
    return f"{channel_id}.{_sign(signing_key, f'notify-stop:{channel_id}').hex()[:40]}"


def stopped_by(signing_key: bytes, token: str) -> str | None:
    """The id of the channel whose token that is."""
    channel_id, _, _given = token.partition(".")
    return (
        channel_id
        if hmac.compare_digest(stop_token(signing_key, channel_id).encode(), token.encode())
        else None
    )


def _sign(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), hashlib.sha256)


SEALED: Sequence[Sealed] = (Sealed(channels, "target_sealed", lambda row, _: sealing(row)),)
"""Where secrets are kept, for sealing them anew."""
