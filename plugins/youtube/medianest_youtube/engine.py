"""Which yt-dlp is used: the one MediaNest came with, or a newer one fetched apart from it.

A folder of the plugin's own holds ``<version>/`` for each one fetched and ``current.json`` with the chosen version.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import re
from dataclasses import dataclass
from pathlib import Path

_VERSION = re.compile(r"\d{4}\.\d{1,2}\.\d{1,2}(?:\.[\w.]{1,20})?")


@dataclass(frozen=True)
class Engine:
    """`path` goes to the front of the child's module path; None for the one installed beside MediaNest."""

    version: str
    path: Path | None = None


class _Place:
    """Where fetched versions lie; the portal tells at start-up, before that only the bundled one is known."""

    folder: Path | None = None


def use_folder(folder: Path) -> None:
    _Place.folder = folder


def folder() -> Path | None:
    return _Place.folder


def bundled() -> Engine | None:
    try:
        return Engine(importlib.metadata.version("yt-dlp"))
    except importlib.metadata.PackageNotFoundError:
        return None


def current() -> Engine | None:
    """The chosen one where it is there and newer than what MediaNest came with; else that one."""
    own = bundled()
    if _Place.folder is not None and (chosen := chosen_version(_Place.folder)) is not None:
        path = _Place.folder / chosen
        if (path / "yt_dlp").is_dir() and (own is None or order(chosen) > order(own.version)):
            return Engine(chosen, path)
    return own


def chosen_version(place: Path) -> str | None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        version = json.loads((place / "current.json").read_text("utf-8")).get("version")
        if isinstance(version, str) and _VERSION.fullmatch(version):
            return version
    return None


def choose(place: Path, version: str | None) -> None:
    """Use `version` from now on; None goes back to the bundled one. Whole or not at all."""
    place.mkdir(parents=True, exist_ok=True)
    draft = place / "current.json.new"
    draft.write_text(json.dumps({"version": version}), "utf-8")
    draft.replace(place / "current.json")


def fetched(place: Path) -> list[str]:
    """Versions in the folder, newest first."""
    if not place.is_dir():
        return []
    names = [
        one.name for one in place.iterdir() if _VERSION.fullmatch(one.name) and (one / "yt_dlp").is_dir()
    ]
    return sorted(names, key=order, reverse=True)


def order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))
