"""Entries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "logbook0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "logbook_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("event", sa.String(length=80), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_logbook_entries_at", "logbook_entries", ["at"])


def downgrade() -> None:
    op.drop_table("logbook_entries")
