"""What a plugin has left in the database and the data folder, and taking it away for good."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, MetaData, Table, delete, func, inspect, select

from medianest_core.base.clock import now
from medianest_core.host import plugin_rows
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.manifest import NAME_PATTERN
from medianest_core.store.backup.shape import owner_of
from medianest_core.store.engine import Database, Tx
from medianest_core.store.migrate import CORE_VERSIONS
from medianest_core.store.repos import settings_history
from medianest_core.store.repos.audit import record
from medianest_core.store.tables.all import core_metadata
from medianest_core.store.tables.ledger import jobs
from medianest_core.store.tables.plugins import instances, plugin_states, plugins

_VERSIONS = "_versions"


@dataclass(frozen=True, slots=True)
class Remains:
    """tables: name → rows, the one with its versions among them. services: titles of what is configured. jobs: rows, history included.

    known: the portal remembers a choice about it. folder: its own, with files and bytes in it.
    """

    plugin: str
    tables: dict[str, int] = field(default_factory=dict)
    services: Sequence[str] = ()
    jobs: int = 0
    known: bool = False
    folder: Path | None = None
    files: int = 0
    size: int = 0

    @property
    def nothing(self) -> bool:
        return not (self.tables or self.services or self.jobs or self.known or self.folder)


async def remains_of(db: Database, data_dir: Path, plugin: str, others: Collection[str]) -> Remains:
    """Looks, and changes nothing. others: the plugins that are installed; what is theirs is not looked at."""
    names = await _tables(db, plugin, others)
    async with db.read() as tx:
        counts = {name: await _count(tx, Table(name, MetaData())) for name in names}
        services = [
            str(row["title"])
            for row in await tx.all(select(instances.c.title).where(instances.c.plugin == plugin))
        ]
        waiting = await tx.all(select(func.count()).select_from(jobs).where(jobs.c.plugin == plugin))
        known = plugin in await plugin_rows.load(tx)
    folder = data_dir / "plugins" / plugin
    paths = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    return Remains(
        plugin,
        counts,
        services,
        int(next(iter(waiting[0].values()))),
        known,
        folder if folder.is_dir() else None,
        len(paths),
        sum(path.stat().st_size for path in paths),
    )


async def left_behind(db: Database, data_dir: Path, installed: Collection[str]) -> list[str]:
    """Plugins that are gone and have tables, services or a folder here."""
    async with db.connect(writing=False) as connection:
        tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    async with db.read() as tx:
        configured = {str(row["plugin"]) for row in await tx.all(select(instances.c.plugin).distinct())}
    folder = data_dir / "plugins"
    folders = {path.name for path in folder.iterdir() if path.is_dir()} if folder.is_dir() else set()
    versions = {name.removesuffix(_VERSIONS) for name in _version_tables(tables)}
    gone = (versions | configured | folders) - set(installed)
    return sorted(name for name in gone if NAME_PATTERN.fullmatch(name))


async def take_away(db: Database, remains: Remains) -> None:
    """For good, with an audit row. Raises OSError where the folder cannot be removed; the rows are gone then all the same."""
    plugin = remains.plugin
    async with db.begin() as tx:
        await tx.execute(delete(jobs).where(jobs.c.plugin == plugin))
        for row in await tx.all(select(instances.c.id).where(instances.c.plugin == plugin)):
            await settings_history.forget(tx, row["id"])
        await tx.execute(delete(instances).where(instances.c.plugin == plugin))
        await tx.execute(delete(plugin_states).where(plugin_states.c.plugin == plugin))
        await tx.execute(delete(plugins).where(plugins.c.name == plugin))
        await record(
            tx,
            actor=None,
            action="plugin.purged",
            target=plugin,
            details={"tables": sorted(remains.tables), "services": list(remains.services), "at": now()},
        )
    async with db.connect() as connection, connection.begin():
        await connection.run_sync(
            lambda sync: _reflected(sync, remains.tables).drop_all(sync) if remains.tables else None
        )
    if remains.folder is not None:
        shutil.rmtree(remains.folder)


def _reflected(connection: Connection, names: Collection[str]) -> MetaData:
    metadata = MetaData()
    # Their foreign keys say in which order they can go; what they point to outside stays.
    metadata.reflect(connection, only=list(names), resolve_fks=False)
    return metadata


async def _tables(db: Database, plugin: str, others: Collection[str]) -> list[str]:
    async with db.connect(writing=False) as connection:
        found = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    # A plugin that is gone as well, and whose name begins with this one's, has its version table to show for it.
    gone = {name.removesuffix(_VERSIONS) for name in _version_tables(found)}
    rivals = {plugin, *others, *gone}
    return sorted(
        name
        for name in found
        if name.startswith(f"{plugin}_")
        and name not in (*core_metadata().tables, CORE_VERSIONS)
        and owner_of(name, rivals) == plugin
    )


def _version_tables(tables: Collection[str]) -> list[str]:
    core = {*core_metadata().tables, CORE_VERSIONS}
    return [name for name in tables if name.endswith(_VERSIONS) and name not in core]


async def _count(tx: Tx, table: Table) -> int:
    rows = await tx.all(select(func.count()).select_from(table))
    return int(next(iter(rows[0].values())))


def refuse_names(plugin: str, installed: Collection[str], switched_off: Collection[str]) -> None:
    """Raises MediaNestError where the plugin is here and would be missed."""
    if plugin in installed and plugin not in switched_off:
        raise MediaNestError(
            f"The plugin {plugin} is installed and switched on. Uninstall it or switch it off first."
        )
