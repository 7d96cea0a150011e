"""Fingerprints of a plugin's code: equal ones mean that what was learnt about it still holds."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import sys
from pathlib import Path

from medianest_core.host.discovery import Found

_MAX_FILES = 2000
_SKIPPED = {"__pycache__", "node_modules", "templates", "static"}


def code_stamp(found: Found) -> str:
    """Changes when the plugin's files do: version, recorded files, and the time and size of each source file."""
    digest = hashlib.sha256(
        "\n".join((found.distribution, found.version, found.module, found.record)).encode()
    )
    if found.file:
        sources = _file(found.file)
    else:
        sources = _sources(found.module.partition(":")[0].partition(".")[0])
    for name, changed, size in sources:
        digest.update(f"{name}\0{changed}\0{size}\n".encode())
    return digest.hexdigest()[:24]


def probe_key(stamp: str, environment: str) -> str:
    """Changes with the code stamp, and also with the interpreter and with anything else that is installed."""
    text = "\n".join((sys.implementation.cache_tag or "", sys.version, environment, stamp))
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _sources(package: str) -> list[tuple[str, int, int]]:
    """(path inside the package, time of the last change, size) of its source files, in a fixed order."""
    try:
        # Looking up a top-level name runs none of its code.
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError, AttributeError):
        return []
    if spec is None:
        return []
    found: list[tuple[str, int, int]] = []
    if spec.submodule_search_locations is not None:
        for folder in spec.submodule_search_locations:
            _scan(folder, "", found)
    elif spec.origin:
        found += _file(spec.origin)
    return sorted(found)


def _file(path: str) -> list[tuple[str, int, int]]:
    with contextlib.suppress(OSError):
        status = Path(path).stat()
        return [(Path(path).name, status.st_mtime_ns, status.st_size)]
    return []


def _scan(folder: str, prefix: str, found: list[tuple[str, int, int]]) -> None:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if len(found) >= _MAX_FILES:
                return
            if entry.name.endswith(".py"):
                status = entry.stat()
                found.append((prefix + entry.name, status.st_mtime_ns, status.st_size))
            elif entry.is_dir(follow_symlinks=False) and entry.name not in _SKIPPED:
                _scan(entry.path, f"{prefix}{entry.name}/", found)
