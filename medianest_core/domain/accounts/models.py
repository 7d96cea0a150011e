"""What the accounts hand out: plain values, never rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from medianest_core.sdk.auth import AuthFlow
from medianest_core.sdk.routes import Viewer

Role = Literal["admin", "user"]
LOCAL = "local"
"""Provider name of identities that are proven by a password kept here."""


class Status(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class User:
    """An account. Times: epoch seconds. locale, timezone, theme None: as the browser says."""

    id: str
    username: str
    display_name: str
    email: str | None
    avatar: str | None
    role: str
    status: Status
    locale: str | None
    timezone: str | None
    theme: str | None
    created_at: float
    last_login_at: float | None
    version: int

    @property
    def name(self) -> str:
        """What to call them."""
        return self.display_name or self.username


@dataclass(frozen=True, slots=True)
class IdentityInfo:
    """One way a person proves who they are. revoked_at: since when the provider no longer vouches for them."""

    id: str
    user_id: str
    provider: str
    instance_id: str | None
    subject: str
    username: str
    created_at: float
    checked_at: float
    revoked_at: float | None


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session in force, with the person as they are now. locale, timezone, theme None: not chosen."""

    id: str
    user_id: str
    viewer: Viewer
    status: Status
    identity_id: str | None
    created_at: float
    expires_at: float
    name: str
    locale: str | None = None
    timezone: str | None = None
    theme: str | None = None
    avatar: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """A session as its owner sees it in the list of devices."""

    id: str
    user_id: str
    created_at: float
    last_seen_at: float
    expires_at: float
    user_agent: str
    ip: str
    remember: bool


@dataclass(frozen=True, slots=True)
class ApiKeyInfo:
    """A key as its owner sees it; the key itself is shown once, when it is made. expires_at None: it has no end."""

    id: str
    user_id: str
    name: str
    prefix: str
    scopes: Sequence[str]
    created_at: float
    last_used_at: float | None
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class SignInMethod:
    """A way in. key: what `begin` is called with ("<instance id>:<flow>", or "local:form").

    reason: why it does not work now, in plain words; empty where it does.
    """

    key: str
    flow: AuthFlow
    provider: str
    instance_id: str | None
    title: str
    ready: bool = True
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in that waits for the person. expires_at: epoch seconds. poll_every: seconds between polls of our endpoint."""

    id: str
    flow: AuthFlow
    provider: str
    instance_id: str
    title: str
    code: str | None
    url: str | None
    expires_at: float
    poll_every: float
    linking: bool = False


class Progress(StrEnum):
    """Where an attempt stands."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"
    EXPIRED = "expired"
    FAILED = "failed"
    """The service cannot be asked now; the attempt lives on and polling may continue."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session just made. cookie: value of the session cookie. max_age: seconds, None for as long as the browser runs."""

    cookie: str
    max_age: int | None
    session_id: str
    user: User
    created: bool = False
    """The account is new."""


@dataclass(frozen=True, slots=True)
class PollResult:
    """message: shown to the person. signed_in: only once, with DONE, and only where a session was made (not when linking)."""

    progress: Progress
    message: str = ""
    signed_in: SignedIn | None = None
    attempt: Attempt | None = None
