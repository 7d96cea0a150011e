"""Listeners of plugins: inline ones are called after the commit, durable ones become jobs in the publishing transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel

from medianest_core.base.logging import correlation_id
from medianest_core.base.tasks import bounded
from medianest_core.bus.outbox import EventBus
from medianest_core.host.context import Context
from medianest_core.host.declarations import Declarations
from medianest_core.host.faults import Noting
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.events import Event, Listener
from medianest_core.sdk.jobs import Job, JobContext
from medianest_core.sdk.storage import Transaction
from medianest_core.store.engine import Tx

DEADLINE = 20.0
"""Seconds that an inline listener has for one event: less than the bus gives it, so that the overdue one is told apart."""


class ListenerArgs(BaseModel):
    """event: fields of the event."""

    event: dict[str, Any]


class Listeners:
    """Subscriptions of all active plugins."""

    def __init__(
        self,
        bus: EventBus,
        ledger: Ledger,
        context: Callable[[str], Context],
        fault: Noting = lambda *_: None,
    ) -> None:
        self._bus = bus
        self._ledger = ledger
        self._context = context
        self._fault = fault
        self._ends: dict[str, list[Callable[[], None]]] = {}
        self._jobs: dict[str, list[Job[Any]]] = {}

    def add(self, declared: Declarations) -> None:
        """Subscribe a plugin's listeners."""
        name = declared.plugin
        listeners = [item for item in declared.contributions if isinstance(item, Listener)]
        for number, item in enumerate(listeners):
            if item.durable:
                job = _job(name, number, item)
                self._jobs.setdefault(name, []).append(job)
                end = self._bus.subscribe_durable(item.event, self._durable(name, job))
            else:
                end = self._bus.subscribe(item.event, self._inline(name, item), name=f"{name}:{number}")
            self._ends.setdefault(name, []).append(end)

    def remove(self, plugin: str) -> None:
        """End a plugin's subscriptions."""
        for end in self._ends.pop(plugin, []):
            end()
        self._jobs.pop(plugin, None)

    def close(self) -> None:
        """End all."""
        for plugin in list(self._ends):
            self.remove(plugin)

    def jobs(self) -> list[tuple[str, Job[Any]]]:
        """(plugin, job) of the durable ones."""
        return [(plugin, job) for plugin, several in self._jobs.items() for job in several]

    def _inline(self, plugin: str, item: Listener) -> Callable[[Event], Awaitable[None]]:
        async def listen(event: Event) -> None:
            try:
                await bounded(item.handler(self._context(plugin), event), DEADLINE)
            except Exception as error:
                self._fault(plugin, f"listener {event.name}", error)
                raise

        return listen

    def _durable(self, plugin: str, job: Job[Any]) -> Callable[[Transaction, Event], Awaitable[None]]:
        async def store(tx: Transaction, event: Event) -> None:
            assert isinstance(tx, Tx)
            await self._ledger.enqueue(
                tx,
                job.name,
                ListenerArgs(event=event.model_dump(mode="json")),
                correlation_id=correlation_id.get() or None,
                queue=job.queue,
                max_attempts=job.retry.attempts,
                plugin=plugin,
                title=job.title,
            )

        return store


def _job(plugin: str, number: int, item: Listener) -> Job[Any]:
    async def run(context: JobContext, args: ListenerArgs) -> None:
        await item.handler(context.plugin, item.event.model_validate(args.event))

    handler = getattr(item.handler, "__name__", "listener").strip("_")
    return Job(f"{plugin}.on_{handler}_{number}", run, ListenerArgs, title=f"After {item.event.name}")
