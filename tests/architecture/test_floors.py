"""Fences that import-linter cannot see."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "medianest_core"


@pytest.mark.parametrize("package", ["medianest_core", "medianest_core/web", "medianest_core/domain"])
def test_package_files_hold_no_code(package: str) -> None:
    # Imports inside these would be invisible to the layers contract.
    tree = ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))
    assert [
        node
        for node in tree.body
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    ] == []


def test_sdk_exports_are_lazy_and_complete() -> None:
    sdk = importlib.import_module("medianest_core.sdk")
    tree = ast.parse((CORE / "sdk/__init__.py").read_text(encoding="utf-8"))
    typed = {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    home: dict[str, str] = sdk._HOME
    assert typed - {"annotations", "TYPE_CHECKING", "Any"} == set(home)
    for name, file in home.items():
        assert getattr(sdk, name) is getattr(importlib.import_module(f"medianest_core.sdk.{file}"), name)
        assert name not in {path.stem for path in (CORE / "sdk").glob("*.py")}


def _sources(*folders: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "--", *folders],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\n")
    return [ROOT / line for line in listed if line and (ROOT / line).is_file()]


SERVICES = re.compile(
    r"\b(plex|overseerr|jellyseerr|seerr|uptime.?kuma|radarr|sonarr|tmdb|youtube|yt.?dlp)\b", re.IGNORECASE
)
# External ids of titles are named after the databases they come from; tests, the command that starts simulators and the
# examples in docstrings of the kit may name services.
ALLOWED = {"sdk/media.py", "sdk/process.py", "domain/library/identity.py"}


def test_the_core_learns_no_services_name() -> None:
    found = []
    for path in _sources("medianest_core"):
        name = path.relative_to(CORE).as_posix()
        if path.suffix != ".py" or name in ALLOWED or name.startswith("testing/"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and SERVICES.search(node.value):
                if "\n" in node.value or node.value[:1].isupper():
                    continue  # prose: docstrings and help texts may give examples
                found.append(f"{name}:{node.lineno}: {node.value!r}")
    assert found == []


HOSTS = re.compile(r"https?://[^\s\"']*(?:pypi|pythonhosted|npmjs|debian)\.\w+", re.IGNORECASE)


def test_no_file_names_a_registrys_host() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in _sources(".")
        if path.suffix not in {".png", ".webp", ".woff2", ".ico"}
        for match in HOSTS.finditer(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []


def test_no_file_names_the_machine_it_was_made_on() -> None:
    here = (str(ROOT / "medianest_core").encode(), sys.prefix.encode())
    found = [
        str(path.relative_to(ROOT)) for path in _sources(".") if any(one in path.read_bytes() for one in here)
    ]
    assert found == []


def test_no_pickle() -> None:
    found = [
        str(path.relative_to(ROOT))
        for path in _sources("medianest_core", "plugins", "examples")
        if path.suffix == ".py"
        and re.search(r"^\s*(import|from) (pickle|shelve|marshal)\b", path.read_text(encoding="utf-8"), re.M)
    ]
    assert found == []
