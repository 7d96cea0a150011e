"""What is newest among migrations is read from their text, without importing Alembic or running them."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from medianest_core.store import migrate
from medianest_core.store.engine import Database


def _write(folder: Path, name: str, revision: str, before: str | None) -> None:
    (folder / f"{name}.py").write_text(f"revision = {revision!r}\ndown_revision = {before!r}\n")


def test_the_end_of_a_chain(tmp_path: Path) -> None:
    assert migrate.newest([tmp_path]) == set()
    _write(tmp_path, "0001_first", "0001", None)
    _write(tmp_path, "0002_second", "0002", "0001")
    (tmp_path / "0003_typed.py").write_text(
        "revision: str = '0003'\ndown_revision: str | None = \"0002\"\nbranch_labels = None\n"
    )
    assert migrate.newest([tmp_path]) == {"0003"}


def test_what_is_written_in_an_unusual_way_is_left_to_alembic(tmp_path: Path) -> None:
    _write(tmp_path, "0001_first", "0001", None)
    (tmp_path / "0002_merge.py").write_text("revision = '0002'\ndown_revision = ('0001', 'x')\n")
    assert migrate.newest([tmp_path]) is None


def test_alembic_agrees_about_the_core() -> None:
    folder = Path(migrate.__file__).parent / "migrations"
    config = Config()
    config.set_main_option("script_location", str(folder))
    assert migrate.newest([folder / "versions"]) == set(ScriptDirectory.from_config(config).get_heads())


async def test_a_second_upgrade_finds_nothing_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = Database(f"sqlite+aiosqlite:///{tmp_path / 'medianest.db'}")
    await db.start()
    try:
        assert await migrate.upgrade(db)
        monkeypatch.setattr(migrate, "config_for", lambda *_: pytest.fail("Alembic was asked"))
        assert not await migrate.upgrade(db)
    finally:
        await db.close()
