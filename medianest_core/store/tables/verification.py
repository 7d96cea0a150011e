"""Reports that hold the library against what its servers list."""

from sqlalchemy import Column, Integer, String, Table

from medianest_core.store.tables.base import metadata
from medianest_core.store.types import Id, Json, Seconds

library_reports = Table(
    "library_reports",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("job_id", Id, nullable=False, unique=True),
    Column("state", String(16), nullable=False),
    Column("requested_by", Id),
    Column("started_at", Seconds, nullable=False),
    Column("ended_at", Seconds),
    Column("servers", Json, nullable=False),
)
