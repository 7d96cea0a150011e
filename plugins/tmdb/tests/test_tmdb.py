"""The TMDB client against a server that refuses as TMDB does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from medianest_core.sdk import AuthFailed, CheckResult, InvalidResponse, NotReady, RateLimited
from medianest_core.testing.loopback import guarded_client, serving
from medianest_tmdb.service import check, connect
from medianest_tmdb.settings import TmdbSettings
from medianest_tmdb.status import TmdbStatus

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJleGFtcGxlIn0.c2lnbmF0dXJl"


def tmdb(fault: Callable[[], Response | None] = lambda: None) -> Starlette:
    async def answer(request: Request) -> Response:
        if (faulty := fault()) is not None:
            return faulty
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            body = {
                "success": False,
                "status_code": 7,
                "status_message": "Invalid API key: You must be granted a valid key.",
            }
            return JSONResponse(body, 401)
        if request.url.path == "/3/authentication":
            return JSONResponse({"success": True, "status_code": 1, "status_message": "Success."})
        if request.url.path == "/3/configuration":
            return JSONResponse({"images": {"poster_sizes": ["w92", "w154", "original"]}, "change_keys": []})
        return JSONResponse({"success": False, "status_code": 34, "status_message": "Not found."}, 404)

    return Starlette(routes=[Route("/{path:path}", answer)])


def settings_for(url: str, token: str = TOKEN) -> TmdbSettings:
    return TmdbSettings.model_validate({"url": f"{url}/3", "access_token": token, "language": "de-DE"})


async def checked(settings: TmdbSettings) -> CheckResult:
    async with guarded_client(settings) as http:
        return await check(settings, await connect(settings, http))


async def test_a_good_token() -> None:
    async with serving(tmdb()) as url:
        result = await checked(settings_for(url))
    assert result.details == {"Language": "de-DE", "Poster sizes": "3"}


async def test_a_wrong_token_is_refused_without_showing_it() -> None:
    async with serving(tmdb()) as url:
        with pytest.raises(AuthFailed) as refused:
            await checked(settings_for(url, "something-else"))
    assert "something-else" not in str(refused.value)


async def test_the_short_key_is_recognised_before_anything_is_sent() -> None:
    asked: list[bool] = []

    def note() -> None:
        asked.append(True)

    async with serving(tmdb(note)) as url:
        with pytest.raises(AuthFailed, match="short API key"):
            await checked(settings_for(url, "0123456789abcdef0123456789abcdef"))
    assert asked == []


async def test_its_limits_and_its_gateway() -> None:
    busy = {
        "success": False,
        "status_code": 25,
        "status_message": "Your request count is over the allowed limit.",
    }
    async with serving(tmdb(lambda: JSONResponse(busy, 429, headers={"Retry-After": "7"}))) as url:
        with pytest.raises(RateLimited) as limited:
            await checked(settings_for(url))
    assert limited.value.retry_after == 7
    async with serving(tmdb(lambda: HTMLResponse("<html>Bad gateway</html>", 502))) as url:
        with pytest.raises(NotReady, match="502"):
            await checked(settings_for(url))
    async with serving(tmdb(lambda: JSONResponse({"hello": "world"}))) as url:
        with pytest.raises(InvalidResponse):
            await checked(settings_for(url))


async def test_the_status_says_up() -> None:
    async with serving(tmdb()) as url:
        settings = settings_for(url)
        async with guarded_client(settings) as http:
            snapshot = await TmdbStatus("id", settings, http, await connect(settings, http)).snapshot()
    assert [item.up for item in snapshot.items] == [True]


def test_without_an_address_it_reaches_tmdb_alone() -> None:
    settings = TmdbSettings.model_validate({"access_token": TOKEN})
    assert settings.hosts() == ["api.themoviedb.org:443", "image.tmdb.org:443"]
    assert settings.base_url() == "https://api.themoviedb.org/3"
