"""What handlers ask of a request: who it is from, where it comes from, and the services behind the portal."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from starlette.requests import HTTPConnection

from medianest_core.domain.accounts.access import Verdict
from medianest_core.domain.accounts.apikeys import KeyHolder
from medianest_core.domain.accounts.models import SessionInfo
from medianest_core.domain.accounts.signin import Browser
from medianest_core.sdk.routes import Viewer
from medianest_core.web.gate.problems import Refused
from medianest_core.web.gate.proxies import client_of

if TYPE_CHECKING:
    from medianest_core.web.gate.services import Services


def viewer_of(connection: HTTPConnection) -> Viewer | None:
    """The person, or None where nobody is signed in. While the account is pending the role is "pending"."""
    return cast("Viewer | None", connection.scope["state"].get("viewer"))


def someone(connection: HTTPConnection) -> Viewer:
    """The person, in handlers whose policy lets nobody else in."""
    viewer = viewer_of(connection)
    if viewer is None:
        raise Refused(Verdict.SIGN_IN)
    return viewer


def session_of(connection: HTTPConnection) -> SessionInfo | None:
    """The browser's session; None for nobody and for API keys."""
    return cast("SessionInfo | None", connection.scope["state"].get("session"))


def key_of(connection: HTTPConnection) -> KeyHolder | None:
    """The API key that was sent, or None."""
    return cast("KeyHolder | None", connection.scope["state"].get("api_key"))


def services_of(connection: HTTPConnection) -> Services:
    return cast("Services", connection.app.state.services)


def browser_of(connection: HTTPConnection) -> Browser:
    """What signing in notes about the browser."""
    return Browser(
        user_agent=connection.headers.get("user-agent", ""),
        ip=client_of(connection.scope),
        cookie=connection.scope["state"].get("session_cookie"),
    )
