"""The worker: everything that sends and runs jobs in this process, started and stopped together."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Collection

from pydantic import ValidationError

from medianest_core.base.drivers import chosen
from medianest_core.base.ids import new_token
from medianest_core.base.logging import get_logger
from medianest_core.base.redis_link import RedisLink
from medianest_core.base.tasks import TaskKeeper
from medianest_core.bus.outbox import EventBus
from medianest_core.jobs.broker import IDLE_MS, EmbeddedBroker
from medianest_core.jobs.dispatch import Dispatcher
from medianest_core.jobs.registry import JobRegistry, Registered
from medianest_core.jobs.runner import PLACES, Runner
from medianest_core.ledger.enqueue import Ledger
from medianest_core.ledger.schedule import Schedules
from medianest_core.store.engine import Database

_log = get_logger(__name__)
_HAND_BACK = 8.0
_of_this_process: set[str] = set()


class Worker:
    """Runs jobs on the running event loop. Stopping hands running jobs back without charging them an attempt.

    works: False where other processes run the jobs and this one only tells them. queues: only jobs of these. places: how many
    at once.
    """

    def __init__(
        self,
        db: Database,
        ledger: Ledger,
        registry: JobRegistry,
        bus: EventBus,
        *,
        link: RedisLink | None = None,
        works: bool = True,
        queues: Collection[str] | None = None,
        places: int = PLACES,
        idle_ms: int = IDLE_MS,
    ) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{new_token(4)}"
        self._db = db
        self._ledger = ledger
        self._registry = registry
        self.runner = Runner(ledger, registry, bus, self.name, places=places, queues=queues)
        self.schedules = Schedules(ledger)
        self._broker: EmbeddedBroker = chosen("medianest.broker", link)(
            self.runner.offer, works=works, queues=queues, idle_ms=idle_ms
        )
        self._dispatcher = Dispatcher(ledger, self.schedules, self._broker, self._renew)
        self._tasks = TaskKeeper()
        self._started = False

    async def start(self) -> None:
        """Begin to run jobs; kinds may be added to the registry before and after."""
        _of_this_process.add(self.name)
        await self._recover_dead_neighbours()
        self._ledger.heard = lambda: self._broker.delivers
        self._ledger.on_ready.append(self._dispatcher.ready)
        self._ledger.on_cancel.append(self._cancel)
        self._registry.on_add.append(self._add)
        self._registry.on_remove.append(self._remove)
        self._broker.start()
        self._started = True
        for entry in self._registry:
            self._add(entry)
        self._tasks.spawn(self._dispatcher.run(), "job dispatcher")

    async def stop(self) -> None:
        """Take no more jobs, hand running ones back, end the threads."""
        if not self._started:
            return
        self._started = False
        self.runner.accepting = False
        self._ledger.on_ready.remove(self._dispatcher.ready)
        self._ledger.on_cancel.remove(self._cancel)
        self._registry.on_add.remove(self._add)
        self._registry.on_remove.remove(self._remove)
        await self._tasks.close()
        for running in list(self.runner.running.values()):
            running.stop()
        try:
            async with asyncio.timeout(_HAND_BACK):
                await self.runner.idle.wait()
        except TimeoutError:
            _log.warning(
                "jobs did not stop in time; they are run again later", count=len(self.runner.running)
            )
        await self._broker.stop()
        _of_this_process.discard(self.name)

    def _add(self, entry: Registered) -> None:
        self._broker.add(entry.name, entry.job.queue)
        self._dispatcher.added(entry.name)
        try:
            args = entry.job.args().model_dump(mode="json")
        except ValidationError:
            return
        self.schedules.declare(entry.name, entry.job.schedule, args)
        if entry.job.schedule is not None and entry.job.schedule.at_start:
            self._tasks.spawn(self.schedules.start(entry.name), f"first run of {entry.name}")

    def _remove(self, entry: Registered) -> None:
        self.schedules.withdraw(entry.name)
        for running in list(self.runner.running.values()):
            if running.context.lease.name == entry.name:
                running.stop()

    def _cancel(self, job_id: str) -> None:
        running = self.runner.running.get(job_id)
        if running is not None:
            running.cancel()

    async def _renew(self) -> None:
        held = {running.context.lease.id: running for running in self.runner.running.values()}
        if not held:
            return
        kept = await self._ledger.renew(
            [(running.context.lease, running.context.unstored_progress()) for running in held.values()]
        )
        for job_id, running in held.items():
            if job_id not in self.runner.running:
                continue
            if job_id not in kept:
                running.lose()
            elif kept[job_id]:
                running.cancel()

    async def _recover_dead_neighbours(self) -> None:
        """Jobs of a process of this machine that is gone need not wait for their lease to end."""
        host = socket.gethostname()
        dead = set()
        for worker in await self._ledger.leasing_workers():
            name, pid, _ = worker.rsplit(":", 2)
            if name == host and worker not in _of_this_process and not _alive(int(pid)):
                dead.add(worker)
        if dead:
            count = await self._ledger.recover_workers(dead)
            _log.info("took over the jobs of a process that is gone", count=count)


def _alive(pid: int) -> bool:
    if pid == os.getpid():
        # An earlier process had our number, as in a restarted container.
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
