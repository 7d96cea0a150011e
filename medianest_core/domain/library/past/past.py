"""The past of the library, and what admins have to say about it: one attribute of the facade."""

from __future__ import annotations

from typing import Any

from medianest_core.base.clock import Clock
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.library.past.history import KEEP_DAYS, History
from medianest_core.domain.library.past.locking import Locking
from medianest_core.domain.library.past.rollback import Rollback
from medianest_core.domain.library.past.why import Explained, explain
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.jobs import Job
from medianest_core.store.engine import Database


class Past:
    """history: what changed. rollback: undoing it. locking: keeping values as they are."""

    def __init__(
        self, db: Database, bus: EventBus, ledger: Ledger, clock: Clock, *, keep_days: float = KEEP_DAYS
    ) -> None:
        self._db = db
        self.history = History(db, clock, keep_days=keep_days)
        self.rollback = Rollback(db, bus, ledger, clock)
        self.locking = Locking(db, bus, clock)

    def jobs(self) -> list[Job[Any]]:
        return [*self.history.jobs(), *self.rollback.jobs()]

    async def explain(self, title_id: int) -> Explained | None:
        """Why a title looks as it does; None where there is no such title."""
        return await explain(self._db, title_id)
