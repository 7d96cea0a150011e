"""What a sync run was asked for and could not read; how each source is read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0011"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("sync_runs", sa.Column("args", _JSON, nullable=True))
    op.add_column("sync_runs", sa.Column("failed", _JSON, nullable=True))
    op.create_table(
        "source_settings",
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("every", sa.Double(), nullable=False),
        sa.Column("next_at", sa.Double(), nullable=True),
        sa.Column("patience", sa.Double(), nullable=False),
        sa.Column("longest", sa.Double(), nullable=False),
        sa.Column("at_once", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", name="pk_source_settings"),
    )


def downgrade() -> None:
    op.drop_table("source_settings")
    op.drop_column("sync_runs", "failed")
    op.drop_column("sync_runs", "args")
