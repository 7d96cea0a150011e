"""Which process speaks for all: each watches every service for itself, but only one tells people that a service went down.

Among processes on PostgreSQL the lease row decides. SQLite has one process, which leads.
"""

from __future__ import annotations

import asyncio

from medianest_core.base.clock import Clock
from medianest_core.base.logging import get_logger
from medianest_core.store.engine import Database
from medianest_core.store.repos import leases

NAME = "services"
HELD = 10.0
EVERY = 3.0
_log = get_logger(__name__)


class Leading:
    """now: does this process lead?"""

    def __init__(
        self, db: Database, clock: Clock, process: str, *, held: float = HELD, every: float = EVERY
    ) -> None:
        """held: seconds after which a process that says nothing leads no more. every: seconds between two renewals."""
        self._db = db
        self._clock = clock
        self._process = process
        self._held = held
        self._every = every
        self._alone = db.dialect != "postgresql"
        self._away = False
        self.now = self._alone

    async def ask(self) -> None:
        """Take or renew the lease."""
        if self._alone:
            return
        before = self.now
        try:
            async with self._db.begin() as tx:
                self.now = await leases.hold(tx, self._clock, NAME, self._process, self._held)
            self._away = False
        except Exception as error:
            # Whoever cannot renew it must take it for lost.
            self.now = False
            if not self._away:
                _log.warning("the lease on the services could not be renewed", reason=str(error))
            self._away = True
        if self.now and not before:
            _log.info("this process tells of the services from now on")

    async def run(self) -> None:
        """Until cancelled."""
        while not self._alone:
            await asyncio.sleep(self._every)
            await self.ask()

    async def release(self) -> None:
        if self.now and not self._alone:
            self.now = False
            async with self._db.begin() as tx:
                await leases.release(tx, NAME, self._process)
