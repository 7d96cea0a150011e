"""The event bus: an event becomes a row in the transaction that caused it; once that has committed it is sent live and handed
to listeners.

The rows live behind `EventRows`, because this floor knows no database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from medianest_core.base.clock import Clock, SystemClock
from medianest_core.base.logging import get_logger
from medianest_core.base.tasks import TaskKeeper, bounded
from medianest_core.bus.live import Live
from medianest_core.sdk.events import Audience, Event
from medianest_core.sdk.storage import Transaction

E = TypeVar("E", bound=Event)
Handler = Callable[[Any], Awaitable[None]]
DurableHandler = Callable[[Transaction, Any], Awaitable[None]]
StoredHandler = Callable[[Transaction, Event, Audience], Awaitable[None]]

_log = get_logger(__name__)
_LISTENER_DEADLINE = 30.0
_QUEUE = 10_000


class StoredEvent(Protocol):
    """An event as it was stored. data: its fields as JSON."""

    @property
    def seq(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def room(self) -> str: ...
    @property
    def at(self) -> float: ...
    @property
    def data(self) -> Mapping[str, Any]: ...

    def payload(self) -> dict[str, Any]:
        """What a browser receives: {"seq", "at", "data"}."""
        ...


@dataclass(slots=True)
class Published:
    """A stored event's place. seq: its sequence number; 0 until its transaction commits."""

    seq: int = 0

    def stored(self, seq: int) -> None:
        self.seq = seq


class EventRows(Protocol):
    """Where events are kept."""

    def append(
        self,
        tx: Transaction,
        *,
        name: str,
        room: str,
        at: float,
        data: Mapping[str, Any],
        stored: Callable[[int], None],
    ) -> None:
        """Store with `tx`, as the last of its work; `stored` is then told the sequence number, which grows in commit order."""
        ...

    async def since(self, rooms: Collection[str], seq: int, limit: int) -> tuple[Sequence[StoredEvent], bool]:
        """Up to `limit` events of `rooms` after `seq`, oldest first, and whether that is all of them."""
        ...

    async def last_seq(self) -> int:
        """The newest sequence number; 0 where there is none."""
        ...

    async def prune(self, before: float) -> int:
        """Forget events from before that time, but for the newest. Returns how many."""
        ...


class _Subscriber:
    """One listener with a queue of its own: it sees events in order, and a slow one holds up nobody."""

    def __init__(
        self, kind: type[Event], handler: Handler, name: str, tasks: TaskKeeper, everywhere: bool
    ) -> None:
        self.kind = kind
        self.everywhere = everywhere
        self._handler = handler
        self._name = name
        self._tasks = tasks
        self._queue: asyncio.Queue[Event] = asyncio.Queue(_QUEUE)
        self._running = False

    def offer(self, event: Event) -> None:
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            _log.error(
                "a listener is too slow; an event was dropped", listener=self._name, event_name=event.name
            )
            return
        if not self._running:
            self._running = True
            self._tasks.spawn(self._run(), f"listener {self._name}")

    async def _run(self) -> None:
        try:
            while not self._queue.empty():
                event = self._queue.get_nowait()
                try:
                    await bounded(self._handler(event), _LISTENER_DEADLINE)
                except Exception:
                    _log.exception("a listener failed", listener=self._name, event_name=event.name)
                finally:
                    self._queue.task_done()
        finally:
            self._running = False

    async def idle(self) -> None:
        await self._queue.join()


