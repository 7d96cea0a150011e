"""Plugins of one file in the data directory go the way of all plugins: active, contained, in conflict, switched off."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from medianest_core.base.settings import AppSettings
from medianest_core.cli.app import app
from medianest_core.host.lifecycle import PluginHost
from medianest_core.host.states import PluginState
from medianest_core.host.survey import survey
from medianest_core.sdk import StatusProvider
from medianest_core.store.tables.plugins import plugin_states
from medianest_core.web.portal.folders import template_folders
from tests.databases import VARIABLE

from .conftest import ROOT, House, Install, until
from .test_hello_in_the_portal import running

PIHOLE = (ROOT / "examples" / "thirty_lines" / "pihole.py").read_text()
SHOPPING = re.findall(
    r"```python\n(.*?)```", (ROOT / "docs" / "plugin-authors" / "toolbox.md").read_text(), re.DOTALL
)[0]
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


async def settled(host: PluginHost) -> None:
    # What differs counts when two looks agree.
    for _ in range(2):
        await host._files.look()


async def test_files_come_change_and_go_while_the_portal_runs(house: House) -> None:
    changes: list[tuple[str, bool]] = []
    # Who develops gets a new process instead: there nobody else looks.
    async with house.host(dev=True) as host:
        host.on_change(lambda plugin, declared: changes.append((plugin, declared is not None)))
        path = write(house, "pihole", PIHOLE)
        await host._files.look()
        assert host.registry.plugin("pihole") is None, "it may be half written"
        await settled(host)
        assert host.registry.declarations("pihole") is not None
        found = await host.instances.create(
            "pihole", "pihole", "house", "House", {"url": "http://127.0.0.1:9", "key": "k"}, None
        )

        path.write_text(PIHOLE.replace('title="Pi-hole"', 'title="Pi-hole of the house"'))
        await settled(host)
        info = host.registry.plugin("pihole")
        assert info is not None and (info.title, info.state) == ("Pi-hole of the house", PluginState.ACTIVE)
        declared = host.registry.declarations("pihole")
        assert declared is not None
        (provider,) = [one for several in declared.providers.values() for one in several]
        assert host.instances.provider_class(StatusProvider, found.id) is provider

        path.write_text(PIHOLE + "\nraise RuntimeError('not today')\n")
        await settled(host)
        info = host.registry.plugin("pihole")
        assert info is not None and info.state is PluginState.IMPORT_FAILED
        assert info.reason == "Importing it failed: RuntimeError: not today. Correct the file."
        assert "plugins/pihole.py" in info.trace
        assert host.registry.declarations("pihole") is None

        path.write_text(PIHOLE)
        await settled(host)
        assert host.registry.declarations("pihole") is not None
        (house.data_dir / "plugins" / "My-Plugin.py").write_text("")
        await settled(host)
        info = host.registry.plugin("plugins/My-Plugin.py")
        assert info is not None and info.state is PluginState.INVALID

        (house.data_dir / "plugins" / "My-Plugin.py").unlink()
        path.unlink()
        await settled(host)
        names = {info.name for info in host.registry.plugins()}
        assert not names & {"pihole", "plugins/My-Plugin.py"}
        async with house.db.read() as tx:
            left = {row["plugin"] for row in await tx.all(select(plugin_states))}
        assert not left & {"pihole", "plugins/My-Plugin.py"}
        assert "not installed" in host.instances.info(found.id).reason
        assert changes == [("pihole", on) for on in (True, False, True, False, True, False)]


@pytest.mark.full
async def test_it_takes_them_in_by_itself(house: House) -> None:
    async with house.host() as host:
        write(house, "pihole", PIHOLE)
        await until(lambda: host.registry.declarations("pihole") is not None)


@pytest.mark.full
async def test_a_file_of_an_installed_plugins_name_is_a_rival_until_it_goes(
    house: House, install: Install
) -> None:
    install("twin", PIHOLE.replace('"pihole"', '"twin"'))
    async with house.host(dev=True) as host:
        path = write(house, "twin", PIHOLE.replace('"pihole"', '"twin"'))
        await settled(host)
        info = host.registry.plugin("twin")
        assert info is not None and info.state is PluginState.CONFLICT
        assert host.registry.declarations("twin") is None
        path.unlink()
        await settled(host)
        assert host.registry.declarations("twin") is not None


COLUMN = """
things.append_column(Column("shop", String(80)))

