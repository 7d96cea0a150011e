"""The plugin's own table: its name stands before it, and it has migrations of its own."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, MetaData, String, Table, Text

from medianest_core.sdk import TableSet

metadata = MetaData()
entries = Table(
    "logbook_entries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("event", String(80), nullable=False),
    Column("told", Text, nullable=False),
    Index("ix_logbook_entries_at", "at"),
)
TABLES = TableSet(metadata, "medianest_logbook.migrations")
