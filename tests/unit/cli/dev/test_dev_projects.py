"""What an author works on is found without being installed."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import Distribution, DistributionFinder, MetadataPathFinder
from pathlib import Path

import pytest

from medianest_core.cli.dev.projects import (
    NotAProject,
    forget_modules,
    link_files,
    read_project,
    write_metadata,
)
from medianest_core.host.discovery import discover

PROJECT = """
[project]
name = "medianest-hut"
version = "0.3"
dependencies = ["httpx>=0.1"]
[project.entry-points."medianest.plugins.v1"]
hut = "medianest_hut.plugin"
[project.entry-points."medianest.simulators"]
hut = "medianest_hut.simulator:Hut"
"""


def folder(tmp_path: Path, project: str = PROJECT, root: str = "src") -> Path:
    (tmp_path / root / "medianest_hut").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text(project)
    return tmp_path


@pytest.mark.parametrize("root", ["src", "."])
def test_a_folder_is_found_as_if_it_were_installed(tmp_path: Path, root: str) -> None:
    project = read_project(folder(tmp_path / "hut", root=root))
    assert (project.plugins, project.simulators, project.is_file) == (["hut"], ["hut"], False)
    site = tmp_path / "site"
    path = write_metadata([project], site)
    assert path == [str(site), str((tmp_path / "hut" / root).resolve())]
    found: list[Distribution] = list(
        MetadataPathFinder.find_distributions(DistributionFinder.Context(path=[str(site)]))
    )
    (plugin,) = discover(found).found
    assert (plugin.name, plugin.module, plugin.version) == ("hut", "medianest_hut.plugin", "0.3")
    assert plugin.requires == ("httpx>=0.1",)


def test_a_file_stands_among_the_plugins_of_the_data_directory(tmp_path: Path) -> None:
    file = tmp_path / "hut.py"
    file.touch()
    (tmp_path / "hut").mkdir()
    project = read_project(file)
    assert (project.plugins, project.simulators, project.is_file) == (["hut"], [], True)
    plugins = tmp_path / "data" / "plugins"
    for _ in range(2):
        link_files([project], plugins)
    assert (plugins / "hut.py").resolve() == file
    assert (plugins / "hut").resolve() == tmp_path / "hut"
    (found,) = discover([], folder=plugins).found
    assert found.name == "hut"


def test_a_file_of_the_same_name_is_never_replaced(tmp_path: Path) -> None:
    file = tmp_path / "hut.py"
    file.touch()
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "hut.py").write_text("# theirs\n")
    link_files([read_project(file)], plugins)
    assert (plugins / "hut.py").read_text() == "# theirs\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[project", "cannot be read"),
        ('[project]\nname = "x"\n', "names no plugin"),
        (PROJECT.replace("medianest_hut.plugin", "medianest_elsewhere.plugin"), "medianest_elsewhere"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said_in_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(NotAProject, match=said):
        read_project(folder(tmp_path, text))


def test_a_path_without_a_project_and_a_bad_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAProject, match="neither"):
        read_project(tmp_path)
    (tmp_path / "Bad-Name.py").touch()
    with pytest.raises(NotAProject, match="lower-case"):
        read_project(tmp_path / "Bad-Name.py")


def test_what_was_imported_from_a_project_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = read_project(folder(tmp_path / "hut"))
    (root,) = project.roots
    words = root / "medianest_hut" / "words.py"
    words.write_text('WORD = "old"\n')
    monkeypatch.syspath_prepend(str(root))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert importlib.import_module("medianest_hut.words").WORD == "old"
    words.write_text('WORD = "new"\n')
    forget_modules([project])
    assert importlib.import_module("medianest_hut.words").WORD == "new"
    forget_modules([project])
    assert not [name for name in sys.modules if name.startswith("medianest_hut")]
