"""The portal's process is killed at the worst moments; what it had begun is finished once, and nothing is fetched or filed twice."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import httpx
import imageio_ffmpeg
import psutil
import pytest

from tests.conftest import Demo, eventually, start_demo, stop_demo
from tests.e2e.processes import PYTHON, Sim, environment, simulator

pytestmark = [pytest.mark.full, pytest.mark.timeout(400)]
PLAYLIST = "Odds and ends"
FILMS = 4
SLOW = 60_000
"""Bytes a second of one film while the portal is to die in the middle of it."""
PATIENCE = 90.0


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sim]:
    """The video site, which outlives every portal here."""
    with simulator("youtube", tmp_path_factory.mktemp("site")) as running:
        yield running


class Household:
    """A data folder, a media server that reads its downloads, and the portal that is started on it again and again."""

    def __init__(self, folder: Path, plex: Sim, site: Sim) -> None:
        self.folder, self.plex, self.site = folder, plex, site
        self.demo: Demo | None = None
        self.api = httpx.Client()
        self.pace(None)

    @property
    def downloads(self) -> Path:
        return self.folder / "data" / "portal" / "downloads"

    def start(self, failpoints: str = "") -> None:
        """Start the portal and sign in as its admin."""
        self.demo = start_demo(
            self.folder,
            *("--data-dir", str(self.folder / "data")),
            *("--use", f"plex={self.plex.url}", "--use", f"youtube={self.site.url}"),
            env={"MEDIANEST_FAILPOINTS": failpoints},
        )
        self.api = httpx.Client(
            base_url=f"{self.demo.url}/api/v1", headers={"Origin": self.demo.url}, timeout=30
        )
        self.api.post("/sign-in/local", json=self.demo.admin).raise_for_status()
        # The test asks ten times a second.
        stored = self.api.get("/settings").raise_for_status().json()
        values = {"api_per_minute": 100_000}
        self.api.patch("/settings", json={"values": values, "version": stored["version"]}).raise_for_status()

    def kill(self) -> None:
        """kill -9 of the portal's process and of no other."""
        assert self.demo is not None
        os.kill(self.demo.process.pid, signal.SIGKILL)
        self.died()

    def died(self) -> None:
        """Wait for its end, which was a kill."""
        assert self.demo is not None
        assert self.demo.process.wait(PATIENCE) == -signal.SIGKILL

    def close(self) -> None:
        if self.demo is not None and self.demo.process.poll() is None:
            assert stop_demo(self.demo) == 0

    def pace(self, bytes_per_second: int | None) -> None:
        _ask(f"{self.site.url}/_sim/site", {"bytes_per_second": bytes_per_second})

    def submit(self) -> str:
        """Ask for the playlist, to be filed into the library that reads the downloads folder; its id."""

        def target() -> Any:
            found = self.api.get("/downloads/targets").json()
            return next((one for one in found if one["folder"] == str(self.downloads)), None)

        library = eventually(target, within=PATIENCE, what="a library to file into")
        reply = self.api.post(
            "/downloads",
            json={
                "url": self.site.facts["mixed_playlist_url"],
                "quality": "360",
                "library": {"instance_id": library["instance_id"], "library": library["library"]},
            },
            timeout=PATIENCE,
        )
        assert reply.status_code == 201, reply.text
        return str(reply.json()["download"]["id"])

    def told(self, download_id: str) -> dict[str, Any]:
        reply: dict[str, Any] = self.api.get(f"/downloads/{download_id}").raise_for_status().json()
        return reply

    def media(self, since: int = 0) -> list[dict[str, Any]]:
        """What the video site was asked for after entry `since` of its ledger: path and range."""
        entries = _ask(f"{self.site.url}/_sim/ledger?kind=media")
        return [one["facts"] | {"seq": one["seq"]} for one in entries if one["seq"] > since]

    def asked_so_far(self) -> int:
        return max((one["seq"] for one in self.media()), default=0)

    def collections(self, kind: str) -> list[dict[str, Any]]:
        """What was done to collections at the media server."""
        return [one["facts"] for one in _ask(f"{self.plex.url}/_sim/ledger?kind=collection.{kind}")]

    def films(self) -> list[Path]:
        return sorted(self.downloads.glob(f"*/{PLAYLIST}/*.mp4"))

    def finished_once(self, download_id: str) -> None:
        """All is done in the end: every film plays, one collection holds each once, no job failed, no half file is left."""
        eventually(
            lambda: self.told(download_id)["download"]["status"] not in ("queued", "running", "filing"),
            within=PATIENCE,
            what="the end of the download",
        )
        told = self.told(download_id)
        assert [item["status"] for item in told["items"]].count("done") == FILMS, told["items"]
        assert told["download"]["status"] == "done", told["download"]
        assert told["download"]["filing"]["stage"] == "done", told["download"]["filing"]
        films = self.films()
        assert len(films) == FILMS
        for film in films:
            command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-xerror", "-i", str(film)]
            run = subprocess.run([*command, "-f", "null", "-"], capture_output=True, text=True, timeout=60)
            assert (run.returncode, run.stderr) == (0, ""), film.name
        created = self.collections("created")
        assert [one["title"] for one in created] == [PLAYLIST]
        put = Counter(
            [*created[0]["items"], *(k for one in self.collections("items_added") for k in one["asked"])]
        )
        assert sorted(put.values()) == [1] * FILMS
        assert told["download"]["collection_key"] == str(created[0]["rating_key"])
        eventually(lambda: self.leftovers() == [], what="half files to go")
        assert self.jobs("failed") == []

    def leftovers(self) -> list[str]:
        return [path.name for path in (self.downloads / ".unfinished").glob("*/*")]

    def jobs(self, state: str) -> list[dict[str, Any]]:
        """The ledger as `medianest jobs list` shows it."""
        command = [
            *PYTHON,
            "jobs",
            "list",
            "--json",
            "--state",
            state,
            "--data-dir",
            str(self.downloads.parent),
        ]
        run = subprocess.run(
            command, capture_output=True, text=True, check=True, env=environment(), timeout=60
        )
        found: list[dict[str, Any]] = json.loads(run.stdout)
        return found


