"""The portal's cookies: their names, and setting and clearing them."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope

from medianest_core.domain.accounts.models import SignedIn
from medianest_core.web.gate.proxies import is_secure

ATTEMPT = "mn_attempt"
ATTEMPT_SECONDS = 1800


def session_cookie(scope: Scope) -> str:
    """Name of the session cookie. Over https the prefix keeps sibling hosts from planting one."""
    return "__Host-mn" if is_secure(scope) else "mn"


def set_session(response: Response, connection: HTTPConnection, signed_in: SignedIn) -> None:
    """Hand the new session to the browser; the attempt that led to it is over."""
    response.set_cookie(
        session_cookie(connection.scope),
        signed_in.cookie,
        max_age=signed_in.max_age,
        path="/",
        secure=is_secure(connection.scope),
        httponly=True,
        samesite="lax",
    )
    clear_attempt(response, connection)


def clear_session(response: Response, connection: HTTPConnection) -> None:
    response.delete_cookie(
        session_cookie(connection.scope),
        path="/",
        secure=is_secure(connection.scope),
        httponly=True,
        samesite="lax",
    )


def set_attempt(response: Response, connection: HTTPConnection, cookie: str) -> None:
    """Bind a sign-in attempt to this browser."""
    response.set_cookie(
        ATTEMPT,
        cookie,
        max_age=ATTEMPT_SECONDS,
        path="/",
        secure=is_secure(connection.scope),
        httponly=True,
        samesite="lax",
    )


def clear_attempt(response: Response, connection: HTTPConnection) -> None:
    response.delete_cookie(
        ATTEMPT, path="/", secure=is_secure(connection.scope), httponly=True, samesite="lax"
    )
