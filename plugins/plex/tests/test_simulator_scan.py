"""The Videos library is a real folder: files become items by a scan, with their notes, pictures and bytes."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from medianest_core.testing.simulators import RunningSimulator
from medianest_plex.simulation.scan import describe, walk
from medianest_plex.simulator import PlexSimulator

NFO = "<movie><title>The Rehearsal</title><plot>A plot.</plot><premiered>2024-05-06</premiered><runtime>3</runtime></movie>"


@pytest.fixture
def sim(served: RunningSimulator) -> PlexSimulator:
    assert isinstance(served.simulator, PlexSimulator)
    served.simulator.world.options.update({"scan_seconds": 0.05})
    return served.simulator


@pytest.fixture
def folder(sim: PlexSimulator) -> Path:
    return Path(sim.world.options.library_dir)


@pytest.fixture
async def owner(served: RunningSimulator, sim: PlexSimulator) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Accept": "application/json", "X-Plex-Token": str(sim.facts()["owner_token"])}
    async with httpx.AsyncClient(base_url=served.url, headers=headers, trust_env=False, timeout=60) as client:
        await sim.ledger.wait_for("scan.finished")
        sim.ledger.clear()
        yield client


async def titles(owner: httpx.AsyncClient) -> list[str]:
    body = (await owner.get("/library/sections/3/all")).json()["MediaContainer"]
    return [row["title"] for row in body.get("Metadata", [])]


def at_work(sim: PlexSimulator) -> asyncio.Lock:
    """No scan ends while this is held."""
    return sim._scanner._lock


async def test_files_become_items_after_a_while(
    owner: httpx.AsyncClient, sim: PlexSimulator, folder: Path
) -> None:
    (folder / "casey").mkdir()
    (folder / "casey" / "a.mp4").write_bytes(b"0123456789")
    (folder / "casey" / "a.nfo").write_text(NFO)
    async with at_work(sim):
        assert (
            await owner.get("/library/sections/3/refresh", params={"path": str(folder / "casey")})
        ).status_code == 200
        assert await titles(owner) == []
        sections = (await owner.get("/library/sections")).json()["MediaContainer"]["Directory"]
        assert [s["refreshing"] for s in sections] == [False, False, True]
    done = await sim.ledger.wait_for("scan.finished")
    assert await titles(owner) == ["The Rehearsal"]
    row = (await owner.get("/library/sections/3/all")).json()["MediaContainer"]["Metadata"][0]
    part = row["Media"][0]["Part"][0]
    assert part["file"] == str(folder / "casey" / "a.mp4")
    assert (part["size"], row["summary"], row["year"], row["duration"]) == (10, "A plot.", 2024, 180_000)
    assert done[0]["facts"]["added"] == [int(row["ratingKey"])]
    ranged = await owner.get(part["key"], headers={"Range": "bytes=2-4"})
    assert (ranged.status_code, ranged.content) == (206, b"234")


async def test_a_scan_of_one_folder_leaves_the_others(
    owner: httpx.AsyncClient, sim: PlexSimulator, folder: Path
) -> None:
    for name in ("one", "two"):
        (folder / name).mkdir()
        (folder / name / f"{name}.mkv").write_bytes(b"x")
    await owner.get("/library/sections/3/refresh", params={"path": str(folder / "one")})
    await sim.ledger.wait_for("scan.finished")
    assert await titles(owner) == ["one"]
    await owner.get("/library/sections/3/refresh")
    await sim.ledger.wait_for("scan.finished", 2)
    assert await titles(owner) == ["one", "two"]
    (folder / "one" / "one.mkv").unlink()
    await owner.get("/library/sections/3/refresh", params={"path": str(folder / "two")})
    await sim.ledger.wait_for("scan.finished", 3)
    assert await titles(owner) == ["one", "two"]
    await owner.get("/library/sections/3/refresh")
    await sim.ledger.wait_for("scan.finished", 4)
    assert await titles(owner) == ["two"]
    assert [
        len(facts["added"]) for facts in sim.ledger.facts("scan.finished") if isinstance(facts["added"], list)
    ] == [1, 1, 0, 0]


async def test_sections_stop_refreshing_each_for_itself(owner: httpx.AsyncClient, sim: PlexSimulator) -> None:
    async with at_work(sim):
        for section in (1, 3, 3, 2):
            await owner.get(f"/library/sections/{section}/refresh")
        assert [s.refreshing for s in sim.world.library.sections.values()] == [True, True, True]
    await sim.ledger.wait_for("scan.finished", 4)
    async with asyncio.timeout(60):
        while any(s.refreshing for s in sim.world.library.sections.values()):
            await asyncio.sleep(0.01)
    sim.world.options.update({"scan_seconds": 600.0})
    await owner.get("/library/sections/2/refresh")
    await owner.delete("/library/sections/2/refresh")
    assert not sim.world.library.sections[2].refreshing
    assert len(sim.ledger.entries("scan.finished")) == 4


async def test_a_folder_outside_the_library_adds_nothing(
    owner: httpx.AsyncClient, sim: PlexSimulator, tmp_path: Path
) -> None:
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    (outside / "x.mp4").write_bytes(b"x")
    await owner.get("/library/sections/3/refresh", params={"path": str(outside)})
    await sim.ledger.wait_for("scan.finished")
    assert await titles(owner) == []


async def test_only_the_owner_scans(
    served: RunningSimulator, sim: PlexSimulator, owner: httpx.AsyncClient
) -> None:
    casey = sim.world.accounts.server_token(sim.world.accounts.find("casey"))
    reply = await owner.get("/library/sections/3/refresh", headers={"X-Plex-Token": casey})
    assert reply.status_code == 403
    assert sim.ledger.entries("scan.started") == []


async def test_a_picture_beside_the_file_is_its_thumb(
    owner: httpx.AsyncClient, sim: PlexSimulator, folder: Path
) -> None:
    (folder / "clip.webm").write_bytes(b"x")
    Image.new("RGB", (640, 360), (200, 30, 30)).save(folder / "clip.jpg")
    await owner.get("/library/sections/3/refresh")
    await sim.ledger.wait_for("scan.finished")
    row = (await owner.get("/library/sections/3/all")).json()["MediaContainer"]["Metadata"][0]
    assert (await owner.get(row["thumb"])).content == (folder / "clip.jpg").read_bytes()
    small = await owner.get("/photo/:/transcode", params={"url": row["thumb"], "width": 160, "height": 160})
    assert Image.open(io.BytesIO(small.content)).size == (160, 90)


async def test_the_folder_can_be_changed(
    owner: httpx.AsyncClient, sim: PlexSimulator, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "late.m4a").write_bytes(b"x")
    await owner.put("/_sim/options", json={"library_dir": str(other)})
    await owner.get("/library/sections/3/refresh", params={"path": str(other)})
    await sim.ledger.wait_for("scan.finished")
    assert await titles(owner) == ["late"]


def test_walk_skips_what_is_hidden_or_unfinished(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.MKV", "c.mp4.part", ".d.mp4", "e.txt", ".hidden/f.mp4", "deep/er/g.mp3"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    assert [Path(found.path).name for found in walk(tmp_path)] == ["a.mp4", "b.MKV", "g.mp3"]


@pytest.mark.parametrize(
    ("nfo", "title"),
    [
        (None, "Talk"),
        ("not xml", "Talk"),
        ("<movie/>", "Talk"),
        ("<episodedetails><title>T</title></episodedetails>", "T"),
    ],
)
def test_titles_come_from_the_nfo_else_the_name(tmp_path: Path, nfo: Any, title: str) -> None:
    (tmp_path / "Talk [dQw4w9WgXcQ].mp4").write_bytes(b"x")
    if nfo is not None:
        (tmp_path / "Talk [dQw4w9WgXcQ].nfo").write_text(nfo)
    assert describe(tmp_path / "Talk [dQw4w9WgXcQ].mp4").title == title
