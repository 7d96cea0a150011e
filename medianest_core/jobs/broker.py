"""Dramatiq, tamed: it carries job ids to worker threads and nothing else.

Retries, delays, schedules and results are the ledger's; so the broker has no middleware, a message that is lost costs a few
seconds, and one that comes twice finds nothing to lease.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import dramatiq
from dramatiq.asyncio import EventLoopThread
from dramatiq.brokers.stub import StubBroker

from medianest_core.base.logging import get_logger

_log = get_logger(__name__)
THREADS = 16
# How long idle threads sleep between looks at whether they should end; a message wakes them at once.
IDLE_MS = 500
_STOP_MS = 10_000


class _RunningLoop(EventLoopThread):
    """Dramatiq's bridge to asyncio, over the loop that already serves the process: handlers share its connections."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        threading.Thread.__init__(self)
        self.loop = loop
        self.logger = logging.getLogger(__name__)
        self.interrupt_check_ival = 1.0


class EmbeddedBroker:
    """Broker and worker threads inside this process. One actor per kind of job, built when the kind is declared."""

    def __init__(
        self,
        run: Callable[[str, str], Coroutine[Any, Any, None]],
        *,
        threads: int = THREADS,
        idle_ms: int = IDLE_MS,
    ) -> None:
        """run(job id, name): runs the job on the event loop; must not raise. idle_ms: about how long `stop` takes."""
        self._run = run
        self._broker = StubBroker(middleware=[])
        self._worker = dramatiq.Worker(self._broker, worker_threads=threads, worker_timeout=idle_ms)
        self._actors: dict[str, dramatiq.Actor[..., None]] = {}
        self._loop: _RunningLoop | None = None
        self._sent: set[str] = set()
        self._lock = threading.Lock()
        self._stopping = False

    def start(self) -> None:
        """Call on the event loop that jobs shall run on."""
        self._loop = _RunningLoop(asyncio.get_running_loop())
        self._worker.start()

    def add(self, name: str, queue: str) -> None:
        """Build the actor of a kind of job."""
        if name in self._actors:
            return

        def deliver(job_id: str) -> None:
            with self._lock:
                self._sent.discard(job_id)
            if self._loop is None or self._stopping:
                return
            try:
                self._loop.run_coroutine(self._run(job_id, name))
            except RuntimeError:
                # The loop ended first; the job is still in the ledger.
                _log.debug("a job was not started: the process is ending", job_id=job_id)

        build = dramatiq.actor(actor_name=name, queue_name=queue, broker=self._broker)
        self._actors[name] = build(deliver)

    def send(self, job_id: str, name: str) -> None:
        """Tell a worker thread about the job, unless one is already going to be told."""
        actor = self._actors.get(name)
        if actor is None or self._stopping:
            return
        with self._lock:
            if job_id in self._sent:
                return
            self._sent.add(job_id)
        actor.send(job_id)

    async def stop(self) -> None:
        """End the threads; running jobs must have been ended before."""
        self._stopping = True
        for queue in list(self._broker.queues):
            self._broker.flush(queue)
        await asyncio.to_thread(self._worker.stop, _STOP_MS)
        self._broker.close()
