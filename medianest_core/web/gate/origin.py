"""Refuses writes that another site made a browser send.

A cookie alone proves nothing: a page on a neighbouring host name is "same site" for the browser. So a write with a cookie must
come from our own origin, and a write that says it comes from elsewhere is refused with or without one.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from medianest_core.web.gate.problems import Problem, route_path
from medianest_core.web.gate.proxies import is_secure

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OURS = frozenset({"same-origin", "none"})


class SameOrigin:
    """public_url: another address under which the portal is reached, besides the one in the Host header."""

    def __init__(self, app: ASGIApp, public_url: str | None = None) -> None:
        self._app = app
        self._public = public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            if Headers(scope=scope).get("origin") is None or not own_origin(scope, self._public):
                raise Problem(403, "Sockets are opened from the portal's own pages only.", code="origin")
        elif (
            scope["type"] == "http"
            and scope["method"] not in SAFE
            and not route_path(scope).startswith("/webhooks/")
        ):
            self._check(scope)
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        if scope["state"]["api_key"] is not None:
            return
        headers = Headers(scope=scope)
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if (site is not None and site not in _OURS) or not own_origin(scope, self._public):
            raise Problem(403, "This was sent by another site's page.", code="origin")
        if site is None and origin is None and headers.get("cookie"):
            raise Problem(
                403,
                "A request with a cookie that changes something needs an Origin header. Programs use an API key.",
                code="origin",
            )


def own_origin(scope: Scope, public_url: str | None = None) -> bool:
    """False where the request names an origin that is not ours; several headers or "null" are never ours."""
    headers = Headers(scope=scope)
    given = headers.getlist("origin")
    if not given:
        return True
    if len(given) > 1:
        return False
    origin = given[0].lower()
    ours = {f"{'https' if is_secure(scope) else 'http'}://{headers.get('host', '').lower()}"}
    if public_url:
        parts = urlsplit(public_url)
        ours.add(f"{parts.scheme}://{parts.netloc}".lower())
    return origin in ours
