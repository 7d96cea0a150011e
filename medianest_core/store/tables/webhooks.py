"""Webhooks in: the secret address of each instance, and what was delivered to it. Webhooks out: who wants to hear of what, and what they
were sent."""

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

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
    # The whole address as we told it to the service, to take it away there again; it may hold another token than the present one.
    Column("registered_sealed", Text),
    Column("registered_at", Seconds),
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
    # Whose things the keys are, where the sender speaks of another service than itself.
    Column("about", String(100)),
    # Headers and body, to follow it once more; null where it was too large to be kept.
    Column("content_sealed", Text),
    Column("replay_of", Id),
    Column("result", Text),
    UniqueConstraint("instance_id", "delivery_key"),
    Index("ix_webhook_deliveries_received", "received_at"),
)

webhook_subscriptions = Table(
    "webhook_subscriptions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(100), nullable=False),
    # Addresses often hold a secret in their path.
    Column("url_sealed", Text, nullable=False),
    # Scheme, host and port of it.
    Column("place", String(300), nullable=False),
    # Names of events.
    Column("events", Json, nullable=False),
    Column("secret_sealed", Text, nullable=False),
    # The one before, with which messages are signed too until then.
    Column("old_secret_sealed", Text),
    Column("old_secret_until", Seconds),
    Column("verify_tls", Boolean, nullable=False),
    # active, paused (messages wait) or off (none are made).
    Column("state", String(12), nullable=False),
    Column("reason", Text, nullable=False),
    # Attempts without success since the last one that had it.
    Column("failures", Integer, nullable=False),
    Column("failing_since", Seconds),
    Column("last_ok_at", Seconds),
    Column("version", Integer, nullable=False),
    Column("created_at", Seconds, nullable=False),
    Column("created_by", Id),
)

webhook_messages = Table(
    "webhook_messages",
    metadata,
    Column("id", Id, primary_key=True),
    # No foreign key: an event must not fail because somebody takes its listener away at that moment.
    Column("subscription_id", Id, nullable=False),
    Column("event", String(80), nullable=False),
    # The body, byte for byte as it is signed.
    Column("payload", Text, nullable=False),
    Column("created_at", Seconds, nullable=False),
    # waiting → sent | failed | dropped
    Column("status", String(12), nullable=False),
    Column("tries", Integer, nullable=False),
    # Of the last attempt: the answer's status (null: there was none), how long it took, and what was wrong.
    Column("code", Integer),
    Column("took_ms", Double),
    Column("error", Text, nullable=False),
    Column("tried_at", Seconds),
    Column("job_id", Id),
    Column("replay_of", Id),
    Index("ix_webhook_messages_subscription", "subscription_id", "created_at"),
    Index("ix_webhook_messages_status", "subscription_id", "status"),
)
