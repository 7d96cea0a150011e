"""The migrations make exactly the tables that the code declares."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from sqlalchemy import create_engine

from medianest_core.store.engine import Database
from medianest_core.store.migrate import CORE_VERSIONS, upgrade
from medianest_core.store.tables.all import core_metadata

Shape = dict[tuple[str, str], object]


def _shape(path: Path) -> Shape:
    """(type, name) → columns and keys of tables, normalised text of indexes and triggers."""
    found: Shape = {}
    with sqlite3.connect(path) as connection:
        for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_master"):
            if name.startswith(("sqlite_", CORE_VERSIONS)) or sql is None:
                continue
            if kind == "table" and not name.startswith("titles_fts"):
                columns = {row[1:4] + row[5:6] for row in connection.execute(f'PRAGMA table_info("{name}")')}
                foreign = {row[2:7] for row in connection.execute(f'PRAGMA foreign_key_list("{name}")')}
                found[kind, name] = (columns, foreign)
            else:
                found[kind, name] = re.sub(r"\s+|[\"']", " ", sql).replace("  ", " ").strip()
    return found


async def test_a_migrated_database_is_what_the_tables_say(tmp_path: Path) -> None:
    declared = create_engine(f"sqlite:///{tmp_path}/declared.db")
    core_metadata().create_all(declared)
    declared.dispose()
    db = Database(f"sqlite+aiosqlite:///{tmp_path}/migrated.db")
    await db.start()
    await upgrade(db)
    await db.close()
    assert _shape(tmp_path / "migrated.db") == _shape(tmp_path / "declared.db")
