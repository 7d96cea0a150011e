"""Lets the tests of the examples run in the checkout: their sources can be imported, and while one runs the examples are installed, as
far as the portal can see. Where they really are installed (`make downstream`) none of this is needed."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

FOLDERS = [one.parent for one in sorted(Path(__file__).parent.glob("*/pyproject.toml"))]
# Behind everything else: what a test itself installs comes first.
sys.path.extend(str(one) for one in FOLDERS)
_GROUPS = re.compile(r'^\[project\.entry-points\."([\w.]+)"\]\n((?:\w+ = ".+"\n)+)', re.MULTILINE)


OFTEN = frozenset({"board_games", "logbook", "shelf"})
"""Examples whose tests in a whole portal run each time; those of the others in the full run alone, as each takes a second or two."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        ours = "examples" in item.path.parts and item.path.parents[1].name not in OFTEN
        if ours and "medianest" in getattr(item, "fixturenames", ()):
            item.add_marker("full")


@pytest.fixture(scope="session")
def metadata(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what an installer writes of each example."""
    site = tmp_path_factory.mktemp("examples")
    for folder in FOLDERS:
        info = site / f"medianest_{folder.name}-0.1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: medianest-{folder.name}\nVersion: 0.1.0\n"
        )
        found = _GROUPS.findall((folder / "pyproject.toml").read_text("utf-8"))
        points = [f"[{group}]\n{lines}" for group, lines in found]
        (info / "entry_points.txt").write_text("\n".join(points).replace('"', ""))
    return site


@pytest.fixture(autouse=True)
def _installed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "medianest" in request.fixturenames:
        monkeypatch.syspath_prepend(str(request.getfixturevalue("metadata")))
