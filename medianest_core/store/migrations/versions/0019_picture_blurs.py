"""What is shown while posters load."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "picture_blurs",
        sa.Column("version", sa.String(length=12), nullable=False),
        sa.Column("blurhash", sa.String(length=60), nullable=False),
        sa.Column("preview", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_picture_blurs"),
    )


def downgrade() -> None:
    op.drop_table("picture_blurs")
