"""What field owners say of titles."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "title_owned",
        sa.Column("title_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ids", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("probed_at", sa.Double(), nullable=True),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("title_id", "source", name="pk_title_owned"),
    )
    op.create_index("ix_title_owned_due", "title_owned", ["source", "due_at"])
    op.create_table(
        "field_owners",
        sa.Column("source", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("changes_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("source", name="pk_field_owners"),
    )


def downgrade() -> None:
    op.drop_table("field_owners")
    op.drop_index("ix_title_owned_due", "title_owned")
    op.drop_table("title_owned")
