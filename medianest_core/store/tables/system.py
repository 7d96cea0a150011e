"""Audit rows and the portal's own settings."""

from sqlalchemy import Column, Index, Integer, String, Table, Text

from medianest_core.store.tables.base import metadata
from medianest_core.store.types import Id, Json, Seconds

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Seconds, nullable=False),
    Column("actor", Id),
    Column("action", String(80), nullable=False),
    Column("target", Text, nullable=False),
    Column("details", Json, nullable=False),
    Column("correlation_id", String(64), nullable=False, default=""),
)
Index("ix_audit_at", audit.c.at)

portal_settings = Table(
    "portal_settings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("values", Json, nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated_at", Seconds, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("holder", String(120), nullable=False),
    Column("until_at", Seconds, nullable=False),
)

settings_history = Table(
    "settings_history",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    # "portal", or the id of an instance, or of the person whose home page it is.
    Column("target", Id, nullable=False),
    Column("at", Seconds, nullable=False),
    Column("actor", Id),
    Column("action", String(20), nullable=False),
    Column("title", Text, nullable=False, default=""),
    # Without a single secret: a mask stands where one was set, and `secrets` names those that changed.
    Column("values", Json, nullable=False),
    Column("secrets", Json, nullable=False),
    Column("restores", Integer),
)
Index("ix_settings_history_target", settings_history.c.target, settings_history.c.id)
