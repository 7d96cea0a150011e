"""What a plugin can do through its context: tables, listeners, events, its own instances; and its lifecycle hooks."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from medianest_core.bus.events import PluginChanged
from medianest_core.host.states import PluginState
from medianest_core.jobs.registry import JobRegistry
from medianest_core.jobs.worker import Worker
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.events import Audience

from .conftest import House, Install

PLUGIN = """
from pathlib import Path
from typing import ClassVar
from medianest_core.sdk import (Event, Item, Listener, Manifest, ServiceSettings, ServiceType, Snapshot,
    StatusProvider, TableSet, core_stub, hookimpl, user_fk)
from sqlalchemy import Column, MetaData, String, Table, insert

manifest = Manifest("full", title="Full", api="1.0")
metadata = MetaData()
core_stub(metadata)
rows = Table("full_rows", metadata, Column("text", String, primary_key=True), user_fk(nullable=True))

class Noted(Event):
    name: ClassVar[str] = "full:noted"
    text: str

class Stranger(Event):
    name: ClassVar[str] = "full:stranger"

class Settings(ServiceSettings):
    word: str = "hello"

THING = ServiceType("thing", Settings)

class Status(StatusProvider[Settings]):
    service = THING
    async def snapshot(self):
        return Snapshot([Item(self.config.word, up=True)])

async def note(context, text):
    async with context.begin() as tx:
        await tx.execute(insert(rows).values(text=text))

async def inline(context, event):
    await note(context, "inline " + event.text)

async def durable(context, event):
    await note(context, "durable " + event.text)

@hookimpl
def register_status_providers():
    return [Status]

@hookimpl
def register_contributions():
    return [TableSet(metadata, "MIGRATIONS"), Noted, Listener(Noted, inline), Listener(Noted, durable, durable=True)]

@hookimpl
async def on_startup(context):
    await note(context, "started")

@hookimpl
async def on_settings_changed(context, instance):
    await note(context, "changed " + instance)

@hookimpl
async def on_shutdown(context):
    await note(context, "stopped")
"""

REVISION = """
import sqlalchemy as sa
from alembic import op
revision = "full01"
down_revision = None
branch_labels = None
depends_on = None

def upgrade():
    op.create_table("full_rows", sa.Column("text", sa.String, primary_key=True),
        sa.Column("user_id", sa.String(36), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=True))

def downgrade():
    op.drop_table("full_rows")
"""


@pytest.fixture
def full(install: Install, tmp_path: Path) -> Path:
    package = f"mn_migrations_{tmp_path.name.replace('-', '_')}"
    path = install("full", PLUGIN.replace("MIGRATIONS", package))
    versions = path.parent / package / "versions"
    versions.mkdir(parents=True)
    (versions.parent / "__init__.py").touch()
    (versions / "full01.py").write_text(REVISION)
    return versions / "full01.py"


async def texts(house: House) -> set[str]:
    async with house.db.read() as tx:
        return {row["text"] for row in await tx.all(text("SELECT text FROM full_rows"))}


async def test_a_plugin_with_everything(house: House, full: Path) -> None:
    async with house.host() as host:
        info = host.registry.plugin("full")
        assert info is not None and info.reason.startswith("No thing"), info
        async with house.db.read() as tx:
            assert (await tx.one(text("SELECT version_num FROM full_versions")))["version_num"] == "full01"
        context = host.context("full")
        assert (
            context.data_dir == (house.data_dir / "plugins" / "full").absolute() and context.data_dir.is_dir()
        )
        registry = JobRegistry(house.ledger)
        for plugin, job in host.jobs():
            if plugin == "full":
                registry.add(job, context)
        worker = Worker(house.db, house.ledger, registry, house.bus)
        await worker.start()
        try:
            declared = host.registry.declarations("full")
            assert declared is not None
            module = sys.modules[declared.module.__name__]
            await context.emit(module.Noted(text="x"), Audience.nobody())
            with pytest.raises(MediaNestError, match="has not contributed"):
                await context.emit(module.Stranger(), Audience.everyone())
            with pytest.raises(MediaNestError, match="has no job"):
                await context.enqueue("nothing", module.Noted(text="x"))
            one = await host.instances.create("full", "thing", "", "", {"word": "first"}, None)
            await host.instances.create("full", "thing", "", "", {"word": "second"}, None)
            await host.instances.settle(60)
            found = [
                (await provider.snapshot()).items[0].name for provider in context.instances(module.Status)
            ]
            assert found == ["first", "second"]
            wanted = {"started", "inline x", "durable x", f"changed {one.id}"}
            async with asyncio.timeout(60):
                while not wanted <= await texts(house):
                    await asyncio.sleep(0.02)
        finally:
            await worker.stop()
    assert "stopped" in await texts(house)


async def test_a_failing_migration_leaves_the_plugin_out_and_can_be_retried(house: House, full: Path) -> None:
    full.write_text(
        REVISION.replace(
            'op.create_table("full_rows"', 'raise RuntimeError("disk"); op.create_table("full_rows"'
        )
    )
    async with house.host() as host:
        info = host.registry.plugin("full")
        assert info is not None and info.state is PluginState.NEEDS_MIGRATION
        assert "could not be brought up to date" in info.reason
        assert (
            host.registry.declarations("full") is None and host.registry.service_type("full", "thing") is None
        )
        full.write_text(REVISION)
        seen: list[tuple[str, str]] = []

        async def note(event: PluginChanged) -> None:
            seen.append((event.plugin, event.state))

        house.bus.subscribe(PluginChanged, note)
        assert (await host.retry("full", None)).state is PluginState.NEEDS_SETTINGS
        await house.bus.drain()
        assert seen == [("full", "active")]


async def test_what_a_plugin_keeps_is_its_own(house: House, full: Path) -> None:
    async with house.host() as host:
        mine, others = host.context("full"), host.context("another")
        asked: list[str] = []

        async def answer() -> list[str]:
            asked.append("mine")
            return ["a", "b"]

        async def another() -> list[str]:
            return ["of another"]

        titles = mine.cache("titles", list[str], fresh=60)
        assert await titles.get("all", answer) == ["a", "b"] == await titles.get("all", answer)
        assert mine.cache("titles", list[str]) is titles
        assert asked == ["mine"]
        assert await others.cache("titles", list[str]).get("all", another) == ["of another"]
        await titles.forget("all")
        await titles.get("all", answer)
        assert asked == ["mine", "mine"]
