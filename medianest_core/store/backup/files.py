"""The portal's files around the database: its keys, what plugins keep, and on request downloads and images."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

KEY_FILE = "keys.json"
LOCK = "restore.lock"
"""File in the data folder that is held locked while a restore is under way; it is there once there has been one."""
PLUGINS_FOLDER, IMAGES_FOLDER, BACKUPS_FOLDER = "plugins", "images", "backups"


@dataclass(frozen=True, slots=True)
class Places:
    """Where a portal keeps its files."""

    data: Path
    downloads: Path

    @property
    def keys(self) -> Path:
        return self.data / KEY_FILE

    @property
    def plugins(self) -> Path:
        return self.data / PLUGINS_FOLDER

    @property
    def images(self) -> Path:
        return self.data / IMAGES_FOLDER

    @property
    def backups(self) -> Path:
        return self.data / BACKUPS_FOLDER


@dataclass(frozen=True, slots=True)
class Found:
    """A file and the member it becomes. packed: whether compressing it is worth the while."""

    path: Path
    member: str
    packed: bool


def listed(places: Places, *, with_media: bool) -> tuple[list[Found], int]:
    """(files that belong into a backup, how many were passed over because of their names or kinds)."""
    # Not at the top: every start of the portal needs this file, and none of what that one brings.
    from medianest_core.store.backup.manifest import DOWNLOADS, IMAGES, KEYS, PLUGIN_FILES, is_safe

    found: list[Found] = []
    passed = 0
    if places.keys.is_file():
        found.append(Found(places.keys, KEYS, True))
    trees = [(places.plugins, PLUGIN_FILES, True)]
    if with_media:
        trees += [(places.downloads, DOWNLOADS, False), (places.images, IMAGES, False)]
    for root, prefix, packed in trees:
        for path in _files(root):
            member = prefix + path.relative_to(root).as_posix()
            if is_safe(member):
                found.append(Found(path, member, packed))
            else:
                passed += 1
    return found, passed


def _files(root: Path) -> Iterator[Path]:
    """Plain files below `root`; links are not followed."""
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            try:
                plain = stat.S_ISREG(path.lstat().st_mode)
            except OSError:
                continue
            # Work in progress of whatever writes there.
            if plain and not name.endswith((".part", ".tmp")):
                yield path


def facts_of(path: Path) -> Path:
    """The file beside a backup that says what is known of it."""
    return path.with_name(f"{path.name}.json")


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_durably(path: Path, data: bytes) -> None:
    """Put a file in place in one step, readable by its owner only."""
    partial = path.with_name(f".{path.name}.part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_folder(path.parent)
