"""The library: sources and their records, the titles derived from them, runs and changes, collections.

Records are kept as each source said them; titles can be derived again from records, priorities and locks at any time. Narrow
rows (`records`, `titles`) stand apart from their documents (`record_data`, `title_docs`), so that listing and comparing
never read documents. Numbers that sort are never null: 0 means unknown.
"""

from sqlalchemy import (
    DDL,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    event,
    text,
)

from medianest_core.store.tables.base import metadata
from medianest_core.store.types import Id, Json, Seconds

KEY = String(190)

library_state = Table(
    "library_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("generation", Integer, nullable=False),
    Column("next_title", Integer, nullable=False),
)

library_sources = Table(
    "library_sources",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("instance_id", Id, nullable=False, unique=True),
    Column("first_complete_at", Seconds),
)

libraries = Table(
    "libraries",
    metadata,
    Column("instance_id", Id, primary_key=True),
    Column("key", KEY, primary_key=True),
    Column("title", Text, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("locations", Json, nullable=False),
    Column("position", Integer, nullable=False, default=0),
    Column("listed", Boolean, nullable=False, default=True),
    Column("first_complete_at", Seconds),
    Column("held", Integer, nullable=False, default=0),
    Column("released", Boolean, nullable=False, default=False),
)

records = Table(
    "records",
    metadata,
    Column("source", Integer, primary_key=True, autoincrement=False),
    Column("key", KEY, primary_key=True),
    Column("library", KEY, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("parent", KEY),
    Column("title_id", Integer, nullable=False),
    Column("missing", SmallInteger, nullable=False, default=0),
    sqlite_with_rowid=False,
)
Index("ix_records_title", records.c.title_id)
Index("ix_records_parent", records.c.source, records.c.parent)

record_data = Table(
    "record_data",
    metadata,
    Column("source", Integer, primary_key=True, autoincrement=False),
    Column("key", KEY, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

# What a source says of a title beyond its listing. `digest`: of the record they were fetched for. Empty `data`: nothing more.
record_details = Table(
    "record_details",
    metadata,
    Column("source", Integer, primary_key=True, autoincrement=False),
    Column("key", KEY, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("data", LargeBinary, nullable=False),
)

# What field owners said of titles they do not list, per owner. ids: what it was asked by, "imdb:tt… tmdb:…". Empty `data`: nothing.
# probed_at: when it last really looked, null where it never did. due_at: when it is asked again, 0 for at once.
title_owned = Table(
    "title_owned",
    metadata,
    Column("title_id", Integer, primary_key=True, autoincrement=False),
    Column("source", Integer, primary_key=True, autoincrement=False),
    Column("ids", Text, nullable=False),
    Column("digest", String(32), nullable=False),
    Column("probed_at", Seconds),
    Column("due_at", Seconds, nullable=False),
    Column("data", LargeBinary, nullable=False),
)
Index("ix_title_owned_due", title_owned.c.source, title_owned.c.due_at)

# changes_at: until when an owner has told what changed.
field_owners = Table(
    "field_owners",
    metadata,
    Column("source", Integer, primary_key=True, autoincrement=False),
    Column("changes_at", Seconds),
    Column("reading", String(16)),
)

# What is shown while a poster loads. version: as in image ids. preview: a `data:` address; empty where there is no picture.
picture_blurs = Table(
    "picture_blurs",
    metadata,
    Column("version", String(12), primary_key=True),
    Column("blurhash", String(60), nullable=False),
    Column("preview", Text, nullable=False),
)

titles = Table(
    "titles",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(40), nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("parent_id", Integer),
    Column("item_index", Integer),
    Column("match_key", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("sort_title", Text, nullable=False),
    Column("year", Integer, nullable=False),
    Column("added_at", Seconds, nullable=False),
    Column("rating", Double, nullable=False),
    Column("released_on", String(10), nullable=False),
    Column("duration", Double, nullable=False),
    Column("quality", Integer, nullable=False),
    Column("hdr", Boolean, nullable=False),
    Column("genres", Text, nullable=False),
    Column("sources", Text, nullable=False),
    Column("poster", String(16)),
    Column("children", Integer, nullable=False),
    Column("search", Text, nullable=False),
    Column("created_run", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)
_TOP = text("level = 0")
for _name in ("sort_title", "added_at", "year", "rating", "released_on"):
    Index(
        f"ix_titles_{_name}",
        titles.c[_name],
        titles.c.id,
        sqlite_where=_TOP,
        postgresql_where=_TOP,
    )
Index(
    "ix_titles_kind",
    titles.c.kind,
    titles.c.sort_title,
    titles.c.id,
    sqlite_where=_TOP,
    postgresql_where=_TOP,
)
# Counting what can be chosen reads this index alone.
Index(
    "ix_titles_facets",
    titles.c.genres,
    titles.c.sources,
    titles.c.kind,
    titles.c.quality,
    titles.c.year,
    sqlite_where=_TOP,
    postgresql_where=_TOP,
)
Index("ix_titles_match", titles.c.match_key, sqlite_where=_TOP, postgresql_where=_TOP)
_CHILDREN = text("parent_id IS NOT NULL")
Index(
    "ix_titles_parent",
    titles.c.parent_id,
    titles.c.item_index,
    sqlite_where=_CHILDREN,
    postgresql_where=_CHILDREN,
)
_EPISODES = text("kind = 'episode'")
Index("ix_titles_episodes", titles.c.added_at, sqlite_where=_EPISODES, postgresql_where=_EPISODES)

title_docs = Table(
    "title_docs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("doc", LargeBinary, nullable=False),
)

title_ids = Table(
    "title_ids",
    metadata,
    Column("kind", String(40), primary_key=True),
    Column("provider", String(40), primary_key=True),
    Column("value", Text, primary_key=True),
    Column("title_id", Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
Index("ix_title_ids_title", title_ids.c.title_id)

# What admins said of a title: see `domain/library/stored/marks.py`. The row stays where nothing is left, so that its version only grows.
title_locks = Table(
    "title_locks",
    metadata,
    Column("title_id", Integer, primary_key=True, autoincrement=False),
    Column("locks", Json, nullable=False),
    Column("version", Integer, nullable=False),
    Column("holds", Json, nullable=False, server_default="{}"),
)

source_priorities = Table(
    "source_priorities",
    metadata,
    Column("field_group", String(40), primary_key=True),
    Column("instance_id", Id, primary_key=True),
    Column("priority", Integer, nullable=False),
)

sync_runs = Table(
    "sync_runs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("scope", Text, nullable=False),
    Column("forced", Boolean, nullable=False),
    Column("job_id", Id, nullable=False),
    Column("state", String(16), nullable=False),
    Column("requested_by", Id),
    Column("created_at", Seconds, nullable=False),
    Column("started_at", Seconds),
    Column("ended_at", Seconds),
    Column("counts", Json, nullable=False),
    Column("problems", Json, nullable=False),
    # What was asked for, and instance id → keys that could not be read. Null in runs of before they were kept.
    Column("args", Json),
    Column("failed", Json),
)
# Not more than one run of a scope waits.
_QUEUED = text("state = 'queued'")
Index(
    "uq_sync_runs_queued",
    sync_runs.c.scope,
    sync_runs.c.forced,
    unique=True,
    sqlite_where=_QUEUED,
    postgresql_where=_QUEUED,
)
Index("ix_sync_runs_state", sync_runs.c.state)
Index("ix_sync_runs_job", sync_runs.c.job_id)

sync_changes = Table(
    "sync_changes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run_id", Integer, nullable=False),
    Column("title_id", Integer, nullable=False),
    Column("at", Seconds, nullable=False),
    Column("path", Json, nullable=False),
    Column("before", Json),
    Column("after", Json),
    Column("instance_id", Id),
    Column("rule", String(16), nullable=False),
    Column("before_from", Id),
    Column("actor", Id),
)
# The changes of a run, title by title; and the history of a title.
Index("ix_sync_changes_run", sync_changes.c.run_id, sync_changes.c.title_id, sync_changes.c.id)
Index("ix_sync_changes_title", sync_changes.c.title_id, sync_changes.c.id)

# How each source is read; without a row as the core thinks best.
source_settings = Table(
    "source_settings",
    metadata,
    Column("instance_id", Id, primary_key=True),
    # Seconds between two syncs; 0: never by itself.
    Column("every", Seconds, nullable=False),
    Column("next_at", Seconds),
    # Seconds without a sign of progress, and seconds in all, after which a run gives the source up.
    Column("patience", Seconds, nullable=False),
    Column("longest", Seconds, nullable=False),
    # Titles that are asked for at the same time.
    Column("at_once", SmallInteger, nullable=False),
    Column("version", Integer, nullable=False),
)

collections = Table(
    "collections",
    metadata,
    Column("instance_id", Id, primary_key=True),
    Column("key", KEY, primary_key=True),
    Column("library", KEY, nullable=False),
    Column("title", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("image", Text),
    Column("smart", Boolean, nullable=False),
)

collection_items = Table(
    "collection_items",
    metadata,
    Column("instance_id", Id, primary_key=True),
    Column("collection", KEY, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("key", KEY, nullable=False),
)
Index("ix_collection_items_key", collection_items.c.instance_id, collection_items.c.key)

# Full-text search of top-level titles. The text is normalised before it is stored, so both dialects only split at blanks.
for _statement in (
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
):
    event.listen(titles, "after_create", DDL(_statement).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
event.listen(
    titles,
    "after_create",
    DDL(  # type: ignore[no-untyped-call]  # as above
        "CREATE INDEX ix_titles_search ON titles USING gin (to_tsvector('simple', search)) WHERE level = 0"
    ).execute_if(dialect="postgresql"),
)
event.listen(
    titles,
    "before_drop",
    DDL("DROP TABLE IF EXISTS titles_fts").execute_if(dialect="sqlite"),  # type: ignore[no-untyped-call]  # as above
)
