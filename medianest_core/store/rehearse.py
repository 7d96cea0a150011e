"""Tries a plugin's migrations on a database of their own: up, down and up again where there is a way down, and whether they make the declared tables."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, create_engine, inspect, text

from medianest_core.sdk.storage import TableSet
from medianest_core.store.migrate import config_for, heads_of
from medianest_core.store.steps import revision_folders


def rehearse(plugin: str, tables: TableSet) -> list[str]:
    """What is wrong, one sentence each. Runs the plugin's migrations on SQLite; blocking. Never raises for what they do."""
    try:
        folders = revision_folders(tables)
    except Exception as error:
        return [f"{tables.migrations} cannot be imported: {type(error).__name__}: {error}"]
    version_table = f"{plugin}_versions"
    try:
        heads = heads_of(folders, version_table)
    except Exception as error:
        return [f"Its revisions do not fit together: {type(error).__name__}: {error}"]
    if len(heads) != 1:
        return [f"It has {len(heads)} newest revisions instead of one."]
    own = {name for name, table in tables.metadata.tables.items() if not table.info.get("core")}
    with TemporaryDirectory(prefix="medianest-rehearsal-") as folder:
        engine = create_engine(f"sqlite:///{folder}/tables.db")
        try:
            with engine.begin() as connection:
                for name in ("users", "instances"):
                    connection.execute(text(f"CREATE TABLE {name} (id VARCHAR(36) PRIMARY KEY)"))
            # Functions have no way back.
            ways = ("upgrade", "downgrade", "upgrade") if isinstance(tables.migrations, str) else ("upgrade",)
            for step, direction in enumerate(ways):
                try:
                    with engine.begin() as connection:
                        _go(connection, direction, version_table, folders, tables)
                except Exception as error:
                    again = " a second time" if step == 2 else ""
                    return [f"{direction.capitalize()}{again} failed: {type(error).__name__}: {error}"]
                with engine.connect() as connection:
                    left = set(inspect(connection).get_table_names()) - {"users", "instances", version_table}
                if direction == "downgrade" and left:
                    return [f"Downgrade leaves tables behind: {', '.join(sorted(left))}."]
                if direction == "upgrade" and left != own:
                    return [
                        f"Its migrations make {', '.join(sorted(left)) or 'no tables'}, it declares {', '.join(sorted(own))}."
                    ]
            with engine.connect() as connection:
                return _differences(connection, version_table, tables, own)
        finally:
            engine.dispose()


def _go(
    connection: Connection, direction: str, version_table: str, folders: list[Path], tables: TableSet
) -> None:
    from alembic import command

    config = config_for(version_table, folders, tables.metadata)
    config.attributes["connection"] = connection
    if direction == "upgrade":
        command.upgrade(config, "heads")
    else:
        command.downgrade(config, "base")


def _differences(connection: Connection, version_table: str, tables: TableSet, own: set[str]) -> list[str]:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    def ours(thing: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:
        table = name if kind == "table" else getattr(getattr(thing, "table", None), "name", None)
        return table in own

    context = MigrationContext.configure(
        connection, opts={"include_object": ours, "version_table": version_table, "compare_type": True}
    )
    return [
        f"The tables that its migrations make differ from those it declares: {_told(one)}."
        for one in compare_metadata(context, tables.metadata)
    ]


def _told(difference: Any) -> str:
    """Alembic's tuples in words; several changes of one column come as a list."""
    first = difference[0] if isinstance(difference, list) else difference
    kind, *rest = first
    names = [
        str(getattr(part, "name", part)) for part in rest if isinstance(part, str) or hasattr(part, "name")
    ]
    return f"{str(kind).replace('_', ' ')} {' '.join(names)}".strip()
