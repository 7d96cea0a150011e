"""The first tables."""

from alembic import op

from medianest_core.store.tables.all import core_metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    core_metadata().create_all(op.get_bind())


def downgrade() -> None:
    core_metadata().drop_all(op.get_bind())