@pytest.fixture
def household(tmp_path: Path, site: Sim) -> Iterator[Household]:
    library = tmp_path / "data" / "portal" / "downloads"
    with ExitStack() as stack:
        plex = stack.enter_context(
            simulator("plex", tmp_path / "plex", "--items", "24", "--option", f"library_dir={library}")
        )
        one = Household(tmp_path, plex, site)
        stack.callback(one.close)
        yield one


def _ask(url: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    method = "GET" if body is None else "PUT"
    request = Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
    with urlopen(request, timeout=60) as reply:
        return json.load(reply)


def _children(demo: Demo | None) -> list[psutil.Process]:
    """The portal's processes that run yt-dlp, and what these have started."""
    assert demo is not None
    found = []
    for child in psutil.Process(demo.process.pid).children():
        if any(part.endswith("medianest_youtube/child.py") for part in child.cmdline()):
            found += [child, *child.children(recursive=True)]
    return found


def _gone(process: psutil.Process) -> bool:
    """Ended; whether somebody has taken note of it is not our business."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _halves(household: Household) -> dict[str, int]:
    """Work folder of each item that is under way → bytes there."""
    found: dict[str, int] = {}
    for path in (household.downloads / ".unfinished").glob("*/*.part"):
        found[path.parent.name] = found.get(path.parent.name, 0) + path.stat().st_size
    return found


def _video(item: dict[str, Any]) -> str:
    """The site's own id of an item."""
    return str(item["url"]).rpartition("=")[2]


def test_killed_in_the_middle_of_an_item(household: Household) -> None:
    """yt-dlp dies with the portal; afterwards the site is asked for the rest of the half file only."""
    household.pace(SLOW)
    household.start()
    download_id = household.submit()
    eventually(
        lambda: [size for size in _halves(household).values() if size > SLOW],
        within=PATIENCE,
        what="half a film on the disk",
    )
    running = [item for item in household.told(download_id)["items"] if item["status"] == "running"]
    children = _children(household.demo)
    assert children
    before = household.asked_so_far()
    household.kill()
    eventually(lambda: all(_gone(one) for one in children), within=60, what="the end of yt-dlp")
    halves = _halves(household)
    assert halves.keys() <= {item["id"] for item in running}

    household.pace(None)
    household.start()
    household.finished_once(download_id)
    videos = {item["id"]: _video(item) for item in running}
    for item_id, size in halves.items():
        starts = [
            int(match[1])
            for one in household.media(before)
            if one["video"] == videos[item_id] and (match := re.match(r"bytes=(\d+)-", one["range"] or ""))
        ]
        assert any(0 < start <= size for start in starts), "the half film was fetched from its beginning"


def test_killed_between_rename_and_commit(household: Household) -> None:
    """The film lies in its place and the database does not know: it is taken for what it is, not fetched again."""
    household.start(f"downloads.renamed=kill:{household.folder / 'killed'}")
    download_id = household.submit()
    household.died()
    there = household.films()
    assert there
    before = household.asked_so_far()

    household.start()
    told = household.told(download_id)
    household.finished_once(download_id)
    for film in there:
        video = next(_video(item) for item in told["items"] if f"{_video(item)}]" in film.name)
        again = [one["path"] for one in household.media(before) if one["video"] == video]
        assert again == [], film.name


def test_killed_between_collection_and_commit(household: Household) -> None:
    """The collection stands at the media server and the database does not know: it is found, not made again."""
    household.start(f"downloads.collection_created=kill:{household.folder / 'killed'}")
    download_id = household.submit()
    household.died()
    assert len(household.collections("created")) == 1
    before = household.asked_so_far()

    household.start()
    household.finished_once(download_id)
    assert household.media(before) == []
