"""The statements that every job needs, built once: building them anew would cost more than running them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Executable,
    bindparam,
    case,
    exists,
    func,
    literal,
    null,
    select,
    text,
    update,
)

from medianest_core.base.texts import N_
from medianest_core.ledger.states import UNFINISHED, JobState
from medianest_core.store.tables.ledger import jobs
from medianest_core.store.written import Insertion

_child = jobs.alias("child")
_other = jobs.alias("other")
_of_it = select(literal(1)).where(_child.c.parent_id == jobs.c.id)
_unfinished = exists(_of_it.where(_child.c.state.in_(UNFINISHED)))
_failed_part = exists(_of_it.where(_child.c.state == JobState.FAILED))

INSERT = Insertion(
    jobs,
    (
        "id",
        "name",
        "queue",
        "title",
        "plugin",
        "owner",
        "args",
        "correlation_id",
        "parent_id",
        "state",
        "max_attempts",
        "created_at",
        "due_at",
        "send_at",
        "unique_text",
        "unique_key",
    ),
)

OUTCOME: dict[str, Any] = {
    "state": case(
        (_unfinished, JobState.WAITING.value),
        (_failed_part, JobState.FAILED.value),
        else_=JobState.DONE.value,
    ),
    "error": case((_unfinished, null()), (_failed_part, N_("Not all of its parts succeeded.")), else_=null()),
    "finished_at": case((_unfinished, null()), else_=bindparam("p_now", type_=jobs.c.finished_at.type)),
    "unique_key": None,
    "lease_until": None,
    "reason": None,
}
"""Columns of a job whose own work is done, by what its children's states are. Parameter: p_now."""

UNIQUE_AGAIN = case(
    (exists(select(_other.c.id).where(_other.c.unique_key == jobs.c.unique_text)), null()),
    else_=jobs.c.unique_text,
)
"""`unique_key` of a job that is queued again. Another one of its kind may have been queued meanwhile; two that differ only in age
do no harm."""

_HELD = (
    jobs.c.id == bindparam("p_id"),
    jobs.c.fence == bindparam("p_fence"),
    jobs.c.state == JobState.LEASED,
)

IS_HELD = select(jobs.c.id).where(*_HELD)
IS_HELD_LOCKED = IS_HELD.with_for_update()
EXTEND = update(jobs).where(*_HELD).values(lease_until=bindparam("p_until")).returning(jobs.c.id)

LIMIT_LOCK = text("SELECT pg_advisory_xact_lock(7130002, hashtext(:p_name))")
"""On PostgreSQL two claims at once would each count the other as not yet running."""


@lru_cache
def claim(dialect: str, *, limited: bool, suspects: bool) -> Executable:
    """Parameters: p_id, p_now, p_until, p_worker; with a limit also p_name and p_limit. Returns the row."""
    pick = select(jobs.c.id).where(
        jobs.c.id == bindparam("p_id"),
        jobs.c.state == JobState.QUEUED,
        jobs.c.due_at <= bindparam("p_now"),
    )
    if not suspects:
        pick = pick.where(jobs.c.crashes == 0)
    if limited:
        running = select(func.count()).where(
            _other.c.name == bindparam("p_name"), _other.c.state == JobState.LEASED
        )
        pick = pick.where(running.scalar_subquery() < bindparam("p_limit"))
    if dialect == "postgresql":
        pick = pick.with_for_update(skip_locked=True, of=jobs)
    picked = pick.cte("picked")
    return (
        update(jobs)
        .where(jobs.c.id.in_(select(picked.c.id)))
        .values(
            state=JobState.LEASED,
            attempt=jobs.c.attempt + 1,
            fence=jobs.c.fence + 1,
            worker=bindparam("p_worker"),
            lease_until=bindparam("p_until"),
            started_at=func.coalesce(jobs.c.started_at, bindparam("p_now")),
            send_at=None,
            unique_key=None,
            reason=None,
        )
        .returning(jobs)
    )


@lru_cache
def finish(*, progress: bool) -> Executable:
    """Parameters: p_id, p_fence, p_now, p_result; with progress also p_done, p_total, p_message, p_facts. Returns the row."""
    values: dict[str, Any] = {
        **OUTCOME,
        "handled_at": bindparam("p_now"),
        "result": bindparam("p_result", type_=jobs.c.result.type),
        "worker": None,
    }
    if progress:
        values |= {
            "done": bindparam("p_done"),
            "total": bindparam("p_total"),
            "message": bindparam("p_message"),
            "facts": bindparam("p_facts", type_=jobs.c.facts.type),
        }
    return update(jobs).where(*_HELD).values(**values).returning(jobs)
