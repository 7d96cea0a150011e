"""Moving finished files to where they belong, so that a crash at any moment loses nothing and fetches nothing twice.

What is to be moved stands in ``finished.json`` in the work folder before the first move. A later attempt that finds it goes
on where the last one stopped.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_RECORD = "finished.json"
_EXTENSIONS = frozenset({"mp4", "mkv", "webm", "mp3", "m4a", "srt", "jpg", "nfo"})
_LANGUAGE = re.compile(r"[A-Za-z0-9-]{1,20}")


class Misplaced(ValueError):
    """A file or name that does not belong where it is."""


@dataclass(frozen=True)
class Move:
    """From a name in the work folder to a name in the target folder. kind: media, subtitle, thumbnail or nfo."""

    source: str
    target: str
    kind: str


def plan(files: Sequence[Mapping[str, Any]], stem: str) -> list[Move]:
    """The moves for the files of a child's ``done`` event. Raises Misplaced for a name that is no plain file name of a kind
    we know."""
    if not stem or stem != Path(stem).name or stem.startswith("."):
        raise Misplaced("not a file name")
    moves = []
    for one in files:
        source, kind = str(one["name"]), str(one["role"])
        extension = source.rpartition(".")[2].lower()
        if source != Path(source).name or source.startswith(".") or extension not in _EXTENSIONS:
            raise Misplaced("not a file of ours")
        language = str(one.get("language") or "")
        middle = f".{language}" if kind == "subtitle" and _LANGUAGE.fullmatch(language) else ""
        moves.append(Move(source, f"{stem}{middle}.{extension}", kind))
    return moves


def record(work: Path, moves: Sequence[Move], facts: Mapping[str, str]) -> None:
    """From here on the item counts as fetched."""
    content = {"moves": [vars(move) for move in moves], "facts": dict(facts)}
    draft = work / f"{_RECORD}.new"
    with draft.open("w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(work / _RECORD)


def recorded(work: Path) -> tuple[list[Move], dict[str, str]] | None:
    """What an earlier attempt had finished, or None."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        content = json.loads((work / _RECORD).read_text("utf-8"))
        return [Move(**move) for move in content["moves"]], dict(content["facts"])
    return None


def carry_out(work: Path, target: Path, moves: Sequence[Move]) -> list[Path]:
    """Move what has not been moved yet; the target paths. The media file comes last, so that where it is, all is.

    Raises FileNotFoundError when a file is neither here nor there: then the item is to be fetched again.
    """
    ordered = sorted(moves, key=lambda move: move.kind == "media")
    for move in ordered:
        source, destination = work / move.source, target / move.target
        if source.is_symlink():
            raise Misplaced("not a plain file")
        if source.exists():
            _settle(source)
            source.replace(destination)
        elif not destination.is_file():
            (work / _RECORD).unlink(missing_ok=True)
            raise FileNotFoundError(move.target)
    _settle(target)
    return [target / move.target for move in moves]


def _settle(path: Path) -> None:
    """On the disk, not only in memory: a name must never outlive its content."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
