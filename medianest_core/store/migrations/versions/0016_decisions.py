"""What admins decided about the library."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "identity_decisions",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("actor", sa.String(length=36), nullable=True),
        sa.Column("titles", _JSON, nullable=False),
        sa.Column("before", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_decisions"),
    )
    op.create_table(
        "identity_pairs",
        sa.Column("instance_a", sa.String(length=36), nullable=False),
        sa.Column("key_a", sa.String(length=190), nullable=False),
        sa.Column("instance_b", sa.String(length=36), nullable=False),
        sa.Column("key_b", sa.String(length=190), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(
            ["decision_id"],
            ["identity_decisions.id"],
            name="fk_identity_pairs_decision_id_identity_decisions",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("instance_a", "key_a", "instance_b", "key_b", name="pk_identity_pairs"),
    )
    op.create_index("ix_identity_pairs_decision_id", "identity_pairs", ["decision_id"])
    op.create_table(
        "title_aliases",
        sa.Column("old_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("title_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("old_id", name="pk_title_aliases"),
    )
    op.create_index("ix_title_aliases_title_id", "title_aliases", ["title_id"])
    op.create_table(
        "priority_versions",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("actor", sa.String(length=36), nullable=True),
        sa.Column("orders", _JSON, nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=True),
        sa.PrimaryKeyConstraint("version", name="pk_priority_versions"),
    )
    op.create_table(
        "kept_values",
        sa.Column("title_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("path", sa.String(length=300), nullable=False),
        sa.Column("value", _JSON, nullable=False),
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("since_at", sa.Double(), nullable=False),
        sa.Column("waits", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("title_id", "path", name="pk_kept_values"),
    )


def downgrade() -> None:
    for table in (
        "kept_values",
        "priority_versions",
        "title_aliases",
        "identity_pairs",
        "identity_decisions",
    ):
        op.drop_table(table)
