"""Entity tags: what a browser read already is not sent to it again, and each answer names its reader.

A tag belongs to one reader: it is made of the session (or the key's owner) too, so that nobody is ever told that they hold what
somebody else was shown. Tags are weak, because the same page is sent packed and unpacked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

import xxhash
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medianest_core.web.gate.problems import route_path

READER = b"portal-reader"
NOBODY = "-"
VARY = "Cookie, Authorization, Accept-Language, HX-Request, Accept-Encoding"
# The newest live event when a page was made. An older one does no harm: the page asks for what came after it.
_SEQ = re.compile(rb' data-seq="\d+"')
_TAG = "medianest.tag"
_SKIPPED = ("/static/", "/live/", "/webhooks/", "/healthz", "/readyz")
_FORGET = (b"no-store",)
Headers = Sequence[tuple[bytes, bytes]]


def reader_of(scope: Scope) -> str:
    """A name for who reads in this session, which tells nothing about them; "-" for nobody."""
    state = scope.get("state") or {}
    session, viewer = state.get("session"), state.get("viewer")
    if session is not None:
        return _named("session", session.id)
    return NOBODY if viewer is None else _named("account", viewer.id)


@lru_cache(maxsize=4096)
def _named(kind: str, key: str) -> str:
    return blake2b(f"{kind} {key}".encode(), digest_size=9).hexdigest()


def matches(headers: Headers, tag: bytes) -> bool:
    """Whether If-None-Match names the tag, weak or strong, or is `*`."""
    bare = tag.removeprefix(b"W/")
    for name, value in headers:
        if name == b"if-none-match":
            named = [one.strip().removeprefix(b"W/") for one in value.split(b",")]
            if bare in named or named == [b"*"]:
                return True
    return False


def unchanged(connection: HTTPConnection, *made_from: object) -> Response | None:
    """304 where the reader holds the answer made of the same; otherwise the answer to come gets the tag.

    made_from: versions of everything that the answer is made of but the reader and the address, with stable `repr`.
    """
    scope = connection.scope
    text = f"{scope['path']}\0{scope.get('query_string', b'')!r}\0{made_from!r}"
    tag = _tag(scope, text.encode())
    scope["state"][_TAG] = tag
    return Response(status_code=304) if matches(scope["headers"], tag) else None


class Tags:
    """Tags whole answers to GET and HEAD for signed-in readers, and answers 304 to whom holds them.

    Left alone: what has a tag, sets a cookie, must not be stored, is for nobody in particular, or is sent in pieces, unless `unchanged`
    made its tag before.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] != "http"
            or scope["method"] not in ("GET", "HEAD")
            or route_path(scope).startswith(_SKIPPED)
        ):
            await self._app(scope, receive, send)
            return
        reader, held = reader_of(scope), None

        async def tag(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start":
                message = {
                    **message,
                    "headers": [*message.get("headers", ()), (READER, reader.encode())],
                }
                if message["status"] == 304:
                    message["headers"] = _conditional(message["headers"], scope["state"].get(_TAG))
                elif reader != NOBODY and message["status"] == 200 and _plain(message["headers"]):
                    held = message
                    return
                await send(message)
                return
            if held is None:
                await send(message)
                return
            start, held = held, None
            if message.get("more_body"):
                if made_before := scope["state"].get(_TAG):
                    start["headers"] = _conditional(start["headers"], made_before)
                await send(start)
                await send(message)
                return
            body = message.get("body", b"")
            made = scope["state"].get(_TAG) or _tag(scope, _SEQ.sub(b"", body))
            start["headers"] = _conditional(start["headers"], made)
            if matches(scope["headers"], made):
                start["status"], message = 304, {**message, "body": b""}
                start["headers"] = [line for line in start["headers"] if line[0].lower() not in _OF_A_BODY]
            await send(start)
            await send(message)

        await self._app(scope, receive, tag)


_OF_A_BODY = (b"content-length", b"content-type", b"content-encoding")


def _tag(scope: Scope, made_from: bytes) -> bytes:
    digest = xxhash.xxh3_128(made_from)
    digest.update(reader_of(scope).encode())
    return f'W/"{digest.hexdigest()}"'.encode()


def _plain(headers: Headers) -> bool:
    for name, value in headers:
        lower = name.lower()
        if lower in (b"etag", b"set-cookie", b"content-disposition"):
            return False
        if lower == b"cache-control" and any(word in value.lower() for word in _FORGET):
            return False
    return True


def _conditional(headers: Headers, tag: bytes | None) -> list[tuple[bytes, bytes]]:
    """With the tag, what it varies by, and that it must be asked for each time; what is said already stays."""
    said = {name.lower(): value for name, value in headers}
    kept = [line for line in headers if line[0].lower() != b"vary"]
    vary = [part.strip() for part in said.get(b"vary", b"").decode().split(",") if part.strip()]
    present = {part.lower() for part in vary}
    if tag is not None and b"etag" not in said:
        kept.append((b"etag", tag))
        vary += [part for part in VARY.split(", ") if part.lower() not in present]
    if vary:
        kept.append((b"vary", ", ".join(vary).encode()))
    if b"cache-control" not in said:
        kept.append((b"cache-control", b"private, no-cache"))
    return kept
