"""A plugin of one file: found without being run, imported under a name of its own, read anew when it was edited."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from medianest_core.host import onefile
from medianest_core.host.discovery import Found, discover
from medianest_core.host.loader import load
from medianest_core.host.probe import probe
from medianest_core.host.stamps import code_stamp


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    before = sys.meta_path[:]
    made = tmp_path / "plugins"
    made.mkdir()
    yield made
    sys.meta_path[:] = before


def value_of(found: Found) -> object:
    def work(found: Found, module: ModuleType) -> object:
        return module.value

    (outcome,) = load([found], work)
    assert outcome.error is None, outcome.trace
    return outcome.value


def test_found_without_being_run(folder: Path) -> None:
    (folder / "garage.py").write_text('__version__ = "1.2"\nraise SystemExit\n')
    (folder / "_helper.py").write_text("")
    (folder / "garage").mkdir()
    before = set(sys.modules)
    (one,) = discover([], folder=folder).found
    assert (one.name, one.distribution, one.version, one.builtin) == (
        "garage",
        "plugins/garage.py",
        "1.2",
        False,
    )
    assert not any(name.startswith(onefile.PREFIX) for name in set(sys.modules) - before)


def test_what_cannot_be_a_plugin_is_named(folder: Path) -> None:
    (folder / "My-Plugin.py").write_text("")
    (folder / "binary.py").write_bytes(b"\xff\xfe\x00")
    told = {one.distribution: one.reason for one in discover([], folder=folder).unreadable}
    assert set(told) == {"plugins/My-Plugin.py", "plugins/binary.py"}
    assert "lower-case" in told["plugins/My-Plugin.py"]


def test_a_name_of_the_library_is_no_trap_and_an_edit_counts(folder: Path) -> None:
    import json

    path = folder / "json.py"
    path.write_text("value = 1\n")
    (found,) = discover([], folder=folder).found
    before = code_stamp(found)
    assert value_of(found) == 1
    path.write_text("value = 22\n")
    assert code_stamp(found) != before
    assert value_of(found) == 22
    assert sys.modules["json"] is json
    assert sorted(one.name for one in folder.iterdir()) == ["json.py"], "nothing is compiled to disk"


def test_a_child_process_can_import_it_too(folder: Path) -> None:
    (folder / "sound.py").write_text("value = 1\n")
    (folder / "deadly.py").write_text("import os\nos._exit(3)\n")
    verdicts = probe(discover([], folder=folder).found, per_plugin=120.0)
    assert verdicts["sound"].reason == ""
    assert "exit code 3" in verdicts["deadly"].reason


def test_no_folder_is_no_plugins(tmp_path: Path) -> None:
    assert discover([], folder=tmp_path / "none").found == []
