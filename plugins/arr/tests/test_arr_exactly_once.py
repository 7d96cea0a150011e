"""The service dies between taking a request and answering: a look shows it, and nothing is added twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from medianest_arr.simulation.api import Api
from medianest_core.sdk import NotReady, RequestItem, RequestState

from .arr_kit import Plugged, film_item, series_item, wished_film, wished_series


async def resolved(backend: Any, item: RequestItem) -> RequestState:
    """What the core does: look, send, and after an unclear answer look again before it sends anything a second time."""
    for _ in range(3):
        if (found := await backend.find(item, "")) is not None:
            return found  # type: ignore[no-any-return]  # a backend of either kind
        try:
            return await backend.submit(item, "")  # type: ignore[no-any-return]
        except NotReady:
            continue
    raise AssertionError("it never became clear")


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`dying(method)`: the first request of that method is carried out, and its answer never sent."""

    def arm(method: str) -> None:
        armed = [method]
        app = Api.app

        def wrapped(self: Api) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
            inner = app(self)

            async def answer(scope: Scope, receive: Receive, send: Send) -> None:
                if not armed or scope["method"] != armed[0] or "/command" in scope["path"]:
                    await inner(scope, receive, send)
                    return
                armed.clear()

                async def lost(message: Any) -> None:
                    """Nothing arrives."""

                await inner(scope, receive, lost)
                scope["extensions"]["medianest.transport"].abort()

            return answer

        monkeypatch.setattr(Api, "app", wrapped)

    return arm


@pytest.fixture
def dies_at_post(dying: Callable[[str], None]) -> None:
    dying("POST")


async def test_a_film(dies_at_post: None, radarr: Plugged) -> None:
    state = await resolved(radarr.radarr, film_item(wished_film()))
    assert state.reference.startswith("movie/")
    assert radarr.done("movie.added") == 1
    radarr.pass_time(5)
    assert radarr.done("grabbed") == 1


async def test_a_season(dies_at_post: None, sonarr: Plugged) -> None:
    await resolved(sonarr.sonarr, series_item(wished_series(), seasons=[1]))
    sonarr.pass_time(5)
    assert sonarr.done("series.added") == 1
    assert sonarr.done("grabbed") == 1


async def test_an_episode(dies_at_post: None, sonarr: Plugged) -> None:
    await resolved(sonarr.sonarr, series_item(wished_series(), episodes=[(1, 1)]))
    sonarr.pass_time(5)
    assert sonarr.done("series.added") == 1
    assert sonarr.done("grabbed") == 1


@pytest.fixture
def dies_at_put(dying: Callable[[str], None]) -> None:
    dying("PUT")


async def test_a_film_that_is_switched_on(dies_at_put: None, radarr: Plugged) -> None:
    film = radarr.films.add(wished_film(), monitored=False)
    await resolved(radarr.radarr, film_item(wished_film()))
    assert film.monitored
    assert radarr.done("movie.changed") == 1
