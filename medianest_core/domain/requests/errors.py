"""What requests can refuse. `str(error)` is shown to people."""

from __future__ import annotations

from medianest_core.base.texts import N_
from medianest_core.sdk.errors import MediaNestError


class Denied(MediaNestError):
    """No rule lets this person ask for this (403)."""


class Blocked(MediaNestError):
    """The title is on the blocklist (409)."""

    def __init__(self, title: str, reason: str) -> None:
        super().__init__(
            N_("“{title}” cannot be requested: {reason}").format(title=title, reason=reason)
            if reason
            else N_("“{title}” cannot be requested.").format(title=title)
        )


class QuotaUsed(MediaNestError):
    """The person has used up what they may ask for (429). retry_at: epoch seconds when the first of it comes back."""

    def __init__(self, limit: float, days: int, retry_at: float) -> None:
        super().__init__(
            N_("You have used your {limit} requests within {days} days.").format(
                limit=f"{limit:g}", days=days
            )
        )
        self.limit = limit
        self.retry_at = retry_at


class TooManyRequests(MediaNestError):
    """Too many within the hour (429). retry_at: epoch seconds."""

    def __init__(self, limit: int, retry_at: float) -> None:
        super().__init__(N_("You can ask for {limit} titles an hour.").format(limit=limit))
        self.limit = limit
        self.retry_at = retry_at
