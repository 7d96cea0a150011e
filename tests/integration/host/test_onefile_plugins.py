"""Plugins of one file in the data directory go the way of all plugins: active, contained, in conflict, switched off."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from medianest_core.base.settings import AppSettings
from medianest_core.cli.app import app
from medianest_core.host.states import PluginState
from medianest_core.host.survey import survey
from medianest_core.web.portal.folders import template_folders

from .conftest import ROOT, House, Install

PIHOLE = (ROOT / "examples" / "thirty_lines" / "pihole.py").read_text()
JOB = """
from pydantic import BaseModel
from medianest_core.sdk import Isolation, Job, Manifest, hookimpl

class Numbers(BaseModel):
    of: int = 4

def squared(args: Numbers) -> int:
    return args.of ** 2

manifest = Manifest("mathe", title="Mathe", api="1.0")

@hookimpl
def register_contributions():
    return [Job("square", squared, Numbers, isolation=Isolation.PROCESS)]
"""


@pytest.fixture(autouse=True)
def _finders() -> Iterator[None]:
    before = sys.meta_path[:]
    yield
    sys.meta_path[:] = before


def write(house: House, name: str, source: str) -> Path:
    folder = house.data_dir / "plugins"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(source)
    return folder / f"{name}.py"


async def test_the_same_states_as_any_other(house: House, install: Install) -> None:
    write(house, "pihole", PIHOLE)
    write(house, "wrong", "raise RuntimeError('not today')\n")
    write(house, "deadly", "import os\nos._exit(0)\n")
    write(house, "twin", PIHOLE.replace('"pihole"', '"twin"'))
    install("twin", PIHOLE.replace('"pihole"', '"twin"'))
    async with house.host() as host:
        states = {
            name: (info.state, info.distribution, info.reason)
            for name in ("pihole", "wrong", "deadly", "twin")
            if (info := host.registry.plugin(name)) is not None
        }
        assert states["pihole"][:2] == (PluginState.NEEDS_SETTINGS, "plugins/pihole.py")
        assert states["wrong"][0] is states["deadly"][0] is PluginState.IMPORT_FAILED
        assert "not today" in states["wrong"][2]
        assert states["twin"][0] is PluginState.CONFLICT
        assert "plugins/twin.py and test-twin" in states["twin"][2]
        # What is put right in the file counts at the next try, without a restart.
        write(house, "wrong", PIHOLE.replace('"pihole"', '"wrong"'))
        assert (await host.retry("wrong", None)).state is PluginState.NEEDS_SETTINGS
        assert (await host.set_enabled("pihole", False, None)).state is PluginState.DISABLED


async def test_it_may_have_templates_beside_it(house: House) -> None:
    write(house, "pihole", PIHOLE)
    (house.data_dir / "plugins" / "pihole" / "templates" / "pihole").mkdir(parents=True)
    async with house.host() as host:
        declared = host.registry.declarations("pihole")
        assert declared is not None
        templates, locale = template_folders("pihole", declared.module.__name__)
        assert templates == (house.data_dir / "plugins" / "pihole" / "templates" / "pihole").absolute()
        assert locale is None


async def test_its_jobs_run_in_child_processes(house: House) -> None:
    from medianest_core.jobs.process import run_in_process

    write(house, "mathe", JOB)
    async with house.host() as host:
        ((_, job),) = [one for one in host.jobs() if one[0] == "mathe"]
        assert await run_in_process(cast(Any, job.handler), job.args(of=5)) == 25


async def test_safe_mode_leaves_them_out(house: House) -> None:
    write(house, "pihole", PIHOLE)
    async with house.host(safe_mode=True) as host:
        info = host.registry.plugin("pihole")
        assert info is not None and info.state is PluginState.DISABLED


COMMAND = """
from medianest_core.sdk import Command, Manifest, hookimpl

async def greet(context, arguments):
    print("hello", *arguments)
    return 0

manifest = Manifest("greeter", title="Greeter", api="1.0")

@hookimpl
def register_contributions():
    return [Command("greet", greet)]
"""


def test_the_command_line_knows_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "greeter.py").write_text(COMMAND)
    monkeypatch.setenv("MEDIANEST_DATA_DIR", str(tmp_path))
    done = CliRunner().invoke(app, ["greeter", "greet", "you"])
    assert (done.exit_code, done.output) == (0, "hello you\n")
    settings = AppSettings(data_dir=tmp_path, plugins_disabled=["youtube"], _env_file=None)
    found = asyncio.run(survey(settings, None))
    assert {info.name: info.state for info in found.plugins}["greeter"] is PluginState.ACTIVE
