"""The child with real yt-dlp and real ffmpeg over loopback."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import psutil
import pytest

from medianest_youtube import child
from medianest_youtube.protocol import read_event
from medianest_youtube.simulation.catalogue import HOSTILE_ID
from medianest_youtube.simulation.harness import Runner, Site, probe

pytest_plugins = ("medianest_youtube.simulation.fixtures",)


async def test_looks_at_one_video_without_fetching_it(site: Site, child_runner: Runner) -> None:
    outcome = await child_runner.run("inspect", site.fact("video_url"))
    result = outcome.one("inspected")["result"]
    assert outcome.code == 0
    assert result["kind"] == "video"
    assert result["title"] == site.fact("video_title")
    item = result["items"][0]
    assert item["availability"] == "ok"
    assert item["heights"] == [1080, 720, 360]
    assert item["duration"] == 8.0
    assert item["sizes"]["1080"] > item["sizes"]["720"] > item["sizes"]["audio"] > 0
    assert not site.simulator.ledger.entries("media")


async def test_lists_a_playlist_with_what_is_private_and_removed(site: Site, child_runner: Runner) -> None:
    result = (await child_runner.run("inspect", site.fact("mixed_playlist_url"))).one("inspected")["result"]
    assert (result["kind"], result["title"], result["total"]) == ("playlist", "Odds and ends", 6)
    assert [item["availability"] for item in result["items"]] == [
        "ok",
        "private",
        "ok",
        "removed",
        "ok",
        "ok",
    ]
    tonight = (await child_runner.run("inspect", site.fact("tonight_playlist_url"))).one("inspected")[
        "result"
    ]
    assert [item["availability"] for item in tonight["items"]] == ["ok", "live", "upcoming"]


@pytest.mark.full
async def test_a_large_list_takes_one_request_a_page_and_stops_at_the_limit(
    site: Site, child_runner: Runner
) -> None:
    result = (await child_runner.run("inspect", site.fact("large_playlist_url"))).one("inspected")["result"]
    assert (len(result["items"]), result["total"], result["complete"]) == (500, 500, True)
    assert len(site.simulator.ledger.entries("api")) == 5
    site.simulator.ledger.clear()
    short = await child_runner.run("inspect", site.fact("large_playlist_url"), playlist_limit=120)
    result = short.one("inspected")["result"]
    assert (len(result["items"]), result["total"], result["complete"]) == (120, 500, False)
    assert len(site.simulator.ledger.entries("api")) == 2


async def test_a_channel_expands_to_its_videos(site: Site, child_runner: Runner) -> None:
    result = (await child_runner.run("inspect", f"{site.url}/@tinkershed")).one("inspected")["result"]
    assert result["title"] == "Tinker Shed"
    assert len(result["items"]) == 7


async def test_a_video_opened_within_a_list_is_that_video_unless_the_list_is_asked_for(
    site: Site, child_runner: Runner
) -> None:
    address = site.fact("watch_in_list_url")
    assert (await child_runner.run("inspect", address)).one("inspected")["result"]["kind"] == "video"
    whole = (await child_runner.run("inspect", address, single=False)).one("inspected")["result"]
    assert (whole["kind"], whole["total"]) == ("playlist", 6)


async def test_real_addresses_of_the_site_are_understood(site: Site, child_runner: Runner) -> None:
    for address in (
        "https://youtu.be/shortClip_1",
        "https://www.youtube.com/shorts/shortClip_1",
        "https://m.youtube.com/watch?v=shortClip_1&t=3",
    ):
        result = (await child_runner.run("inspect", address)).one("inspected")["result"]
        assert result["items"][0]["title"] == "Spark!", address


@pytest.mark.parametrize(
    "kind", ["private", "removed", "live", "upcoming", "bot_check", "age", "region", "members"]
)
async def test_says_plainly_what_is_in_the_way(site: Site, child_runner: Runner, kind: str) -> None:
    seen = (await child_runner.run("inspect", site.trouble(kind))).one("inspected")["result"]["items"][0]
    assert seen["availability"] == kind
    assert seen["reason"]
    outcome = await child_runner.run("download", site.trouble(kind))
    assert outcome.code == 1
    assert outcome.one("error")["code"] == kind
    assert not site.simulator.ledger.entries("media")


@pytest.mark.parametrize(
    ("quality", "container", "kept", "words"),
    [
        ("1080", "mp4", "mp4", ("h264", "aac", "1920x1080")),
        ("720", "mkv", "mkv", ("1280x720",)),
        ("720", "webm", "webm", ("vp9", "opus", "1280x720")),
        ("360", "mp4", "mp4", ("h264", "aac", "640x360")),
        ("audio", "mp3", "mp3", ("Audio: mp3",)),
        ("audio", "m4a", "m4a", ("Audio: aac",)),
    ],
)
async def test_fetches_and_merges(
    site: Site, child_runner: Runner, quality: str, container: str, kept: str, words: tuple[str, ...]
) -> None:
    outcome = await child_runner.run("download", site.fact("video_url"), quality=quality, container=container)
    done = outcome.one("done")
    media = child_runner.work / next(one["name"] for one in done["files"] if one["role"] == "media")
    assert media.suffix == f".{kept}"
    told = probe(media)
    assert all(word in told for word in words), told
    assert done["notes"] == []
    assert {one["role"] for one in done["files"]} == {"media", "thumbnail", "nfo"}
    progress = [event for event in outcome.events if event["event"] == "progress"]
    amounts = [event["bytes"] for event in progress]
    assert amounts == sorted(amounts)
    assert progress[-1]["bytes"] == progress[-1]["total"]
    announced = outcome.one("item")
    assert progress[-1]["total"] == announced["bytes"] or not announced["exact"]
    assert not list(child_runner.work.glob("*.part"))


@pytest.mark.full
async def test_upright_clips_count_by_their_short_side(site: Site, child_runner: Runner) -> None:
    outcome = await child_runner.run("download", site.fact("short_url"), quality="720")
    assert outcome.one("done")["item"]["height"] == 720


async def test_says_when_quality_container_or_captions_are_not_as_wished(
    site: Site, child_runner: Runner
) -> None:
    outcome = await child_runner.run(
        "download", site.fact("video_url"), quality="2160", container="webm", subtitles=["en", "fr"]
    )
    done = outcome.one("done")
    notes = {note["code"]: note["detail"] for note in done["notes"]}
    assert notes["quality_lower"] == "720"
    assert notes["subtitles_missing"] == "fr"
    captions = [one for one in done["files"] if one["role"] == "subtitle"]
    assert [one["language"] for one in captions] == ["en"]
    assert "00:00:00,000 --> 00:00:02,000" in (child_runner.work / captions[0]["name"]).read_text()


async def test_hostile_titles_name_no_file_and_the_nfo_holds_them_as_text(
    site: Site, child_runner: Runner
) -> None:
    before = sorted(child_runner.work.parent.rglob("*"))
    outcome = await child_runner.run("download", f"{site.url}/watch?v={HOSTILE_ID}", quality="360")
    done = outcome.one("done")
    added = set(child_runner.work.parent.rglob("*")) - set(before)
    assert all(path.parent == child_runner.work for path in added)
    assert all(path.name.startswith((HOSTILE_ID, "item.nfo", ".lock")) for path in added)
    nfo = ElementTree.parse(child_runner.work / "item.nfo").getroot()
    assert nfo.findtext("title", "").startswith("../../etc/passwd; rm -rf")
    assert nfo.findtext("premiered") == "2024-02-29"
    assert done["item"]["title"].startswith("../../etc/passwd")


@pytest.mark.full
async def test_a_half_file_is_continued_by_range_after_kill_9(site: Site, child_runner: Runner) -> None:
    site.simulator.behaviour.bytes_per_second = 300_000
    process = await child_runner.start(child_runner.job("download", site.fact("video_url"), quality="1080"))
    assert process.stdout is not None
    async for line in process.stdout:
        event = read_event(line)
        if event["event"] == "progress" and event["bytes"] > 200_000:
            break
    os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
    half = next(child_runner.work.glob("*.part")).stat().st_size
    assert half > 100_000
    site.simulator.behaviour.bytes_per_second = None
    outcome = await child_runner.run("download", site.fact("video_url"), quality="1080")
    assert site.ranges("137") == [None, f"bytes={half}-"]
    probe(child_runner.work / outcome.one("done")["files"][0]["name"])


@pytest.mark.full
async def test_a_whole_but_unrenamed_half_file_does_not_block_for_ever(
    site: Site, child_runner: Runner
) -> None:
    first = await child_runner.run("download", site.fact("video_url"), quality="audio", container="m4a")
    media = child_runner.work / first.one("done")["files"][0]["name"]
    source = site.simulator.site.videos[first.one("done")["item"]["id"]]
    original = site.simulator.film(source.clip, "140")
    media.unlink()
    # Longer than what the site has now: the answer to "the rest, please" is 416.
    (child_runner.work / f"{media.name}.part").write_bytes(original.read_bytes() + b"\0" * 500)
    again = await child_runner.run("download", site.fact("video_url"), quality="audio", container="m4a")
    assert again.code == 0
    probe(media)


@pytest.mark.parametrize(
    ("mode", "code"),
    [("403", "forbidden"), ("404", "not_found"), ("429", "rate_limited"), ("loop", "not_allowed")],
)
async def test_refusals_of_the_site_are_told_apart(
    site: Site, child_runner: Runner, mode: str, code: str
) -> None:
    site.simulator.behaviour.load({"troubles": [{"mode": mode}]})
    outcome = await child_runner.run("download", site.fact("video_url"), quality="audio", container="m4a")
    assert outcome.one("error")["code"] == code
    assert "://" not in outcome.one("error")["detail"]


@pytest.mark.full
async def test_passing_troubles_are_overcome(site: Site, child_runner: Runner) -> None:
    site.simulator.behaviour.load(
        {"troubles": [{"mode": "503", "times": 1}, {"mode": "reset", "after": 30_000, "times": 1}]}
    )
    outcome = await child_runner.run("download", site.fact("video_url"), quality="audio", container="m4a")
    assert outcome.code == 0
    statuses = [one["status"] for one in site.simulator.ledger.facts("media")]
    assert statuses[:2] == [503, 200]
    assert len(statuses) == 3
    probe(child_runner.work / outcome.one("done")["files"][0]["name"])


@pytest.mark.parametrize("switch", [{"ranges": False}, {"lengths": False}])
async def test_plain_servers_will_do(site: Site, child_runner: Runner, switch: dict[str, bool]) -> None:
    site.simulator.behaviour.load(switch)
    outcome = await child_runner.run("download", site.fact("video_url"), quality="360")
    probe(child_runner.work / outcome.one("done")["files"][0]["name"])


async def test_too_large_is_refused_before_the_first_byte(site: Site, child_runner: Runner) -> None:
    outcome = await child_runner.run("download", site.fact("video_url"), max_bytes=500_000)
    assert outcome.one("error")["code"] == "too_large"
    assert not site.simulator.ledger.entries("media")


@pytest.mark.full
async def test_too_large_is_noticed_where_the_site_does_not_say(site: Site, child_runner: Runner) -> None:
    site.simulator.behaviour.load({"lengths": False, "bytes_per_second": 400_000})
    outcome = await child_runner.run(
        "download", f"{site.url}/media/{HOSTILE_ID}/18.mp4", extractors=["generic"], max_bytes=200_000
    )
    assert outcome.one("error")["code"] == "too_large"


@pytest.mark.parametrize("to", [f"file://{__file__}", "ftp://127.0.0.1/x", "data:text/plain,x"])
async def test_redirects_to_other_schemes_are_not_followed(site: Site, child_runner: Runner, to: str) -> None:
    site.simulator.behaviour.load({"troubles": [{"mode": "redirect", "to": to}]})
    outcome = await child_runner.run("download", site.fact("video_url"), quality="audio", container="m4a")
    assert outcome.code == 1
    assert not list(child_runner.work.glob("*.m4a"))


async def test_a_second_child_on_the_same_folder_is_turned_away(site: Site, child_runner: Runner) -> None:
    with (child_runner.work / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        outcome = await child_runner.run("download", site.fact("video_url"))
    assert outcome.one("error")["code"] == "busy"
    assert outcome.one("error")["retry"] == "now"


async def test_child_and_ffmpeg_end_with_a_parent_that_is_killed(
    site: Site, child_runner: Runner, tmp_path: Path
) -> None:
    """The parent is a process of its own that is killed -9 while ffmpeg (here one that never ends) works."""
    slow = tmp_path / "ffmpeg"
    slow.write_text(
        f"#!{sys.executable}\nimport sys, time, os\n"
        'if "-bsfs" in sys.argv or "-version" in sys.argv:\n    print("ffmpeg version 7.0")\n    raise SystemExit\n'
        "time.sleep(600)\n"
    )
    slow.chmod(0o755)
    job = child_runner.job(
        "download", site.fact("video_url"), quality="360", thumbnail=False, ffmpeg=str(slow)
    )
    script = (
        "import subprocess, sys, json\n"
        f"p = subprocess.Popen([sys.executable, '-I', {str(child.__file__)!r}], stdin=subprocess.PIPE, start_new_session=True)\n"
        f"p.stdin.write({job.line()!r}); p.stdin.flush(); print(p.pid, flush=True); p.wait()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    try:
        leader = psutil.Process(int(await asyncio.to_thread(parent.stdout.readline)))
        helpers: list[psutil.Process] = []
        async with asyncio.timeout(120):
            while not helpers:
                await asyncio.sleep(0.02)
                helpers = leader.children(recursive=True)
    finally:
        parent.kill()
        parent.wait()
    async with asyncio.timeout(60):
        while any(_alive(one) for one in [leader, *helpers]):
            await asyncio.sleep(0.02)


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize(
    "line",
    [
        b"not json\n",
        b"[]\n",
        b'{"kind": "inspect"}\n',
        b'{"kind": "exec", "url": "x", "work": "/"}\n',
        b'{"kind": "download", "url": "x", "work": "/", "exec": "rm"}\n',
        b'{"kind": "download", "url": "x", "work": "/", "quality": "audio", "container": "mkv"}\n',
    ],
)
def test_a_job_that_is_not_understood_is_refused(line: bytes) -> None:
    told = subprocess.run(
        [sys.executable, "-I", str(child.__file__)], input=line, capture_output=True, timeout=30, check=False
    )
    assert told.returncode == 1
    assert json.loads(told.stdout)["code"] == "bad_job"
