"""Commands of plugins: found by the plugin's name, run beside the portal, and no trouble to anybody else's."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from medianest_core.base.settings import AppSettings
from medianest_core.cli import contributed
from medianest_core.cli.app import app
from medianest_core.cli.contributed import Beside, commands_of
from medianest_core.sdk.commands import Command
from medianest_core.sdk.context import PluginContext
from medianest_core.sdk.errors import MediaNestError


class Nothing(BaseModel):
    pass


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def test_a_plugins_command_gets_what_was_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    typed: list[object] = []

    async def handler(context: PluginContext, arguments: object) -> int:
        typed.append((context.plugin, arguments))
        return 7

    monkeypatch.setattr(
        contributed,
        "commands_of",
        lambda plugin: [Command("go", handler, "Goes.")] if plugin == "toy" else [],
    )
    assert run("toy", "go", "--far", "x y", "--help") == (7, "")
    assert typed == [("toy", ["--far", "x y", "--help"])]
    code, shown = run("toy", "--help")
    assert code == 0 and "Goes." in shown
    assert run("toy", "nowhere")[0] == 2
    assert run("nobody")[0] == 2
    assert run("plugins", "--help")[0] == 0


def test_it_tells_its_version_without_a_command() -> None:
    assert run("--version") == (0, f"MediaNest {version('medianest')}\n")


async def test_what_goes_wrong_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIANEST_PLUGINS_DISABLED", "manifest,other")
    with pytest.raises(MediaNestError, match="Switched off"):
        commands_of("manifest")
    monkeypatch.setenv("MEDIANEST_PLUGINS_DISABLED", "")
    monkeypatch.setenv("MEDIANEST_SAFE_MODE", "true")
    with pytest.raises(MediaNestError, match="safe mode"):
        commands_of("manifest")


async def test_a_command_leaves_work_to_the_portal(tmp_path: Path) -> None:
    context = Beside("toy", AppSettings(data_dir=tmp_path / "data", _env_file=None))
    assert not (tmp_path / "data").exists()
    assert context.data_dir == tmp_path / "data" / "plugins" / "toy" and context.data_dir.is_dir()
    with pytest.raises(MediaNestError, match="beside the portal"):
        await context.enqueue("toy.job", Nothing())
    cache = context.cache("x", int)

    async def five() -> int:
        return 5

    assert await cache.get("a", five) == 5
    assert context.instances(object) == ()