def where_to_buy_them(op):
    op.add_column("shopping_things", Column("shop", String(80)))
"""


async def test_its_tables_come_and_grow_with_it(house: House) -> None:
    """Word for word what the author's documentation shows."""
    path = write(house, "shopping", SHOPPING)
    async with house.host(dev=True) as host:
        info = host.registry.plugin("shopping")
        assert info is not None and info.state is PluginState.ACTIVE, info
        context = host.context("shopping")
        declared = host.registry.declarations("shopping")
        assert declared is not None
        assert await declared.module.add(context, ["two", "eggs"]) == 0

        grown = SHOPPING.replace("def things_to_buy", COLUMN + "def things_to_buy")
        path.write_text(grown.replace("[things_to_buy]", "[things_to_buy, where_to_buy_them]"))
        await settled(host)
        declared = host.registry.declarations("shopping")
        assert declared is not None
        async with context.begin() as tx:
            rows = (await tx.execute(select(declared.module.things))).mappings().all()
        assert [(row["name"], row["shop"]) for row in rows] == [("two eggs", None)]

        # A step that was taken away: the tables are newer than the file.
        path.write_text(grown)
        await settled(host)
        info = host.registry.plugin("shopping")
        assert info is not None and info.state is PluginState.NEEDS_MIGRATION
        assert "0002" in host.faults.of("shopping")[0].text

    async with house.host() as host:
        # And at a start as well as in a portal that runs.
        info = host.registry.plugin("shopping")
        assert info is not None and info.state is PluginState.NEEDS_MIGRATION
    path.write_text(grown.replace("[things_to_buy]", "[things_to_buy, where_to_buy_them]"))
    async with house.host() as host:
        info = host.registry.plugin("shopping")
        assert info is not None and info.state is PluginState.ACTIVE


@pytest.mark.full
async def test_a_failing_step_is_told_and_leaves_what_was_there(house: House) -> None:
    path = write(house, "shopping", SHOPPING)
    async with house.host(dev=True) as host:
        bad = SHOPPING.replace("[things_to_buy]", "[things_to_buy, torn]")
        path.write_text(bad + "\n\ndef torn(op):\n    raise RuntimeError('the pen is dry')\n")
        await settled(host)
        info = host.registry.plugin("shopping")
        assert info is not None and info.state is PluginState.NEEDS_MIGRATION
        fault = host.faults.of("shopping")[0]
        assert "the pen is dry" in fault.text and "plugins/shopping.py" in fault.trace
        path.write_text(SHOPPING)
        await settled(host)
        info = host.registry.plugin("shopping")
        assert info is not None and info.state is PluginState.ACTIVE


