"""What the accounts can refuse."""

from __future__ import annotations

from medianest_core.sdk.errors import MediaNestError


class Missing(MediaNestError):
    """There is no such thing, or it is someone else's (404)."""


class NotAllowed(MediaNestError):
    """The change would break a rule, e.g. leave the portal without an admin (409). `str(error)` is shown."""


class TooManyAttempts(MediaNestError):
    """Too many tries. retry_at: epoch seconds from which another one is possible (429)."""

    def __init__(self, message: str, retry_at: float) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class SetupClosed(MediaNestError):
    """The set-up link is wrong, or was used (403)."""
