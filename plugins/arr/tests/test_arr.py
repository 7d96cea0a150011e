"""The Radarr and Sonarr client against a server with their statuses: 401 without a body, 307 to the URL base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from medianest_arr.service import RADARR, SONARR, checking, connect
from medianest_arr.settings import ArrSettings, RadarrSettings, SonarrSettings
from medianest_arr.status import RadarrStatus
from medianest_core.base.http_factory import HttpFactory
from medianest_core.sdk import AuthFailed, CheckResult, InvalidResponse, NotFound, Rejected, RequestStatus
from medianest_core.testing.loopback import guarded_client, serving
from medianest_core.testing.simulators import running

from .arr_kit import film_item, plug, radarr_simulator, wished_film

KEY = "0123456789abcdef0123456789abcdef"


def arr(app: str = "Radarr", *, base: str = "", health: Sequence[Mapping[str, object]] = ()) -> Starlette:
    """base: its configured URL base, such as "/radarr"."""

    def refused(request: Request) -> Response | None:
        path = request.url.path
        if base and not path.startswith(base + "/"):
            return RedirectResponse(base + path, 307)
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        key = request.query_params.get("apikey") or request.headers.get("x-api-key") or bearer
        return None if key == KEY else Response(status_code=401)

    async def answer(request: Request) -> Response:
        if (refusal := refused(request)) is not None:
            return refusal
        path = request.url.path.removeprefix(base)
        if path == "/api/v3/system/status":
            body = {
                "appName": app,
                "instanceName": f"My {app}",
                "version": "5.14.0.9383",
                "isDocker": True,
                "authentication": "forms",
                "databaseType": "sqLite",
                "urlBase": base,
                "startTime": "2026-01-01T00:00:00Z",
            }
            return JSONResponse(body, headers={"X-Application-Version": "5.14.0.9383"})
        if path == "/api/v3/health":
            return JSONResponse(list(health))
        return JSONResponse({"type": "about:blank", "title": "Not Found", "status": 404, "traceId": "x"}, 404)

    return Starlette(routes=[Route("/{path:path}", answer)])


async def checked(settings: ArrSettings, app: str = "Radarr") -> CheckResult:
    async with guarded_client(settings) as http:
        return await checking(app)(settings, await connect(settings, http))


def radarr(url: str, key: str = KEY) -> RadarrSettings:
    return RadarrSettings.model_validate({"url": url, "api_key": key})


async def test_a_good_key() -> None:
    async with serving(arr()) as url:
        result = await checked(radarr(url))
    assert (result.message, result.version) == ("Radarr 5.14.0.9383", "5.14.0.9383")
    assert result.details == {"Name": "My Radarr", "Database": "sqLite"}
    assert result.warnings == ()


async def test_a_wrong_key_is_an_empty_401() -> None:
    async with serving(arr()) as url:
        with pytest.raises(AuthFailed, match="Copy it again"):
            await checked(radarr(url, "wrong"))


async def test_a_missing_url_base_works_by_redirect_and_is_told() -> None:
    async with serving(arr(base="/radarr")) as url:
        result = await checked(radarr(url))
        assert result.warnings == (f"It redirects each request: enter {url}/radarr as its address.",)
        assert (await checked(radarr(f"{url}/radarr/"))).warnings == ()


async def test_sonarr_is_not_taken_for_radarr() -> None:
    async with serving(arr("Sonarr")) as url:
        with pytest.raises(Rejected, match="This is Sonarr, not Radarr"):
            await checked(radarr(url))
        settings = SonarrSettings.model_validate({"url": url, "api_key": KEY})
        assert (await checked(settings, "Sonarr")).message.startswith("Sonarr")


async def test_its_own_complaints_are_warnings_and_not_an_outage() -> None:
    complaints = [
        {"source": "IndexerRssCheck", "type": "error", "message": "No indexers available"},
        {"source": "UpdateCheck", "type": "notice", "message": "New update is available"},
        {"source": "RootFolderCheck", "type": "warning", "message": "Missing root folder: /films"},
    ]
    async with serving(arr(health=complaints)) as url:
        settings = radarr(url)
        assert len((await checked(settings)).warnings) == 2
        async with guarded_client(settings) as http:
            client = await connect(settings, http)
            snapshot = await RadarrStatus("id", settings, http, client).snapshot()
    (item,) = snapshot.items
    assert item.up is True
    assert item.message == "No indexers available; Missing root folder: /films"


async def test_other_services() -> None:
    async def page(request: Request) -> Response:
        return HTMLResponse("<html>Sign in</html>")

    async with serving(Starlette()) as url:
        with pytest.raises(NotFound):
            await checked(radarr(url))
    async with serving(Starlette(routes=[Route("/{path:path}", page)])) as url:
        with pytest.raises(InvalidResponse):
            await checked(radarr(url))


def test_both_service_types_are_declared() -> None:
    assert (RADARR.name, SONARR.name) == ("radarr", "sonarr")
    assert SonarrSettings.model_fields["url"].examples == ["http://192.168.1.20:8989"]


async def test_a_missing_url_base_does_not_keep_requests_from_being_taken(
    tmp_path: Path, factory: HttpFactory
) -> None:
    async with running(radarr_simulator(tmp_path, url_base="/radarr")) as served:
        plugged = await plug(factory, served, url=served.url)
        state = await plugged.radarr.submit(film_item(wished_film()), "")
        assert state.status is RequestStatus.PROCESSING
        await plugged.radarr.cancel(state.reference)
        assert plugged.done("movie.added") == 1
        assert plugged.done("movie.changed") == 1
        assert plugged.client.moved_to == f"{served.url}/radarr"
