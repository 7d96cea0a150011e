"""`medianest users …` on a database of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from medianest_core.cli.users import app

run = CliRunner().invoke


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    return ["--data-dir", str(tmp_path / "portal")]


def test_an_owner_without_password_gets_one(folder: list[str]) -> None:
    made = run(app, ["create-admin", "Ann", *folder])
    assert made.exit_code == 0 and "Password: " in made.output
    recovered = run(app, ["recover", *folder])
    assert recovered.exit_code == 0 and "User name: ann" in recovered.output
    again = run(app, ["recover", "ANN", *folder])
    assert again.exit_code == 0 and again.output != recovered.output
    nobody = run(app, ["recover", "zed", *folder])
    assert nobody.exit_code == 1 and "no account called zed" in nobody.output
    (row,) = json.loads(run(app, ["list", "--json", *folder]).output)
    assert (row["username"], row["role"], row["status"]) == ("Ann", "admin", "active")


def test_a_password_may_come_from_the_environment(folder: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIANEST_ADMIN_PASSWORD", "short")
    refused = run(app, ["create-admin", "Ann", *folder])
    assert refused.exit_code == 1 and "at least 8" in refused.output
    monkeypatch.setenv("MEDIANEST_ADMIN_PASSWORD", "long enough to do")
    made = run(app, ["create-admin", "Ann", *folder])
    assert made.exit_code == 0 and "long enough" not in made.output
    twice = run(app, ["create-admin", "ann", *folder])
    assert twice.exit_code == 1 and "taken" in twice.output
