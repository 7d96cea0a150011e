"""The demo's household has asked for things already, and something became of each of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from medianest_core.domain.requests.states import State
from tests.conftest import eventually, start_demo, stop_demo

pytestmark = [pytest.mark.full, pytest.mark.timeout(300)]
PASSING = {State.APPROVED, State.SUBMITTING}
"""Nobody can say when these are over."""


def _read(client: httpx.Client, path: str) -> Any:
    return client.get(f"/api/v1{path}").raise_for_status().json()


@pytest.mark.timeout(600)
def test_requests_in_every_state_that_lasts(tmp_path: Path) -> None:
    demo = start_demo(
        tmp_path, "--items", "40", only=("plex", "radarr", "seerr", "sonarr", "tmdb"), lively=True
    )
    try:
        with httpx.Client(base_url=demo.url, headers={"Origin": demo.url}, timeout=60) as client:
            client.post("/api/v1/sign-in/local", json=demo.admin).raise_for_status()

            def complete() -> bool:
                counts = _read(client, "/requests/counts?everyone=true")
                return all(counts[state.value] for state in State if state not in PASSING)

            eventually(complete, within=180, what="a request in every state")
            rows = _read(client, "/requests?everyone=true")["items"]
            assert {one["user"]["name"] for one in rows} == {"casey", "jordan"}
            held = next(one for one in rows if one["state"] == "held")
            assert "4K" in held["reason"]
            there = next(one for one in rows if one["state"] == "available")
            eventually(
                lambda: _read(client, f"/requests/{there['id']}")["request"]["title_id"],
                within=180,
                what="the film that came is in the library",
            )
            talk = next(one for one in rows if one["state"] == "pending" and one["kind"] != "movie")
            assert len(_read(client, f"/requests/{talk['id']}")["comments"]) == 2
            assert _read(client, "/issues?everyone=true")["items"]
            assert _read(client, "/notifications")["items"]
    finally:
        assert stop_demo(demo) == 0


def test_with_whatever_is_there(tmp_path: Path) -> None:
    """Without services that take requests people have asked for things all the same."""
    demo = start_demo(tmp_path, "--items", "40", only=("plex", "tmdb"), lively=True)
    try:
        with httpx.Client(base_url=demo.url, headers={"Origin": demo.url}, timeout=60) as client:
            client.post("/api/v1/sign-in/local", json=demo.admin).raise_for_status()
            counts = _read(client, "/requests/counts?everyone=true")
            assert counts["pending"] and counts["declined"] and counts["cancelled"]
            assert not counts["failed"]
    finally:
        assert stop_demo(demo) == 0
