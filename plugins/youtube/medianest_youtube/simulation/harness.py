"""For tests: the running site with its addresses at hand, and children started as the plugin starts them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import imageio_ffmpeg

from medianest_core.testing.server import RunningSimulator
from medianest_youtube import child
from medianest_youtube.protocol import ChildJob, read_event
from medianest_youtube.simulator import VideoSiteSimulator


@dataclass
class Site:
    """The running site, with its addresses at hand."""

    running: RunningSimulator
    simulator: VideoSiteSimulator

    @property
    def url(self) -> str:
        return self.running.url

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    def fact(self, name: str) -> str:
        return str(self.simulator.facts()[name])

    def trouble(self, kind: str) -> str:
        listed = self.simulator.facts()["trouble"]
        assert isinstance(listed, dict)
        return str(listed[kind])

    def ranges(self, itag: str) -> list[object]:
        return [one["range"] for one in self.simulator.ledger.facts("media") if one["format"] == itag]


@dataclass
class Outcome:
    code: int
    events: list[dict[str, Any]] = field(default_factory=list)

    def one(self, kind: str) -> dict[str, Any]:
        found = [event for event in self.events if event["event"] == kind]
        assert found, f"no {kind} in {self.events}"
        return found[-1]


class Runner:
    """Starts children as the plugin does, without the portal."""

    def __init__(self, site: Site, work: Path) -> None:
        self.site = site
        self.work = work
        work.mkdir(exist_ok=True)

    def job(self, kind: Any, url: str, **wishes: Any) -> ChildJob:
        facts: dict[str, Any] = {
            "site_url": self.site.url,
            "connect_ports": [self.site.port],
            "ffmpeg": imageio_ffmpeg.get_ffmpeg_exe(),
        }
        return ChildJob(kind=kind, url=url, work=str(self.work), **(facts | wishes))

    async def start(self, job: ChildJob) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            str(child.__file__),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
            limit=8 * 1024 * 1024,
        )
        assert process.stdin is not None
        process.stdin.write(job.line())
        return process

    async def run(self, kind: Any, url: str, **wishes: Any) -> Outcome:
        process = await self.start(self.job(kind, url, **wishes))
        assert process.stdout is not None
        try:
            async with asyncio.timeout(60):
                events = [read_event(line) async for line in process.stdout]
                return Outcome(await process.wait(), events)
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                await process.wait()


def probe(path: Path) -> str:
    """What ffmpeg says about a file; it must be able to decode all of it."""
    told = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-xerror", "-i", str(path), "-f", "null", "-"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    return told.stderr
