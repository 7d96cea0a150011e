"""What the parts of the ledger share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.bus.outbox import EventBus
from medianest_core.ledger.group import GroupCommit
from medianest_core.ledger.statements import OUTCOME, UNIQUE_AGAIN
from medianest_core.ledger.states import JobKind, JobState
from medianest_core.sdk.storage import Transaction
from medianest_core.store.engine import Database
from medianest_core.store.tables.ledger import jobs

Row = RowMapping | Mapping[str, Any]
MAX_CRASHES = 3
SEND_AGAIN_AFTER = 5.0
"""Seconds after which a worker is told again about a job that nobody has taken."""


class LedgerCore(ABC):
    """The database, the clock and the helpers that more than one part needs."""

    db: Database
    group: GroupCommit
    clock: Clock
    bus: EventBus | None
    lease_seconds: float
    kinds: dict[str, JobKind]
    on_ready: list[Callable[[str, str], None]]
    on_cancel: list[Callable[[str], None]]

    @abstractmethod
    def kind(self, name: str) -> JobKind: ...
    @abstractmethod
    def _ready_after_commit(self, tx: Transaction, identifier: str, name: str) -> None: ...
    @abstractmethod
    async def _announce(self, tx: Transaction, row: Row, reason: str = "") -> None: ...

    async def _row(
        self, tx: Transaction, *where: ColumnElement[bool], lock: bool = False
    ) -> RowMapping | None:
        statement = select(jobs).where(*where)
        if lock:
            # Means nothing to SQLite, where every writing transaction is alone anyway.
            statement = statement.with_for_update()
        return (await tx.execute(statement)).mappings().first()

    async def _write(self, tx: Transaction, *where: ColumnElement[bool], **values: Any) -> RowMapping | None:
        """The row after the update, or None where no row fits."""
        result = await tx.execute(update(jobs).where(*where).values(**values).returning(jobs))
        return result.mappings().first()

    def _queued_values(self, now: float, delay: float = 0.0) -> dict[str, Any]:
        """Columns of a job that goes back into the queue."""
        return {
            "state": JobState.QUEUED,
            "fence": jobs.c.fence + 1,
            "worker": None,
            "lease_until": None,
            "due_at": now + delay,
            "send_at": now + delay,
            "handled_at": None,
            "unique_key": UNIQUE_AGAIN,
        }

    async def _settle_parent(self, tx: Transaction, parent_id: str | None) -> None:
        """Finish the parent if it only waited for its children and none is left; and so on upwards."""
        while parent_id is not None:
            parent = await self._row(tx, jobs.c.id == parent_id, lock=True)
            if parent is None or parent["state"] != JobState.WAITING:
                return
            result = await tx.execute(
                update(jobs)
                .where(jobs.c.id == parent_id, jobs.c.state == JobState.WAITING)
                .values(**OUTCOME)
                .returning(jobs),
                {"p_now": self.clock.now()},
            )
            row = result.mappings().first()
            if row is None or row["state"] == JobState.WAITING:
                return
            await self._announce(tx, row, row["error"] or "")
            parent_id = row["parent_id"]
