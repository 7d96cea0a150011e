"""Which tables a database has, with columns of kinds that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from sqlalchemy import MetaData

from medianest_core.base.texts import N_
from medianest_core.store.backup.errors import BackupFailed
from medianest_core.store.migrate import CORE_VERSIONS
from medianest_core.store.tables.all import core_metadata

Kind = Literal["int", "float", "text", "bool", "json", "bytes", "datetime", "date"]
KINDS: frozenset[str] = frozenset(get_args(Kind))
_VERSIONS = "_versions"
_KIND_OF: Mapping[str, Kind] = {
    "INTEGER": "int",
    "BIGINT": "int",
    "SMALLINT": "int",
    "DOUBLE": "float",
    "DOUBLE PRECISION": "float",
    "REAL": "float",
    "FLOAT": "float",
    "VARCHAR": "text",
    "CHARACTER VARYING": "text",
    "TEXT": "text",
    "CHAR": "text",
    "CHARACTER": "text",
    "BOOLEAN": "bool",
    "JSON": "json",
    "JSONB": "json",
    "BLOB": "bytes",
    "BYTEA": "bytes",
    "DATETIME": "datetime",
    "TIMESTAMP": "datetime",
    "TIMESTAMP WITHOUT TIME ZONE": "datetime",
    "DATE": "date",
}


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class TableShape:
    """columns in the database's order. key: names of the primary key's columns; empty where there is none."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()

    @property
    def kinds(self) -> tuple[Kind, ...]:
        return tuple(column.kind for column in self.columns)

    @property
    def by_name(self) -> dict[str, Kind]:
        return {column.name: column.kind for column in self.columns}


def quoted(name: str) -> str:
    """An identifier as both databases write it."""
    return '"' + name.replace('"', '""') + '"'


def kind_of(table: str, column: str, declared: str) -> Kind:
    """The kind of a column from its declared type. Raises BackupFailed for one that cannot travel."""
    plain = re.sub(r"\(.*?\)", "", declared).strip().upper()
    found = _KIND_OF.get(plain)
    if found is None:
        raise BackupFailed(
            N_(
                "The column {column} of the table {table} has the type {kind}, which a backup cannot carry."
            ).format(column=column, table=table, kind=declared or "?")
        )
    return found


@cache
def _core_tables() -> frozenset[str]:
    return frozenset(core_metadata().tables)


def plugin_of_versions(name: str) -> str | None:
    """The plugin whose version table this is, "" for the core's, None for any other table."""
    if name == CORE_VERSIONS:
        return ""
    if name in _core_tables():
        return None
    return name.removesuffix(_VERSIONS) if name.endswith(_VERSIONS) else None


def version_table(plugin: str) -> str:
    """Where the schema version of a plugin stands; "" is the core."""
    return f"{plugin}{_VERSIONS}" if plugin else CORE_VERSIONS


def owner_of(table: str, plugins: Collection[str]) -> str:
    """The plugin a table belongs to; "" for the core's."""
    if table in core_metadata().tables:
        return ""
    owners = [plugin for plugin in plugins if plugin and table.startswith(f"{plugin}_")]
    return max(owners, key=len, default="")


TRAVELS = "travels"
"""Key of a table's `info`: what backups and copies do with its rows. Without it they always travel."""
Journey = Literal["backup", "copy"]


def left_out(journey: Journey, *metadata: MetaData) -> dict[str, str]:
    """Names of tables whose rows stay behind, each with the reason. metadata: of plugins; the core's is always looked at.

    `info={"travels": ("never", "…why…")}` is the state of running processes; `("copy", "…why…")` moves with the installation but
    is in no backup.
    """
    found = {}
    for one in (core_metadata(), *metadata):
        for table in one.tables.values():
            how, why = table.info.get(TRAVELS, ("always", ""))
            if how == "never" or (how == "copy" and journey == "backup"):
                found[table.name] = why
    return found
