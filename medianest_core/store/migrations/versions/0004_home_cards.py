"""How people arranged the cards of their home page."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "home_cards",
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("order", JSON, nullable=False),
        sa.Column("hidden", JSON, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_home_cards_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name="pk_home_cards"),
    )


def downgrade() -> None:
    op.drop_table("home_cards")
