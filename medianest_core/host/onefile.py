"""Plugins of one file: `NAME.py` in the `plugins` folder of the data directory, without packaging.

Each is a module of a package that exists in memory alone. The package is called after its folder, so that a file never takes the
place of an installed module of the same name. Nothing is compiled to disk: what runs is what the file says now.
"""

from __future__ import annotations

import hashlib
import importlib
import re
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

PREFIX = "medianest_files_"
_VERSION = re.compile(r"^__version__(?:: str)? = [\"']([^\"'\n]{1,40})[\"']", re.M)


def files(folder: Path) -> list[Path]:
    """The files that stand for a plugin, by name; `_NAME.py` and hidden ones stand for none. Raises OSError."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.glob("*.py") if path.name[0] not in "._" and path.is_file())


def label_of(path: Path) -> str:
    """What a file is called where a distribution's name is expected; also its plugin where the file's name cannot be one."""
    return f"{path.parent.name}/{path.name}"


def version_in(path: Path) -> str:
    """What the file says in a line `__version__ = "…"`; empty where it says nothing. Raises OSError, UnicodeDecodeError."""
    found = _VERSION.search(path.read_text("utf-8"))
    return found[1] if found else ""


def package_of(folder: Path) -> str:
    """Name of the package that the files of this folder are modules of."""
    return PREFIX + hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:10]


def install(folder: str) -> None:
    """Make the files of a folder importable in this process; a second time changes nothing."""
    if not any(isinstance(one, _Files) and one.folder == Path(folder) for one in sys.meta_path):
        sys.meta_path.append(_Files(Path(folder)))


def installed() -> list[str]:
    """Folders that this process imports from, for the child processes that shall do so too."""
    return [str(one.folder) for one in sys.meta_path if isinstance(one, _Files)]


def fresh(module: str) -> None:
    """Forget what the file said when it was last imported."""
    sys.modules.pop(module, None)


def home_of(module: str, plugin: str) -> Path | None:
    """Where a plugin of one file keeps `templates` and `locale`: in its own folder beside the file. None for other modules."""
    if not module.startswith(PREFIX):
        return None
    file = importlib.import_module(module).__file__
    return Path(file).parent / plugin if file is not None else None


class _Loader(SourceFileLoader):
    """Leaves no compiled file behind, and believes none."""

    def get_code(self, fullname: str) -> object:  # type: ignore[override]  # a code object, which has no public name
        return self.source_to_code(self.get_data(self.path), self.path)


class _Files(MetaPathFinder):
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._package = package_of(folder)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == self._package:
            return ModuleSpec(fullname, None, is_package=True)
        package, _, name = fullname.rpartition(".")
        if package != self._package:
            return None
        file = self.folder / f"{name}.py"
        if not file.is_file():
            return None
        return spec_from_file_location(fullname, file, loader=_Loader(fullname, str(file)))
