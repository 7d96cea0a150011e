"""What of their answers field owners read when they were asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("field_owners", sa.Column("reading", sa.String(length=16), nullable=True))


def downgrade() -> None:
    op.drop_column("field_owners", "reading")
