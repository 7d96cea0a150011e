"""Brings the database to this version's tables: the core's, and each plugin's with a version table of its own.

SQLite cannot roll back a failed migration, so its file is copied first whenever there is something to migrate.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData

from medianest_core.base.logging import get_logger
from medianest_core.sdk.storage import TableSet
from medianest_core.store.engine import Database

_log = get_logger(__name__)
_ENVIRONMENT = Path(__file__).parent / "migrations"
CORE_VERSIONS = "medianest_versions"


async def upgrade(db: Database) -> bool:
    """Upgrade the core's tables. True where something was done."""
    return await _run(db, _config(CORE_VERSIONS, [_ENVIRONMENT / "versions"]), CORE_VERSIONS)


async def upgrade_plugin(db: Database, plugin: str, tables: TableSet) -> bool:
    """Upgrade one plugin's tables."""
    import importlib

    package = importlib.import_module(tables.migrations)
    folders = [Path(folder) / "versions" for folder in package.__path__]
    table = f"{plugin}_versions"
    return await _run(db, _config(table, folders, tables.metadata), table)


def _config(version_table: str, folders: list[Path], metadata: MetaData | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_ENVIRONMENT))
    config.set_main_option("version_locations", "\n".join(str(folder) for folder in folders))
    config.set_main_option("path_separator", "newline")
    config.attributes["version_table"] = version_table
    config.attributes["metadata"] = metadata
    return config


async def _run(db: Database, config: Config, version_table: str) -> bool:
    async with db.engine.connect() as connection:
        pending = await connection.run_sync(_pending, config, version_table)
        await connection.rollback()
    if not pending:
        return False
    if db.dialect == "sqlite" and pending == "upgrade":
        _copy(db)
    async with db.engine.connect() as connection, connection.begin():
        await connection.run_sync(_upgrade, config)
    _log.info("database migrated", version_table=version_table)
    return True


def _pending(connection: Connection, config: Config, version_table: str) -> str:
    current = MigrationContext.configure(
        connection, opts={"version_table": version_table}
    ).get_current_heads()
    heads = ScriptDirectory.from_config(config).get_heads()
    if set(current) == set(heads):
        return ""
    return "upgrade" if current else "create"


def _upgrade(connection: Connection, config: Config) -> None:
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
