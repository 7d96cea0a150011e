"""What is taken over from backends and from people's lists, and where a request was made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("requests", sa.Column("origin", sa.String(length=20), nullable=False, server_default=""))
    op.add_column(
        "requests", sa.Column("origin_name", sa.String(length=200), nullable=False, server_default="")
    )
    op.add_column(
        "request_issues", sa.Column("origin_name", sa.String(length=200), nullable=False, server_default="")
    )
    op.add_column(
        "request_policies",
        sa.Column("watchlist", sa.Boolean(), nullable=False, server_default=sa.true()),
    )
    op.create_table(
        "request_imports",
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("reference", sa.String(length=190), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=True),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "reference", name="pk_request_imports"),
    )
    op.create_table(
        "request_sources",
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("listed_at", sa.Double(), nullable=False),
        sa.Column("issues_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", name="pk_request_sources"),
    )
    op.create_table(
        "request_watchers",
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("checked_at", sa.Double(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_request_watchers_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name="pk_request_watchers"),
    )
    op.create_table(
        "request_watched",
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=240), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=True),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_request_watched_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "key", name="pk_request_watched"),
    )


def downgrade() -> None:
    for table in ("request_watched", "request_watchers", "request_sources", "request_imports"):
        op.drop_table(table)
    op.drop_column("request_policies", "watchlist")
    op.drop_column("request_issues", "origin_name")
    op.drop_column("requests", "origin_name")
    op.drop_column("requests", "origin")
