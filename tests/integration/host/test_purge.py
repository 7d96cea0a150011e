"""What a plugin leaves behind is shown, and taken away only when told; what is another's stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import inspect, select, text
from typer.testing import CliRunner

from medianest_core.base.clock import now
from medianest_core.base.settings import AppSettings
from medianest_core.cli.app import app
from medianest_core.cli.author.illness import look
from medianest_core.cli.plugins_purge import lines
from medianest_core.host.instance_rows import fresh_id
from medianest_core.host.purge import left_behind, refuse_names, remains_of, take_away
from medianest_core.sdk.errors import MediaNestError
from medianest_core.store.engine import Database
from medianest_core.store.tables.plugins import instances, plugins
from medianest_core.store.tables.system import audit

from .conftest import House

GARDEN = ("garden_versions", "garden_beds", "garden_plants")


async def litter(house: House) -> None:
    """What the plugin "garden" left, and beside it what "garden_shed" left and the core has."""
    async with house.db.begin() as tx:
        await tx.execute(text("CREATE TABLE garden_versions (version_num VARCHAR(32))"))
        await tx.execute(text("CREATE TABLE garden_beds (id INTEGER PRIMARY KEY)"))
        await tx.execute(
            text(
                "CREATE TABLE garden_plants (id INTEGER PRIMARY KEY, bed INTEGER REFERENCES garden_beds (id))"
            )
        )
        await tx.execute(text("INSERT INTO garden_beds (id) VALUES (1), (2)"))
        await tx.execute(text("CREATE TABLE garden_shed_versions (version_num VARCHAR(32))"))
        await tx.execute(text("CREATE TABLE garden_shed_tools (id INTEGER PRIMARY KEY)"))
        for plugin in ("garden", "other"):
            values = {"service": "s", "name": "mine", "title": f"My {plugin}", "settings_json": {}}
            at = {"created_at": now(), "updated_at": now()}
            await tx.execute(instances.insert().values(id=fresh_id(), plugin=plugin, **values, **at))
        await tx.execute(plugins.insert().values(name="garden", enabled=True, updated_at=now()))
    folder = house.data_dir / "plugins" / "garden"
    folder.mkdir(parents=True)
    (folder / "seeds.txt").write_text("beans")


async def table_names(db: Database) -> set[str]:
    async with db.connect() as connection:
        return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))


async def test_shown_and_taken_away(house: House) -> None:
    await litter(house)
    before = await table_names(house.db)
    remains = await remains_of(house.db, house.data_dir, "garden", ["plex"])
    assert remains.tables == {"garden_beds": 2, "garden_plants": 0, "garden_versions": 0}
    assert (remains.services, remains.known, remains.files) == (["My garden"], True, 1)
    assert "table garden_beds: 2 rows" in lines(remains)
    assert await table_names(house.db) == before, "looking changes nothing"
    await take_away(house.db, remains)
    assert await table_names(house.db) == before - set(GARDEN)
    assert not (house.data_dir / "plugins" / "garden").exists()
    async with house.db.read() as tx:
        assert [row["title"] for row in await tx.all(select(instances.c.title))] == ["My other"]
        assert [row["action"] for row in await tx.all(select(audit.c.action))] == ["plugin.purged"]
    assert (await remains_of(house.db, house.data_dir, "garden", [])).nothing


async def test_the_doctor_tells_of_it(house: House) -> None:
    await litter(house)
    assert await left_behind(house.db, house.data_dir, ["plex"]) == ["garden", "garden_shed", "other"]
    (house.data_dir / "plugins" / "wrong.py").write_text("raise RuntimeError('not today')\n")
    settings = AppSettings(data_dir=house.data_dir, plugins_disabled=["youtube"], _env_file=None)
    told = {
        one.check: f"{one.level.value} {one.text} {one.remedy}"
        for one in await look(settings, house.db, None)
    }
    assert "medianest plugins purge garden" in told["plugin garden"]
    assert "plugin garden is not installed" in told["service My garden"]
    assert "problem" in told["plugin wrong"] and "medianest plugins trace wrong" in told["plugin wrong"]
    assert told["plugin youtube"].startswith("ok Switched off")
    with pytest.raises(MediaNestError):
        await look(settings, house.db, "no_such")


def test_a_dry_run_looks_at_what_runs_and_says_where_it_looked(tmp_path: Path) -> None:
    def purge(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["plugins", "purge", *arguments, "--data-dir", str(tmp_path)])
        return done.exit_code, f"{done.output} {done.exception}"

    code, said = purge("links")
    assert code and "--data-dir" in said, "there is no portal here"
    made = CliRunner().invoke(
        app,
        ["users", "create-admin", "ann", "--password", "a long enough password", "--data-dir", str(tmp_path)],
    )
    assert made.exit_code == 0, made.output
    assert purge("links")[0] == purge("links", "--dry-run")[0] == 0
    code, said = purge("links", "--yes")
    assert code and "switched on" in said
    code, said = purge("links", "--yes", "--dry-run")
    assert code == 2 and "not both" in said


def test_what_runs_is_not_purged(tmp_path: Path) -> None:
    with pytest.raises(MediaNestError, match="switched on"):
        refuse_names("plex", {"plex"}, set())
    refuse_names("plex", {"plex"}, {"plex"})
    refuse_names("gone", {"plex"}, set())
