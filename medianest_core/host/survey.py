"""Where all plugins stand, found out without a running portal and without starting anything: for the command line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from medianest_core.base.settings import AppSettings
from medianest_core.host import plugin_rows
from medianest_core.host.discovery import discover
from medianest_core.host.facts import declared_facts, plain_info
from medianest_core.host.hookcaller import Hooks
from medianest_core.host.instance_rows import InstanceRow, load_rows
from medianest_core.host.registry import PluginInfo, Registry
from medianest_core.host.stages import Stages
from medianest_core.host.states import InstanceState, PluginState
from medianest_core.host.validate import collisions
from medianest_core.store.engine import Database, Tx
from medianest_core.store.errors import DatabaseAway
from medianest_core.store.tables.all import core_metadata
from medianest_core.store.tables.plugins import instance_states, plugin_states


@dataclass(frozen=True, slots=True)
class InstanceLine:
    """One configured service. state: as running processes see it, the worst of them; "stopped" where none runs."""

    plugin: str
    service: str
    name: str
    title: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Survey:
    """plugins: as they would start now; what a running portal knows better is taken from its rows."""

    plugins: Sequence[PluginInfo]
    instances: Sequence[InstanceLine]


@dataclass(frozen=True, slots=True)
class _Stored:
    choice: Mapping[str, plugin_rows.PluginRow]
    instances: Sequence[InstanceRow]
    instance_states: Mapping[str, tuple[str, str]]
    plugin_states: Mapping[str, tuple[str, str]]


_WORST = [
    InstanceState.READY,
    InstanceState.CLOSED,
    InstanceState.NEW,
    InstanceState.SETTING_UP,
    InstanceState.RETRYING,
    InstanceState.NEEDS_REAUTH,
    InstanceState.SUSPENDED,
    InstanceState.FAILED,
]
_KNOWN_BY_ROWS = {PluginState.NEEDS_MIGRATION, PluginState.SUSPENDED}
"""What only those processes know that run the plugins."""
_NOTHING = _Stored({}, (), {}, {})


async def survey(settings: AppSettings, db: Database | None) -> Survey:
    """Looks at every installed plugin, importing those that may run. db: started, or None where there is none yet."""
    stored = await _read(db) if db is not None else _NOTHING
    counts = Counter(row.plugin for row in stored.instances)
    registry = Registry(lambda plugin: counts[plugin])
    hooks = Hooks()
    choice = plugin_rows.Choice(stored.choice, settings.plugins_disabled, settings.safe_mode)
    for standing in Stages(settings.data_dir, hooks).run(
        discover(folder=settings.data_dir / "plugins"), choice
    ):
        info = plain_info(standing, 0.0)
        if (declared := standing.declared) is not None:
            if problems := collisions(declared, registry.active(), core_metadata().tables):
                info = replace(info, state=PluginState.INVALID, reason=" ".join(problems))
            else:
                info = replace(info, **declared_facts(declared), state=PluginState.ACTIVE)
                state, reason = stored.plugin_states.get(info.name, ("", ""))
                if state in _KNOWN_BY_ROWS:
                    info = replace(info, state=PluginState(state), reason=reason)
                else:
                    # Of one that runs: what it did wrong last.
                    ran = bool(state) and PluginState(state).running
                    info = replace(info, reason=reason if ran else "")
                    registry.activate(declared)
        registry.put(info)
    lines = [
        InstanceLine(
            row.plugin, row.service, row.name, row.title, *stored.instance_states.get(row.id, ("stopped", ""))
        )
        for row in stored.instances
    ]
    return Survey(registry.plugins(), lines)


def database_exists(settings: AppSettings, db: Database) -> bool:
    """Whether there may be rows to read; asking SQLite would make an empty file."""
    return db.dialect != "sqlite" or bool(db.url.database and Path(db.url.database).is_file())


async def _read(db: Database) -> _Stored:
    try:
        async with db.read() as tx:
            return _Stored(
                await plugin_rows.load(tx),
                await load_rows(tx),
                await _instance_states(tx),
                await _plugin_states(tx),
            )
    except (SQLAlchemyError, DatabaseAway):
        # Tables of another version, or none yet: what is installed can be shown all the same.
        return _NOTHING


async def _plugin_states(tx: Tx) -> Mapping[str, tuple[str, str]]:
    """Where several processes differ, the one in which something is wrong."""
    rows = await tx.all(select(plugin_states))
    rows = sorted(rows, key=lambda row: (row["state"] in _KNOWN_BY_ROWS, bool(row["reason"])))
    return {row["plugin"]: (row["state"], row["reason"]) for row in rows}


async def _instance_states(tx: Tx) -> Mapping[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    order = {state.value: place for place, state in enumerate(_WORST)}
    for row in await tx.all(select(instance_states)):
        before = found.get(row["instance_id"])
        if before is None or order.get(row["state"], 0) > order.get(before[0], 0):
            found[row["instance_id"]] = (row["state"], row["reason"])
    return found
