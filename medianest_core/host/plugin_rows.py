"""What an admin decided about each plugin, and which ones are suspended."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from medianest_core.base.clock import Clock
from medianest_core.host.discovery import Found
from medianest_core.host.states import PluginState
from medianest_core.store.engine import Tx
from medianest_core.store.repos.audit import record
from medianest_core.store.tables.plugins import plugins


@dataclass(frozen=True, slots=True)
class PluginRow:
    """suspended_stamp: code stamp of the build that is suspended, or ""."""

    enabled: bool = True
    suspended_stamp: str = ""
    suspended_reason: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which plugins may start. off: names that the operator switched off for this process."""

    rows: Mapping[str, PluginRow]
    off: Collection[str]
    safe_mode: bool

    def refusal(self, found: Found, stamp: str) -> tuple[PluginState, str] | None:
        """The state and reason of a plugin that must not start, or None."""
        if found.builtin:
            return None
        if self.safe_mode:
            return PluginState.DISABLED, "The portal runs in safe mode."
        if found.name in self.off:
            return PluginState.DISABLED, "Switched off by MEDIANEST_PLUGINS_DISABLED."
        row = self.rows.get(found.name, PluginRow())
        if not row.enabled:
            return PluginState.DISABLED, "Switched off."
        if row.suspended_stamp and row.suspended_stamp == stamp:
            return PluginState.SUSPENDED, row.suspended_reason
        return None


async def load(tx: Tx) -> dict[str, PluginRow]:
    """All rows by name; a plugin without one is enabled."""
    return {
        row["name"]: PluginRow(row["enabled"], row["suspended_stamp"], row["suspended_reason"])
        for row in await tx.all(select(plugins))
    }


async def set_enabled(tx: Tx, clock: Clock, plugin: str, enabled: bool, actor: str | None) -> None:
    """Remember an admin's choice, with its audit row."""
    values = {"enabled": enabled, "suspended_stamp": "", "suspended_reason": ""}
    await _put(tx, clock, plugin, values, actor)
    action = "plugin.enabled" if enabled else "plugin.disabled"
    await record(tx, actor=actor, action=action, target=plugin)


async def suspend(tx: Tx, clock: Clock, plugin: str, stamp: str, reason: str) -> None:
    """Do not start this build again by itself."""
    await _put(tx, clock, plugin, {"suspended_stamp": stamp, "suspended_reason": reason}, None)


async def clear_suspension(tx: Tx, clock: Clock, plugin: str, actor: str | None) -> None:
    """Give a suspended plugin another chance, with its audit row."""
    await _put(tx, clock, plugin, {"suspended_stamp": "", "suspended_reason": ""}, actor)
    await record(tx, actor=actor, action="plugin.retried", target=plugin)


async def _put(tx: Tx, clock: Clock, plugin: str, values: Mapping[str, Any], actor: str | None) -> None:
    stamped = {**values, "updated_at": clock.now(), "updated_by": actor}
    statement = tx.insert(plugins).values(name=plugin, **{"enabled": True, **stamped})
    await tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_=stamped))
