"""The Seerr client against a server that refuses as Overseerr and Seerr do."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from medianest_core.sdk import AuthFailed, CheckResult, InvalidResponse, NotFound, NotReady, Secret
from medianest_core.testing.loopback import guarded_client, serving
from medianest_overseerr.service import check, connect
from medianest_overseerr.settings import SeerrSettings
from medianest_overseerr.status import SeerrStatus

KEY = "MTczNjc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MA=="


def seerr(*, permissions: int = 2, kind: str = "seerr", restart: bool = False) -> Starlette:
    """Both shapes of refusal: 401 without a key, 403 with a wrong one."""

    async def me(request: Request) -> Response:
        key = request.headers.get("x-api-key")
        if key is None:
            body: dict[str, object] = {
                "message": "cookie 'connect.sid' required",
                "errors": [{"path": "/api/v1/auth/me", "message": "cookie 'connect.sid' required"}],
            }
            return JSONResponse(body, 401)
        if key != KEY:
            body = {"status": 403, "error": "You do not have permission to access this endpoint"}
            return JSONResponse(body, 403)
        return JSONResponse({"id": 1, "displayName": "owner", "permissions": permissions, "warnings": []})

    async def status(request: Request) -> Response:
        return JSONResponse(
            {
                "version": "3.1.0",
                "commitTag": "local",
                "updateAvailable": False,
                "commitsBehind": 0,
                "restartRequired": restart,
            }
        )

    async def public(request: Request) -> Response:
        facts: dict[str, Any] = {"initialized": True, "applicationTitle": "Seerr"}
        return JSONResponse(facts | ({"mediaServerType": 1} if kind == "seerr" else {}))

    async def missing(request: Request) -> Response:
        return JSONResponse({"message": "not found", "errors": []}, 404)

    return Starlette(
        routes=[
            Route("/api/v1/auth/me", me),
            Route("/api/v1/status", status),
            Route("/api/v1/settings/public", public),
            Route("/{path:path}", missing),
        ]
    )


def login_page() -> Starlette:
    """A proxy that shows a sign-in page for everything."""

    async def page(request: Request) -> Response:
        return HTMLResponse("<html><title>Sign in</title></html>")

    return Starlette(routes=[Route("/{path:path}", page)])


async def checked(url: str, key: str = KEY) -> CheckResult:
    settings = SeerrSettings.model_validate({"url": url, "api_key": key})
    async with guarded_client(settings) as http:
        return await check(settings, await connect(settings, http))


async def test_a_good_key() -> None:
    async with serving(seerr()) as url:
        result = await checked(url)
    assert result.version == "3.1.0"
    assert result.message == "Seerr 3.1.0, acting as owner"
    assert result.details == {"Product": "Seerr", "Acts as": "owner", "Media server": "Plex"}
    assert result.warnings == ()


async def test_overseerr_is_told_apart() -> None:
    async with serving(seerr(kind="overseerr")) as url:
        assert (await checked(url)).details["Product"] == "Overseerr"


async def test_an_account_without_rights_and_a_pending_restart_are_warned_of() -> None:
    async with serving(seerr(permissions=32, restart=True)) as url:
        warnings = (await checked(url)).warnings
    assert len(warnings) == 2
    assert "no administrator" in warnings[0]


async def test_a_wrong_key_is_refused_without_showing_it() -> None:
    async with serving(seerr()) as url:
        with pytest.raises(AuthFailed) as refused:
            await checked(url, "not-the-key-at-all")
    assert "Copy it again" in str(refused.value)
    assert "not-the-key" not in str(refused.value)


async def test_a_proxy_that_removes_the_header_is_named() -> None:
    inner = seerr()

    async def stripped(scope: Any, receive: Any, send: Any) -> None:
        scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"x-api-key"]}
        await inner(scope, receive, send)

    async with serving(stripped) as url:
        with pytest.raises(AuthFailed, match="remove the header"):
            await checked(url)


async def test_a_sign_in_page_is_not_taken_for_seerr() -> None:
    async with serving(login_page()) as url:
        with pytest.raises(InvalidResponse, match="web page"):
            await checked(url)


async def test_another_service_is_not_taken_for_seerr() -> None:
    async with serving(Starlette()) as url:
        with pytest.raises(NotFound):
            await checked(url)


async def test_nobody_there() -> None:
    async with serving(seerr()) as url:
        pass
    with pytest.raises(NotReady):
        await checked(url)


async def test_the_status_needs_no_key() -> None:
    async with serving(seerr(restart=True)) as url:
        settings = SeerrSettings.model_validate({"url": url, "api_key": Secret("wrong")})
        async with guarded_client(settings) as http:
            client = await connect(settings, http)
            snapshot = await SeerrStatus("id", settings, http, client).snapshot()
    assert snapshot.version == "3.1.0"
    (item,) = snapshot.items
    assert item.up is True and item.message == "Waits to be restarted"
