"""What can go wrong at a service or in a plugin, in words the portal can show.

Plugins raise these when they know more than the transport does; otherwise the core's guard translates transport errors
itself. `str(error)` is shown to people: plain words, never a secret, never a stack trace.
"""

from __future__ import annotations


class MediaNestError(Exception):
    """Base of every error that MediaNest raises on purpose."""


class ProviderError(MediaNestError):
    """A call to a service failed. Subclasses say how, so that callers know what to do."""


class NotReady(ProviderError):
    """The service does not answer, or not in time. Worth another try later."""


class AuthFailed(ProviderError):
    """The service refused our credentials. An admin must sign in again or change the key."""


class RateLimited(ProviderError):
    """The service asks us to slow down. `retry_after`: seconds to wait, or None where it did not say."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class InvalidResponse(ProviderError):
    """The service answered with something that cannot be understood."""


class NotFound(ProviderError):
    """The service knows no such thing."""


class Rejected(ProviderError):
    """The service understood and said no; another try gives the same answer."""


class EgressDenied(ProviderError):
    """The address is outside what the instance may reach. Nothing was sent."""


class Unsupported(ProviderError):
    """The provider lacks the capability that was asked for."""


class SignInDenied(MediaNestError):
    """The person may not sign in. `reason` is shown to them."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ChallengeExpired(MediaNestError):
    """The sign-in attempt is too old or unknown to the service; the person starts again."""


class UserError(MediaNestError):
    """Bad input from a person or an API client: shown beside the field, status 422.

    `field` is the name of the input that is wrong, or None for the whole form.
    """

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class Cancelled(MediaNestError):
    """A job's owner or an admin cancelled it. Raised by `JobContext.check_cancelled()`."""


class RetryLater(MediaNestError):
    """A job asks to be run again after `delay` seconds without being charged an attempt; `str(error)` is the reason shown."""

    def __init__(self, reason: str, delay: float) -> None:
        super().__init__(reason)
        self.delay = delay
