"""What an author is working on: a folder with a pyproject, or a plugin of one file. It runs without being installed.

A distribution is found by its metadata, so the metadata that an installer would write is written into a folder of our own, beside
which the sources stand on the path.
"""

from __future__ import annotations

import importlib
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medianest_core.host.discovery import PLUGIN_GROUP
from medianest_core.sdk.manifest import NAME_PATTERN


class NotAProject(Exception):
    """Why there is nothing to run at a path, in one sentence."""


@dataclass(frozen=True, slots=True)
class Project:
    """path: as the author named it. roots: folders to import from. groups: group → entry points as name → value."""

    path: Path
    name: str
    version: str = "0"
    roots: Sequence[Path] = ()
    requires: Sequence[str] = ()
    groups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def is_file(self) -> bool:
        return self.path.suffix == ".py"

    @property
    def plugins(self) -> Sequence[str]:
        """Names of the plugins it brings."""
        if self.is_file:
            return [self.name]
        return sorted(
            name for group, found in self.groups.items() if PLUGIN_GROUP.fullmatch(group) for name in found
        )

    @property
    def simulators(self) -> Sequence[str]:
        # Not with the module: the kit is much to import for a command line that has other commands.
        from medianest_core.testing.simulators import GROUP

        return sorted(self.groups.get(GROUP, ()))


def read_project(path: Path) -> Project:
    """What stands at `path`. Raises NotAProject."""
    path = path.absolute()
    if path.suffix == ".py" and path.is_file():
        if not NAME_PATTERN.fullmatch(path.stem):
            raise NotAProject(
                f"{path.name}: the name of a plugin's file is 2 to 30 lower-case letters, digits and underscores."
            )
        return Project(path, path.stem)
    file = path / "pyproject.toml"
    if not file.is_file():
        raise NotAProject(f"{path} is neither a .py file nor a folder with a pyproject.toml.")
    try:
        project: dict[str, Any] = tomllib.loads(file.read_text("utf-8")).get("project", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise NotAProject(f"{file} cannot be read: {error}") from error
    groups = project.get("entry-points", {})
    found = Project(
        path,
        str(project.get("name", path.name)),
        str(project.get("version", "0")),
        _roots(path, groups),
        tuple(project.get("dependencies", ())),
        groups,
    )
    if not found.plugins:
        raise NotAProject(f'{file} names no plugin: it needs [project.entry-points."medianest.plugins.v1"].')
    return found


def _roots(folder: Path, groups: Mapping[str, Mapping[str, str]]) -> Sequence[Path]:
    """Where the modules of the entry points stand: beside the pyproject or in `src`. Raises NotAProject."""
    roots: dict[Path, None] = {}
    for module in sorted({one.partition(".")[0] for one in _modules(groups)}):
        places = [root for root in (folder / "src", folder) if _holds(root, module)]
        if not places:
            raise NotAProject(
                f"{folder} holds no module {module}, neither beside its pyproject.toml nor in src."
            )
        roots[places[0]] = None
    return tuple(roots)


def _modules(groups: Mapping[str, Mapping[str, str]]) -> set[str]:
    """Modules that entry points name."""
    return {value.partition(":")[0].strip() for found in groups.values() for value in found.values()}


def _holds(root: Path, module: str) -> bool:
    return (root / module).is_dir() or (root / f"{module}.py").is_file()


def write_metadata(projects: Iterable[Project], site: Path) -> list[str]:
    """Write what an installer would write of each distribution; returns the folders that belong on the path, in order."""
    roots: dict[str, None] = {str(site): None}
    for project in projects:
        if project.is_file:
            continue
        info = site / f"{re.sub(r'[-_.]+', '_', project.name)}-{project.version}.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        lines = ["Metadata-Version: 2.1", f"Name: {project.name}", f"Version: {project.version}"]
        lines += [f"Requires-Dist: {one}" for one in project.requires]
        (info / "METADATA").write_text("\n".join(lines) + "\n", "utf-8")
        text = ""
        for group, found in project.groups.items():
            text += f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in found.items())
        (info / "entry_points.txt").write_text(text, "utf-8")
        roots |= {str(root): None for root in project.roots}
    return list(roots)


def packages_of(projects: Iterable[Project]) -> set[str]:
    """Names of the packages, or single modules, that the projects bring."""
    return {module.partition(".")[0] for project in projects for module in _modules(project.groups)}


def forget_modules(projects: Iterable[Project]) -> None:
    """Let what was imported from the projects be imported anew, as their files are by now."""
    packages = packages_of(projects)
    # By their names: the author's virtual environment, with all of ours in it, often stands in the same folder.
    for name in [one for one in sys.modules if one.partition(".")[0] in packages]:
        del sys.modules[name]
    importlib.invalidate_caches()


def link_files(projects: Iterable[Project], folder: Path) -> None:
    """Let plugins of one file, and the folders of templates beside them, stand in the data directory's `plugins`."""
    for project in projects:
        if not project.is_file:
            continue
        folder.mkdir(parents=True, exist_ok=True)
        for source in (project.path, project.path.with_suffix("")):
            link = folder / source.name
            if link.is_symlink():
                link.unlink()
            if source.exists() and not link.exists():
                link.symlink_to(source)
