"""Jobs and the times of scheduled ones."""

from sqlalchemy import Column, Double, Index, Integer, String, Table, Text, UniqueConstraint

from medianest_core.store.tables.base import metadata
from medianest_core.store.types import Id, Json, Seconds

jobs = Table(
    "jobs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(120), nullable=False),
    Column("queue", String(60), nullable=False),
    Column("title", Text, nullable=False, default=""),
    Column("plugin", String(60)),
    Column("owner", Id),
    Column("args", Json, nullable=False),
    Column("correlation_id", String(64), nullable=False, default=""),
    Column("parent_id", Id),
    # queued | leased | waiting (its own work is done, its children's is not) | done | failed | cancelled
    Column("state", String(12), nullable=False),
    # Starts that count, crashes included. A start that was handed back or that asked to be run later does not count.
    Column("attempt", Integer, nullable=False, default=0),
    Column("max_attempts", Integer, nullable=False),
    # How often the process that ran it died.
    Column("crashes", Integer, nullable=False, default=0),
    # Grows whenever the job changes hands; whoever writes with an old one is a zombie.
    Column("fence", Integer, nullable=False, default=0),
    Column("worker", String(120)),
    Column("created_at", Seconds, nullable=False),
    Column("due_at", Seconds, nullable=False),
    # When to tell a worker about it (again), while queued.
    Column("send_at", Seconds),
    Column("started_at", Seconds),
    Column("lease_until", Seconds),
    Column("handled_at", Seconds),
    Column("finished_at", Seconds),
    Column("cancel_requested_at", Seconds),
    Column("unique_text", Text),
    # `unique_text` while queued, else NULL.
    Column("unique_key", Text),
    Column("done", Double, nullable=False, default=0.0),
    Column("total", Double),
    Column("message", Text, nullable=False, default=""),
    Column("facts", Json),
    Column("result", Json),
    Column("error", Text),
    # Why a queued job waits, in words.
    Column("reason", Text),
    UniqueConstraint("unique_key"),
)
Index(
    "ix_jobs_send_at",
    jobs.c.send_at,
    sqlite_where=jobs.c.state == "queued",
    postgresql_where=jobs.c.state == "queued",
)
Index(
    "ix_jobs_lease_until",
    jobs.c.lease_until,
    sqlite_where=jobs.c.state == "leased",
    postgresql_where=jobs.c.state == "leased",
)
Index("ix_jobs_name_state", jobs.c.name, jobs.c.state)
Index("ix_jobs_parent_id", jobs.c.parent_id)
Index("ix_jobs_created_at", jobs.c.created_at)
Index("ix_jobs_owner_created_at", jobs.c.owner, jobs.c.created_at)
Index("ix_jobs_finished_at", jobs.c.finished_at)

schedules = Table(
    "schedules",
    metadata,
    Column("name", String(120), primary_key=True),
    Column("spec", Text, nullable=False),
    Column("next_at", Seconds, nullable=False),
    Column("last_at", Seconds),
)

# What admins chose: other times for a job's own schedule, a pause, or a schedule of their own ("<job>@<suffix>").
schedule_choices = Table(
    "schedule_choices",
    metadata,
    Column("name", String(120), primary_key=True),
    Column("job", String(120), nullable=False),
    # Neither: as the job declares it.
    Column("cron", String(120)),
    Column("every", Double),
    Column("timezone", String(64)),
    Column("paused_at", Seconds),
    Column("changed_at", Seconds, nullable=False),
    Column("changed_by", Id),
    Column("version", Integer, nullable=False, default=1),
)
