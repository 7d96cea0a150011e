"""Fingerprints of a plugin's code: equal ones mean that what was learnt about it still holds."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

from medianest_core.host.discovery import Found

_MAX_FILES = 2000


def code_stamp(found: Found) -> str:
    """Changes when the plugin's files do: version, recorded files, and the time and size of each source file."""
    digest = hashlib.sha256(
        "\n".join((found.distribution, found.version, found.module, found.record)).encode()
    )
    for path in _sources(found.module.partition(":")[0].partition(".")[0]):
        try:
            status = path.stat()
        except OSError:
            continue
        digest.update(f"{path.name}\0{status.st_mtime_ns}\0{status.st_size}\n".encode())
    return digest.hexdigest()[:24]


def probe_key(found: Found, environment: str) -> str:
    """Changes also with the interpreter and with anything else that is installed."""
    text = "\n".join((sys.implementation.cache_tag or "", sys.version, environment, code_stamp(found)))
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _sources(package: str) -> Iterator[Path]:
    try:
        # Looking up a top-level name runs none of its code.
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError, AttributeError):
        return
    if spec is None:
        return
    if spec.submodule_search_locations is None:
        if spec.origin:
            yield Path(spec.origin)
        return
    count = 0
    for folder in spec.submodule_search_locations:
        for path in sorted(Path(folder).rglob("*.py")):
            count += 1
            if count > _MAX_FILES:
                return
            yield path
