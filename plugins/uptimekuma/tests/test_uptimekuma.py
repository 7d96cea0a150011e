"""The Uptime Kuma client against a server that speaks its three dialects and refuses as it does."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import socketio
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from medianest_core.sdk import AuthFailed, CheckResult, InvalidResponse, NotFound, NotReady, RateLimited
from medianest_core.testing.loopback import guarded_client, serving
from medianest_uptimekuma import metrics
from medianest_uptimekuma.service import check, connect
from medianest_uptimekuma.settings import KumaSettings
from medianest_uptimekuma.status import KumaStatus

KEY = "uk1_aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789ABCD"
METRICS = r"""
# HELP monitor_status Monitor Status (1 = UP, 0= DOWN, 2= PENDING, 3= MAINTENANCE)
# TYPE monitor_status gauge
monitor_status{monitor_id="1",monitor_name="Web \"home\"",monitor_type="http",monitor_url="https://home.example",monitor_hostname="null",monitor_port="null"} 1
monitor_status{monitor_id="2",monitor_name="Back\\up\nnight",monitor_type="push",monitor_url="",monitor_hostname="null",monitor_port="null"} 0
monitor_status{monitor_id="3",monitor_name="Router",monitor_type="ping",monitor_url="https://",monitor_hostname="10.0.0.1",monitor_port="null"} 3
# TYPE monitor_response_time gauge
monitor_response_time{monitor_id="1",monitor_name="Web \"home\"",monitor_type="http",monitor_url="https://home.example",monitor_hostname="null",monitor_port="null"} 42
monitor_response_time{monitor_id="2",monitor_name="Back\\up\nnight",monitor_type="push",monitor_url="",monitor_hostname="null",monitor_port="null"} -1
"""
PAGE = {
    "config": {"slug": "home", "title": "Home", "published": True},
    "incidents": [],
    "publicGroupList": [
        {
            "id": 1,
            "name": "Services",
            "weight": 1,
            "monitorList": [
                {"id": 1, "name": "Web", "sendUrl": 0, "type": "http"},
                {"id": 2, "name": "New", "type": "http"},
            ],
        }
    ],
    "maintenanceList": [],
}
BEATS = {
    "heartbeatList": {
        "1": [
            {"status": 1, "time": "2026-01-01 00:00:00.000", "msg": "", "ping": 9},
            {"status": 0, "time": "2026-01-01 00:01:00.000", "msg": "", "ping": None},
        ]
    },
    "uptimeList": {"1_24": 0.5},
}


def kuma(*, second_factor: bool = False, too_often: bool = False) -> Any:
    """HTTP routes and Socket.IO; the version is told only after a sign-in, whose answer comes last."""
    server = socketio.AsyncServer(async_mode="asgi")

    @server.event  # type: ignore[untyped-decorator]  # python-socketio has no types
    async def connect(sid: str, environ: Any, auth: Any = None) -> None:
        await server.emit("info", {"primaryBaseURL": None, "serverTimezone": "UTC"}, to=sid)
        await server.emit("loginRequired", to=sid)

    @server.event  # type: ignore[untyped-decorator]
    async def login(sid: str, data: dict[str, str]) -> dict[str, Any]:
        if too_often:
            return {"ok": False, "msg": "Too frequently, try again later."}
        if (data["username"], data["password"]) != ("admin", "long password"):
            return {"ok": False, "msg": "authIncorrectCreds", "msgi18n": True}
        if second_factor and not data["token"]:
            return {"tokenRequired": True}
        listed = {
            "1": {"id": 1, "name": "Web", "active": True},
            "2": {"id": 2, "name": "Old", "active": False},
        }
        await server.emit("monitorList", listed, to=sid)
        await server.emit("info", {"version": "2.5.3", "latestVersion": "2.5.3"}, to=sid)
        rows = [{"id": 7, "monitor_id": 1, "status": 1, "msg": "200 - OK", "ping": 12, "important": 0}]
        await server.emit("heartbeatList", ("1", rows, True), to=sid)
        await server.emit("heartbeatList", ("2", [], True), to=sid)
        return {"ok": True, "token": "jwt"}

    async def show_metrics(request: Request) -> Response:
        scheme, _, coded = request.headers.get("authorization", "").partition(" ")
        given = base64.b64decode(coded).decode().partition(":")[2] if scheme == "Basic" else ""
        return (
            PlainTextResponse(METRICS) if given == KEY else Response(status_code=401, media_type="text/html")
        )

    async def page(request: Request) -> Response:
        if request.path_params["slug"].lower() != "home":
            return JSONResponse({"status": "fail", "msg": "Status Page Not Found"}, 404)
        return JSONResponse(PAGE)

    async def beats(request: Request) -> Response:
        known = request.path_params["slug"].lower() == "home"
        return JSONResponse(BEATS if known else {"heartbeatList": {}, "uptimeList": {}})

    routes = [
        Route("/metrics", show_metrics),
        Route("/api/status-page/heartbeat/{slug}", beats),
        Route("/api/status-page/{slug}", page),
    ]
    return socketio.ASGIApp(server, Starlette(routes=routes))


def settings_for(url: str, **values: Any) -> KumaSettings:
    return KumaSettings.model_validate({"url": url, **values})


async def checked(settings: KumaSettings) -> CheckResult:
    async with guarded_client(settings) as http:
        return await check(settings, await connect(settings, http))


async def test_each_way_in_is_tried() -> None:
    async with serving(kuma()) as url:
        result = await checked(
            settings_for(url, api_key=KEY, username="admin", password="long password", status_page="home")
        )
    assert result.version == "2.5.3"
    assert result.details == {"Status page": "2 monitors", "Sign-in": "2 monitors", "API key": "3 monitors"}
    assert result.message == "Uptime Kuma 2.5.3, 3 monitors, 1 down"


async def test_wrong_credentials_are_refused_without_showing_them() -> None:
    async with serving(kuma()) as url:
        for wrong in ({"api_key": "uk1_wrongwrong"}, {"username": "admin", "password": "guessed word"}):
            with pytest.raises(AuthFailed) as refused:
                await checked(settings_for(url, **wrong))
            assert "wrongwrong" not in str(refused.value) and "guessed" not in str(refused.value)
        with pytest.raises(NotFound):
            await checked(settings_for(url, status_page="nowhere"))


async def test_a_second_factor_and_the_sign_in_limit_are_told_apart() -> None:
    way = {"username": "admin", "password": "long password"}
    async with serving(kuma(second_factor=True)) as url:
        with pytest.raises(AuthFailed, match="second factor"):
            await checked(settings_for(url, **way))
    async with serving(kuma(too_often=True)) as url:
        with pytest.raises(RateLimited):
            await checked(settings_for(url, **way))


async def test_the_status_by_each_way_in() -> None:
    async def items(settings: KumaSettings) -> list[tuple[str, bool | None, float | None]]:
        async with guarded_client(settings) as http:
            client = await connect(settings, http)
            snapshot = await KumaStatus("id", settings, http, client).snapshot()
        return [(item.name, item.up, item.response_ms) for item in snapshot.items]

    async with serving(kuma()) as url:
        assert await items(settings_for(url, api_key=KEY)) == [
            ('Web "home"', True, 42.0),
            ("Back\\up\nnight", False, None),
            ("Router", None, None),
        ]
        assert await items(settings_for(url, status_page="Home")) == [
            ("Web", False, None),
            ("New", None, None),
        ]
        way = settings_for(url, username="admin", password="long password")
        assert await items(way) == [("Web", True, 12.0), ("Old", None, None)]


async def test_nobody_there() -> None:
    async with serving(kuma()) as url:
        pass
    for way in ({"api_key": KEY}, {"username": "admin", "password": "long password"}):
        with pytest.raises(NotReady):
            await checked(settings_for(url, **way))


def test_other_metrics_are_refused() -> None:
    with pytest.raises(InvalidResponse):
        metrics.readings("<html></html>")
    assert metrics.readings("# HELP process_cpu x\nprocess_cpu 1\n") == []


def test_at_least_one_way_in() -> None:
    with pytest.raises(ValidationError, match="Enter an API key"):
        settings_for("http://kuma.example")
    with pytest.raises(ValidationError, match="belong together"):
        settings_for("http://kuma.example", username="admin", api_key=KEY)
