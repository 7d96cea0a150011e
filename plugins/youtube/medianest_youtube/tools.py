"""The programs downloads need: which are there, how old they are, and what to do about those that are not."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import re
import shutil
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path

from medianest_core.sdk import N_
from medianest_youtube import engine

OLD_DAYS = 90
_LEAST = {"deno": (2, 0), "node": (22, 0), "bun": (1, 1)}


@dataclass(frozen=True)
class Tool:
    """One program. `advice` is set when something is to be done about it; `present` False when downloads suffer."""

    name: str
    present: bool
    version: str = ""
    path: str | None = None
    advice: str = ""


@dataclass(frozen=True)
class Toolbox:
    ytdlp: Tool
    ffmpeg: Tool
    javascript: Tool

    def all(self) -> tuple[Tool, ...]:
        return (self.ytdlp, self.ffmpeg, self.javascript)


async def look(*, today: date | None = None) -> Toolbox:
    """Find everything and ask it for its version."""
    ffmpeg, javascript = await asyncio.gather(_ffmpeg(), _javascript())
    return Toolbox(_ytdlp(today or datetime.now(UTC).date()), ffmpeg, javascript)


async def ffmpeg_path() -> str | None:
    """ffmpeg of the system, else the one that comes with imageio-ffmpeg, which starts it to see whether it works."""
    return await asyncio.to_thread(_find_ffmpeg)


def _find_ffmpeg() -> str | None:
    if found := shutil.which("ffmpeg"):
        return found
    with contextlib.suppress(ImportError, RuntimeError):
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    return None


async def javascript_runtimes() -> dict[str, str]:
    """Runtimes that yt-dlp can use, by its names for them."""
    found: dict[str, str] = {}
    for name, least in _LEAST.items():
        path = _find_runtime(name)
        if path and (version := await _version(path)) and _numbers(version) >= least:
            found[name] = path
    return found


def age_in_days(version: str, today: date) -> int | None:
    """Versions of yt-dlp are dates."""
    match = re.match(r"(\d{4})\.(\d{1,2})\.(\d{1,2})", version)
    if match is None:
        return None
    with contextlib.suppress(ValueError):
        return max(0, (today - date(*(int(part) for part in match.groups()))).days)
    return None


def _ytdlp(today: date) -> Tool:
    chosen = engine.current()
    if chosen is None:
        return Tool("yt-dlp", False, advice="Install the Python package yt-dlp.")
    days = age_in_days(chosen.version, today)
    if days is not None and days > OLD_DAYS:
        advice = N_("It is {days} days old and sites change often: use “Update yt-dlp”.").format(days=days)
        return Tool("yt-dlp", True, chosen.version, str(chosen.path or ""), advice)
    return Tool("yt-dlp", True, chosen.version, str(chosen.path or ""))


async def _ffmpeg() -> Tool:
    path = await ffmpeg_path()
    version = await _version(path, "-version") if path else None
    if path is None or version is None:
        return Tool("ffmpeg", False, advice="Install ffmpeg, e.g. “apt install ffmpeg”.")
    return Tool("ffmpeg", True, version, path)


async def _javascript() -> Tool:
    usable = await javascript_runtimes()
    for name, path in usable.items():
        return Tool("JavaScript runtime", True, f"{name} {await _version(path) or ''}".strip(), path)
    too_old = next((name for name in _LEAST if _find_runtime(name)), None)
    advice = N_("YouTube needs one: install deno 2 or newer, or Node 22 or newer.")
    if too_old:
        advice = N_(
            "YouTube needs one: install deno 2 or newer, or Node 22 or newer. The {name} found here is too old."
        ).format(name=too_old)
    return Tool("JavaScript runtime", False, advice=advice)


def _find_runtime(name: str) -> str | None:
    if found := shutil.which(name):
        return found
    beside = Path(sys.executable).with_name(name)
    if beside.is_file():
        return str(beside)
    if name == "deno" and importlib.util.find_spec("deno") is not None:
        with contextlib.suppress(Exception):
            return str(importlib.import_module("deno").find_deno_bin())
    return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


async def _version(path: str, option: str = "--version") -> str | None:
    try:
        changed = Path(path).stat().st_mtime
    except OSError:
        return None
    known = _known_versions()
    if (path, changed) not in known:
        told = await _ask_version(path, option)
        if told is None:
            # It may have been too busy to answer; it is asked again the next time.
            return None
        known[path, changed] = told
    return known[path, changed]


@lru_cache(maxsize=1)
def _known_versions() -> dict[tuple[str, float], str]:
    return {}


async def _ask_version(path: str, option: str) -> str | None:
    process = None
    try:
        process = await asyncio.create_subprocess_exec(
            path,
            option,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(10):
            told, _ = await process.communicate()
    except (OSError, TimeoutError):
        return None
    finally:
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    match = re.search(rb"\d+(?:\.\d+)+[\w.-]*|\bN-\d+[\w-]*", told)
    return match[0].decode() if match and process.returncode == 0 else None
