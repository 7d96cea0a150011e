"""Searches that people keep, secret addresses of calendars, and counting titles by year."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0012"
branch_labels = None
depends_on = None

_TOP = sa.text("level = 0")


def upgrade() -> None:
    op.create_table(
        "saved_searches",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("place", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_saved_searches_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_saved_searches"),
        sa.UniqueConstraint("user_id", "place", "name", name="uq_saved_searches_user_id_place_name"),
    )
    op.create_table(
        "calendar_addresses",
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("last_used_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_calendar_addresses_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name="pk_calendar_addresses"),
    )
    op.create_index("ix_calendar_addresses_token", "calendar_addresses", ["token_hash"], unique=True)
    _facets("genres", "sources", "kind", "quality", "year")


def downgrade() -> None:
    _facets("genres", "sources", "kind", "quality")
    op.drop_index("ix_calendar_addresses_token", table_name="calendar_addresses")
    op.drop_table("calendar_addresses")
    op.drop_table("saved_searches")


def _facets(*columns: str) -> None:
    op.drop_index("ix_titles_facets", table_name="titles")
    op.create_index(
        "ix_titles_facets",
        "titles",
        list(columns),
        unique=False,
        sqlite_where=_TOP,
        postgresql_where=_TOP,
    )
