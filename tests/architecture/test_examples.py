"""Each example is what an author may copy: small, described, tested, and nothing in it that the portal's own check would find."""

from __future__ import annotations

import importlib
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from medianest_core.base.finding import Level
from medianest_core.cli.author.imports import private_imports
from medianest_core.cli.author.inside import Look
from medianest_core.host.discovery import Found

EXAMPLES = sorted(one.parent for one in (Path(__file__).parents[2] / "examples").glob("*/pyproject.toml"))
LONGEST = 300
"""Lines of code, without empty ones, tests and what stands in for the service."""


@pytest.fixture
def importable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(folder)):
            del sys.modules[name]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 12


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda one: one.name)
@pytest.mark.usefixtures("importable")
def test_the_portal_has_nothing_against_it(folder: Path) -> None:
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    ((name, module),) = project["entry-points"]["medianest.plugins.v1"].items()
    requires = tuple(project["dependencies"])
    look = Look(
        Found(name, module, project["name"], project["version"], 1, False, str(folder), requires=requires)
    )
    look.take(None, thorough=True)
    findings = [*look.findings, *private_imports(_sources(folder), folder, [])]
    assert [one for one in findings if one.level is not Level.OK] == []
    for home in project["entry-points"].get("medianest.simulators", {}).values():
        place, _, cls = home.partition(":")
        assert getattr(importlib.import_module(place), cls).name == name


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda one: one.name)
def test_it_is_small_and_described(folder: Path) -> None:
    code = [one.read_text("utf-8") for one in _sources(folder) if one.stem != "simulator"]
    lines = [line for text in code for line in text.splitlines() if line.strip()]
    assert len(lines) <= LONGEST, f"{len(lines)} lines"
    told = (folder / "README.md").read_text("utf-8")
    assert told.startswith("# ") and len(told) > 200
    named = re.findall(r"`([\w/]+\.py)`", told)
    assert [one for one in named if not (folder / one).is_file()] == []
    assert list((folder / "tests").glob("test_*.py")), "it has tests"


def _sources(folder: Path) -> list[Path]:
    return sorted(one for one in folder.rglob("*.py") if "tests" not in one.relative_to(folder).parts)
