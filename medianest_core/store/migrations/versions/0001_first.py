"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

# Full-text search of titles: an index of its own on SQLite, kept by triggers; an expression index on PostgreSQL.
SEARCH_SQLITE = (
    "CREATE VIRTUAL TABLE titles_fts USING fts5(search, content='titles', content_rowid='id', detail=none, columnsize=0)",
    """CREATE TRIGGER titles_fts_insert AFTER INSERT ON titles WHEN new.level = 0 BEGIN
      INSERT INTO titles_fts(rowid, search) VALUES (new.id, new.search);
    END""",
    """CREATE TRIGGER titles_fts_delete AFTER DELETE ON titles WHEN old.level = 0 BEGIN
      INSERT INTO titles_fts(titles_fts, rowid, search) VALUES ('delete', old.id, old.search);
    END""",
    """CREATE TRIGGER titles_fts_update AFTER UPDATE OF search ON titles WHEN new.level = 0 AND old.search <> new.search BEGIN
      INSERT INTO titles_fts(titles_fts, rowid, search) VALUES ('delete', old.id, old.search);
      INSERT INTO titles_fts(rowid, search) VALUES (new.id, new.search);
    END""",
)
SEARCH_POSTGRESQL = (
    "CREATE INDEX ix_titles_search ON titles USING gin (to_tsvector('simple', search)) WHERE level = 0"
)


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("actor", sa.String(length=36), nullable=True),
        sa.Column("action", sa.String(length=80), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("details", JSON, nullable=False),
        sa.Column("correlation_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_at", "audit", ["at"], unique=False)
    op.create_table(
        "collection_items",
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("collection", sa.String(length=190), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=190), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "collection", "position", name="pk_collection_items"),
    )
    op.create_index("ix_collection_items_key", "collection_items", ["instance_id", "key"], unique=False)
    op.create_table(
        "collections",
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=190), nullable=False),
        sa.Column("library", sa.String(length=190), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("image", sa.Text(), nullable=True),
        sa.Column("smart", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "key", name="pk_collections"),
    )
    op.create_table(
        "download_queues",
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", name="pk_download_queues"),
    )
    op.create_table(
        "events",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("room", sa.String(length=80), nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_events"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_at", "events", ["at"], unique=False)
    op.create_index("ix_events_room_seq", "events", ["room", "seq"], unique=False)
    op.create_table(
        "instances",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("plugin", sa.String(length=64), nullable=False),
        sa.Column("service", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("settings_json", JSON, nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("suspended_fingerprint", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.Column("updated_by", sa.String(length=36), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_instances"),
        sa.UniqueConstraint("plugin", "name", name="uq_instances_plugin_name"),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("queue", sa.String(length=60), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("plugin", sa.String(length=60), nullable=True),
        sa.Column("owner", sa.String(length=36), nullable=True),
        sa.Column("args", JSON, nullable=False),
        sa.Column("correlation_id", sa.String(length=64), nullable=False),
        sa.Column("parent_id", sa.String(length=36), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("crashes", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=120), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("send_at", sa.Double(), nullable=True),
        sa.Column("started_at", sa.Double(), nullable=True),
        sa.Column("lease_until", sa.Double(), nullable=True),
        sa.Column("handled_at", sa.Double(), nullable=True),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.Column("cancel_requested_at", sa.Double(), nullable=True),
        sa.Column("unique_text", sa.Text(), nullable=True),
        sa.Column("unique_key", sa.Text(), nullable=True),
        sa.Column("done", sa.Double(), nullable=False),
        sa.Column("total", sa.Double(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("facts", JSON, nullable=True),
        sa.Column("result", JSON, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.UniqueConstraint("unique_key", name="uq_jobs_unique_key"),
    )
    op.create_index("ix_jobs_created_at", "jobs", ["created_at"], unique=False)
    op.create_index("ix_jobs_finished_at", "jobs", ["finished_at"], unique=False)
    op.create_index(
        "ix_jobs_lease_until",
        "jobs",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("state = 'leased'"),
        postgresql_where=sa.text("state = 'leased'"),
    )
    op.create_index("ix_jobs_name_state", "jobs", ["name", "state"], unique=False)
    op.create_index("ix_jobs_owner_created_at", "jobs", ["owner", "created_at"], unique=False)
    op.create_index("ix_jobs_parent_id", "jobs", ["parent_id"], unique=False)
    op.create_index(
        "ix_jobs_send_at",
        "jobs",
        ["send_at"],
        unique=False,
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_table(
        "libraries",
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=190), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("locations", JSON, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("first_complete_at", sa.Double(), nullable=True),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("released", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "key", name="pk_libraries"),
    )
    op.create_table(
        "library_sources",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("first_complete_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_library_sources"),
        sa.UniqueConstraint("instance_id", name="uq_library_sources_instance_id"),
    )
    op.create_table(
        "library_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("next_title", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_library_state"),
    )
    op.create_table(
        "plugin_states",
        sa.Column("process", sa.String(length=100), nullable=False),
        sa.Column("plugin", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("trace", sa.Text(), nullable=False),
        sa.Column("since_at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("process", "plugin", name="pk_plugin_states"),
    )
    op.create_table(
        "plugins",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("suspended_stamp", sa.String(length=64), nullable=False),
        sa.Column("suspended_reason", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.Column("updated_by", sa.String(length=36), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_plugins"),
    )
    op.create_table(
        "portal_settings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("values", JSON, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_portal_settings"),
    )
    op.create_table(
        "record_data",
        sa.Column("source", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=190), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("source", "key", name="pk_record_data"),
    )
    op.create_table(
        "records",
        sa.Column("source", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=190), nullable=False),
        sa.Column("library", sa.String(length=190), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("parent", sa.String(length=190), nullable=True),
        sa.Column("title_id", sa.Integer(), nullable=False),
        sa.Column("missing", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "key", name="pk_records"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_records_parent", "records", ["source", "parent"], unique=False)
    op.create_index("ix_records_title", "records", ["title_id"], unique=False)
    op.create_table(
        "schedules",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("next_at", sa.Double(), nullable=False),
        sa.Column("last_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_schedules"),
    )
    op.create_table(
        "setup",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_sealed", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("used_at", sa.Double(), nullable=True),
        sa.Column("used_by", sa.String(length=36), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_setup"),
    )
    op.create_table(
        "source_priorities",
        sa.Column("field_group", sa.String(length=40), nullable=False),
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("field_group", "instance_id", name="pk_source_priorities"),
    )
    op.create_table(
        "sync_changes",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("title_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("path", JSON, nullable=False),
        sa.Column("before", JSON, nullable=True),
        sa.Column("after", JSON, nullable=True),
        sa.Column("instance_id", sa.String(length=36), nullable=True),
        sa.Column("rule", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sync_changes"),
    )
    op.create_index("ix_sync_changes_run", "sync_changes", ["run_id"], unique=False)
    op.create_index("ix_sync_changes_title", "sync_changes", ["title_id"], unique=False)
    op.create_table(
        "sync_runs",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("forced", sa.Boolean(), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("requested_by", sa.String(length=36), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("counts", JSON, nullable=False),
        sa.Column("problems", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sync_runs"),
    )
    op.create_index("ix_sync_runs_job", "sync_runs", ["job_id"], unique=False)
    op.create_index("ix_sync_runs_state", "sync_runs", ["state"], unique=False)
    op.create_index(
        "uq_sync_runs_queued",
        "sync_runs",
        ["scope", "forced"],
        unique=True,
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_table(
        "title_docs",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("doc", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_title_docs"),
    )
    op.create_table(
        "title_ids",
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("title_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("kind", "provider", "value", "title_id", name="pk_title_ids"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_title_ids_title", "title_ids", ["title_id"], unique=False)
    op.create_table(
        "title_locks",
        sa.Column("title_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("locks", JSON, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("title_id", name="pk_title_locks"),
    )
    op.create_table(
        "titles",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("item_index", sa.Integer(), nullable=True),
        sa.Column("match_key", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("sort_title", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("added_at", sa.Double(), nullable=False),
        sa.Column("rating", sa.Double(), nullable=False),
        sa.Column("released_on", sa.String(length=10), nullable=False),
        sa.Column("duration", sa.Double(), nullable=False),
        sa.Column("quality", sa.Integer(), nullable=False),
        sa.Column("hdr", sa.Boolean(), nullable=False),
        sa.Column("genres", sa.Text(), nullable=False),
        sa.Column("sources", sa.Text(), nullable=False),
        sa.Column("poster", sa.String(length=16), nullable=True),
        sa.Column("children", sa.Integer(), nullable=False),
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("created_run", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_titles"),
    )
    op.create_index(
        "ix_titles_added_at",
        "titles",
        ["added_at", "id"],
        unique=False,
        sqlite_where=sa.text("level = 0"),
        postgresql_where=sa.text("level = 0"),
    )
    op.create_index(
        "ix_titles_episodes",
        "titles",
        ["added_at"],
        unique=False,
        sqlite_where=sa.text("kind = 'episode'"),
        postgresql_where=sa.text("kind = 'episode'"),
    )
    op.create_index(
        "ix_titles_facets",
        "titles",
        ["genres", "sources", "kind", "quality"],
        unique=False,
        sqlite_where=sa.text("level = 0"),
        postgresql_where=sa.text("level = 0"),
    )
    op.create_index(
        "ix_titles_kind",
        "titles",
        ["kind", "sort_title", "id"],
        unique=False,
        sqlite_where=sa.text("level = 0"),
        postgresql_where=sa.text("level = 0"),
    )
    op.create_index(
        "ix_titles_match",
        "titles",
        ["match_key"],
        unique=False,
        sqlite_where=sa.text("level = 0"),
        postgresql_where=sa.text("level = 0"),
    )
    op.create_index(
        "ix_titles_parent",
        "titles",
        ["parent_id", "item_index"],
        unique=False,
        sqlite_where=sa.text("parent_id IS NOT NULL"),
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    )
    op.create_index(
        "ix_titles_rating",
        "titles",
        ["rating", "id"],
        unique=False,
        sqlite_where=sa.text("level = 0"),
        postgresql_where=sa.text("level = 0"),
    )
    op.create_index(
        "ix_titles_released_on",
        "titles",
        ["released_on", "id"],
        unique=False,
        sqlite_where=sa.text("level = 0"),
        postgresql_where=sa.text("level = 0"),
    )
    op.create_index(
        "ix_titles_sort_title",
        "titles",
        ["sort_title", "id"],
        unique=False,
        sqlite_where=sa.text("level = 0"),
        postgresql_where=sa.text("level = 0"),
    )
    op.create_index(
        "ix_titles_year",
        "titles",
        ["year", "id"],
        unique=False,
        sqlite_where=sa.text("level = 0"),
        postgresql_where=sa.text("level = 0"),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("username", sa.String(length=100), nullable=False),
        sa.Column("display_name", sa.String(length=100), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("avatar", sa.Text(), nullable=True),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("locale", sa.String(length=20), nullable=True),
        sa.Column("timezone", sa.String(length=64), nullable=True),
        sa.Column("theme", sa.String(length=20), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("last_login_at", sa.Double(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
    )
    op.create_index("ix_users_status", "users", ["status"], unique=False)
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("scopes", JSON, nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("last_used_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_api_keys_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("key_hash", name="uq_api_keys_key_hash"),
    )
    op.create_index("ix_api_keys_user_id", "api_keys", ["user_id"], unique=False)
    op.create_table(
        "download_archive",
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("downloader", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=190), nullable=False),
        sa.Column("form", sa.String(length=10), nullable=False),
        sa.Column("item_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_download_archive_user_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_download_archive_user_id", "download_archive", ["user_id"], unique=False)
    op.create_index(
        "uq_download_archive", "download_archive", ["user_id", "downloader", "key", "form"], unique=True
    )
    op.create_table(
        "download_submissions",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_download_submissions_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_download_submissions"),
    )
    op.create_index("ix_download_submissions_user_id", "download_submissions", ["user_id"], unique=False)
    op.create_table(
        "downloads",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("thumbnail", sa.Text(), nullable=True),
        sa.Column("quality", sa.String(length=40), nullable=False),
        sa.Column("container", sa.String(length=20), nullable=False),
        sa.Column("subtitles", JSON, nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("position", sa.Double(), nullable=False),
        sa.Column("target_instance", sa.String(length=36), nullable=True),
        sa.Column("target_library", sa.String(length=190), nullable=True),
        sa.Column("server_folder", sa.Text(), nullable=True),
        sa.Column("collection", sa.Text(), nullable=True),
        sa.Column("collection_key", sa.String(length=190), nullable=True),
        sa.Column("filing", JSON, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_downloads_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_downloads"),
    )
    op.create_index("ix_downloads_created_at", "downloads", ["created_at"], unique=False)
    op.create_index(
        "ix_downloads_open",
        "downloads",
        ["instance_id"],
        unique=False,
        sqlite_where=sa.text("status IN ('queued', 'running', 'paused', 'filing')"),
        postgresql_where=sa.text("status IN ('queued', 'running', 'paused', 'filing')"),
    )
    op.create_index("ix_downloads_owner", "downloads", ["user_id", "created_at"], unique=False)
    op.create_index("ix_downloads_user_id", "downloads", ["user_id"], unique=False)
    op.create_table(
        "identities",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("instance_id", sa.String(length=36), nullable=True),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("username", sa.String(length=100), nullable=False),
        sa.Column("token_sealed", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("checked_at", sa.Double(), nullable=False),
        sa.Column("revoked_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_identities_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_identities"),
        sa.UniqueConstraint("provider", "subject", name="uq_identities_provider_subject"),
    )
    op.create_index("ix_identities_user_id", "identities", ["user_id"], unique=False)
    op.create_table(
        "instance_states",
        sa.Column("process", sa.String(length=100), nullable=False),
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since_at", sa.Double(), nullable=False),
        sa.Column("next_at", sa.Double(), nullable=True),
        sa.Column("service_version", sa.String(length=100), nullable=True),
        sa.Column("last_ok_at", sa.Double(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("last_error_at", sa.Double(), nullable=True),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instances.id"], name="fk_instance_states_instance_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("process", "instance_id", name="pk_instance_states"),
    )
    op.create_table(
        "notifications",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("params", JSON, nullable=False),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("coalesce_key", sa.String(length=120), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("read_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_notifications_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_notifications"),
    )
    op.create_index(
        "ix_notifications_user_created", "notifications", ["user_id", "created_at", "id"], unique=False
    )
    op.create_table(
        "passwords",
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("login", sa.String(length=100), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_passwords_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name="pk_passwords"),
        sa.UniqueConstraint("login", name="uq_passwords_login"),
    )
    op.create_table(
        "sign_in_attempts",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("flow", sa.String(length=20), nullable=False),
        sa.Column("state_sealed", sa.Text(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("poll_every", sa.Double(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("polled_at", sa.Double(), nullable=False),
        sa.Column("used_at", sa.Double(), nullable=True),
        sa.Column("link_user_id", sa.String(length=36), nullable=True),
        sa.Column("remember", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["link_user_id"], ["users.id"], name="fk_sign_in_attempts_link_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_attempts"),
        sa.UniqueConstraint("key_hash", name="uq_sign_in_attempts_key_hash"),
    )
    op.create_index("ix_sign_in_attempts_expires_at", "sign_in_attempts", ["expires_at"], unique=False)
    op.create_table(
        "webhook_addresses",
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("token_sealed", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instances.id"], name="fk_webhook_addresses_instance_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("instance_id", name="pk_webhook_addresses"),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("delivery_key", sa.String(length=200), nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("topic", sa.String(length=80), nullable=False),
        sa.Column("keys", JSON, nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=True),
        sa.Column("processed_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instances.id"], name="fk_webhook_deliveries_instance_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_deliveries"),
        sa.UniqueConstraint(
            "instance_id", "delivery_key", name="uq_webhook_deliveries_instance_id_delivery_key"
        ),
    )
    op.create_index("ix_webhook_deliveries_job_id", "webhook_deliveries", ["job_id"], unique=False)
    op.create_index("ix_webhook_deliveries_received", "webhook_deliveries", ["received_at"], unique=False)
    op.create_table(
        "download_items",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("download_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=190), nullable=False),
        sa.Column("form", sa.String(length=10), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("duration", sa.Double(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("thumbnail", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=True),
        sa.Column("linked", sa.Boolean(), nullable=False),
        sa.Column("media_key", sa.String(length=190), nullable=True),
        sa.Column("facts", JSON, nullable=False),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["download_id"], ["downloads.id"], name="fk_download_items_download_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_download_items"),
    )
    op.create_index("ix_download_items_download", "download_items", ["download_id", "number"], unique=False)
    op.create_index("ix_download_items_job", "download_items", ["job_id"], unique=False)
    op.create_index(
        "ix_download_items_open",
        "download_items",
        ["instance_id", "status"],
        unique=False,
        sqlite_where=sa.text("status IN ('queued', 'running')"),
        postgresql_where=sa.text("status IN ('queued', 'running')"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("identity_id", sa.String(length=36), nullable=True),
        sa.Column("remember", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("last_seen_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("user_agent", sa.String(length=300), nullable=False),
        sa.Column("ip", sa.String(length=64), nullable=False),
        sa.Column("revoked_at", sa.Double(), nullable=True),
        sa.Column("revoked_reason", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["identity_id"], ["identities.id"], name="fk_sessions_identity_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("key_hash", name="uq_sessions_key_hash"),
    )
    op.create_index("ix_sessions_identity_id", "sessions", ["identity_id"], unique=False)
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"], unique=False)
    op.create_table(
        "download_files",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("item_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["download_items.id"], name="fk_download_files_item_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_download_files"),
    )
    op.create_index("ix_download_files_item_id", "download_files", ["item_id"], unique=False)
    op.create_index("ix_download_files_path", "download_files", ["path"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        for statement in SEARCH_SQLITE:
            op.execute(statement)
    else:
        op.execute(SEARCH_POSTGRESQL)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE IF EXISTS titles_fts")
    op.drop_index("ix_download_files_path", table_name="download_files")
    op.drop_index("ix_download_files_item_id", table_name="download_files")
    op.drop_table("download_files")
    op.drop_index("ix_sessions_user_id", table_name="sessions")
    op.drop_index("ix_sessions_identity_id", table_name="sessions")
    op.drop_table("sessions")
    op.drop_index(
        "ix_download_items_open",
        table_name="download_items",
        sqlite_where=sa.text("status IN ('queued', 'running')"),
        postgresql_where=sa.text("status IN ('queued', 'running')"),
    )
    op.drop_index("ix_download_items_job", table_name="download_items")
    op.drop_index("ix_download_items_download", table_name="download_items")
    op.drop_table("download_items")
    op.drop_index("ix_webhook_deliveries_received", table_name="webhook_deliveries")
    op.drop_index("ix_webhook_deliveries_job_id", table_name="webhook_deliveries")
    op.drop_table("webhook_deliveries")
    op.drop_table("webhook_addresses")
    op.drop_index("ix_sign_in_attempts_expires_at", table_name="sign_in_attempts")
    op.drop_table("sign_in_attempts")
    op.drop_table("passwords")
    op.drop_index("ix_notifications_user_created", table_name="notifications")
    op.drop_table("notifications")
    op.drop_table("instance_states")
    op.drop_index("ix_identities_user_id", table_name="identities")
    op.drop_table("identities")
    op.drop_index("ix_downloads_user_id", table_name="downloads")
    op.drop_index("ix_downloads_owner", table_name="downloads")
    op.drop_index(
        "ix_downloads_open",
        table_name="downloads",
        sqlite_where=sa.text("status IN ('queued', 'running', 'paused', 'filing')"),
        postgresql_where=sa.text("status IN ('queued', 'running', 'paused', 'filing')"),
    )
    op.drop_index("ix_downloads_created_at", table_name="downloads")
    op.drop_table("downloads")
    op.drop_index("ix_download_submissions_user_id", table_name="download_submissions")
    op.drop_table("download_submissions")
    op.drop_index("uq_download_archive", table_name="download_archive")
    op.drop_index("ix_download_archive_user_id", table_name="download_archive")
    op.drop_table("download_archive")
    op.drop_index("ix_api_keys_user_id", table_name="api_keys")
    op.drop_table("api_keys")
    op.drop_index("ix_users_status", table_name="users")
    op.drop_table("users")
    op.drop_index(
        "ix_titles_year",
        table_name="titles",
        sqlite_where=sa.text("level = 0"),
        postgresql_where=sa.text("level = 0"),
    )
    op.drop_index(
        "ix_titles_sort_title",
        table_name="titles",
        sqlite_where=sa.text("level = 0"),
        postgresql_where=sa.text("level = 0"),
    )
    op.drop_index(
        "ix_titles_released_on",
        table_name="titles",
        sqlite_where=sa.text("level = 0"),
        postgresql_where=sa.text("level = 0"),
    )
    op.drop_index(
        "ix_titles_rating",
        table_name="titles",
        sqlite_where=sa.text("level = 0"),
        postgresql_where=sa.text("level = 0"),
    )
    op.drop_index(
        "ix_titles_parent",
        table_name="titles",
        sqlite_where=sa.text("parent_id IS NOT NULL"),
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    )
    op.drop_index(
        "ix_titles_match",
        table_name="titles",
        sqlite_where=sa.text("level = 0"),
        postgresql_where=sa.text("level = 0"),
    )
    op.drop_index(
        "ix_titles_kind",
        table_name="titles",
        sqlite_where=sa.text("level = 0"),
        postgresql_where=sa.text("level = 0"),
    )
    op.drop_index(
        "ix_titles_facets",
        table_name="titles",
        sqlite_where=sa.text("level = 0"),
        postgresql_where=sa.text("level = 0"),
    )
    op.drop_index(
        "ix_titles_episodes",
        table_name="titles",
        sqlite_where=sa.text("kind = 'episode'"),
        postgresql_where=sa.text("kind = 'episode'"),
    )
    op.drop_index(
        "ix_titles_added_at",
        table_name="titles",
        sqlite_where=sa.text("level = 0"),
        postgresql_where=sa.text("level = 0"),
    )
    op.drop_table("titles")
    op.drop_table("title_locks")
    op.drop_index("ix_title_ids_title", table_name="title_ids")
    op.drop_table("title_ids")
    op.drop_table("title_docs")
    op.drop_index(
        "uq_sync_runs_queued",
        table_name="sync_runs",
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.drop_index("ix_sync_runs_state", table_name="sync_runs")
    op.drop_index("ix_sync_runs_job", table_name="sync_runs")
    op.drop_table("sync_runs")
    op.drop_index("ix_sync_changes_title", table_name="sync_changes")
    op.drop_index("ix_sync_changes_run", table_name="sync_changes")
    op.drop_table("sync_changes")
    op.drop_table("source_priorities")
    op.drop_table("setup")
    op.drop_table("schedules")
    op.drop_index("ix_records_title", table_name="records")
    op.drop_index("ix_records_parent", table_name="records")
    op.drop_table("records")
    op.drop_table("record_data")
    op.drop_table("portal_settings")
    op.drop_table("plugins")
    op.drop_table("plugin_states")
    op.drop_table("library_state")
    op.drop_table("library_sources")
    op.drop_table("libraries")
    op.drop_index(
        "ix_jobs_send_at",
        table_name="jobs",
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.drop_index("ix_jobs_parent_id", table_name="jobs")
    op.drop_index("ix_jobs_owner_created_at", table_name="jobs")
    op.drop_index("ix_jobs_name_state", table_name="jobs")
    op.drop_index(
        "ix_jobs_lease_until",
        table_name="jobs",
        sqlite_where=sa.text("state = 'leased'"),
        postgresql_where=sa.text("state = 'leased'"),
    )
    op.drop_index("ix_jobs_finished_at", table_name="jobs")
    op.drop_index("ix_jobs_created_at", table_name="jobs")
    op.drop_table("jobs")
    op.drop_table("instances")
    op.drop_index("ix_events_room_seq", table_name="events")
    op.drop_index("ix_events_at", table_name="events")
    op.drop_table("events")
    op.drop_table("download_queues")
    op.drop_table("collections")
    op.drop_index("ix_collection_items_key", table_name="collection_items")
    op.drop_table("collection_items")
    op.drop_index("ix_audit_at", table_name="audit")
    op.drop_table("audit")
