"""Webhooks in: the secret address of each instance, and what was delivered to it."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from medianest_core.store.tables.base import metadata
from medianest_core.store.types import Id, Json, Seconds

webhook_addresses = Table(
    "webhook_addresses",
    metadata,
    Column("instance_id", Id, ForeignKey("instances.id", ondelete="CASCADE"), primary_key=True),
    Column("token_hash", String(64), nullable=False),
    # Sealed, so that an admin can look the address up again.
    Column("token_sealed", Text, nullable=False),
    Column("created_at", Seconds, nullable=False),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("instance_id", Id, ForeignKey("instances.id", ondelete="CASCADE"), nullable=False),
    # The service's own id of the delivery, or ours where it has none.
    Column("delivery_key", String(200), nullable=False),
    Column("received_at", Seconds, nullable=False),
    Column("size", Integer, nullable=False),
    # received → processed; ignored and refused ones have no job.
    Column("status", String(20), nullable=False),
    Column("topic", String(80), nullable=False, default=""),
    Column("keys", Json, nullable=False),
    Column("summary", Text, nullable=False, default=""),
    Column("job_id", Id, index=True),
    Column("processed_at", Seconds),
    UniqueConstraint("instance_id", "delivery_key"),
    Index("ix_webhook_deliveries_received", "received_at"),
)
