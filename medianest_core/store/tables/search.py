"""Searches that people keep, and the secret addresses under which calendar programs read their calendar."""

from sqlalchemy import Column, ForeignKey, Index, String, Table, Text, UniqueConstraint

from medianest_core.store.tables.base import metadata
from medianest_core.store.types import Id, Seconds

saved_searches = Table(
    "saved_searches",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    # "library" or "discover".
    Column("place", String(20), nullable=False),
    Column("name", String(80), nullable=False),
    # The filters as they stand behind the "?" of the page's address, in one spelling.
    Column("query", Text, nullable=False),
    Column("created_at", Seconds, nullable=False),
    UniqueConstraint("user_id", "place", "name"),
)

calendar_addresses = Table(
    "calendar_addresses",
    metadata,
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("token_hash", String(64), nullable=False),
    Column("created_at", Seconds, nullable=False),
    Column("last_used_at", Seconds),
    Index("ix_calendar_addresses_token", "token_hash", unique=True),
)
