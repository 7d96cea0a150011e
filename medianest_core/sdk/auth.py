"""AuthProvider: proves who a person is.

The provider never sees the browser. `begin` returns what to show and an opaque `state` that stays on the server, bound to
the browser by the core; `complete` is called with that state until it returns an identity, refuses, or the attempt expires.
People are matched by (provider, subject) only, never by e-mail.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from medianest_core.sdk.capabilities import Capability, optional, unsupported
from medianest_core.sdk.service import C, Provider, S
from medianest_core.sdk.settings import Secret


class AuthCapability(Capability):
    REFRESH = "refresh"
    REVALIDATE = "revalidate"
    REVOKE = "revoke"
    GROUPS = "groups"
    WATCHLIST = "watchlist"
    SIGN_OUT = "sign_out"


class AuthFlow(StrEnum):
    CODE = "code"
    """A short code that the person types at `Challenge.url`."""
    POPUP = "popup"
    """`Challenge.url` is opened in a window; the portal polls."""
    FORM = "form"
    """User name and password typed into the portal."""
    REDIRECT = "redirect"
    """The browser goes to `Challenge.url` and comes back to `return_url` with parameters, which `complete` is given as its form."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the person has to do. expires_in, poll_every: seconds.

    state: sealed by the core, handed back to `complete`; may hold secrets.
    """

    state: Mapping[str, str]
    expires_in: float
    code: str | None = None
    url: str | None = None
    poll_every: float = 1.0


@dataclass(frozen=True, slots=True)
class Identity:
    """A proven person.

    subject: the service's stable id of the account. token: kept sealed by the core, handed back to `revalidate`.
    owner: the person owns the configured server (the first such person may become admin).
    admin: the service decides whether the person is an admin here; None: the portal does.
    """

    subject: str
    username: str
    email: str | None = None
    avatar: str | None = None
    token: Secret | None = None
    owner: bool = False
    groups: Sequence[str] = field(default_factory=tuple)
    admin: bool | None = None


class Standing(StrEnum):
    """What `revalidate` found."""

    VALID = "valid"
    REVOKED = "revoked"
    """The account or its access to our servers is gone: sessions end."""


@dataclass(frozen=True, slots=True)
class WatchlistTitle:
    """A title that a person has put on their list at the service. kind: a media type. ids: external ids, provider → id. Provisional."""

    kind: str
    ids: Mapping[str, str]
    title: str
    year: int | None = None


class AuthProvider(Provider[S, C]):
    title: ClassVar[str]
    flows: ClassVar[Sequence[AuthFlow]]

    @abstractmethod
    async def begin(self, flow: AuthFlow, *, return_url: str) -> Challenge:
        """Start an attempt. return_url: where the service may send the browser afterwards."""

    @abstractmethod
    async def complete(self, state: Mapping[str, str], form: Mapping[str, str]) -> Identity | None:
        """The identity, or None while the person has not finished. form: what was typed, or what a redirect came back with.

        Raises SignInDenied where the person may not come in, ChallengeExpired where the attempt is gone. Outages raise
        ProviderError and leave the attempt alive.
        """

    @optional(AuthCapability.REFRESH)
    async def refresh(self, token: Secret) -> Secret:
        """A fresh token for one that will expire."""
        raise unsupported(self, AuthCapability.REFRESH)

    @optional(AuthCapability.REVALIDATE)
    async def revalidate(self, subject: str, token: Secret | None) -> Standing:
        """Does the account still have access? Outages raise ProviderError and count as "unknown", never as revoked."""
        raise unsupported(self, AuthCapability.REVALIDATE)

    @optional(AuthCapability.REVOKE)
    async def revoke(self, token: Secret) -> None:
        """Tell the service to forget the token."""
        raise unsupported(self, AuthCapability.REVOKE)

    @optional(AuthCapability.GROUPS)
    async def groups(self, subject: str) -> Sequence[str]:
        """Names of the groups the person is in."""
        raise unsupported(self, AuthCapability.GROUPS)

    @optional(AuthCapability.SIGN_OUT)
    async def sign_out_url(self, token: Secret | None, *, return_url: str) -> str | None:
        """Where the browser goes so that the person is signed out at the service too; None: nowhere. It may lead to return_url."""
        raise unsupported(self, AuthCapability.SIGN_OUT)

    @optional(AuthCapability.WATCHLIST)
    async def watchlist(self, subject: str, token: Secret) -> Sequence[WatchlistTitle]:
        """What the person wants to see, newest first. Raises AuthFailed where the token is no good. Provisional."""
        raise unsupported(self, AuthCapability.WATCHLIST)
