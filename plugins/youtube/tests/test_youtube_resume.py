"""What a child that was killed while ffmpeg worked had fetched is not fetched again."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import imageio_ffmpeg
import pytest

from medianest_youtube.simulation.harness import Runner, Site, probe

pytest_plugins = ("medianest_youtube.simulation.fixtures",)


def stuck_ffmpeg(folder: Path, work: Path, argument: str) -> Path:
    """An ffmpeg that does all its work and then never ends, where `argument` is among its own; a file `stuck` in the work
    folder tells."""
    program = folder / "ffmpeg"
    program.write_text(
        f"#!{sys.executable}\nimport pathlib, subprocess, sys, time\n"
        f"code = subprocess.call([{imageio_ffmpeg.get_ffmpeg_exe()!r}, *sys.argv[1:]])\n"
        f"if {argument!r} in sys.argv:\n"
        f"    pathlib.Path({str(work / 'stuck')!r}).touch()\n    time.sleep(600)\n"
        "raise SystemExit(code)\n"
    )
    program.chmod(0o755)
    return program


async def killed_at(runner: Runner, url: str, ffmpeg: Path, **wishes: str) -> None:
    """Run a job until ffmpeg is stuck, then kill it all."""
    process = await runner.start(runner.job("download", url, ffmpeg=str(ffmpeg), **wishes))
    try:
        async with asyncio.timeout(60):
            while not (runner.work / "stuck").exists():
                assert process.returncode is None
                await asyncio.sleep(0.02)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


@pytest.mark.full
@pytest.mark.parametrize(
    ("quality", "container", "argument"),
    [
        # Putting the streams together, then writing title and chapters into the result.
        ("1080", "mp4", "1:a:0"),
        ("1080", "mkv", "-write_id3v1"),
        ("audio", "mp3", "-vn"),
        ("audio", "mp3", "-write_id3v1"),
        ("audio", "m4a", "-write_id3v1"),
    ],
)
async def test_streams_are_fetched_once_though_ffmpeg_was_killed(
    site: Site, child_runner: Runner, tmp_path: Path, quality: str, container: str, argument: str
) -> None:
    url = site.fact("video_url")
    wishes = {"quality": quality, "container": container}
    await killed_at(child_runner, url, stuck_ffmpeg(tmp_path, child_runner.work, argument), **wishes)
    fetched = list(site.simulator.ledger.facts("media"))
    assert fetched
    outcome = await child_runner.run("download", url, **wishes)
    probe(child_runner.work / outcome.one("done")["files"][0]["name"])
    assert outcome.one("done")["files"][0]["name"].endswith(container)
    assert list(site.simulator.ledger.facts("media")) == fetched
