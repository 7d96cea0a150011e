"""Ways in which a simulated service can misbehave, switched on and off while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, cast, get_args

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medianest_core.testing import distortion

TRANSPORT = "medianest.transport"
"""Key in the scope's extensions under which `server.py` puts the connection's transport."""

GARBAGE = b"\x00\x9f\xff{<[\xfe not JSON, not XML \x80\x81" * 8

Mode = Literal[
    "down",
    "slow",
    "hang",
    "drip",
    "401",
    "403",
    "429",
    "500",
    "garbage",
    "html",
    "truncated",
    "huge",
    "empty",
    "double",
    "lost",
]
"""html: a proxy's sign-in page instead of data. empty, double: a valid answer without rows, or with each row twice. lost: what was
asked for is done, and the connection breaks before the answer."""
_HARMLESS = ("empty", "double")
"""They change what is answered to HTTP, and leave sockets alone."""


class SimulatedDisconnect(ConnectionError):
    """Raised where the server gives no access to the connection, as with an in-process ASGI transport."""


class ErrorReply(Protocol):
    """How a service words its own errors."""

    def __call__(self, status: int, scope: Scope) -> tuple[str, bytes]:
        """Return content type and body for `status`."""


@dataclass
class Rule:
    """One fault: applies to requests whose path starts with `prefix`, and whose method is `method` if given.

    `seconds` is the wait before a slow answer, the pause between two dripped bytes, and the Retry-After of a
    429. `times` counts down with each request hit; None means until cleared.
    """

    mode: Mode
    prefix: str = ""
    seconds: float | None = None
    times: int | None = None
    method: str | None = None

    def __post_init__(self) -> None:
        if self.mode not in get_args(Mode):
            raise ValueError(f"unknown fault mode {self.mode!r}; one of {', '.join(get_args(Mode))}")

    def takes(self, method: str, path: str) -> bool:
        """Whether this rule applies to the request; counts it when it does."""
        if self.times == 0 or not path.startswith(self.prefix):
            return False
        if self.method is not None and method != self.method:
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Faults:
    """The rules in force; the first that matches a request wins."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []

    @property
    def rules(self) -> Sequence[Rule]:
        """The rules in force, in order."""
        return tuple(self._rules)

    def set(self, *rules: Rule) -> None:
        """Replace all rules; none clears."""
        self._rules = list(rules)

    def add(
        self,
        mode: Mode,
        prefix: str = "",
        *,
        seconds: float | None = None,
        times: int | None = None,
        method: str | None = None,
    ) -> Rule:
        """Append one rule; the arguments are the fields of `Rule`."""
        rule = Rule(mode, prefix, seconds, times, method)
        self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """Behave again."""
        self._rules.clear()

    def load(self, payload: object) -> None:
        """Replace all rules by a rule, or a list of rules, in JSON form; ValueError for anything else."""
        rows = payload if isinstance(payload, list) else [payload]
        try:
            self._rules = [Rule(**cast("dict[str, Any]", row)) for row in rows]
        except TypeError as error:
            raise ValueError(f"not a fault rule: {error}") from error

    def dump(self) -> list[dict[str, object]]:
        """The rules in JSON form."""
        return [asdict(rule) for rule in self._rules]

    def match(self, method: str, path: str) -> Rule | None:
        """The rule for this request, counted."""
        return next((rule for rule in self._rules if rule.takes(method, path)), None)


