"""Answers that were written down, recorded without secrets, and a server that misbehaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
from starlette.responses import JSONResponse

from medianest_core.sdk import AuthFailed, HttpUrl, NotFound, NotReady, ServiceSettings
from medianest_core.testing.canned import CannedSimulator, FaultyServer, Recorder, recorded
from medianest_core.testing.loopback import guarded_client
from medianest_core.testing.simulators import running

KEY = 'a-"key"-for-tests'


class Settings(ServiceSettings):
    url: HttpUrl


class Lamp(CannedSimulator):
    name: ClassVar[str] = "lamp"
    answers: ClassVar[dict[str, Any]] = {
        "GET /state": {"on": True, "owner": KEY},
        "GET /rooms?floor=1": ["kitchen"],
        "GET /rooms": ["kitchen", "attic"],
        "GET /motd": "Good evening",
    }
    credentials: ClassVar[dict[str, str]] = {"x-key": "right"}


async def test_what_was_written_down_is_answered(tmp_path: Path) -> None:
    async with running(Lamp(data_dir=tmp_path)) as served:
        settings = Settings.model_validate(served.simulator.demo_instances()[0].settings)
        async with guarded_client(settings) as http:
            with pytest.raises(AuthFailed):
                await http.get("/state")
            right = {"headers": {"X-Key": "right"}}
            assert (await http.get("/state", **right)).json()["on"] is True
            assert (await http.get("/rooms", params={"floor": 1}, **right)).json() == ["kitchen"]
            assert (await http.get("/rooms", params={"floor": 2}, **right)).json() == ["kitchen", "attic"]
            assert (await http.get("/motd", **right)).text == "Good evening"
            with pytest.raises(NotFound):
                await http.get("/nothing", **right)
        assert served.simulator.ledger.facts("asked")[1]["path"] == "/state"


async def test_what_is_recorded_holds_no_secret_and_is_answered_again(tmp_path: Path) -> None:
    async with running(Lamp(data_dir=tmp_path)) as served:
        settings = Settings.model_validate({"url": served.url})
        async with guarded_client(settings) as real:
            http = Recorder(real, [KEY, ""])
            for path, params in (("/state", None), ("/rooms", {"floor": 1}), ("/nothing", None)):
                await http.request("GET", path, params=params, headers={"X-Key": "right"})
    http.save(tmp_path / "traffic.json")
    text = (tmp_path / "traffic.json").read_text("utf-8")
    assert "key" not in text.replace("X-Key", "") and "right" not in text
    answers = recorded(tmp_path / "traffic.json")
    assert set(answers) == {"GET /state", "GET /rooms?floor=1"}
    assert answers["GET /state"] == {"on": True, "owner": "••••••••"}
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(ValueError, match="no recorded traffic"):
        recorded(tmp_path / "other.json")


async def test_any_application_can_misbehave() -> None:
    async with (
        FaultyServer(JSONResponse({"fine": True})) as server,
        guarded_client(Settings.model_validate({"url": server.url})) as http,
    ):
        assert (await http.get("/")).json() == {"fine": True}
        server.faults.add("down", times=1)
        with pytest.raises(NotReady):
            await http.get("/")
        assert (await http.get("/")).ok
    with pytest.raises(RuntimeError, match="not been started"):
        _ = FaultyServer(JSONResponse({})).url
