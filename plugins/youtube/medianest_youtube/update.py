"""A newer yt-dlp than MediaNest came with: fetched apart, tried out, and only then used. The one before stays for the way back."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, Field

from medianest_core.sdk import N_
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.jobs import Job, JobContext, Retry
from medianest_youtube import engine

_KEPT = 2
_TRIAL = """
import sys
sys.path.insert(0, sys.argv[1])
import yt_dlp, yt_dlp.extractor.youtube
from yt_dlp.globals import plugin_dirs
with yt_dlp.YoutubeDL({"quiet": True, "cachedir": False, "allowed_extractors": ["youtube"], "color": "no_color"}):
    print(yt_dlp.version.__version__)
assert yt_dlp.__file__.startswith(sys.argv[1])
"""


class UpdateFailed(Exception):
    """The newer yt-dlp is not used; the text says why and goes to the admin."""


class UpdateArgs(BaseModel):
    """version: of yt-dlp, or None for the newest."""

    version: str | None = Field(default=None, pattern=r"^\d{4}\.\d{1,2}\.\d{1,2}(\.[\w.]{1,20})?$")


async def update(
    place: Path, version: str | None = None, *, environment: Mapping[str, str] | None = None
) -> str:
    """Fetch, try and choose; the version now in use. pip finds the package as this machine is set up to find packages
    (`environment` adds to its variables). Raises UpdateFailed, after which everything is as before."""
    if importlib.util.find_spec("pip") is None:
        raise UpdateFailed("pip is missing; install the Python package pip.")
    place.mkdir(parents=True, exist_ok=True)
    draft = place / ".new"
    await asyncio.to_thread(shutil.rmtree, draft, True)
    try:
        await _fetch(draft, f"yt-dlp=={version}" if version else "yt-dlp", environment)
        # The solver scripts for YouTube must be of the very version this yt-dlp was made with.
        await _fetch(draft, _scripts_for(draft), environment)
        found = await try_out(draft)
        target = place / found
        if target.exists():
            await asyncio.to_thread(shutil.rmtree, target)
        draft.rename(target)
    finally:
        await asyncio.to_thread(shutil.rmtree, draft, True)
    engine.choose(place, found)
    for old in engine.fetched(place)[_KEPT:]:
        if old != found:
            await asyncio.to_thread(shutil.rmtree, place / old, True)
    return found


async def _fetch(target: Path, wanted: str, environment: Mapping[str, str] | None) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--no-input",
        "--disable-pip-version-check",
        "--no-compile",
    ]
    command += ["--only-binary", ":all:", "--no-deps", "--target", str(target), wanted]
    code, told = await _run(command, 300, environment)
    if code:
        raise UpdateFailed(N_("pip could not fetch it: {message}").format(message=_last_words(told)))


def _scripts_for(folder: Path) -> str:
    for metadata in folder.glob("yt_dlp-*.dist-info/METADATA"):
        if match := re.search(
            r"^Requires-Dist: (yt-dlp-ejs==[\w.]+)", metadata.read_text("utf-8"), re.MULTILINE
        ):
            return match[1]
    return "yt-dlp-ejs"


async def try_out(folder: Path) -> str:
    """The version of the yt-dlp in `folder`, once it has been loaded in a process of its own. Raises UpdateFailed."""
    code, told = await _run([sys.executable, "-I", "-c", _TRIAL, str(folder)], 120, None)
    version = told.strip().splitlines()[-1] if told.strip() else ""
    if code or not re.fullmatch(r"\d{4}\.\d{2}\.\d{2}[\w.]*", version):
        raise UpdateFailed(
            N_("The fetched yt-dlp does not start: {message}").format(message=_last_words(told))
        )
    return version


def go_back(place: Path) -> str:
    """Use the version before this one, or the bundled one. Returns the version now in use. Raises UserError."""
    now = engine.chosen_version(place)
    if now is None:
        raise UserError("The yt-dlp that came with MediaNest is in use already.")
    older = [version for version in engine.fetched(place) if engine.order(version) < engine.order(now)]
    engine.choose(place, older[0] if older else None)
    chosen = engine.current()
    return chosen.version if chosen is not None else "none"


async def run_update(context: JobContext, args: UpdateArgs) -> dict[str, str]:
    place = engine.folder()
    if place is None:
        raise UpdateFailed("The plugin's folder is not known yet.")
    await context.progress(0, 1, "Fetching yt-dlp")
    version = await update(place, args.version)
    await context.progress(1, 1, f"yt-dlp {version} is in use")
    return {"version": version}


UPDATE = Job(
    "youtube.update_ytdlp",
    run_update,
    UpdateArgs,
    title="Update yt-dlp",
    limit=1,
    retry=Retry(attempts=1),
    unique_by=lambda args: "update",
)


async def _run(command: list[str], seconds: float, environment: Mapping[str, str] | None) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **(environment or {})},
    )
    try:
        async with asyncio.timeout(seconds):
            told, _ = await process.communicate()
    except TimeoutError as error:
        raise UpdateFailed("It took too long.") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, told.decode("utf-8", "replace")


def _last_words(told: str) -> str:
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    words = re.sub(r"\S+://\S+", "(address)", lines[-1] if lines else "it said nothing")
    return words[:300]