class FaultMiddleware:
    """Pure ASGI middleware that puts the rules of `faults` between the service and its clients."""

    def __init__(self, app: ASGIApp, faults: Faults, error_reply: ErrorReply) -> None:
        self._app = app
        self._faults = faults
        self._error_reply = error_reply

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            rule = self._faults.match("GET", scope["path"])
            if rule is None or rule.mode in _HARMLESS:
                await self._app(scope, receive, send)
                return
            await receive()
            await send({"type": "websocket.close", "code": 1011})
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        rule = self._faults.match(scope["method"], scope["path"])
        if rule is None:
            await self._app(scope, receive, send)
        elif rule.mode == "slow":
            replay = await _gone_within(receive, 3.0 if rule.seconds is None else rule.seconds)
            if replay is not None:
                await self._app(scope, replay, send)
        elif rule.mode == "hang":
            try:
                await _until_gone(receive)
            except asyncio.CancelledError:
                # The server is being stopped: what it left unanswered must stay unanswered.
                _transport(scope).abort()
                raise
        elif rule.mode == "down":
            await _cut(scope, receive, flush=False)
        elif rule.mode == "garbage":
            await _answer(send, 200, "application/json", GARBAGE, [])
        elif rule.mode == "html":
            await _answer(send, 200, "text/html; charset=utf-8", distortion.PAGE, [])
        elif rule.mode == "huge":
            await _flood(send)
        elif rule.mode in _HARMLESS:
            await self._distort(rule.mode, scope, receive, send)
        elif rule.mode == "lost":
            await _collect(self._app, scope, receive)
            await _cut(scope, receive, flush=False)
        elif rule.mode == "drip":
            await self._drip(scope, receive, send, 1.0 if rule.seconds is None else rule.seconds)
        elif rule.mode == "truncated":
            await self._truncate(scope, receive, send)
        else:
            status = int(rule.mode)
            content_type, body = self._error_reply(status, scope)
            wait = 3.0 if rule.seconds is None else rule.seconds
            extra = [(b"retry-after", str(max(1, round(wait))).encode())] if status == 429 else []
            await _answer(send, status, content_type, body, extra)

    async def _drip(self, scope: Scope, receive: Receive, send: Send, pause: float) -> None:
        start, body = await _collect(self._app, scope, receive)
        await send(_with_length(start, len(body)))
        gone = asyncio.ensure_future(_until_gone(receive))
        try:
            for index in range(len(body)):
                await send({"type": "http.response.body", "body": body[index : index + 1], "more_body": True})
                done, _ = await asyncio.wait({gone}, timeout=pause)
                if done:
                    return
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()

    async def _distort(self, mode: str, scope: Scope, receive: Receive, send: Send) -> None:
        # What is unchanged is not told so: the answer is another one than the client remembers.
        kept = [pair for pair in scope["headers"] if not pair[0].startswith((b"if-", b"accept-encoding"))]
        start, body = await _collect(self._app, {**scope, "headers": kept}, receive)
        changed = distortion.emptied(body) if mode == "empty" else distortion.doubled(body)
        await send(_with_length(start, len(changed)))
        await send({"type": "http.response.body", "body": changed, "more_body": False})

    async def _truncate(self, scope: Scope, receive: Receive, send: Send) -> None:
        start, body = await _collect(self._app, scope, receive)
        promised = max(len(body), 64)
        await send(_with_length(start, promised))
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await _cut(scope, receive, flush=True)


async def _answer(
    send: Send, status: int, content_type: str, body: bytes, extra: Iterable[tuple[bytes, bytes]]
) -> None:
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode()), *extra]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _flood(send: Send) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for piece in distortion.huge():
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _collect(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
    start: Message = {}
    body = bytearray()

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        elif message["type"] == "http.response.body":
            body.extend(message.get("body", b""))

    await app(scope, receive, keep)
    return start, bytes(body)


def _with_length(start: Message, length: int) -> Message:
    headers = cast("list[tuple[bytes, bytes]]", start["headers"])
    kept = [pair for pair in headers if pair[0] not in (b"content-length", b"transfer-encoding")]
    return {**start, "headers": [*kept, (b"content-length", str(length).encode())]}


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _gone_within(receive: Receive, seconds: float) -> Receive | None:
    """Wait `seconds`; None when the client left meanwhile, else a `receive` that still gives the request's body."""
    messages: list[Message] = []
    while not messages or messages[-1].get("more_body", False):
        messages.append(await receive())
    messages.reverse()
    gone = asyncio.ensure_future(_until_gone(receive))
    done, _ = await asyncio.wait({gone}, timeout=seconds)
    gone.cancel()
    if done:
        return None

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


def _transport(scope: Scope) -> asyncio.Transport:
    transport: asyncio.Transport | None = (scope.get("extensions") or {}).get(TRANSPORT)
    if transport is None:
        raise SimulatedDisconnect("the simulated service closed the connection")
    return transport


async def _cut(scope: Scope, receive: Receive, *, flush: bool) -> None:
    transport = _transport(scope)
    close = transport.close if flush else transport.abort
    close()
    await _until_gone(receive)
