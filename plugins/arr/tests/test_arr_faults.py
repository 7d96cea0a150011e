"""Everything that can go wrong over there ends as one of the defined errors, with a sentence an admin understands."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from medianest_arr import agenda
from medianest_arr import client as arr_client
from medianest_arr.agenda import films
from medianest_arr.service import checking
from medianest_arr.simulator import RadarrSimulator
from medianest_arr.stages import stages
from medianest_core.base import http as base_http
from medianest_core.base.http_factory import HttpFactory
from medianest_core.sdk import (
    AuthFailed,
    InvalidResponse,
    NotReady,
    ProviderError,
    RateLimited,
    Rejected,
    RequestStatus,
    TitleKey,
    Tracked,
)
from medianest_core.testing.faults import Rule
from medianest_core.testing.loopback import serving
from medianest_core.testing.simulators import RunningSimulator, running

from .arr_kit import (
    Plugged,
    film_item,
    held_film,
    held_series,
    plug,
    radarr_simulator,
    series_item,
    wished_film,
    wished_series,
)

Call = Callable[[], Awaitable[Any]]
WEB_PAGE = "answers with a web page instead of data"


def calls(plugged: Plugged) -> Mapping[str, Call]:
    """Everything that the plugin asks of a service."""
    films = isinstance(plugged.simulator, RadarrSimulator)
    backend: Any = plugged.radarr if films else plugged.sonarr
    wished = film_item(wished_film()) if films else series_item(wished_series(), seasons=[1])
    held = film_item(held_film()) if films else series_item(held_series())
    app, service = ("Radarr", "radarr") if films else ("Sonarr", "sonarr")
    key = TitleKey("a", "movie" if films else "episode", {"tmdb": "1", "tvdb": "1"}, "A", None)
    look = next(one for one in stages() if one.service == service).look
    return {
        "check": lambda: checking(app)(plugged.settings, plugged.client),
        "snapshot": lambda: plugged.status().snapshot(),
        "find": lambda: backend.find(held, ""),
        "submit": lambda: backend.submit(wished, ""),
        "state": lambda: backend.state("movie/1" if films else "series/1"),
        "cancel": lambda: backend.cancel("movie/1" if films else "series/1"),
        "options": lambda: backend.options("movie"),
        "coming": lambda: (agenda.films if films else agenda.episodes)(plugged.client, 0.0, 1.0),
        "report": lambda: plugged.fields().report([key]),
        "look": lambda: look(plugged.client, [Tracked("r", held, "")]),
        "register": lambda: plugged.webhooks().register("http://127.0.0.1:9/hook"),
    }


async def outcomes(plugged: Plugged) -> Mapping[str, Any]:
    """Call → its error or result, all at once."""
    named = calls(plugged)
    found = await asyncio.gather(*(call() for call in named.values()), return_exceptions=True)
    return dict(zip(named, found, strict=True))


def wait_for_answers(patch: pytest.MonkeyPatch, seconds: float) -> None:
    """How long any call waits."""
    for module, name in (
        (base_http, "DEFAULT_TIMEOUT"),
        (arr_client, "LIST_TIMEOUT"),
        (arr_client, "SLOW_TIMEOUT"),
    ):
        patch.setattr(module, name, seconds)


TIMED_OUT = ("slow", "hang", "drip")
FAULTS = [
    (Rule("down"), NotReady, ""),
    (Rule("slow", seconds=60), NotReady, ""),
    (Rule("hang"), NotReady, ""),
    (Rule("drip", seconds=5), NotReady, ""),
    (Rule("401"), AuthFailed, "refuses the API key"),
    (Rule("429", seconds=7), RateLimited, "slow down"),
    (Rule("500"), NotReady, "reports a trouble of its own: database is locked"),
    (Rule("garbage"), InvalidResponse, "not like Radarr or Sonarr"),
    (Rule("truncated"), ProviderError, ""),
]


@pytest.mark.parametrize(("rule", "kind", "message"), FAULTS, ids=[rule.mode for rule, *_ in FAULTS])
async def test_faults_of_the_service(
    monkeypatch: pytest.MonkeyPatch, either: Plugged, rule: Rule, kind: type[ProviderError], message: str
) -> None:
    plugged = either
    # Short only where a time-out is what should come: a busy machine must not turn another fault into one.
    wait_for_answers(monkeypatch, 0.5 if rule.mode in TIMED_OUT else 60.0)
    plugged.simulator.faults.set(rule)
    for name, outcome in (await outcomes(plugged)).items():
        assert isinstance(outcome, kind), (name, outcome)
        assert re.search(message, str(outcome)), (name, outcome)
        assert "0123" not in str(outcome)
        if isinstance(outcome, RateLimited):
            assert outcome.retry_after == 7.0
    plugged.simulator.faults.clear()
    plugged.client.forget()
    wait_for_answers(monkeypatch, 60.0)
    for kind_of_loss in ("movie.deleted", "series.deleted", "file.deleted", "queue.removed"):
        assert plugged.done(kind_of_loss) == 0
    assert await calls(plugged)["find"]() is not None


async def endless() -> Any:
    for _ in range(64):
        yield b"[" * 65536


ODD: Mapping[str, tuple[Callable[[], Response], type[ProviderError], str]] = {
    "403": (lambda: Response(status_code=403), AuthFailed, "refuses the API key"),
    "html": (lambda: HTMLResponse("<html>Sign in</html>"), InvalidResponse, WEB_PAGE),
    "404 page": (lambda: HTMLResponse("<html>?</html>", 404), ProviderError, "no Radarr or Sonarr under it"),
    "huge": (
        lambda: StreamingResponse(endless(), media_type="application/json"),
        InvalidResponse,
        "larger than|not like Radarr",
    ),
    "400 object": (
        lambda: JSONResponse({"title": "One or more validation errors occurred.", "status": 400}, 400),
        Rejected,
        "refused: One or more validation errors",
    ),
    "409": (lambda: JSONResponse({"message": "UNIQUE constraint failed"}, 409), Rejected, "UNIQUE"),
    "502 page": (lambda: HTMLResponse("<html>Bad gateway</html>", 502), NotReady, "error 502"),
    "other shape": (lambda: JSONResponse({"id": "x", "records": 4}), InvalidResponse, "not like Radarr"),
}


@pytest.mark.parametrize("name", list(ODD))
async def test_answers_of_something_else(
    name: str, radarr: Plugged, factory: HttpFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base_http, "DEFAULT_MAX_BYTES", 100_000)
    monkeypatch.setattr(arr_client, "_LIST_BYTES", 100_000)
    make, kind, message = ODD[name]

    async def answer(request: Request) -> Response:
        return make()

    routes = [Route("/{path:path}", answer, methods=["GET", "POST", "PUT", "DELETE"])]
    async with serving(Starlette(routes=routes)) as url:
        served = RunningSimulator(url, radarr.simulator, None, None)  # type: ignore[arg-type]  # runs already
        plugged = await plug(factory, served, url=url)
        for call, outcome in (await outcomes(plugged)).items():
            assert isinstance(outcome, kind), (call, outcome)
            assert re.search(message, str(outcome)), (call, outcome)


async def test_empty_but_valid_and_duplicate_ids(radarr: Plugged, factory: HttpFactory) -> None:
    film = {"id": 1, "tmdbId": int(held_film().ids["tmdb"]), "title": "A", "monitored": True}
    row = {"id": 5, "movieId": 1, "size": 10, "sizeleft": 4, "status": "downloading", "downloadId": "x"}
    doubled: Mapping[str, Any] = {
        "/movie": [film, film],
        "/movie/1": film,
        "/queue": {"page": 1, "pageSize": 200, "totalRecords": 2, "records": [row, row]},
        "/command": [],
    }
    content: Mapping[str, Any] = {"/queue": {"page": 1, "pageSize": 200, "totalRecords": 0, "records": []}}

    async def answer(request: Request) -> Response:
        return JSONResponse(content.get(request.url.path.removeprefix("/api/v3"), []))

    async with serving(Starlette(routes=[Route("/{path:path}", answer)])) as url:
        served = RunningSimulator(url, radarr.simulator, None, None)  # type: ignore[arg-type]  # runs already
        plugged = await plug(factory, served, url=url)
        found = await outcomes(plugged)
        assert found["find"] is None
        assert found["coming"] == []
        assert found["look"] == {}
        assert found["report"].complete
        assert isinstance(found["submit"], Rejected)
        assert isinstance(found["check"], InvalidResponse)
        content = doubled
        plugged.client.forget()
        state = await plugged.radarr.find(film_item(held_film()), "")
        assert state is not None
        assert (state.status, state.message) == (RequestStatus.PROCESSING, "It is being downloaded.")
        assert len(await plugged.client.queue()) == 1


async def test_two_side_by_side_and_one_down(tmp_path: Path, factory: HttpFactory) -> None:
    async with (
        running(radarr_simulator(tmp_path / "a")) as first,
        running(radarr_simulator(tmp_path / "b")) as second,
    ):
        one, other = await plug(factory, first), await plug(factory, second)
        other.films.add(wished_film())
        other.simulator.faults.add("down")
        state = await one.radarr.submit(film_item(wished_film()), "")
        assert state.status is RequestStatus.PROCESSING
        assert (one.done("movie.added"), other.done("movie.added")) == (1, 0)
        with pytest.raises(NotReady):
            await other.radarr.find(film_item(wished_film()), "")
        await films(one.client, 0.0, 4e9)
        with pytest.raises(NotReady):
            await films(other.client, 0.0, 4e9)


async def test_the_control_api_and_what_went_missing_there(either: Plugged) -> None:
    async def control(method: str, path: str, body: object) -> int:
        reply = await either.http.request(method, f"{either.url}/_sim{path}", json=body)
        return reply.status

    assert await control("PUT", "/login_page", True) == 200
    with pytest.raises(InvalidResponse, match=WEB_PAGE):
        await either.status().snapshot()
    assert await control("PUT", "/login_page", False) == 200
    title = either.simulator.world.held()[0].title.title
    backend: Any = either.radarr if isinstance(either.simulator, RadarrSimulator) else either.sonarr
    item = (
        film_item(held_film())
        if isinstance(either.simulator, RadarrSimulator)
        else series_item(held_series())
    )
    known = await backend.find(item, "")
    assert known is not None
    assert await control("POST", "/forget", {"title": title}) == 200
    assert await control("POST", "/forget", {"title": title}) == 404
    assert (await backend.state(known.reference)).status is RequestStatus.GONE
    assert await backend.find(item, "") is None
    assert await control("PUT", "/fates", {"1": "unknown"}) == 400
    assert await control("POST", "/advance", {}) == 400
    assert await control("PUT", "/broken_roots", ["/data/movies"]) == 200
