"""Audit rows: one for each administrative write, in its transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert

from medianest_core.base.clock import now
from medianest_core.base.logging import correlation_id
from medianest_core.sdk.storage import Transaction
from medianest_core.store.tables.system import audit


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
