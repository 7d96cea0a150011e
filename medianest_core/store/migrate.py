"""Brings the database to this version's tables: the core's, and each plugin's with a version table of its own.

SQLite cannot roll back a failed migration, so its file is copied first whenever there is something to migrate. Alembic is
imported only then: it takes as long as the rest of a start.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, MetaData, column, select, table

from medianest_core.base.logging import get_logger
from medianest_core.sdk.storage import TableSet
from medianest_core.store.engine import Database

if TYPE_CHECKING:
    from alembic.config import Config

_log = get_logger(__name__)
_ENVIRONMENT = Path(__file__).parent / "migrations"
CORE_VERSIONS = "medianest_versions"
_REVISION = re.compile(r"^revision(?:: str)? = [\"']([^\"'\n]+)[\"']$", re.M)
_DOWN_REVISION = re.compile(r"^down_revision(?:: [^=\n]+)? = (?:None|[\"']([^\"'\n]+)[\"'])$", re.M)


async def upgrade(db: Database) -> bool:
    """Upgrade the core's tables. True where something was done."""
    return await _run(db, CORE_VERSIONS, [_ENVIRONMENT / "versions"])


async def upgrade_plugin(db: Database, plugin: str, tables: TableSet) -> bool:
    """Upgrade one plugin's tables."""
    import importlib

    package = importlib.import_module(tables.migrations)
    folders = [Path(folder) / "versions" for folder in package.__path__]
    return await _run(db, f"{plugin}_versions", folders, tables.metadata)


def _config(version_table: str, folders: list[Path], metadata: MetaData | None) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_ENVIRONMENT))
    config.set_main_option("version_locations", "\n".join(str(folder) for folder in folders))
    config.set_main_option("path_separator", "newline")
    config.attributes["version_table"] = version_table
    config.attributes["metadata"] = metadata
    return config


async def _run(
    db: Database, version_table: str, folders: list[Path], metadata: MetaData | None = None
) -> bool:
    heads = newest(folders)
    if heads is None:
        from alembic.script import ScriptDirectory

        script = ScriptDirectory.from_config(_config(version_table, folders, metadata))
        heads = set(script.get_heads())
    async with db.engine.connect() as connection:
        pending = await connection.run_sync(_pending, version_table, heads)
        await connection.rollback()
    if not pending:
        return False
    if db.dialect == "sqlite" and pending == "upgrade":
        _copy(db)
    async with db.engine.connect() as connection, connection.begin():
        await connection.run_sync(_upgrade, _config(version_table, folders, metadata))
    _log.info("database migrated", version_table=version_table)
    return True


def _pending(connection: Connection, version_table: str, heads: set[str]) -> str:
    current: set[str] = set()
    if connection.dialect.has_table(connection, version_table):
        versions = table(version_table, column("version_num"))
        current = set(connection.execute(select(versions.c.version_num)).scalars())
    if current == heads:
        return ""
    return "upgrade" if current else "create"


def newest(folders: Sequence[Path]) -> set[str] | None:
    """Revisions that no other follows, read without running them; None where a file is written in an unusual way."""
    revisions: set[str] = set()
    followed: set[str | None] = set()
    for path in (path for folder in folders for path in folder.glob("*.py") if path.name != "__init__.py"):
        text = path.read_text(encoding="utf-8")
        revision, before = _REVISION.search(text), _DOWN_REVISION.search(text)
        if revision is None or before is None:
            return None
        revisions.add(revision[1])
        followed.add(before[1])
    return revisions - followed


def _upgrade(connection: Connection, config: Config) -> None:
    from alembic import command

    config.attributes["connection"] = connection
    command.upgrade(config, "heads")


def _copy(db: Database) -> None:
    import sqlite3

    path = db.url.database
    if not path or path == ":memory:" or not Path(path).exists():
        return
    target = Path(path).with_suffix(".before-migration.db")
    partial = target.with_suffix(".part")
    with sqlite3.connect(path) as source, sqlite3.connect(partial) as copy:
        source.backup(copy)
    shutil.move(partial, target)


def configure_context(context: Any) -> None:
    """Called by `migrations/env.py`: run the revisions on the connection we were given."""
    attributes = context.config.attributes
    context.configure(
        connection=attributes["connection"],
        target_metadata=attributes["metadata"],
        version_table=attributes["version_table"],
        render_as_batch=attributes["connection"].dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()
