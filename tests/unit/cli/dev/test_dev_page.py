"""What development adds to pages, and to whom."""

from __future__ import annotations

import asyncio
import gzip
import logging
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from medianest_core.cli.dev.page import Broken, Catching, DevPages, Mistake

PAGE = "<!doctype html><html><head><title>x</title></head><body class='a'><main>here</main></body></html>"
ERROR = Mistake("hut: it cannot be imported", 'File "a.py", line 3\n  <script>')


async def page(request: Request) -> Response:
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(
            gzip.compress(PAGE.encode()), media_type="text/html", headers={"Content-Encoding": "gzip"}
        )
    if request.headers.get("if-none-match"):
        return Response(status_code=304)
    return HTMLResponse(PAGE, headers={"ETag": '"1"'})


async def fails(request: Request) -> Response:
    async def deeper() -> None:
        try:
            raise KeyError("canary")
        except KeyError:
            logging.getLogger("of.a.plugin").exception("it failed")

    await asyncio.create_task(deeper())
    return HTMLResponse("<p>a part of a page</p>" if "part" in request.query_params else PAGE)


async def data(request: Request) -> Response:
    return JSONResponse({"a": "</head>"})


def browser(
    mistakes: list[Mistake], ip: str = "127.0.0.1", base: str = "http://127.0.0.1:8484", app: Any = None
) -> Any:
    routes = [Route("/", page), Route("/fails", fails), Route("/data", data)]
    served = DevPages(app or Starlette(routes=routes), "run-1", lambda: mistakes)
    return httpx.AsyncClient(transport=httpx.ASGITransport(served, client=(ip, 1)), base_url=base)


@pytest.fixture(autouse=True)
def catching() -> Any:
    handler = Catching()
    logging.getLogger().addHandler(handler)
    yield
    logging.getLogger().removeHandler(handler)


async def test_pages_load_themselves_again_and_are_never_the_old_ones() -> None:
    async with browser([]) as client:
        answer = await client.get("/", headers={"If-None-Match": '"1"'})
        assert answer.status_code == 200 and "etag" not in answer.headers
        assert 'data-run="run-1"' in answer.text and "dev-errors" not in answer.text
        assert int(answer.headers["content-length"]) == len(answer.content)
        assert (await client.get("/_dev/state")).json() == {"run": "run-1"}
        for name, kind in (("reload.js", "text/javascript"), ("dev.css", "text/css")):
            assert (await client.get(f"/_dev/{name}")).headers["content-type"].startswith(kind)
        assert (await client.get("/_dev/other")).status_code == 404
        assert (await client.get("/data")).json() == {"a": "</head>"}


async def test_mistakes_stand_on_every_page_as_text() -> None:
    async with browser([ERROR]) as client:
        shown = (await client.get("/")).text
    assert "hut: it cannot be imported" in shown and "line 3" in shown
    assert "&lt;script&gt;" in shown and shown.index("dev-errors") < shown.index("<main>")


@pytest.mark.parametrize("path", ["/fails", "/fails?part"])
async def test_what_goes_wrong_in_a_request_stands_in_its_answer(path: str) -> None:
    async with browser([]) as client:
        assert "KeyError: &#x27;canary&#x27;" in (await client.get(path)).text
        assert "KeyError" not in (await client.get("/")).text


@pytest.mark.parametrize(
    ("ip", "base"),
    [
        ("192.168.1.5", "http://127.0.0.1:8484"),
        ("127.0.0.1", "http://portal.example:8484"),
        ("127.0.0.1", "http://192.168.1.9"),
    ],
)
async def test_others_see_the_plain_portal(ip: str, base: str) -> None:
    async with browser([ERROR], ip, base) as client:
        assert (await client.get("/", headers={"Accept-Encoding": "identity"})).text == PAGE
        assert "canary" not in (await client.get("/fails")).text
        assert (await client.get("/_dev/state")).status_code == 404


@pytest.mark.parametrize("base", ["http://localhost:8484", "http://[::1]:8484"])
async def test_this_machine_has_several_names(base: str) -> None:
    async with browser([ERROR], base=base) as client:
        assert "dev-errors" in (await client.get("/")).text


async def test_a_portal_that_cannot_start_says_why_here_alone() -> None:
    async with browser([], app=Broken(ERROR)) as client:
        answer = await client.get("/anything")
        assert answer.status_code == 503 and "line 3" in answer.text and "/_dev/reload.js" in answer.text
    async with browser([], "192.168.1.5", app=Broken(ERROR)) as client:
        assert "line 3" not in (await client.get("/")).text
