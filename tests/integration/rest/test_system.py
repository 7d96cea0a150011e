"""What admins see of the portal as a whole: connections to the database, and the check-up that `medianest doctor` makes."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from medianest_core.base.finding import Finding, Level, clock, ok, problem, warning
from medianest_core.base.machine import machine_load
from medianest_core.base.settings import AppSettings
from medianest_core.cache.memory import MemoryCache
from medianest_core.store.tables.plugins import plugin_states
from medianest_core.web.gate.checkup import Checkup
from medianest_core.web.portal.app import Portal
from medianest_core.web.rest.mount import RestApi

ORIGIN = {"origin": "http://portal.test"}
GERMAN = {"accept-language": "de"}


async def test_connections_are_shown_and_told(gate: Any) -> None:
    gate.serve([*RestApi(gate.services).routes(), *Portal(gate.services).routes()])
    ada, bob = await gate.person("Ada", role="admin"), await gate.person("Bob")
    async with gate.services.db.read():
        told = (await ada.client.get("/api/v1/system")).json()
        shown = (await ada.client.get("/admin", headers=GERMAN)).text
    assert told["redis"] == "unused"
    pool = told["database"]
    assert pool["dialect"] == gate.services.db.dialect
    assert 1 <= pool["in_use"] <= pool["open"] <= pool["limit"] == gate.services.db.pool_figures.limit
    assert (pool["waiting"], pool["away"]) == (0, False)
    assert {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[pool["dialect"]] in shown
    assert "in Gebrauch" in shown
    assert (await bob.client.get("/api/v1/system")).status_code == 403


async def test_how_busy_it_is_and_which_processes_there_are(gate: Any, tmp_path: Path) -> None:
    gate.serve(RestApi(gate.services).routes())
    ada, bob = await gate.person("Ada", role="admin"), await gate.person("Bob")
    load = (await ada.client.get("/api/v1/system/load")).json()
    assert load["cpus"] >= 1 and load["process_id"] == os.getpid() and load["process_memory"] > 2**20
    if load["memory_total"] is not None:
        assert 0 < load["memory_available"] <= load["memory_total"]
    elsewhere = machine_load(tmp_path)
    assert elsewhere.memory_total is None and elsewhere.process_memory > 2**20
    async with gate.services.db.begin() as tx:
        for process, plugin, seen in (
            ("box:1", "plex", 5.0),
            ("box:1", "tmdb", 9.0),
            ("attic:2", "plex", 7.0),
        ):
            await tx.execute(
                plugin_states.insert().values(
                    process=process, plugin=plugin, state="ACTIVE", since_at=1.0, seen_at=seen
                )
            )
    found = (await ada.client.get("/api/v1/system/processes")).json()
    assert [one for one in found if one["process"] in ("attic:2", "box:1")] == [
        {"process": "attic:2", "seen_at": 7.0, "plugins": 1},
        {"process": "box:1", "seen_at": 9.0, "plugins": 2},
    ]
    for path in ("load", "processes"):
        assert (await bob.client.get(f"/api/v1/system/{path}")).status_code == 403


async def test_the_check_up_is_made_on_request_and_remembered(gate: Any) -> None:
    gate.serve([*RestApi(gate.services).routes(), *Portal(gate.services).routes()])
    ada, bob = await gate.person("Ada", role="admin"), await gate.person("Bob")
    assert "Nothing has been checked yet" in (await ada.client.get("/admin/checkup")).text
    (gate.services.settings.data_dir / "keys.json").chmod(0o644)
    made = await ada.client.post("/admin/checkup", headers=ORIGIN | GERMAN)
    assert made.status_code == 200
    assert "kann von anderen Konten gelesen werden" in made.text and "chmod 600" in made.text
    assert "It " not in made.text.split("<main", 1)[1].split("</main>", 1)[0], "a finding in English"
    again = await ada.client.get("/admin/checkup")
    assert "can be read by other accounts" in again.text
    told = (await ada.client.post("/api/v1/system/checkup", headers=ORIGIN)).json()
    keys = [one for one in told["findings"] if one["check"] == "keys"]
    assert [one["level"] for one in keys] == ["warning"] and "chmod 600" in keys[0]["remedy"]
    for method, path in (
        ("GET", "/admin/checkup"),
        ("POST", "/admin/checkup"),
        ("POST", "/api/v1/system/checkup"),
    ):
        assert (await bob.client.request(method, path, headers=ORIGIN)).status_code == 403, path


async def test_problems_come_first_with_what_to_do(gate: Any, monkeypatch: Any) -> None:
    found = [
        ok("tables", "They belong to this version."),
        warning("ffmpeg", "There is no ffmpeg.", "Install it (`apt-get install ffmpeg`); downloads need it to join streams."),
        problem("<b>", "A <script> of a service.", "Do & see."),
        clock("clock of Redis", "Redis", 3600.0),
    ]  # fmt: skip
    monkeypatch.setattr(gate.services.checkup, "_examine", lambda _: _soon(found))
    gate.serve(Portal(gate.services).routes())
    ada = await gate.person("Ada", role="admin")
    page = (await ada.client.post("/admin/checkup", headers=ORIGIN)).text
    assert "2 things to put right." in page
    places = [
        page.index(text) for text in ("Do &amp; see", "3600 seconds ahead", "apt-get install", "They belong")
    ]
    assert places == sorted(places)
    assert "<script> of" not in page and "&lt;script&gt; of a service" in page


async def _soon(found: list[Finding]) -> list[Finding]:
    return found


async def test_whoever_asks_meanwhile_gets_the_same_findings() -> None:
    asked: list[int] = []
    go = asyncio.Event()

    async def examine(settings: AppSettings) -> list[Finding]:
        asked.append(settings.port)
        await go.wait()
        return [ok("a", "b")]

    settings = AppSettings(_env_file=None, port=0)
    cache = MemoryCache()
    checkup = Checkup(examine, settings, cache)
    first, second = asyncio.create_task(checkup.run(8123)), asyncio.create_task(checkup.run(8123))
    while not asked:
        await asyncio.sleep(0)
    first.cancel()
    go.set()
    report = await second
    assert asked == [8123], "once, at the port that was left open"
    assert report.healthy and report.findings[0].level is Level.OK
    assert await checkup.last() == report
    await cache.set("checkup:last", b'{"another": "version"}', 60)
    assert await checkup.last() is None
