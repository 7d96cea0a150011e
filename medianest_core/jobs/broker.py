"""Dramatiq, tamed: it carries job ids to worker threads and nothing else.

Retries, delays, schedules and results are the ledger's; so the broker has no middleware, a message that is lost costs a few
seconds, and one that comes twice finds nothing to lease. An actor hands the ids to the process's event loop and is done once
there was a place for them; until then it holds up its thread, and with it messages that another process could take.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Collection, Coroutine
from typing import Any

import dramatiq
from dramatiq.asyncio import EventLoopThread
from dramatiq.brokers.stub import StubBroker

from medianest_core.base.failpoints import failpoint
from medianest_core.base.logging import get_logger

_log = get_logger(__name__)
THREADS = 4
IDLE_MS = 500
"""How long idle threads sleep between looks at whether they should end; a message wakes them at once."""
MOST_IDS = 100
"""Ids a message holds."""
_STOP_MS = 5_000

Run = Callable[[list[str], str, bool], Coroutine[Any, Any, None]]


class _RunningLoop(EventLoopThread):
    """Dramatiq's bridge to asyncio, over the loop that already serves the process: handlers share its connections."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        threading.Thread.__init__(self)
        self.loop = loop
        self.logger = logging.getLogger(__name__)
        self.interrupt_check_ival = 1.0


class EmbeddedBroker:
    """Broker and worker threads inside this process. One actor per kind of job, built when the kind is declared."""

    reaches_others = False
    """Whether messages may be taken by another process."""

    def __init__(
        self,
        run: Run,
        *,
        works: bool = True,
        queues: Collection[str] | None = None,
        idle_ms: int = IDLE_MS,
        threads: int = THREADS,
    ) -> None:
        """run(job ids, name, suspect): offers the jobs to the event loop; must not raise. works: take messages too.

        queues: only of these. idle_ms: about how long `stop` takes.
        """
        self._run = run
        self._works = works
        self._broker = self._make_broker()
        self._worker = dramatiq.Worker(
            self._broker,
            queues=set(queues) if queues is not None else None,
            worker_threads=threads,
            worker_timeout=idle_ms,
        )
        self._actors: dict[str, dramatiq.Actor[..., None]] = {}
        self._loop: _RunningLoop | None = None
        self._pending: dict[tuple[str, bool], dict[str, None]] = {}
        self._started = False
        self._stopping = False

    @property
    def works(self) -> bool:
        """Are messages taken here?"""
        return self._works

    @property
    def delivers(self) -> bool:
        """Would a worker hear of a job that is sent now?"""
        return self._works

    def _make_broker(self) -> dramatiq.Broker:
        return StubBroker(middleware=[])

    def start(self) -> None:
        """Call on the event loop that jobs shall run on."""
        self._loop = _RunningLoop(asyncio.get_running_loop())
        self._started = True
        if self._works:
            self._worker.start()

    def add(self, name: str, queue: str) -> None:
        """Build the actor of a kind of job."""
        if name in self._actors:
            return

        def deliver(ids: list[str], suspect: bool = False) -> None:
            if self._loop is None or self._stopping:
                return
            offer = self._run(ids, name, suspect)
            try:
                self._loop.run_coroutine(offer)
            except RuntimeError:
                offer.close()
                # The loop ended first; the jobs are still in the ledger.
                _log.debug("jobs were not started: the process is ending", job=name)

        build = dramatiq.actor(actor_name=name, queue_name=queue, broker=self._broker)
        self._actors[name] = build(deliver)

    def send(self, job_id: str, name: str, suspect: bool = False) -> None:
        """Tell a worker about the job: soon, together with what else is sent in this moment. Call on the event loop."""
        if not self._started or self._stopping or name not in self._actors:
            return
        if not self._pending:
            asyncio.get_running_loop().call_soon(self._flush)
        self._pending.setdefault((name, suspect), {})[job_id] = None

    def _flush(self) -> None:
        pending, self._pending = self._pending, {}
        if self._stopping:
            return
        for (name, suspect), wanted in pending.items():
            ids = list(wanted)
            for start in range(0, len(ids), MOST_IDS):
                self._hand_over(name, ids[start : start + MOST_IDS], suspect)
                failpoint("jobs.sent")

    def _hand_over(self, name: str, ids: list[str], suspect: bool) -> None:
        self._actors[name].send(ids, suspect)

    async def stop(self) -> None:
        """End the threads; running jobs must have been ended before."""
        if not self._started:
            return
        self._started, self._stopping = False, True
        await asyncio.to_thread(self._end)

    def _end(self) -> None:
        if self._works:
            for queue in list(self._broker.queues):
                self._broker.flush(queue)
            self._worker.stop(_STOP_MS)
        self._broker.close()
