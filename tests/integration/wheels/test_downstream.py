"""What `make downstream` does with every plugin and example, tried with one of each."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests import downstream

SAMPLED = ("overseerr", "ntfy")


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SAMPLED)
def test_its_own_tests_pass_beside_the_wheel_of_the_core(wheels: Path, tmp_path: Path, name: str) -> None:
    (core,) = wheels.glob("medianest-*.whl")
    tried = downstream.attempt(downstream.distributions()[name], core, tmp_path / name)
    assert (tried.name, tried.output) == (name, "")
    assert " passed" in tried.told


def test_every_distribution_has_tests_to_run() -> None:
    found = downstream.distributions()
    assert set(SAMPLED) < found.keys() and len(found) >= 19
    for folder in found.values():
        assert list((folder / "tests").glob("test_*.py")), folder.name
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
        assert project["name"].startswith("medianest-")
        assert any(one.startswith("medianest>=") for one in project["dependencies"])


def test_what_fails_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        downstream.main(["nobody"])
    assert "nobody" in capsys.readouterr().err
