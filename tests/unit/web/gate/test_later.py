"""Routes that are made by the first request for one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from medianest_core.sdk.permissions import PUBLIC
from medianest_core.web.gate.routing import Entry, Later, NoPolicy, check_policies, page, policy_table


async def _say(request: Request) -> Response:
    return PlainTextResponse(request.url.path)


class _Nobody:
    """Who asks is not signed in."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = {"session": None, "viewer": None}
        await self._app(scope, receive, send)


def _house(*routes: BaseRoute) -> Starlette:
    return Starlette(routes=routes, middleware=[Middleware(_Nobody)])


class Wing:
    """Counts how often its routes are made."""

    def __init__(self, *paths: str) -> None:
        self.paths = paths
        self.made = 0

    def __call__(self) -> Sequence[BaseRoute]:
        self.made += 1
        return [page(path, _say, policy=PUBLIC) for path in self.paths]


@pytest.fixture
def office() -> Wing:
    return Wing("/admin", "/admin/users/{id}")


@pytest.fixture
def rooms() -> Wing:
    return Wing("/", "/library")


@pytest.fixture
def house(office: Wing, rooms: Wing) -> Starlette:
    front = page("/sign-in", _say, policy=PUBLIC)
    return _house(front, Later(office, below="/admin"), Later(rooms))


async def _ask(house: Starlette, path: str, method: str = "GET") -> httpx.Response:
    transport = httpx.ASGITransport(house)
    async with httpx.AsyncClient(transport=transport, base_url="http://portal") as client:
        return await client.request(method, path)


async def test_what_stands_before_is_answered_without_them(
    house: Starlette, office: Wing, rooms: Wing
) -> None:
    assert (await _ask(house, "/sign-in")).text == "/sign-in"
    assert (office.made, rooms.made) == (0, 0)


async def test_only_those_that_may_answer_are_made(house: Starlette, office: Wing, rooms: Wing) -> None:
    assert (await _ask(house, "/library")).text == "/library"
    assert (office.made, rooms.made) == (0, 1)
    assert (await _ask(house, "/admin/users/7")).text == "/admin/users/7"
    assert (office.made, rooms.made) == (1, 1)


async def test_many_at_once_make_them_once(house: Starlette, rooms: Wing) -> None:
    answers = await asyncio.gather(*(_ask(house, "/library") for _ in range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5
    assert rooms.made == 1
    assert len(house.router.routes) == 4


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/sign-in", 405),
        ("POST", "/library", 405),
        ("POST", "/admin", 405),
        ("GET", "/library/", 307),
        ("GET", "/sign-in/", 307),
        ("GET", "/admin/", 307),
        ("GET", "/admin/nothing", 404),
        ("GET", "/nothing", 404),
    ],
)
async def test_the_first_request_is_answered_as_every_later_one(
    house: Starlette, method: str, path: str, status: int
) -> None:
    assert [(await _ask(house, path, method)).status_code for _ in range(2)] == [status, status]


async def test_one_that_could_not_be_made_is_tried_again() -> None:
    attempts = iter([OSError("the disk is away"), None])

    def make() -> Sequence[BaseRoute]:
        if (error := next(attempts)) is not None:
            raise error
        return [page("/library", _say, policy=PUBLIC)]

    house = _house(Later(make))
    with pytest.raises(OSError, match="away"):
        await _ask(house, "/library")
    assert (await _ask(house, "/library")).status_code == 200


async def test_the_policy_table_holds_them_unasked(office: Wing) -> None:
    later = Later(office, below="/admin")
    check_policies([later])
    assert office.made == 0
    assert [entry.path for entry in policy_table([later])] == ["/admin", "/admin/users/{id}"]
    assert policy_table([later])[0] == Entry("page", "GET", "/admin", PUBLIC)
    assert office.made == 1


async def test_one_without_a_policy_answers_nobody() -> None:
    house = _house(Later(lambda: [Route("/open", _say)]))
    with pytest.raises(NoPolicy):
        policy_table(house.router.routes)
    with pytest.raises(NoPolicy):
        await _ask(house, "/open")
