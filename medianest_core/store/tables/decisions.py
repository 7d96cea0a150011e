"""What admins decided about the library: which records are one title, and in which order sources count. Also what follows from it:
under which ids titles were known before, and which values stay although their source has lost them."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table

from medianest_core.store.tables.base import metadata
from medianest_core.store.types import Id, Json, Seconds

_KEY = String(190)

# One decision, as it was made. verdict: "same" or "apart". titles: their names then. before: see domain/library/checking/matching.py.
identity_decisions = Table(
    "identity_decisions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("verdict", String(10), nullable=False),
    Column("at", Seconds, nullable=False),
    Column("actor", Id),
    Column("titles", Json, nullable=False),
    Column("before", Json, nullable=False),
)

# Of two records: "same", or "apart", where the first was taken off the other's title.
identity_pairs = Table(
    "identity_pairs",
    metadata,
    Column("instance_a", Id, primary_key=True),
    Column("key_a", _KEY, primary_key=True),
    Column("instance_b", Id, primary_key=True),
    Column("key_b", _KEY, primary_key=True),
    Column(
        "decision_id",
        Integer,
        ForeignKey("identity_decisions.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("verdict", String(10), nullable=False),
)

# Ids of titles that went into others. They lead to the same title as long as it is there.
title_aliases = Table(
    "title_aliases",
    metadata,
    Column("old_id", Integer, primary_key=True, autoincrement=False),
    Column("title_id", Integer, nullable=False),
    Column("at", Seconds, nullable=False),
)
Index("ix_title_aliases_title_id", title_aliases.c.title_id)

# Every order of sources that was saved. orders: group → ranks, each a list of instances that count alike.
priority_versions = Table(
    "priority_versions",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("at", Seconds, nullable=False),
    Column("actor", Id),
    Column("orders", Json, nullable=False),
    Column("job_id", Id),
)

# Values that their source no longer has, kept until every other source that has the title was asked too. path: JSON text.
# waits: instances that have not been asked since.
kept_values = Table(
    "kept_values",
    metadata,
    Column("title_id", Integer, primary_key=True, autoincrement=False),
    Column("path", String(300), primary_key=True),
    Column("value", Json, nullable=False),
    Column("instance_id", Id, nullable=False),
    Column("since_at", Seconds, nullable=False),
    Column("waits", Json, nullable=False),
)
