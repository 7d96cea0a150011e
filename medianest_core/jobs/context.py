"""What a running job's handler is given."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

from pydantic import BaseModel

from medianest_core.base.logging import get_logger
from medianest_core.bus.events import JobProgress, to_owner
from medianest_core.bus.outbox import EventBus
from medianest_core.ledger.enqueue import Ledger
from medianest_core.ledger.lease import Lease, Progress
from medianest_core.sdk.context import PluginContext
from medianest_core.sdk.errors import Cancelled
from medianest_core.sdk.events import Audience
from medianest_core.sdk.jobs import Job, JobContext
from medianest_core.sdk.storage import Transaction

_BETWEEN = 0.25


class RunningJob(JobContext):
    """One attempt. Progress goes out live at most four times a second, the last one always, and into the row with renewals."""

    def __init__(self, lease: Lease, ledger: Ledger, bus: EventBus, plugin: PluginContext | None) -> None:
        self.job_id = lease.id
        self.attempt = lease.attempt
        self.owner = lease.owner
        self.correlation_id = lease.correlation_id
        self.log = get_logger(lease.name).bind(job_id=lease.id)
        self.plugin = plugin
        self.lease = lease
        self.cancelled = False
        self._ledger = ledger
        self._bus = bus
        self._progress: Progress | None = None
        self._stored: Progress | None = None
        self._sent_at = float("-inf")
        self._later: asyncio.TimerHandle | None = None
        self._sending: set[asyncio.Task[None]] = set()

    async def progress(
        self,
        done: float,
        total: float | None = None,
        message: str = "",
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self._progress = Progress(done, total, message, facts)
        self.check_cancelled()
        wait = self._sent_at + _BETWEEN - time.monotonic()
        if wait <= 0:
            await self._send()
        elif self._later is None:
            self._later = asyncio.get_running_loop().call_later(wait, self._send_soon)

    def check_cancelled(self) -> None:
        if self.cancelled:
            raise Cancelled("The job was cancelled.")

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        async with self._ledger.guarded(self.lease) as tx:
            yield tx

    async def enqueue(
        self,
        tx: Transaction,
        job: Job[Any] | str,
        args: BaseModel,
        *,
        child: bool = False,
        delay: float = 0.0,
    ) -> str:
        name = job if isinstance(job, str) else job.name
        if self.plugin is not None and not name.startswith(f"{self.plugin.plugin}."):
            name = f"{self.plugin.plugin}.{name}"
        return await self._ledger.enqueue(
            tx,
            name,
            args,
            owner=self.owner,
            correlation_id=self.correlation_id,
            parent=self.job_id if child else None,
            delay=delay,
        )

    def unstored_progress(self) -> Progress | None:
        """Progress that is not yet in the row, or None."""
        if self._progress is self._stored:
            return None
        self._stored = self._progress
        return self._progress

    async def close(self) -> None:
        """Send what is left to send."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
            await self._send()

    def _send_soon(self) -> None:
        self._later = None
        task = asyncio.get_running_loop().create_task(self._send())
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self) -> None:
        progress = self._progress
        if progress is None:
            return
        self._sent_at = time.monotonic()
        event = JobProgress(
            job_id=self.job_id,
            job=self.lease.name,
            title=self.lease.title,
            done=progress.done,
            total=progress.total,
            message=progress.message,
            facts=dict(progress.facts or {}),
        )
        await self._bus.send(event, Audience.admins())
        if self.owner:
            await self._bus.send(event, to_owner(self.owner))
