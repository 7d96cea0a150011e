"""Notifications: one row for each thing a person should know, and how each reaches them outside the portal."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

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

channels = Table(
    "notification_channels",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("instance_id", Id, ForeignKey("instances.id", ondelete="CASCADE"), nullable=False),
    Column("label", String(80), nullable=False),
    Column("target_sealed", Text, nullable=False),
    Column("target_hash", String(64), nullable=False),
    # What people may see of the address.
    Column("shown", String(200), nullable=False),
    Column("digest", Boolean, nullable=False),
    Column("enabled", Boolean, nullable=False),
    # Why it was switched off by itself.
    Column("reason", Text, nullable=False),
    # Of the newest code that was sent to the address; the code itself follows from it.
    Column("code_at", Seconds),
    Column("code_tries", Integer, nullable=False),
    Column("confirmed_at", Seconds),
    Column("created_at", Seconds, nullable=False),
    UniqueConstraint("user_id", "instance_id", "target_hash"),
)

choices = Table(
    "notification_choices",
    metadata,
    Column("channel_id", Id, ForeignKey("notification_channels.id", ondelete="CASCADE"), primary_key=True),
    Column("topic", String(40), primary_key=True),
    Column("wanted", Boolean, nullable=False),
)

times = Table(
    "notification_times",
    metadata,
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    # Minutes since midnight, in the person's time zone; equal or empty: no quiet hours.
    Column("quiet_from", Integer),
    Column("quiet_to", Integer),
    Column("digest_hour", Integer, nullable=False),
    Column("urgent", Boolean, nullable=False),
    # Of the browser it was set with, for people who chose none.
    Column("zone", String(64), nullable=False),
    Column("version", Integer, nullable=False),
)

deliveries = Table(
    "notification_deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("notification_id", Id, ForeignKey("notifications.id", ondelete="CASCADE"), nullable=False),
    Column("channel_id", Id, ForeignKey("notification_channels.id", ondelete="CASCADE"), nullable=False),
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("topic", String(40), nullable=False),
    Column("urgent", Boolean, nullable=False),
    Column("digest", Boolean, nullable=False),
    # waiting | sending | sent | failed | unclear | dropped
    Column("state", String(12), nullable=False),
    Column("due_at", Seconds, nullable=False),
    # The job that sends it now.
    Column("job_id", Id),
    # [{"at", "end", "reason"}], oldest first.
    Column("attempts", Json, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", Seconds, nullable=False),
    Column("ended_at", Seconds),
    UniqueConstraint("notification_id", "channel_id"),
    Index("ix_notification_deliveries_user", "user_id", "created_at", "id"),
    Index("ix_notification_deliveries_channel", "channel_id", "state"),
)
