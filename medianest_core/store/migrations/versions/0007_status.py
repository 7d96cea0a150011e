"""What is watched, how it fared, and what there is to say about it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "monitors",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=190), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("section", sa.String(length=120), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("needed", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("since_at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=True),
        sa.Column("response_ms", sa.Double(), nullable=True),
        sa.Column("certificate_ends_at", sa.Double(), nullable=True),
        sa.Column("damping", _JSON, nullable=False),
        sa.Column("gone_at", sa.Double(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instances.id"], name="fk_monitors_instance_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_monitors"),
        sa.UniqueConstraint("instance_id", "key", name="uq_monitors_instance_id_key"),
    )
    op.create_index(
        "ix_monitors_shown",
        "monitors",
        ["section", "name", "id"],
        unique=False,
        sqlite_where=sa.text("gone_at IS NULL"),
        postgresql_where=sa.text("gone_at IS NULL"),
    )
    op.create_table(
        "incidents",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("instance_id", sa.String(length=36), nullable=True),
        sa.Column("monitor_id", sa.Integer(), nullable=True),
        sa.Column("key", sa.String(length=190), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("tone", sa.String(length=10), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.String(length=36), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instances.id"], name="fk_incidents_instance_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["monitor_id"], ["monitors.id"], name="fk_incidents_monitor_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_incidents"),
        sa.UniqueConstraint("instance_id", "kind", "key", name="uq_incidents_instance_id_kind_key"),
    )
    op.create_index("ix_incidents_monitor", "incidents", ["monitor_id", "started_at"], unique=False)
    op.create_index(
        "ix_incidents_open",
        "incidents",
        ["started_at"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_incidents_started", "incidents", ["started_at", "id"], unique=False)
    op.create_table(
        "monitor_history",
        sa.Column("monitor_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.LargeBinary(), nullable=False),
        sa.Column("week", sa.LargeBinary(), nullable=False),
        sa.Column("month", sa.LargeBinary(), nullable=False),
        sa.Column("counted_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["monitor_id"], ["monitors.id"], name="fk_monitor_history_monitor_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("monitor_id", name="pk_monitor_history"),
    )


def downgrade() -> None:
    op.drop_table("monitor_history")
    op.drop_table("incidents")
    op.drop_table("monitors")
