"""What an admin decided about each plugin, and which ones are suspended."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from medianest_core.base.clock import Clock
from medianest_core.base.texts import N_
from medianest_core.host.discovery import Found
from medianest_core.host.states import PluginState
from medianest_core.store.engine import Tx
from medianest_core.store.errors import Stale
from medianest_core.store.repos.audit import record
from medianest_core.store.tables.plugins import plugins

EVERY = "*"
"""Name of the row that stands for all plugins but the built-in ones: switched off, it is safe mode. No plugin can be called so."""
SAFE_MODE = N_("The portal runs in safe mode.")


@dataclass(frozen=True, slots=True)
class PluginRow:
    """suspended_stamp: code stamp of the build that is suspended, or ""."""

    enabled: bool = True
    suspended_stamp: str = ""
    suspended_reason: str = ""
    updated_at: float = 0.0

    @property
    def version(self) -> int:
        """What an admin has seen: the milliseconds of the last change, 0 before the first."""
        return round(self.updated_at * 1000)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which plugins may start. off: names that the operator switched off for this process. safe_mode: it was started so."""

    rows: Mapping[str, PluginRow]
    off: Collection[str]
    safe_mode: bool

    @property
    def safe(self) -> bool:
        """Whether only what is built in may start: this process was told so, or an admin decided it for all."""
        return self.safe_mode or not self.rows.get(EVERY, PluginRow()).enabled

    def refusal(self, found: Found, stamp: str) -> tuple[PluginState, str] | None:
        """The state and reason of a plugin that must not start, or None."""
        if found.builtin:
            return None
        if self.safe:
            return PluginState.DISABLED, SAFE_MODE
        if found.name in self.off:
            return PluginState.DISABLED, N_("Switched off by MEDIANEST_PLUGINS_DISABLED.")
        row = self.rows.get(found.name, PluginRow())
        if not row.enabled:
            return PluginState.DISABLED, N_("Switched off.")
        if row.suspended_stamp and row.suspended_stamp == stamp:
            return PluginState.SUSPENDED, row.suspended_reason
        return None


async def load(tx: Tx) -> dict[str, PluginRow]:
    """All rows by name; a plugin without one is enabled."""
    return {
        row["name"]: PluginRow(
            row["enabled"], row["suspended_stamp"], row["suspended_reason"], row["updated_at"]
        )
        for row in await tx.all(select(plugins))
    }


async def version_of(tx: Tx, plugin: str, *, lock: bool = False) -> int:
    """The version of a plugin's row as it stands. lock: in a writing transaction, until whose end it shall stand so."""
    statement = select(plugins.c.updated_at).where(plugins.c.name == plugin)
    at = await tx.scalar(statement.with_for_update() if lock else statement)
    return PluginRow(updated_at=at or 0.0).version


async def set_safe_mode(tx: Tx, clock: Clock, on: bool, actor: str | None) -> None:
    """Remember, for all processes and the next starts, that only what is built in may run; with its audit row."""
    await _put(tx, clock, EVERY, {"enabled": not on}, actor)
    await record(tx, actor=actor, action=f"plugin.safe_mode_{'on' if on else 'off'}", target="portal")


async def set_enabled(
    tx: Tx, clock: Clock, plugin: str, enabled: bool, actor: str | None, version: int | None = None
) -> None:
    """Remember an admin's choice, with its audit row. version: as read; None for the portal itself. Raises Stale."""
    if version is not None:
        current = await version_of(tx, plugin, lock=True)
        if current != version:
            known = await tx.scalar(select(plugins.c.enabled).where(plugins.c.name == plugin))
            raise Stale({"enabled": True if known is None else bool(known), "version": current})
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
    before = await version_of(tx, plugin, lock=True)
    # Later than the change before it, also by a clock that stands still or goes back.
    at = max(clock.now(), (before + 1) / 1000)
    stamped = {**values, "updated_at": at, "updated_by": actor}
    statement = tx.insert(plugins).values(name=plugin, **{"enabled": True, **stamped})
    await tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_=stamped))
