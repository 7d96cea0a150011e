"""Events that were published, for live delivery after a lost connection."""

from sqlalchemy import Column, Index, Integer, String, Table

from medianest_core.base.texts import N_
from medianest_core.store.tables.base import metadata
from medianest_core.store.types import Json, Seconds

events = Table(
    "events",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("at", Seconds, nullable=False),
    Column("name", String(80), nullable=False),
    Column("room", String(80), nullable=False),
    Column("data", Json, nullable=False),
    # Without it SQLite may give out a number again after the newest rows were deleted.
    sqlite_autoincrement=True,
    info={"travels": ("copy", N_("Open pages load again after a restore; nobody asks for older events."))},
)
Index("ix_events_room_seq", events.c.room, events.c.seq)
Index("ix_events_at", events.c.at)