class EventBus:
    """Publishes events; see `publish` for stored ones and `send` for those that may be lost."""

    def __init__(self, rows: EventRows, live: Live | None = None, clock: Clock | None = None) -> None:
        self.rows = rows
        self.live = live or Live()
        self._clock = clock or SystemClock()
        self._tasks = TaskKeeper()
        self._subscribers: list[_Subscriber] = []
        self._durable: list[tuple[type[Event], DurableHandler]] = []
        self._stored: list[StoredHandler] = []
        self._own: set[int] = set()
        self.followed = False
        """Whether `hear` is called with all stored events."""
        self.newest = 0
        """Sequence number of the newest event that was delivered in this process; `load_newest` reads it at the start."""

    async def publish(self, tx: Transaction, event: Event, to: Audience) -> Published:
        """Store in `tx`; after its commit send live and call listeners."""
        at = self._clock.now()
        data = event.model_dump(mode="json")
        published = Published()

        def stored(seq: int) -> None:
            published.stored(seq)
            # Noted before the commit: from then on the feed may read it, and must know it for ours.
            if self.followed:
                self._own.add(seq)

        self.rows.append(tx, name=event.name, room=to.room, at=at, data=data, stored=stored)

        async def deliver() -> None:
            self.newest = max(self.newest, published.seq)
            self._offer(event)
            self.live.hint()
            await self._emit(to.room, event.name, {"seq": published.seq, "at": at, "data": data})

        # Before the handlers: what they publish comes after this event, and browsers must hear of both in that order.
        tx.after_commit(deliver)
        for kind, handler in self._durable:
            if isinstance(event, kind):
                await handler(tx, event)
        for hear in list(self._stored):
            await hear(tx, event, to)
        return published

    async def load_newest(self) -> None:
        """Begin where the stored events end."""
        self.newest = await self.rows.last_seq()

    async def send(self, event: Event, to: Audience) -> None:
        """Send live at once and keep nothing: for progress, where the next event makes up for a lost one."""
        self._offer(event)
        if not to.room:
            return
        payload = {"seq": None, "at": self._clock.now(), "data": event.model_dump(mode="json")}
        try:
            await self.live.emit_everywhere(to.room, event.name, payload)
        except Exception:
            _log.exception("an event could not be sent live", event_name=event.name)

    async def hear(self, stored: StoredEvent) -> None:
        """Pass on an event from the database, unless it is one of this process's own."""
        if stored.seq in self._own:
            self._own.discard(stored.seq)
            return
        self.newest = max(self.newest, stored.seq)
        # Of transactions that were rolled back after all.
        self._own = {seq for seq in self._own if seq > stored.seq}
        for subscriber in self._subscribers:
            if subscriber.everywhere and subscriber.kind.name == stored.name:
                subscriber.offer(subscriber.kind.model_validate(dict(stored.data)))
        await self._emit(stored.room, stored.name, stored.payload())

    def subscribe(
        self,
        kind: type[E],
        handler: Callable[[E], Awaitable[None]],
        *,
        name: str = "",
        everywhere: bool = False,
    ) -> Callable[[], None]:
        """Call `handler` for each event of the kind in this process, in order. Returns a function that ends it.

        everywhere: also for stored events of exactly this kind that other processes published, within a second or two: for what
        each process keeps in memory.
        """
        subscriber = _Subscriber(
            kind, handler, name or getattr(handler, "__qualname__", repr(handler)), self._tasks, everywhere
        )
        self._subscribers.append(subscriber)

        def end() -> None:
            if subscriber in self._subscribers:
                self._subscribers.remove(subscriber)

        return end

    def subscribe_durable(
        self, kind: type[E], handler: Callable[[Transaction, E], Awaitable[None]]
    ) -> Callable[[], None]:
        """Call `handler(tx, event)` inside the publishing transaction, to write a job that cannot be lost."""
        entry = (kind, handler)
        self._durable.append(entry)

        def end() -> None:
            if entry in self._durable:
                self._durable.remove(entry)

        return end

    def subscribe_stored(self, handler: StoredHandler) -> Callable[[], None]:
        """Call `handler(tx, event, to)` inside the publishing transaction of every stored event, once for each audience."""
        self._stored.append(handler)

        def end() -> None:
            if handler in self._stored:
                self._stored.remove(handler)

        return end

    async def since(
        self, rooms: Collection[str], seq: int, limit: int = 500
    ) -> tuple[Sequence[StoredEvent], bool]:
        """(events of `rooms` after `seq`, complete). Incomplete: too many or too old; the client must reload."""
        return await self.rows.since(rooms, seq, limit)

    async def drain(self) -> None:
        """Wait until all listeners have seen what was published so far."""
        for subscriber in list(self._subscribers):
            await subscriber.idle()

    async def close(self) -> None:
        await self._tasks.close()

    def _offer(self, event: Event) -> None:
        for subscriber in self._subscribers:
            if isinstance(event, subscriber.kind):
                subscriber.offer(event)

    async def _emit(self, room: str, name: str, payload: dict[str, Any]) -> None:
        if not room:
            return
        try:
            await self.live.emit(room, name, payload)
        except Exception:
            _log.exception("an event could not be sent live", event_name=name)
