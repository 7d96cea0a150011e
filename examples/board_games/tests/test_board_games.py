"""The contract of request backends, and one game's way from wish to shelf through the whole portal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from board_games import Club
from medianest_core.sdk import RequestItem
from medianest_core.testing.contracts import RequestContract
from medianest_core.testing.portal import TestPortal
from medianest_core.testing.simulators import DemoInstance, Simulator, json_reply

KEY = "the-key-of-the-club"


class ClubSimulator(Simulator):
    name: ClassVar[str] = "board_games"

    def __init__(self, *, items: int = 0, seed: int = 7, data_dir: Path) -> None:
        super().__init__(items=items, seed=seed, data_dir=data_dir)
        self.games: dict[str, str] = {}

    def routes(self) -> ASGIApp:
        return Router([Route("/games/{game}", self.game, methods=["GET", "POST"])])

    def demo_instances(self) -> Sequence[DemoInstance]:
        return [DemoInstance("club", "club", "Game club", {"url": self.base_url, "key": KEY})]

    async def game(self, request: Request) -> Response:
        number = request.path_params["game"]
        if request.headers.get("x-key") != KEY:
            return json_reply({"error": "Who are you?"}, 401)
        if request.method == "POST":
            self.games.setdefault(number, "open")
        return json_reply({"state": self.games[number]}) if number in self.games else json_reply({}, 404)


class TestClub(RequestContract):
    provider = Club
    simulator = ClubSimulator

    def wished(self) -> RequestItem:
        return RequestItem("boardgame", {"bgg": "13"}, "Islands of Settlers", 1995)


@pytest.mark.medianest("board_games")
async def test_from_wish_to_shelf(medianest: TestPortal, tmp_path: Path) -> None:
    medianest.keeps_secret(KEY)
    simulators: list[ClubSimulator] = []

    class Kept(ClubSimulator):
        def __init__(self, **options: object) -> None:
            super().__init__(data_dir=tmp_path)
            simulators.append(self)

    (club,) = await medianest.simulated(Kept, tmp_path / "club")
    assert club.ready, club.reason
    ann, root = await medianest.person("user"), await medianest.person("admin")
    wish = {"kind": "boardgame", "ids": {"bgg": "13"}, "title": "Islands of Settlers", "year": 1995}
    answer = await ann.client.post("/api/v1/requests", json=wish)
    assert answer.status_code in (200, 201), answer.text
    number = answer.json()["request"]["id"]
    if answer.json()["request"]["state"] == "pending":
        assert (await root.client.post(f"/api/v1/requests/{number}/approve", json={})).status_code == 200
    await medianest.run_jobs()
    (simulator,) = simulators
    assert simulator.games == {"13": "open"}
    simulator.games["13"] = "here"
    await medianest.services.requests.refresh(club.id, ["13"])
    await medianest.run_jobs()
    assert (await ann.client.get(f"/api/v1/requests/{number}")).json()["request"]["state"] == "available"
