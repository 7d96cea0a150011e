"""Limits: API calls and writes are counted per person, everything else generously."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medianest_core.base.texts import N_
from medianest_core.cache.limits import LimitResult, RateLimiter
from medianest_core.web.gate.origin import SAFE
from medianest_core.web.gate.problems import Problem, route_path
from medianest_core.web.gate.proxies import client_of

PER = 60.0
API_PER_MINUTE = 100


@dataclass(frozen=True, slots=True)
class Budget:
    """So many a minute, counted under `name`. shared: over all processes, else in each of them."""

    name: str
    limit: int
    shared: bool = True


PAGES = Budget("pages", 600)
FILES = Budget("files", 6_000, shared=False)
SOCKETS = Budget("sockets", 1_200, shared=False)
HANDSHAKES = Budget("handshakes", 120)
WEBHOOKS = Budget("webhooks", 600)
_FREE = ("/healthz", "/readyz")


class Limits:
    """api_limit: asked each time, because admins can change it."""

    def __init__(
        self, app: ASGIApp, limiter: RateLimiter, api_limit: Callable[[], int] = lambda: API_PER_MINUTE
    ) -> None:
        self._app = app
        self._limiter = limiter
        self._api_limit = api_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        budget = self._budget(scope)
        if budget is None:
            await self._app(scope, receive, send)
            return
        viewer = scope["state"]["viewer"]
        who = viewer.id if viewer is not None else f"ip:{client_of(scope)}"
        key = f"{budget.name}:{who}"
        if budget.shared:
            result = await self._limiter.hit(key, budget.limit, PER)
        else:
            result = self._limiter.hit_here(key, budget.limit, PER)
        if not result.allowed:
            raise Problem(
                429,
                N_("You may do this {count} times a minute.").format(count=budget.limit),
                code="too_many",
                retry_at=result.reset_at,
                headers=_shown(result),
            )
        if budget.name != "api":
            await self._app(scope, receive, send)
            return
        lines = [(name.lower().encode(), value.encode()) for name, value in _shown(result).items()]

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *lines]}
            await send(message)

        await self._app(scope, receive, tell)

    def _budget(self, scope: Scope) -> Budget | None:
        if scope["type"] not in ("http", "websocket"):
            return None
        path = route_path(scope)
        if path.startswith("/live/"):
            return SOCKETS if b"sid=" in scope.get("query_string", b"") else HANDSHAKES
        if scope["type"] == "websocket" or path in _FREE:
            return None
        if path.startswith("/webhooks/"):
            return WEBHOOKS
        if path.startswith("/api/") or scope["method"] not in SAFE:
            return Budget("api", self._api_limit())
        if path.startswith(("/static/", "/img/")):
            return FILES
        return PAGES


def _shown(result: LimitResult) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(result.limit),
        "X-RateLimit-Remaining": str(result.remaining),
        "X-RateLimit-Reset": str(int(result.reset_at)),
    }
