"""Security headers of every answer. Nothing inline, nothing from elsewhere, no frames."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medianest_core.web.gate.proxies import is_secure

CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "font-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_ALWAYS = (
    (b"content-security-policy", CONTENT_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
    # Not "no-store": the browser's back button would lose the page and its scroll position.
    (b"cache-control", b"private, no-cache"),
)
# Browsers ignore the first over plain http and complain about it; popups of sign-in services must keep working.
_SECURE = (
    (b"cross-origin-opener-policy", b"same-origin-allow-popups"),
    (b"strict-transport-security", b"max-age=31536000"),
)


class SecurityHeaders:
    """Adds what the answer does not say itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        wanted = (*_ALWAYS, *_SECURE) if is_secure(scope) else _ALWAYS

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                present = {name.lower() for name, _ in headers}
                headers += [line for line in wanted if line[0] not in present]
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, add)
