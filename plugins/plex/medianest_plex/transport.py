"""What all calls to Plex share: who we say we are, and what an answer's status means in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from medianest_core.sdk import (
    N_,
    AuthFailed,
    InvalidResponse,
    NotFound,
    NotReady,
    Rejected,
    Response,
    Secret,
)

PRODUCT = "MediaNest"
VERSION = "0.1.0"
SERVER = N_("The Plex server")
ACCOUNT = N_("Plex's account service")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Device:
    """This portal as Plex knows it. identifier: stays the same, or a code in flight is lost."""

    identifier: str

    def headers(self, token: Secret | None = None) -> dict[str, str]:
        """Headers of one request; the token travels here and nowhere else."""
        headers = {
            "Accept": "application/json",
            "X-Plex-Client-Identifier": self.identifier,
            "X-Plex-Product": PRODUCT,
            "X-Plex-Version": VERSION,
            "X-Plex-Platform": "Web",
            "X-Plex-Device": "Server",
            "X-Plex-Device-Name": PRODUCT,
        }
        if token is not None:
            headers["X-Plex-Token"] = token.reveal()
        return headers


def checked(response: Response, who: str) -> Response:
    """Self for 2xx, else the SDK's error for the status, in words that name `who`."""
    if response.status == 401 or (response.status == 422 and b"nvalid token" in response.content):
        raise AuthFailed(N_("{who} refused the token.").format(who=who))
    if response.status == 403:
        raise Rejected(
            N_("{who} does not allow this with the configured token; it takes the owner's.").format(who=who)
        )
    if response.status == 404:
        raise NotFound(N_("{who} does not know this.").format(who=who))
    if response.status == 503:
        raise NotReady(N_("{who} is starting or in maintenance.").format(who=who))
    if response.status >= 500:
        raise NotReady(N_("{who} answered with error {status}.").format(who=who, status=response.status))
    return response.raise_for_status()


def parsed(content: bytes, decode: Callable[[bytes], T], who: str) -> T:
    """The body as `decode` reads it; InvalidResponse for anything else, e.g. a login page or half an answer."""
    try:
        return decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidResponse(
            N_("{who} answered with something that cannot be understood.").format(who=who)
        ) from error
