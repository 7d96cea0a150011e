"""What sources say of titles beyond their listings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "record_details",
        sa.Column("source", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=190), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("source", "key", name="pk_record_details"),
    )


def downgrade() -> None:
    op.drop_table("record_details")
