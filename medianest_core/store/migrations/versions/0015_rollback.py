"""What is held of a title, where a changed value came from before, who changed it; both histories in order."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("title_locks", sa.Column("holds", _JSON, nullable=False, server_default="{}"))
    op.add_column("sync_changes", sa.Column("before_from", sa.String(length=36), nullable=True))
    op.add_column("sync_changes", sa.Column("actor", sa.String(length=36), nullable=True))
    op.drop_index("ix_sync_changes_run", table_name="sync_changes")
    op.drop_index("ix_sync_changes_title", table_name="sync_changes")
    op.create_index("ix_sync_changes_run", "sync_changes", ["run_id", "title_id", "id"], unique=False)
    op.create_index("ix_sync_changes_title", "sync_changes", ["title_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_sync_changes_title", table_name="sync_changes")
    op.drop_index("ix_sync_changes_run", table_name="sync_changes")
    op.create_index("ix_sync_changes_title", "sync_changes", ["title_id"], unique=False)
    op.create_index("ix_sync_changes_run", "sync_changes", ["run_id"], unique=False)
    op.drop_column("sync_changes", "actor")
    op.drop_column("sync_changes", "before_from")
    op.drop_column("title_locks", "holds")
