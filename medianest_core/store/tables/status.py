"""What is up: the things that are watched, how they fared, and what there is to say about them."""

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from medianest_core.store.tables.base import metadata
from medianest_core.store.types import Id, Json, Seconds

monitors = Table(
    "monitors",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("instance_id", Id, ForeignKey("instances.id", ondelete="CASCADE"), nullable=False),
    # The service's own key of it; empty for the instance itself.
    Column("key", String(190), nullable=False),
    Column("name", String(200), nullable=False),
    Column("section", String(120), nullable=False, default=""),
    Column("url", Text),
    # Who may see it: "" everyone, else the role.
    Column("role", String(20), nullable=False, default=""),
    # People are told by a banner when it is down.
    Column("needed", Boolean, nullable=False, default=False),
    # unknown | up | down | paused | maintenance
    Column("state", String(12), nullable=False),
    Column("message", Text, nullable=False, default=""),
    Column("since_at", Seconds, nullable=False),
    Column("seen_at", Seconds),
    Column("response_ms", Double),
    Column("certificate_ends_at", Seconds),
    # When it went down or came back lately, and what people were told last: see domain.status.damping.
    Column("damping", Json, nullable=False),
    Column("gone_at", Seconds),
    Column("version", Integer, nullable=False, default=1),
    UniqueConstraint("instance_id", "key"),
)
_SHOWN = text("gone_at IS NULL")
Index(
    "ix_monitors_shown",
    monitors.c.section,
    monitors.c.name,
    monitors.c.id,
    sqlite_where=_SHOWN,
    postgresql_where=_SHOWN,
)

# One row for each monitor, however long it is watched: rings of fixed length, see domain.status.rings.
monitor_history = Table(
    "monitor_history",
    metadata,
    Column("monitor_id", Integer, ForeignKey("monitors.id", ondelete="CASCADE"), primary_key=True),
    Column("day", LargeBinary, nullable=False),
    Column("week", LargeBinary, nullable=False),
    Column("month", LargeBinary, nullable=False),
    # Up to when time is counted.
    Column("counted_at", Seconds, nullable=False),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", Id, primary_key=True),
    # outage (seen by us) | incident, maintenance (announced by a service) | announcement (by an admin)
    Column("kind", String(12), nullable=False),
    Column("instance_id", Id, ForeignKey("instances.id", ondelete="CASCADE")),
    Column("monitor_id", Integer, ForeignKey("monitors.id", ondelete="CASCADE")),
    # The service's own key of it.
    Column("key", String(190)),
    Column("title", String(200), nullable=False),
    Column("message", Text, nullable=False, default=""),
    Column("tone", String(10), nullable=False, default="info"),
    Column("role", String(20), nullable=False, default=""),
    Column("started_at", Seconds, nullable=False),
    Column("ended_at", Seconds),
    # How often it went down, where it came back only for moments.
    Column("times", Integer, nullable=False, default=1),
    Column("made_by", Id),
    Column("version", Integer, nullable=False, default=1),
    UniqueConstraint("instance_id", "kind", "key"),
)
Index("ix_incidents_started", incidents.c.started_at, incidents.c.id)
Index("ix_incidents_monitor", incidents.c.monitor_id, incidents.c.started_at)
_OPEN = text("ended_at IS NULL")
Index("ix_incidents_open", incidents.c.started_at, sqlite_where=_OPEN, postgresql_where=_OPEN)
