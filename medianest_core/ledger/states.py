"""The states of a job, what is known of a kind of job, and a job as it is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy.engine import RowMapping

from medianest_core.sdk.jobs import Retry


class JobState(StrEnum):
    QUEUED = "queued"
    LEASED = "leased"
    WAITING = "waiting"
    """Its own work is done, its children's is not."""
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED = (JobState.QUEUED, JobState.LEASED, JobState.WAITING)
FINISHED = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True, slots=True)
class JobKind:
    """What the ledger knows of jobs of one name. limit: how many run at once over all processes."""

    name: str
    title: str = ""
    queue: str = "default"
    plugin: str | None = None
    limit: int | None = None
    retry: Retry = field(default_factory=Retry)
    unique_by: Callable[[Any], str] | None = None


@dataclass(frozen=True, slots=True)
class JobInfo:
    """A job as pages and the API show it."""

    id: str
    name: str
    title: str
    queue: str
    plugin: str | None
    owner: str | None
    state: JobState
    attempt: int
    max_attempts: int
    crashes: int
    parent_id: str | None
    correlation_id: str
    created_at: float
    due_at: float
    started_at: float | None
    finished_at: float | None
    cancel_requested_at: float | None
    done: float
    total: float | None
    message: str
    facts: Mapping[str, Any]
    result: Any
    error: str | None
    reason: str | None
    worker: str | None
    args: Mapping[str, Any]

    @property
    def percent(self) -> float | None:
        """0 to 100, or None where the total is unknown."""
        return min(100.0, 100.0 * self.done / self.total) if self.total else None


def job_info(row: RowMapping) -> JobInfo:
    """From a row of the jobs table."""
    return JobInfo(
        **{name: row[name] for name in JobInfo.__dataclass_fields__ if name not in ("state", "facts")},
        state=JobState(row["state"]),
        facts=row["facts"] or {},
    )