@pytest.mark.full
async def test_a_backup_of_its_tables_is_restored_elsewhere(house: House, tmp_path: Path) -> None:
    path = write(house, "shopping", SHOPPING)
    async with house.host() as host:
        declared = host.registry.declarations("shopping")
        assert declared is not None
        await declared.module.add(host.context("shopping"), ["two", "eggs"])
    other = tmp_path / "other"
    (other / "plugins").mkdir(parents=True)
    shutil.copy(path, other / "plugins")

    surroundings = {name: value for name, value in os.environ.items() if name != VARIABLE}

    async def run(data_dir: Path, *command: str, **more: str) -> str:
        # In processes of their own, as people do it: none has loaded the plugin before.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "medianest_core.cli", *command),
            env={**surroundings, "MEDIANEST_DATA_DIR": str(data_dir), **more},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        told, _ = await process.communicate()
        assert process.returncode == 0, told.decode()
        return told.decode()

    url = house.db.url.render_as_string(hide_password=False)
    await run(house.data_dir, "backup", "--to", str(tmp_path / "archive.zip"), **{VARIABLE: url})
    await run(other, "restore", str(tmp_path / "archive.zip"), "--yes")
    with contextlib.closing(sqlite3.connect(other / "medianest.db")) as db:
        assert db.execute("SELECT name FROM shopping_things").fetchall() == [("two eggs",)]
        assert db.execute("SELECT version_num FROM shopping_versions").fetchall() == [("0001",)]
    assert "They went up, and make the tables it declares" in await run(
        other, "plugins", "check", str(other / "plugins" / "shopping.py")
    )
    assert not (other / "plugins" / "__pycache__").exists()


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


BELL = """
from typing import ClassVar
from pydantic import BaseModel
from medianest_core.sdk import Audience, Event, Job, Json, Listener, Manifest, NavItem, Page, Redirect, Route, hookimpl

SOUND = "ding"

class Rung(Event):
    name: ClassVar[str] = "bell:rung"
    sound: str

class Nothing(BaseModel):
    pass

async def heard(context, event):
    (context.data_dir / "heard").write_text(f"{SOUND} after {event.sound}")

async def ring(job, args):
    await job.plugin.emit(Rung(sound=SOUND), Audience.everyone())

RING = Job("ring", ring, Nothing)

async def press(request):
    await request.context.enqueue(RING, Nothing())
    return Redirect("/p/bell/")

async def page(request):
    return Json({"sound": SOUND})

manifest = Manifest("bell", title="Bell", api="1.0")

@hookimpl
def register_contributions():
    return [Page("", page, title="Bell"), NavItem("Bell", "/p/bell/"), Route("POST", "/press", press), RING, Rung,
            Listener(Rung, heard, durable=True)]
"""


@pytest.mark.full
async def test_the_whole_portal_follows_a_file(tmp_path: Path) -> None:
    """Pages, entries, jobs, events and their listeners: after each change all of them are the file's, or none."""
    plugins = tmp_path / "portal" / "plugins"
    plugins.mkdir(parents=True)

    async with running(tmp_path / "portal") as (portal, browser):

        async def shows(expected: object) -> None:
            async with asyncio.timeout(60):
                while True:
                    answer = await browser.get("/p/bell/")
                    if (answer.json() if answer.status_code == 200 else answer.status_code) == expected:
                        return
                    await asyncio.sleep(0.1)

        async def admins_read(text: str, there: bool) -> None:
            async with asyncio.timeout(60):
                while (text in (await browser.get("/admin/plugins")).text) is not there:
                    await asyncio.sleep(0.1)

        async def rings(expected: str) -> None:
            assert (await browser.post("/p/bell/press")).status_code == 303
            heard = plugins / "bell" / "heard"
            await until(lambda: heard.exists() and heard.read_text() == expected)

        await shows(404)
        (plugins / "bell.py").write_text(BELL)
        await shows({"sound": "ding"})
        assert 'href="/p/bell/"' in (await browser.get("/")).text
        await rings("ding after ding")
        (plugins / "bell.py").write_text(BELL.replace('"ding"', '"dong"'))
        await shows({"sound": "dong"})
        await rings("dong after dong")
        (plugins / "bell.py").write_text(BELL.replace('"ding"', '"ding'))
        await admins_read("SyntaxError", True)
        await admins_read("Correct the file.", True)
        await shows(404)
        (plugins / "bell.py").unlink()
        await admins_read("SyntaxError", False)
        home = (await browser.get("/")).text
        assert 'href="/p/bell/"' not in home
        assert portal.runtime.services.host.registry.plugin("bell") is None


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
