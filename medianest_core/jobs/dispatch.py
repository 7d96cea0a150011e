"""The dispatcher: tells workers about jobs that may run, at once where it can and from the ledger's rows where it must."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from medianest_core.base.logging import get_logger
from medianest_core.ledger.enqueue import Ledger
from medianest_core.ledger.schedule import Schedules
from medianest_core.store.errors import DatabaseAway

_log = get_logger(__name__)
TICK = 0.5
_PRUNE_EVERY = 600.0
_KEEP_DONE = 7 * 86400.0
_KEEP_FAILED = 30 * 86400.0
_KEEP_EVENTS = 86400.0
_CLOCK_SLACK = 2.0


class Sender(Protocol):
    """delivers: would a worker hear of a job that is sent now?"""

    @property
    def delivers(self) -> bool: ...
    def send(self, job_id: str, name: str, suspect: bool = False) -> None: ...


class Dispatcher:
    """Ticks every half second, and at once when a place for a limited kind of job may have become free."""

    def __init__(
        self,
        ledger: Ledger,
        schedules: Schedules,
        sender: Sender,
        renew: Callable[[], Awaitable[None]],
        *,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """timer: seconds that only go on, by which a jump of the ledger's clock is noticed."""
        self._timer = timer
        self._ledger = ledger
        self._schedules = schedules
        self._sender = sender
        self._renew = renew
        self._limited: set[str] = set()
        self._new: set[str] = set()
        self._wake = asyncio.Event()
        self._pruned_at = float("-inf")
        self._renewed_at = self._timer()
        self._clock_gap = self._gap()
        self._looks_back = True
        self._away = False
        self._recovers_at = float("-inf")

    def ready(self, job_id: str, name: str) -> None:
        """A job may run now; or, with an empty id, the next one of that kind may."""
        if job_id and self._ledger.kind(name).limit is None:
            self._sender.send(job_id, name)
        else:
            self._limited.add(name)
            self._wake.set()

    def added(self, name: str) -> None:
        """A kind of job has just become runnable here."""
        self._new.add(name)
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                async with asyncio.timeout(TICK):
                    await self._wake.wait()
            except TimeoutError:
                pass
            await self._safely()

    async def _safely(self) -> None:
        try:
            if self._wake.is_set():
                self._wake.clear()
                names, self._limited = self._limited, set()
                new, self._new = self._new, set()
                if new:
                    await self._send_due(new, unheard=True)
                if names:
                    await self._send_due(names)
            else:
                await self.tick()
        except DatabaseAway:
            if not self._away:
                _log.warning("the database is away; jobs wait")
            self._away = True
            # Nobody could renew a lease meanwhile. The living do so first; the dead are found a while later.
            self._recovers_at = self._timer() + self._ledger.lease_seconds / 2
        except Exception:
            _log.exception("the job dispatcher failed; it goes on with the next tick")
        else:
            if self._away:
                _log.info("the database is back; jobs go on")
            self._away = False

    async def tick(self) -> None:
        """One round: renew our own leases, take back lost ones, enqueue scheduled jobs, send what is due, forget old rows."""
        jumped = abs(self._gap() - self._clock_gap) > _CLOCK_SLACK
        if self._looks_back or self._gap() < self._clock_gap - _CLOCK_SLACK:
            # At the start it is not known whether the clock was ahead before.
            await self._ledger.put_right(max(0.0, self._clock_gap - self._gap()) if jumped else 0.0)
            self._looks_back = False
        if jumped or self._timer() - self._renewed_at >= self._ledger.lease_seconds / 4:
            await self._renew()
            self._renewed_at = self._timer()
        await self._schedules.tick()
        if jumped:
            # By the new time every lease looks expired. The living renew theirs first; the dead are found a lease later.
            self._clock_gap = self._gap()
        elif await self._ledger.anything_to_do():
            if self._timer() >= self._recovers_at:
                await self._ledger.recover()
            await self._send_due(None)
        if self._timer() - self._pruned_at >= _PRUNE_EVERY:
            self._pruned_at = self._timer()
            await self._prune()

    async def _send_due(self, names: set[str] | None, *, unheard: bool = False) -> None:
        # What nobody would hear is left to a process that can tell somebody.
        if self._sender.delivers:
            for item in await self._ledger.due(names, unheard=unheard):
                self._sender.send(item.id, item.name, item.suspect)

    async def _prune(self) -> None:
        now = self._ledger.clock.now()
        await self._ledger.prune(done_before=now - _KEEP_DONE, failed_before=now - _KEEP_FAILED)
        if self._ledger.bus is not None:
            await self._ledger.bus.rows.prune(now - _KEEP_EVENTS)

    def _gap(self) -> float:
        return self._ledger.clock.now() - self._timer()
