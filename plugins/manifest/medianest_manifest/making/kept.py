"""What was found out about files before, so that only those whose time or size has changed are read again."""

from __future__ import annotations

import contextlib
import os
import tempfile
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import orjson

T = TypeVar("T")
_FORMAT = 1


class Kept:
    """path: the file where it is kept. root: the folder that all files lie in. read: how many were looked into this time."""

    def __init__(self, path: Path, root: Path) -> None:
        self._path = path
        self._root = root
        self._before = _loaded(path)
        self._now: dict[str, list[Any]] = {}
        self.read = 0

    def of(self, what: str, path: Path, find: Callable[[Path], Any]) -> Any:
        """What `find` says of the file (a JSON value), now or when it was last asked about this very file."""
        key, state = f"{what}:{text(path.relative_to(self._root).as_posix())}", stamp(path)
        known = self._now.get(key) or self._before.get(key)
        if known is None or known[0] != state:
            self.read += 1
            known = [state, find(path)]
        self._now[key] = known
        return known[1]

    def save(self) -> None:
        """Keep what was asked about this time; files that are gone are forgotten."""
        write(self._path, orjson.dumps({"format": _FORMAT, "files": self._now}))


def stamp(path: Path) -> str:
    """Changes when the file does."""
    facts = path.stat()
    return f"{facts.st_size}-{facts.st_mtime_ns}"


def text(name: str) -> str:
    """A name of a file as text: composed as most systems have it, and without bytes that are none."""
    return unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8", "replace"))


def write(path: Path, content: bytes) -> bool:
    """Put the file there as a whole. False, and the file stays as it is, where that is what it holds already."""
    with contextlib.suppress(OSError):
        if path.read_bytes() == content:
            return False
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    partial = Path(name)
    try:
        with os.fdopen(number, "wb") as out:
            out.write(content)
        partial.chmod(0o644)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return True


def _loaded(path: Path) -> dict[str, list[Any]]:
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    if not isinstance(found, dict) or found.get("format") != _FORMAT:
        return {}
    files = found.get("files")
    return files if isinstance(files, dict) else {}
