"""Webhooks that can be replayed, addresses that were told to services, and webhooks that we send."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("webhook_addresses", sa.Column("registered_sealed", sa.Text(), nullable=True))
    op.add_column("webhook_addresses", sa.Column("registered_at", sa.Double(), nullable=True))
    op.add_column("webhook_deliveries", sa.Column("about", sa.String(length=100), nullable=True))
    op.add_column("webhook_deliveries", sa.Column("content_sealed", sa.Text(), nullable=True))
    op.add_column("webhook_deliveries", sa.Column("replay_of", sa.String(length=36), nullable=True))
    op.add_column("webhook_deliveries", sa.Column("result", sa.Text(), nullable=True))
    op.create_table(
        "webhook_subscriptions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("url_sealed", sa.Text(), nullable=False),
        sa.Column("place", sa.String(length=300), nullable=False),
        sa.Column("events", _JSON, nullable=False),
        sa.Column("secret_sealed", sa.Text(), nullable=False),
        sa.Column("old_secret_sealed", sa.Text(), nullable=True),
        sa.Column("old_secret_until", sa.Double(), nullable=True),
        sa.Column("verify_tls", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.Double(), nullable=True),
        sa.Column("last_ok_at", sa.Double(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("created_by", sa.String(length=36), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_subscriptions"),
    )
    op.create_table(
        "webhook_messages",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("subscription_id", sa.String(length=36), nullable=False),
        sa.Column("event", sa.String(length=80), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("took_ms", sa.Double(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("tried_at", sa.Double(), nullable=True),
        sa.Column("job_id", sa.String(length=36), nullable=True),
        sa.Column("replay_of", sa.String(length=36), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_messages"),
    )
    op.create_index(
        "ix_webhook_messages_subscription",
        "webhook_messages",
        ["subscription_id", "created_at"],
        unique=False,
    )
    op.create_index(
        "ix_webhook_messages_status", "webhook_messages", ["subscription_id", "status"], unique=False
    )


def downgrade() -> None:
    op.drop_table("webhook_messages")
    op.drop_table("webhook_subscriptions")
    for column in ("result", "replay_of", "content_sealed", "about"):
        op.drop_column("webhook_deliveries", column)
    for column in ("registered_at", "registered_sealed"):
        op.drop_column("webhook_addresses", column)
