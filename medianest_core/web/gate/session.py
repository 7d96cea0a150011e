"""Finds out who asks: by the session cookie, or for the API by a key. Says nothing about what they may do."""

from __future__ import annotations

from http.cookies import CookieError

from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from medianest_core.domain.accounts.service import Accounts
from medianest_core.web.gate.cookies import session_cookie
from medianest_core.web.gate.problems import route_path

_NOBODY = ("/static/", "/healthz", "/readyz", "/webhooks/")


class WhoAsks:
    """Puts `session`, `viewer` and `api_key` into scope["state"]; each may be None."""

    def __init__(self, app: ASGIApp, accounts: Accounts) -> None:
        self._app = app
        self._accounts = accounts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        state = scope["state"] = dict(scope.get("state") or {})
        state.update(session=None, viewer=None, api_key=None, session_cookie=None)
        path = route_path(scope)
        if not path.startswith(_NOBODY):
            await self._identify(scope, path, state)
        await self._app(scope, receive, send)

    async def _identify(self, scope: Scope, path: str, state: dict[str, object]) -> None:
        cookies = authorization = b""
        for name, value in scope["headers"]:
            if name == b"cookie":
                cookies = cookies + b"; " + value if cookies else value
            elif name == b"authorization":
                authorization = value
        if path.startswith("/api/") and authorization[:7].lower() == b"bearer ":
            # A key that was sent is the only thing that counts, or a wrong one would silently act as the browser's owner.
            key = authorization[7:].decode("latin-1").strip()
            holder = await self._accounts.api_keys.resolve(key)
            if holder is not None:
                state.update(viewer=holder.viewer, api_key=holder)
            return
        if not cookies:
            return
        cookie = _cookie(cookies.decode("latin-1"), session_cookie(scope))
        if cookie:
            state["session_cookie"] = cookie
            session = await self._accounts.sessions.resolve(cookie)
            if session is not None:
                state.update(session=session, viewer=session.viewer)


def _cookie(header: str, name: str) -> str:
    try:
        return str(cookie_parser(header).get(name, ""))
    except (CookieError, ValueError):
        return ""
