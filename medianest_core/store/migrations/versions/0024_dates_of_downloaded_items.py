"""When downloaded items were published: subscriptions keep the newest."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("download_items", sa.Column("published_at", sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column("download_items", "published_at")
