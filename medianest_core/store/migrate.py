"""Brings the database to this version's tables: the core's, and each plugin's with a version table of its own.

SQLite cannot roll back a failed migration, so its file is copied first whenever there is something to migrate. Alembic is
imported only then: it takes as long as the rest of a start. However many processes start at once, one migrates and the others
wait for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import re
import shutil
from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from sqlalchemy import Connection, MetaData, column, select, table, text

from medianest_core.base.logging import get_logger
from medianest_core.sdk.storage import TableSet
from medianest_core.store.engine import Database
from medianest_core.store.sqlite import copied_to, correct_modes, make_private
from medianest_core.store.steps import revision_folders

if TYPE_CHECKING:
    from alembic.config import Config

_log = get_logger(__name__)
_ENVIRONMENT = Path(__file__).parent / "migrations"
CORE_VERSIONS = "medianest_versions"
_LOCK_PAUSE = 0.05
_UNHURRIED = (
    text("SET LOCAL statement_timeout = 0"),
    text("SET LOCAL lock_timeout = 0"),
    text("SET LOCAL idle_in_transaction_session_timeout = 0"),
    text("SELECT pg_advisory_xact_lock(7130004)"),
)
REVISION = re.compile(r"^revision(?:: str)? = [\"']([^\"'\n]+)[\"']$", re.M)
_DOWN_REVISION = re.compile(r"^down_revision(?:: [^=\n]+)? = (?:None|[\"']([^\"'\n]+)[\"'])$", re.M)


async def upgrade(db: Database) -> bool:
    """Upgrade the core's tables. True where something was done."""
    return await _run(db, CORE_VERSIONS, [_ENVIRONMENT / "versions"])


async def upgrade_plugin(db: Database, plugin: str, tables: TableSet) -> bool:
    """Upgrade one plugin's tables."""
    return await _run(db, f"{plugin}_versions", revision_folders(tables), tables.metadata)


def heads_of(folders: list[Path], version_table: str = CORE_VERSIONS) -> set[str]:
    """Revisions that no other follows."""
    heads = newest(folders)
    if heads is None:
        from alembic.script import ScriptDirectory

        heads = set(ScriptDirectory.from_config(config_for(version_table, folders, None)).get_heads())
    return heads


def config_for(version_table: str, folders: list[Path], metadata: MetaData | None) -> Config:
    """Alembic's settings for the revisions in these folders; the caller adds the connection."""
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
    heads = heads_of(folders, version_table)
    async with _alone(db), db.connect() as connection, connection.begin():
        if db.dialect == "postgresql":
            # Migrations take the time they need, and everybody else waits for whoever was first.
            for statement in _UNHURRIED:
                await connection.execute(statement)
        pending = await connection.run_sync(_pending, version_table, heads)
        if pending == "upgrade" and db.dialect == "sqlite":
            await asyncio.to_thread(_copy, db)
        if pending:
            await connection.run_sync(_upgrade, config_for(version_table, folders, metadata))
    if pending:
        _log.info("database migrated", version_table=version_table)
    return bool(pending)


@contextlib.asynccontextmanager
async def _alone(db: Database) -> AsyncIterator[None]:
    """Keeps other processes from migrating the same SQLite file; PostgreSQL has locks for that."""
    path = db.url.database
    if db.dialect != "sqlite" or not path or path == ":memory:":
        yield
        return
    with Path(path).with_suffix(".migration-lock").open("w", encoding="utf-8") as file:
        while not _locked(file):  # noqa: ASYNC110 - nobody tells when a file is unlocked
            await asyncio.sleep(_LOCK_PAUSE)
        yield


def _locked(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Standing(StrEnum):
    """How the core's tables stand to this version of the code."""

    NONE = "none"
    CURRENT = "current"
    BEHIND = "behind"
    AHEAD = "ahead"
    """A newer version has migrated them."""


async def standing(db: Database) -> Standing:
    """Looks, and changes nothing. db: started."""
    folder = _ENVIRONMENT / "versions"
    async with db.engine.connect() as connection:
        current = await connection.run_sync(_current, CORE_VERSIONS)
        await connection.rollback()
    if not current:
        return Standing.NONE
    known = {found[1] for path in folder.glob("*.py") if (found := REVISION.search(path.read_text("utf-8")))}
    if current - known:
        return Standing.AHEAD
    return Standing.CURRENT if current == newest([folder]) else Standing.BEHIND


def _current(connection: Connection, version_table: str) -> set[str]:
    if not connection.dialect.has_table(connection, version_table):
        return set()
    versions = table(version_table, column("version_num"))
    return set(connection.execute(select(versions.c.version_num)).scalars())


def _pending(connection: Connection, version_table: str, heads: set[str]) -> str:
    current = _current(connection, version_table)
    if current == heads:
        return ""
    return "upgrade" if current else "create"


def newest(folders: Sequence[Path]) -> set[str] | None:
    """Revisions that no other follows, read without running them; None where a file is written in an unusual way."""
    revisions: set[str] = set()
    followed: set[str | None] = set()
    for path in (path for folder in folders for path in folder.glob("*.py") if path.name != "__init__.py"):
        text = path.read_text(encoding="utf-8")
        revision, before = REVISION.search(text), _DOWN_REVISION.search(text)
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
    target = copied_to(path)
    partial = target.with_suffix(".part")
    make_private(partial)
    correct_modes(partial)
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
