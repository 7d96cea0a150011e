"""The video site: honest with ranges and pace, pleasant for people, switchable while it runs."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import urllib.error
import urllib.request
from asyncio import to_thread
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_core.testing.simulators import load_simulators
from medianest_youtube.simulation.harness import Site
from medianest_youtube.simulation.streaming import parse_range
from medianest_youtube.simulator import VideoSiteSimulator

pytest_plugins = ("medianest_youtube.simulation.fixtures",)


def _ask(
    url: str, method: str = "GET", body: object = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, {key.lower(): value for key, value in reply.headers.items()}, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, {key.lower(): value for key, value in error.headers.items()}, error.read()


async def ask(
    url: str, method: str = "GET", body: object = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    return await to_thread(_ask, url, method, body, **headers)


def film(site: Site) -> str:
    video = site.fact("video_url").rpartition("=")[2]
    return f"{site.url}/media/{video}/140.m4a"


async def test_ranges_are_honoured_and_logged(site: Site) -> None:
    _, headers, whole = await ask(film(site))
    assert headers["accept-ranges"] == "bytes"
    status, headers, part = await ask(film(site), Range="bytes=100-199")
    assert (status, part) == (206, whole[100:200])
    assert headers["content-range"] == f"bytes 100-199/{len(whole)}"
    assert (await ask(film(site), Range="bytes=-50"))[2] == whole[-50:]
    assert (await ask(film(site), Range=f"bytes={len(whole)}-"))[0] == 416
    assert site.ranges("140") == [None, "bytes=100-199", "bytes=-50", f"bytes={len(whole)}-"]


async def test_can_be_switched_while_it_runs(site: Site) -> None:
    status, _, answer = await ask(f"{site.url}/_sim/site", "PUT", {"ranges": False, "lengths": False})
    assert status == 200 and json.loads(answer)["ranges"] is False
    status, headers, _ = await ask(film(site), Range="bytes=10-19")
    assert status == 200 and "content-length" not in headers and "accept-ranges" not in headers
    await ask(
        f"{site.url}/_sim/site",
        "PUT",
        {"ranges": True, "lengths": True, "troubles": [{"mode": "404", "times": 1}]},
    )
    assert [(await ask(film(site)))[0] for _ in range(2)] == [404, 200]
    refused: tuple[object, ...] = (
        {"troubles": [{"mode": "explode"}]},
        {"bytes_per_second": 0},
        {"speed": 1},
        [],
        {"troubles": [{}]},
    )
    for wrong in refused:
        assert (await ask(f"{site.url}/_sim/site", "PUT", wrong))[0] == 400


async def test_a_channel_gains_a_video(site: Site) -> None:
    refused: tuple[object, ...] = (
        {},
        {"channel": "nobody", "title": "x"},
        {"channel": "slowmaps", "title": " "},
        [],
    )
    for wrong in refused:
        assert (await ask(f"{site.url}/_sim/publish", "POST", wrong))[0] == 400
    wanted = {"channel": "@slowmaps", "title": "A lighthouse in fog"}
    status, _, answer = await ask(f"{site.url}/_sim/publish", "POST", wanted)
    made = json.loads(answer)
    assert status == 201 and (await ask(made["url"]))[0] == 200
    listed = json.loads((await ask(f"{site.url}/api/channel/@slowmaps/videos"))[2])
    assert (listed["entries"][0]["id"], listed["entries"][0]["title"]) == (made["id"], wanted["title"])
    assert (await ask(f"{site.url}/media/{made['id']}/140.m4a"))[0] == 200


async def test_a_reset_cuts_in_the_middle(site: Site) -> None:
    site.simulator.behaviour.load({"troubles": [{"mode": "reset", "after": 5000}]})
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        await ask(film(site))


async def test_pages_for_people(site: Site) -> None:
    _, headers, home = await ask(site.url)
    assert headers["content-type"].startswith("text/html") and b"Harbour Kitchen: the first season" in home
    for name in ("video_url", "playlist_url", "channel_url", "short_url", "watch_in_list_url"):
        assert (await ask(site.fact(name)))[0] == 200, name
    _, _, hostile = await ask(f"{site.url}/watch?v=hostileTtl0")
    assert b"<b>&" not in hostile and b"rm -rf" in hostile
    _, headers, picture = await ask(f"{site.url}/vi/hostileTtl0.jpg")
    assert headers["content-type"] == "image/jpeg" and picture.startswith(b"\xff\xd8")
    playlist = site.fact("playlist_url").rpartition("=")[2]
    assert (await ask(f"{site.url}/feeds/videos.xml?playlist_id={playlist}"))[2].count(b"<item>") == 6
    for missing in (
        "/watch?v=x",
        "/playlist?list=x",
        "/@nobody",
        "/vi/x.jpg",
        "/media/x/18.mp4",
        "/feeds/videos.xml",
        "/captions/x/en.vtt",
    ):
        assert (await ask(f"{site.url}{missing}"))[0] == 404, missing


def test_equal_seeds_give_equal_sites(tmp_path: Path) -> None:
    one, two, other = (VideoSiteSimulator(seed=seed, data_dir=tmp_path).site for seed in (7, 7, 8))
    assert one == two
    assert one != other
    assert len(one.videos) >= 500 and all(len(key) == 11 for key in one.videos)
    assert len(VideoSiteSimulator(items=2000, data_dir=tmp_path).site.videos) >= 2000


@given(st.text(max_size=20), st.integers(1, 10**6))
def test_any_range_header_is_read_safely(text: str, size: int) -> None:
    found = parse_range(f"bytes={text}", size)
    if isinstance(found, tuple):
        assert 0 <= found[0] <= found[1] < size


async def test_runs_alone_and_is_found_by_its_entry_point(films: Path, site: Site) -> None:
    assert load_simulators()["youtube"] is VideoSiteSimulator
    script = (
        "import sys; from pathlib import Path; from medianest_core.testing.run import main\n"
        "main('youtube', 0, 300, 7, Path(sys.argv[1]), True, die_with_parent=True)"
    )
    process: Any = await to_thread(
        subprocess.Popen,
        [sys.executable, "-c", script, str(films)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        line = json.loads(await to_thread(process.stdout.readline))
        assert line["name"] == "youtube" and line["facts"]["site_url"] == line["url"]
        assert (await ask(line["url"]))[0] == 200
        process.stdin.close()
        assert await to_thread(process.wait, 60) == 0
    finally:
        process.kill()
        process.stdout.close()
