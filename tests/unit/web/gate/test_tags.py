"""What gets a tag, who is told 304, and that a tag is one reader's alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from medianest_core.web.gate.compression import Compression
from medianest_core.web.gate.tags import Tags, matches, reader_of, unchanged


class _SignIn:
    """The person that the header names, in a session of the same name."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            name = dict(scope["headers"]).get(b"x-name", b"").decode()
            session = SimpleNamespace(id=name) if name else None
            scope["state"] = {"session": session, "viewer": session}
        await self._app(scope, receive, send)


def _client(**handlers: Any) -> httpx.AsyncClient:
    routes = [Route(f"/{name}", handler) for name, handler in handlers.items()]
    app = Starlette(
        routes=routes, middleware=[Middleware(Compression), Middleware(_SignIn), Middleware(Tags)]
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://portal.test")


async def _page(request: Request) -> Response:
    return PlainTextResponse("x" * 2000)


ANNA, BEN = {"X-Name": "anna"}, {"X-Name": "ben"}


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_the_reader_who_holds_a_page_gets_304_without_a_body(encoding: str) -> None:
    async with _client(page=_page) as client:
        first = await client.get("/page", headers={**ANNA, "Accept-Encoding": encoding})
        tag = first.headers["etag"]
        again = await client.get(
            "/page", headers={**ANNA, "If-None-Match": f'"other", {tag}', "Accept-Encoding": encoding}
        )
    assert first.status_code == 200
    assert first.headers["cache-control"] == "private, no-cache"
    assert again.status_code == 304
    assert again.content == b""
    for name in ("etag", "vary", "cache-control", "portal-reader"):
        assert again.headers[name] == first.headers[name]
    assert {"cookie", "accept-language", "hx-request", "accept-encoding"} <= {
        part.strip().lower() for part in again.headers["vary"].split(",")
    }
    assert "content-length" not in again.headers
    assert "content-encoding" not in again.headers


async def test_what_is_sent_in_pieces_is_tagged_where_its_tag_was_made_before() -> None:
    async def pieces(request: Request) -> Response:
        async def parts() -> Any:
            yield b"one"
            yield b"two"

        return unchanged(request, 7) or StreamingResponse(parts())

    async with _client(pieces=pieces) as client:
        first = await client.get("/pieces", headers=ANNA)
        assert first.content == b"onetwo"
        again = await client.get("/pieces", headers={**ANNA, "If-None-Match": first.headers["etag"]})
        other = await client.get("/pieces", headers={**BEN, "If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert other.status_code == 200


async def test_head_says_what_get_says() -> None:
    async with _client(page=_page) as client:
        tag = (await client.get("/page", headers=ANNA)).headers["etag"]
        assert (await client.head("/page", headers=ANNA)).headers["etag"] == tag
        held = await client.head("/page", headers={**ANNA, "If-None-Match": tag})
    assert held.status_code == 304


async def test_nobody_is_told_that_they_hold_what_another_was_shown() -> None:
    async with _client(page=_page) as client:
        anna = await client.get("/page", headers=ANNA)
        ben = await client.get("/page", headers={**BEN, "If-None-Match": anna.headers["etag"]})
        nobody = await client.get("/page", headers={"If-None-Match": anna.headers["etag"]})
    assert ben.status_code == nobody.status_code == 200
    assert ben.headers["etag"] != anna.headers["etag"]
    assert ben.headers["portal-reader"] != anna.headers["portal-reader"]
    assert nobody.headers["portal-reader"] == "-"
    assert "etag" not in nobody.headers


async def test_what_is_said_once_has_no_tag() -> None:
    async def flash(request: Request) -> Response:
        return PlainTextResponse("saved", headers={"Cache-Control": "no-store"})

    async def cookie(request: Request) -> Response:
        response = PlainTextResponse("code")
        response.set_cookie("attempt", "1")
        return response

    async def missing(request: Request) -> Response:
        return PlainTextResponse("no", 404)

    async def pieces(request: Request) -> Response:
        return StreamingResponse(iter(["a", "b"]))

    async def own(request: Request) -> Response:
        return PlainTextResponse("own", headers={"ETag": '"own"'})

    async with _client(flash=flash, cookie=cookie, missing=missing, pieces=pieces, own=own) as client:
        answers = {
            name: await client.get(f"/{name}", headers={**ANNA, "If-None-Match": "*"})
            for name in ("flash", "cookie", "missing", "pieces", "own")
        }
    assert [name for name, answer in answers.items() if "etag" in answer.headers] == ["own"]
    assert answers["own"].headers["etag"] == '"own"'
    assert answers["pieces"].text == "ab"
    assert answers["missing"].status_code == 404


async def test_the_newest_event_alone_makes_no_new_page() -> None:
    seq = iter(range(10))

    async def page(request: Request) -> Response:
        return PlainTextResponse(f'<body data-seq="{next(seq)}">the same')

    async with _client(page=page) as client:
        tag = (await client.get("/page", headers=ANNA)).headers["etag"]
        assert (await client.get("/page", headers={**ANNA, "If-None-Match": tag})).status_code == 304


async def test_versions_stand_for_the_answer_that_is_made_of_them() -> None:
    made = []
    version = 1

    async def page(request: Request) -> Response:
        held = unchanged(request, version)
        if held is not None:
            return held
        made.append(version)
        return PlainTextResponse(f"version {version}")

    async with _client(page=page) as client:
        first = await client.get("/page?a=1", headers=ANNA)
        tag = first.headers["etag"]
        again = await client.get("/page?a=1", headers={**ANNA, "If-None-Match": tag})
        other = await client.get("/page?a=2", headers={**ANNA, "If-None-Match": tag})
        ben = await client.get("/page?a=1", headers={**BEN, "If-None-Match": tag})
        version = 2
        changed = await client.get("/page?a=1", headers={**ANNA, "If-None-Match": tag})
    assert again.status_code == 304
    assert again.headers["etag"] == tag
    assert again.headers["vary"] == first.headers["vary"]
    assert [one.status_code for one in (other, ben, changed)] == [200, 200, 200]
    assert made == [1, 1, 1, 2]


@given(
    tags=st.lists(st.from_regex(rb'(W/)?"[a-z0-9]{1,8}"', fullmatch=True), max_size=5),
    index=st.integers(0, 4),
)
def test_a_named_tag_matches_weak_or_strong(tags: list[bytes], index: int) -> None:
    headers = [(b"if-none-match", b", ".join(tags))]
    for tag in tags:
        assert matches(headers, tag.removeprefix(b"W/"))
        assert matches(headers, b"W/" + tag.removeprefix(b"W/"))
    assert not matches(headers, b'"never-there"')


def test_readers_differ_by_session_and_keys_by_owner() -> None:
    def scope(session: str | None, viewer: str | None) -> Scope:
        return {
            "state": {
                "session": SimpleNamespace(id=session) if session else None,
                "viewer": SimpleNamespace(id=viewer) if viewer else None,
            }
        }

    names = [reader_of(scope(*who)) for who in (("s1", "u"), ("s2", "u"), (None, "u"), (None, "s1"))]
    assert len(set(names)) == 4
    assert reader_of(scope(None, None)) == reader_of({}) == "-"
