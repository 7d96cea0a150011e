"""Column types that mean the same on SQLite and PostgreSQL."""

from sqlalchemy import JSON, Double, String
from sqlalchemy.dialects.postgresql import JSONB

Id = String(36)
Seconds: Double[float] = Double()
Json = JSON().with_variant(JSONB(), "postgresql")
