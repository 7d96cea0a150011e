"""Audit rows: one for each administrative write, in its transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select

from medianest_core.base.clock import now
from medianest_core.base.logging import SECURITY, correlation_id, get_logger
from medianest_core.sdk.storage import Transaction
from medianest_core.store.tables.system import audit

_log = get_logger(SECURITY)


async def record(
    tx: Transaction, *, actor: str | None, action: str, target: str, details: Mapping[str, Any] | None = None
) -> None:
    """actor: user id, None for the system or the console. action: "area.verb". details: JSON, never a secret."""
    await tx.execute(
        insert(audit).values(
            at=now(),
            actor=actor,
            action=action,
            target=target,
            details=dict(details or {}),
            correlation_id=correlation_id.get(),
        )
    )
    tx.after_commit(lambda: _log.info(action, actor=actor, target=target))


@dataclass(frozen=True, slots=True)
class AuditRow:
    """at: epoch seconds. actor: user id, None for the system or the console."""

    id: int
    at: float
    actor: str | None
    action: str
    target: str
    details: Mapping[str, Any]
    correlation_id: str


async def latest(
    tx: Transaction,
    *,
    actor: str | None = None,
    action: str | None = None,
    target: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[AuditRow]:
    """Newest first. action: the beginning of its name. target: what was changed. before: rows older than the one with this id."""
    wanted = select(audit).order_by(audit.c.id.desc()).limit(limit)
    if actor is not None:
        wanted = wanted.where(audit.c.actor == actor)
    if action:
        wanted = wanted.where(audit.c.action.startswith(action, autoescape=True))
    if target is not None:
        wanted = wanted.where(audit.c.target == target)
    if before is not None:
        wanted = wanted.where(audit.c.id < before)
    rows = (await tx.execute(wanted)).mappings()
    return [AuditRow(**row) for row in rows]
