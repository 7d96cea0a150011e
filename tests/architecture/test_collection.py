"""No test lies where pytest does not look."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_no_folder_of_tests_is_passed_over(pytestconfig: pytest.Config) -> None:
    passed_over = pytestconfig.getini("norecursedirs")
    for top in pytestconfig.getini("testpaths"):
        for file in (ROOT / top).rglob("test_*.py"):
            parts = file.relative_to(ROOT).parts[:-1]
            found = [(part, name) for part in parts for name in passed_over if fnmatch(part, name)]
            assert not found, f"{file.relative_to(ROOT)}: pytest passes over a folder of this name"
