"""Discovery reads metadata and imports nothing; stamps change with the code."""

from __future__ import annotations

import os
import sys
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path

import pytest

from medianest_core.host.discovery import discover, environment_stamp
from medianest_core.host.stamps import code_stamp, probe_key


def made(folder: Path, name: str, entry_points: str, version: str = "1.0") -> Distribution:
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(entry_points)
    return PathDistribution(info)


def test_groups_and_majors(tmp_path: Path) -> None:
    found = discover(
        [
            made(
                tmp_path, "one", "[medianest.plugins.v1]\na = no_such_module_a\n[console_scripts]\nx = y:z\n"
            ),
            made(tmp_path, "two", "[medianest.plugins.v7]\nb = no_such_module_b\n"),
            made(tmp_path, "three", "[medianest.simulators]\nc = no_such_module_c\n"),
            made(tmp_path, "liar", "[medianest.builtin.v1]\nlocal = no_such_module_d\n"),
        ]
    ).found
    assert [(one.name, one.module, one.distribution, one.api_major, one.builtin) for one in found] == [
        ("a", "no_such_module_a", "one", 1, False),
        ("b", "no_such_module_b", "two", 7, False),
    ]


def test_a_second_copy_of_one_distribution_is_no_conflict(tmp_path: Path) -> None:
    text = "[medianest.plugins.v1]\na = m\n"
    found = discover(
        [made(tmp_path / "first", "my-plugin", text), made(tmp_path / "second", "my_plugin", text, "2.0")]
    )
    assert [(one.name, one.version) for one in found.found] == [("a", "1.0")]
    assert found.conflicts == {}
    rivals = discover([made(tmp_path / "x", "rival-a", text), made(tmp_path / "y", "rival-b", text)])
    assert rivals.found == [] and [one.distribution for one in rivals.conflicts["a"]] == [
        "rival-a",
        "rival-b",
    ]


def test_the_installed_plugins_are_found_without_importing_them() -> None:
    before = set(sys.modules)
    names = {one.name for one in discover().found}
    assert {"plex", "overseerr", "uptimekuma", "youtube", "arr", "tmdb", "manifest", "local"} <= names
    assert not {name for name in set(sys.modules) - before if name.startswith("medianest_")}


def test_stamps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    package = tmp_path / "mn_stamp_sample"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit")
    (package / "plugin.py").write_text("x = 1")
    (one,) = discover([made(tmp_path, "d", "[medianest.plugins.v1]\na = mn_stamp_sample.plugin\n")]).found
    environment = environment_stamp()
    before = code_stamp(one)
    assert code_stamp(one) == before
    assert probe_key(before, environment + "other-1.0.dist-info") != probe_key(before, environment)
    (package / "plugin.py").write_text("x = 12")
    os.utime(package / "plugin.py", (1, 1))
    assert code_stamp(one) != before
