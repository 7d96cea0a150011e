"""Jobs that read one service for long take turns: of two of the same service the one that began first goes on."""

from __future__ import annotations

from sqlalchemy import select, tuple_

from medianest_core.base.texts import N_
from medianest_core.sdk.errors import RetryLater
from medianest_core.sdk.jobs import JobContext
from medianest_core.store.engine import Tx
from medianest_core.store.tables.ledger import jobs

TURN = 5.0
"""Seconds until a waiting job looks again."""


async def wait_for_turn(tx: Tx, ctx: JobContext, job: str) -> None:
    """Raises RetryLater while another job of that name and the same `unique_by` runs that began before this one."""
    key = select(jobs.c.unique_text).where(jobs.c.id == ctx.job_id).scalar_subquery()
    mine = select(jobs.c.started_at, jobs.c.id).where(jobs.c.id == ctx.job_id)
    started = (await tx.execute(mine)).one()
    other = await tx.scalar(
        select(jobs.c.id).where(
            jobs.c.name == job,
            jobs.c.state == "leased",
            jobs.c.unique_text == key,
            tuple_(jobs.c.started_at, jobs.c.id) < tuple_(*started),
        )
    )
    if other is not None:
        raise RetryLater(N_("Waits for the present job of the same server to end."), TURN)
