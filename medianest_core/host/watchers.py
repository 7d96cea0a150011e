"""Keeps this process's state rows alive, and clears away those of processes that are gone."""

from __future__ import annotations

import asyncio

from medianest_core.base.clock import Clock
from medianest_core.base.logging import get_logger
from medianest_core.host.instance_rows import dead_processes, forget_processes, seen
from medianest_core.store.engine import Database
from medianest_core.store.errors import DatabaseAway

_log = get_logger(__name__)
EVERY = 45.0


async def clear_dead(db: Database, process: str) -> None:
    """Remove what processes of this machine left behind that do not run any more."""
    async with db.begin() as tx:
        if gone := await dead_processes(tx, process):
            await forget_processes(tx, gone)


async def keep_alive(db: Database, clock: Clock, process: str, *, every: float = EVERY) -> None:
    """Runs until it is cancelled; an outage of the database only costs a round."""
    while True:
        await asyncio.sleep(every)
        try:
            async with db.begin() as tx:
                await seen(tx, clock, process)
        except DatabaseAway:
            # Whoever watches over the database has said so already.
            continue
        except Exception as error:
            _log.warning("the state of this process could not be renewed", exc_info=error)
