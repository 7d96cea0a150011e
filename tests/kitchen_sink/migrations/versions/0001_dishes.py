"""Dishes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "sink0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sink_dishes",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_sink_dishes_user_id", "sink_dishes", ["user_id"])


def downgrade() -> None:
    op.drop_table("sink_dishes")
