"""Requests: wishes, their people and decisions, the rules for them, and issues with titles."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "request_blocklist",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("root_kind", sa.String(length=40), nullable=False),
        sa.Column("ids", _JSON, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("blocked_by", sa.String(length=36), nullable=True),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_request_blocklist"),
    )
    op.create_table(
        "request_policies",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("subject", sa.String(length=10), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("variant", sa.String(length=20), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("auto_approve", sa.Boolean(), nullable=False),
        sa.Column("meter", sa.String(length=60), nullable=False),
        sa.Column("quota", sa.Double(), nullable=True),
        sa.Column("window_days", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_request_policies"),
        sa.UniqueConstraint("subject", "subject_id", "kind", "variant", name="uq_request_policies"),
    )
    op.create_table(
        "request_profiles",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("kinds", _JSON, nullable=False),
        sa.Column("variant", sa.String(length=20), nullable=False),
        sa.Column("instance_id", sa.String(length=36), nullable=True),
        sa.Column("options", _JSON, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("preferred", sa.Boolean(), nullable=False),
        sa.Column("admins_only", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_request_profiles"),
    )
    op.create_table(
        "request_blocked_ids",
        sa.Column("root_kind", sa.String(length=40), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=190), nullable=False),
        sa.Column("block_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["block_id"], ["request_blocklist.id"], name="fk_request_blocked_ids_block_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("root_kind", "provider", "value", name="pk_request_blocked_ids"),
    )
    op.create_index("ix_request_blocked_ids_block_id", "request_blocked_ids", ["block_id"], unique=False)
    op.create_table(
        "requests",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("root_kind", sa.String(length=40), nullable=False),
        sa.Column("ids", _JSON, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("image", sa.Text(), nullable=True),
        sa.Column("seasons", _JSON, nullable=False),
        sa.Column("episodes", _JSON, nullable=False),
        sa.Column("variant", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("held_by", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("open_key", sa.Text(), nullable=True),
        sa.Column("user_id", sa.String(length=36), nullable=True),
        sa.Column("created_by", sa.String(length=36), nullable=True),
        sa.Column("profile_id", sa.String(length=36), nullable=True),
        sa.Column("options", _JSON, nullable=False),
        sa.Column("instance_id", sa.String(length=36), nullable=True),
        sa.Column("reference", sa.String(length=190), nullable=True),
        sa.Column("sent_at", sa.Double(), nullable=True),
        sa.Column("checked_at", sa.Double(), nullable=False),
        sa.Column("parts", _JSON, nullable=False),
        sa.Column("sizes", _JSON, nullable=False),
        sa.Column("title_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name="fk_requests_created_by", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["request_profiles.id"], name="fk_requests_profile_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_requests_user_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_requests"),
        sa.UniqueConstraint("open_key", name="uq_requests_open_key"),
    )
    op.create_index("ix_requests_created_at", "requests", ["created_at", "id"], unique=False)
    op.create_index("ix_requests_created_by", "requests", ["created_by", "created_at"], unique=False)
    op.create_index("ix_requests_instance", "requests", ["instance_id", "reference"], unique=False)
    op.create_index(
        "ix_requests_open",
        "requests",
        ["state"],
        unique=False,
        sqlite_where=sa.text("open_key IS NOT NULL"),
        postgresql_where=sa.text("open_key IS NOT NULL"),
    )
    op.create_index("ix_requests_state", "requests", ["state", "created_at", "id"], unique=False)
    op.create_index("ix_requests_user", "requests", ["user_id"], unique=False)
    op.create_table(
        "request_comments",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], name="fk_request_comments_request_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_request_comments_user_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_request_comments"),
    )
    op.create_index("ix_request_comments_request", "request_comments", ["request_id", "at"], unique=False)
    op.create_index("ix_request_comments_user_id", "request_comments", ["user_id"], unique=False)
    op.create_table(
        "request_decisions",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("before", sa.String(length=20), nullable=False),
        sa.Column("after", sa.String(length=20), nullable=False),
        sa.Column("actor", sa.String(length=36), nullable=True),
        sa.Column("rule", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], name="fk_request_decisions_request_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_request_decisions"),
    )
    op.create_index("ix_request_decisions_request", "request_decisions", ["request_id", "id"], unique=False)
    op.create_table(
        "request_ids",
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=190), nullable=False),
        sa.Column("root_kind", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], name="fk_request_ids_request_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("request_id", "provider", name="pk_request_ids"),
    )
    op.create_index("ix_request_ids_value", "request_ids", ["root_kind", "provider", "value"], unique=False)
    op.create_table(
        "request_issues",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=True),
        sa.Column("title_id", sa.Integer(), nullable=True),
        sa.Column("request_id", sa.String(length=36), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("ids", _JSON, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("seasons", _JSON, nullable=False),
        sa.Column("episodes", _JSON, nullable=False),
        sa.Column("problem", sa.String(length=20), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("instance_id", sa.String(length=36), nullable=True),
        sa.Column("reference", sa.String(length=190), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("resolved_at", sa.Double(), nullable=True),
        sa.Column("resolved_by", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], name="fk_request_issues_request_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_request_issues_user_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_request_issues"),
    )
    op.create_index("ix_request_issues_created_at", "request_issues", ["created_at", "id"], unique=False)
    op.create_index("ix_request_issues_owner", "request_issues", ["user_id", "created_at"], unique=False)
    op.create_index("ix_request_issues_request", "request_issues", ["request_id"], unique=False)
    op.create_index("ix_request_issues_state", "request_issues", ["state", "created_at", "id"], unique=False)
    op.create_index("ix_request_issues_user_id", "request_issues", ["user_id"], unique=False)
    op.create_table(
        "request_participants",
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("joined_at", sa.Double(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], name="fk_request_participants_request_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_request_participants_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("request_id", "user_id", name="pk_request_participants"),
    )
    op.create_index(
        "ix_request_participants_user",
        "request_participants",
        ["user_id", "created_at", "request_id"],
        unique=False,
    )
    op.create_table(
        "request_usage",
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("meter", sa.String(length=60), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("amount", sa.Double(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], name="fk_request_usage_request_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_request_usage_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("request_id", "meter", name="pk_request_usage"),
    )
    op.create_index("ix_request_usage_user", "request_usage", ["user_id", "meter", "at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_request_usage_user", table_name="request_usage")
    op.drop_table("request_usage")
    op.drop_index("ix_request_participants_user", table_name="request_participants")
    op.drop_table("request_participants")
    op.drop_index("ix_request_issues_user_id", table_name="request_issues")
    op.drop_index("ix_request_issues_state", table_name="request_issues")
    op.drop_index("ix_request_issues_request", table_name="request_issues")
    op.drop_index("ix_request_issues_owner", table_name="request_issues")
    op.drop_index("ix_request_issues_created_at", table_name="request_issues")
    op.drop_table("request_issues")
    op.drop_index("ix_request_ids_value", table_name="request_ids")
    op.drop_table("request_ids")
    op.drop_index("ix_request_decisions_request", table_name="request_decisions")
    op.drop_table("request_decisions")
    op.drop_index("ix_request_comments_user_id", table_name="request_comments")
    op.drop_index("ix_request_comments_request", table_name="request_comments")
    op.drop_table("request_comments")
    op.drop_index("ix_requests_user", table_name="requests")
    op.drop_index("ix_requests_state", table_name="requests")
    op.drop_index(
        "ix_requests_open",
        table_name="requests",
        sqlite_where=sa.text("open_key IS NOT NULL"),
        postgresql_where=sa.text("open_key IS NOT NULL"),
    )
    op.drop_index("ix_requests_instance", table_name="requests")
    op.drop_index("ix_requests_created_by", table_name="requests")
    op.drop_index("ix_requests_created_at", table_name="requests")
    op.drop_table("requests")
    op.drop_index("ix_request_blocked_ids_block_id", table_name="request_blocked_ids")
    op.drop_table("request_blocked_ids")
    op.drop_table("request_profiles")
    op.drop_table("request_policies")
    op.drop_table("request_blocklist")
