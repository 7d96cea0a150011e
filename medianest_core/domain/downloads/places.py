"""Where downloads lie: the root, each person's folder in it, half files beside it, and how a media server names the same folder."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from medianest_core.base.texts import N_
from medianest_core.sdk.errors import MediaNestError

WORK = ".unfinished"
RESERVE = 512 * 1024 * 1024


class OutsideRoot(MediaNestError):
    """A path would leave the downloads folder."""


class Places:
    """root: the downloads folder. reserve: bytes that stay free. free: bytes free on the root's file system."""

    def __init__(
        self, root: Path, *, reserve: int = RESERVE, free: Callable[[Path], int] | None = None
    ) -> None:
        self.root = root.absolute()
        self.reserve = reserve
        self._free = free or (lambda path: shutil.disk_usage(path).free)

    def prepare(self) -> None:
        """Make the root. Raises OSError."""
        self.root.mkdir(parents=True, exist_ok=True)

    def folder(self, relative: str) -> Path:
        """Make and return a folder below the root. Raises OutsideRoot, also where a symbolic link leads out."""
        wanted = PurePosixPath(relative)
        if wanted.is_absolute() or ".." in wanted.parts or not wanted.parts:
            raise OutsideRoot(N_("The folder would lie outside the downloads folder."))
        path = self.root.joinpath(*wanted.parts)
        path.mkdir(parents=True, exist_ok=True)
        return self.inside(path)

    def inside(self, path: Path) -> Path:
        """The path, if it really lies below the root. Raises OutsideRoot."""
        if not path.resolve().is_relative_to(self.root.resolve()):
            raise OutsideRoot(N_("The file would lie outside the downloads folder."))
        return path

    def work(self, item_id: str) -> Path:
        """The item's folder for half files; on the root's file system, so that finished files can be renamed into place."""
        return self.folder(f"{WORK}/{item_id}")

    def drop_work(self, item_id: str) -> None:
        """Forget half files."""
        with contextlib.suppress(OSError):
            shutil.rmtree(self.root / WORK / item_id)

    def relative(self, path: Path) -> str:
        """Path below the root, as it is stored."""
        return self.inside(path).resolve().relative_to(self.root.resolve()).as_posix()

    def absolute(self, relative: str) -> Path:
        """A stored path as a path. Raises OutsideRoot."""
        return self.inside(self.root.joinpath(*PurePosixPath(relative).parts))

    def short_of(self, size: int | None = None) -> int:
        """Bytes that lack for an item of `size` while the reserve stays free; 0 where there is room."""
        try:
            free = self._free(self.root)
        except OSError:
            return self.reserve
        return max(0, self.reserve + (size or 0) - free)

    def free(self) -> int:
        return self._free(self.root)


def server_folder(root: Path, locations: Sequence[str], stated: str | None = None) -> str | None:
    """The downloads root as the media server names it: as stated, else the root itself where the server reads it or a folder
    above it, else the library's first folder. None for a library without folders."""
    if stated:
        return stated.rstrip("/\\") or stated
    for location in locations:
        if root == Path(location) or Path(location) in root.parents:
            return str(root)
    return locations[0].rstrip("/\\") if locations else None


def server_path(folder: str, relative: str) -> str:
    """A stored path as the server names it; a Windows server's with its own separators."""
    if "\\" in folder or (len(folder) > 1 and folder[1] == ":"):
        return "\\".join([folder, *PurePosixPath(relative).parts])
    return f"{folder}/{relative}" if folder != "/" else f"/{relative}"
