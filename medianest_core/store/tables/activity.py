"""What services last said of requests on their way, and since when one of them says nothing."""

from sqlalchemy import Column, Double, ForeignKey, String, Table, Text

from medianest_core.store.tables.base import metadata
from medianest_core.store.types import Id, Json, Seconds

# One row for each request, service instance and stage; see sdk/pipeline.py for what it holds.
request_stages = Table(
    "request_stages",
    metadata,
    Column("request_id", Id, ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True),
    Column("instance_id", Id, primary_key=True),
    Column("stage", String(40), primary_key=True),
    Column("state", String(10), nullable=False),
    Column("at", Seconds),
    # 0 to 1.
    Column("progress", Double),
    Column("ends_at", Seconds),
    Column("message", Text, nullable=False, default=""),
    Column("actions", Json, nullable=False),
)

# Whether a stage of an instance answers. answered_at: some seconds old at most while it does.
request_stage_sources = Table(
    "request_stage_sources",
    metadata,
    Column("instance_id", Id, primary_key=True),
    Column("stage", String(40), primary_key=True),
    Column("answered_at", Seconds),
    # NULL while it answers.
    Column("failing_since_at", Seconds),
    Column("reason", Text, nullable=False, default=""),
)
