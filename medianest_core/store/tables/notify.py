"""Notifications: one row for each thing a person should know."""

from sqlalchemy import Column, ForeignKey, Index, String, Table, Text

from medianest_core.store.tables.base import metadata
from medianest_core.store.types import Id, Json, Seconds

notifications = Table(
    "notifications",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(60), nullable=False),
    Column("params", Json, nullable=False),
    Column("link", Text),
    # Equal keys are one notification per person while it is unread.
    Column("coalesce_key", String(120)),
    Column("created_at", Seconds, nullable=False),
    Column("read_at", Seconds),
    Index("ix_notifications_user_created", "user_id", "created_at", "id"),
)
