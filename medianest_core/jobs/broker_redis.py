"""Dramatiq over Redis: any number of processes on any number of hosts take each other's messages.

Redis may forget everything at any time: the ledger has every job, and sends again what nobody took. While Redis is away each
process that works sends to itself.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Collection
from typing import Any

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.message import Message
from redis.backoff import NoBackoff
from redis.retry import Retry

from medianest_core.base.logging import get_logger
from medianest_core.base.redis_link import RedisLink
from medianest_core.base.tasks import spawn
from medianest_core.jobs.broker import MOST_IDS, EmbeddedBroker, Run

_log = get_logger(__name__)
BLOCK_MS = 250
"""How long a consumer waits in Redis for a message, and so about how long `stop` takes."""
THREADS = 4
_TIMEOUT = 3.0
_PAUSE = 0.5
_FULL = 0.01
_ENOUGH = 1_000


class _Consumer(_RedisConsumer):
    """Waits inside Redis while there is no message, instead of asking again and again with growing pauses.

    The class beneath is private; what is relied on is held by a test.
    """

    def __next__(self) -> Any:
        while True:
            try:
                if not self.message_cache:
                    self._fetch()
                if not self.message_cache:
                    return None
                data = self.message_cache.pop(0)
            except redis.RedisError:
                # The link says so once, for all. Dramatiq would wait three seconds and shout.
                time.sleep(_PAUSE)
                return None
            if data is None:
                # Flushed between its id and its text.
                continue
            message = Message.decode(data)
            if message.actor_name not in self.broker.actors:
                # For a plugin that is switched off by now. Its jobs stay in the ledger.
                self.ack(message)
                continue
            self.queued_message_ids.add(message.message_id)
            return dramatiq.broker.MessageProxy(message)

    def _fetch(self) -> None:
        room = self.prefetch - self.outstanding_message_count
        if room <= 0:
            time.sleep(_FULL)
            return
        self.message_cache = self.broker.do_fetch(self.queue_name, room)
        if not self.message_cache:
            key = f"{self.broker.namespace}:{self.queue_name}"
            # Moves the first id to where it is: it only waits for there to be one.
            if self.broker.client.blmove(key, key, self.timeout / 1000, "LEFT", "LEFT") is not None:
                self.message_cache = self.broker.do_fetch(self.queue_name, room)

    def ack(self, message: Any) -> None:
        # One that cannot be taken off comes again and finds nothing to do.
        with contextlib.suppress(dramatiq.errors.BrokerConnectionError, redis.RedisError):
            super().ack(message)  # type: ignore[no-untyped-call]  # Dramatiq has no types here

    def nack(self, message: Any) -> None:
        self.ack(message)

    def requeue(self, messages: Any) -> None:
        with contextlib.suppress(redis.RedisError):
            super().requeue(messages)  # type: ignore[no-untyped-call]  # as above


class _Broker(RedisBroker):
    @property
    def consumer_class(self) -> type[_Consumer]:
        return _Consumer

    def declare_queue(self, queue_name: str) -> None:
        """Without the queue for delayed messages: delays are the ledger's."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)


class SharedBroker(EmbeddedBroker):
    """The same, with messages that any process may take."""

    reaches_others = True

    def __init__(
        self,
        link: RedisLink,
        run: Run,
        *,
        works: bool = True,
        queues: Collection[str] | None = None,
        idle_ms: int = BLOCK_MS,
        threads: int = THREADS,
    ) -> None:
        self._link = link
        self._outgoing: queue.Queue[tuple[str, list[str], bool] | None] = queue.Queue(_ENOUGH)
        self._sender: threading.Thread | None = None
        super().__init__(run, works=works, queues=queues, idle_ms=min(idle_ms, BLOCK_MS), threads=threads)
        # A message that waits here is one that nobody else can take.
        self._worker.queue_prefetch = threads

    @property
    def delivers(self) -> bool:
        return self._works or not self._link.away

    def _make_broker(self) -> dramatiq.Broker:
        client = redis.Redis.from_url(
            self._link.url,
            socket_timeout=_TIMEOUT,
            socket_connect_timeout=_TIMEOUT,
            retry=Retry(NoBackoff(), 0),
        )
        return _Broker(  # type: ignore[no-untyped-call]  # as above
            client=client, middleware=[], namespace=f"{self._link.prefix}jobs"
        )

    def start(self) -> None:
        super().start()
        self._sender = threading.Thread(target=self._send_all, name="job messages", daemon=True)
        self._sender.start()

    def _hand_over(self, name: str, ids: list[str], suspect: bool) -> None:
        if self._link.away:
            if self._works:
                spawn(self._run(ids, name, suspect), "jobs without redis")
            return
        # Full only while Redis hangs; what is dropped is sent again from the ledger.
        with contextlib.suppress(queue.Full):
            self._outgoing.put_nowait((name, ids, suspect))

    def _send_all(self) -> None:
        ended = False
        while not ended:
            waiting: dict[tuple[str, bool], list[str]] = {}
            message = self._outgoing.get()
            # What came while the last one was sent goes together.
            while message is not None:
                name, ids, suspect = message
                waiting.setdefault((name, suspect), []).extend(ids)
                try:
                    message = self._outgoing.get_nowait()
                except queue.Empty:
                    break
            else:
                ended = True
            for (name, suspect), ids in waiting.items():
                for start in range(0, len(ids), MOST_IDS):
                    self._send_now(name, ids[start : start + MOST_IDS], suspect)

    def _send_now(self, name: str, ids: list[str], suspect: bool) -> None:
        try:
            self._actors[name].send(ids, suspect)
        except (redis.RedisError, dramatiq.errors.BrokerConnectionError) as error:
            _log.debug("a message about jobs was lost", reason=type(error).__name__)

    def _end(self) -> None:
        self._outgoing.put(None)
        if self._works:
            self._worker.stop(5_000)
        if self._sender is not None:
            self._sender.join(_TIMEOUT)
        self._broker.close()
        client: redis.Redis = self._broker.client  # type: ignore[attr-defined]  # ours
        client.close()
