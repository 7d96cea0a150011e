"""What the pages and the API show of webhooks, and what can go wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Address:
    """Where a service posts to. path: of the portal, "/webhooks/<plugin>/<instance>/<token>". url: with the portal's public address
    in front; None where that is not set. can_register: we can tell the service about it ourselves. registered_at: when we did, None
    where we did not, or under another address. problem: what did not work just now, for the admin. sync_path: where others order a
    sync of it, of a media server."""

    instance_id: str
    path: str
    created_at: float
    url: str | None = None
    can_register: bool = False
    registered_at: float | None = None
    problem: str = ""
    sync_path: str | None = None


@dataclass(frozen=True, slots=True)
class Receiver:
    """A service that may post to us. last_at, last_status: of the newest delivery. addressed: there is an address."""

    instance_id: str
    title: str
    plugin: str
    service: str
    enabled: bool
    addressed: bool
    registered_at: float | None
    last_at: float | None
    last_status: str


@dataclass(frozen=True, slots=True)
class DeliveryInfo:
    """A delivery as admins see it. status: received, processed, ignored or failed. about: whose things the keys are, where not the
    sender's own. result: what followed. kept: it can be read again, else only its hint can be followed again. Times: epoch seconds."""

    id: str
    instance_id: str
    received_at: float
    size: int
    status: str
    topic: str
    keys: Sequence[str]
    summary: str
    job_id: str | None
    processed_at: float | None
    about: str | None = None
    result: str | None = None
    replay_of: str | None = None
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """What came in, for the admin who wants to know why it was (not) understood. headers: without those that hold secrets."""

    headers: dict[str, str]
    text: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """status: received, ignored, or duplicate where the service sent it before."""

    delivery_id: str | None
    status: str


class NotFromThem(Exception):
    """The receiver says that the delivery is not from its service."""


class Sending(StrEnum):
    """State of a subscription."""

    ACTIVE = "active"
    PAUSED = "paused"
    """Messages wait until someone resumes it."""
    OFF = "off"
    """No messages are made."""


class MessageStatus(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"
    """It was never sent: the subscription was switched off before."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who hears of what. place: scheme, host and port; the rest of the address may hold a secret. failures: attempts without success
    in a row. waiting: messages not sent yet. Times: epoch seconds."""

    id: str
    name: str
    place: str
    events: Sequence[str]
    verify_tls: bool
    state: Sending
    reason: str
    failures: int
    failing_since: float | None
    last_ok_at: float | None
    version: int
    created_at: float
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """What was sent, or is to be. code: status of the last answer, None where there was none. took_ms: how long that took."""

    id: str
    subscription_id: str
    event: str
    created_at: float
    status: MessageStatus
    tries: int
    code: int | None
    took_ms: float | None
    error: str
    tried_at: float | None
    job_id: str | None
    replay_of: str | None
    payload: str = ""
