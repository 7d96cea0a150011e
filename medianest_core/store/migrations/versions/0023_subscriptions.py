"""Subscriptions to channels and playlists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("downloads", sa.Column("subscription_id", sa.String(length=36), nullable=True))
    op.create_index("ix_downloads_subscription", "downloads", ["subscription_id"])
    op.create_table(
        "download_subscriptions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("wishes", _JSON, nullable=False),
        sa.Column("paused_at", sa.Double(), nullable=True),
        sa.Column("due_at", sa.Double(), nullable=True),
        sa.Column("last_at", sa.Double(), nullable=True),
        sa.Column("newest_at", sa.Double(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_download_subscriptions_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_download_subscriptions"),
    )
    op.create_index("ix_download_subscriptions_user_id", "download_subscriptions", ["user_id"])
    op.create_index("ix_download_subscriptions_due", "download_subscriptions", ["due_at"])
    op.create_table(
        "download_subscription_known",
        sa.Column("subscription_id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=190), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["download_subscriptions.id"],
            name="fk_download_subscription_known_subscription_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("subscription_id", "key", name="pk_download_subscription_known"),
    )


def downgrade() -> None:
    op.drop_table("download_subscription_known")
    op.drop_index("ix_download_subscriptions_due", "download_subscriptions")
    op.drop_index("ix_download_subscriptions_user_id", "download_subscriptions")
    op.drop_table("download_subscriptions")
    op.drop_index("ix_downloads_subscription", "downloads")
    op.drop_column("downloads", "subscription_id")
