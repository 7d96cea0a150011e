"""Which collections of a media server were made for whose downloads."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "download_collections",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("library", sa.String(length=190), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("download_id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=190), nullable=True),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_download_collections_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_download_collections"),
    )
    op.create_index("ix_download_collections_user_id", "download_collections", ["user_id"], unique=False)
    op.create_index(
        "uq_download_collections", "download_collections", ["instance_id", "library", "name"], unique=True
    )


def downgrade() -> None:
    op.drop_table("download_collections")
