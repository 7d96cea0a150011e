"""The states that plugins and instances can be in."""

from __future__ import annotations

from enum import StrEnum


class PluginState(StrEnum):
    """Where a plugin stands in this process."""

    FOUND = "found"
    DISABLED = "disabled"
    CONFLICT = "conflict"
    INCOMPATIBLE = "incompatible"
    IMPORT_FAILED = "import_failed"
    INVALID = "invalid"
    NEEDS_SETTINGS = "needs_settings"
    NEEDS_MIGRATION = "needs_migration"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    STOPPED = "stopped"

    @property
    def running(self) -> bool:
        """Whether its declarations are in force."""
        return self in {PluginState.ACTIVE, PluginState.NEEDS_SETTINGS}


class InstanceState(StrEnum):
    """Where a configured service stands in this process."""

    NEW = "new"
    SETTING_UP = "setting_up"
    READY = "ready"
    RETRYING = "retrying"
    NEEDS_REAUTH = "needs_reauth"
    FAILED = "failed"
    SUSPENDED = "suspended"
    CLOSED = "closed"
