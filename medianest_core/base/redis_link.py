"""The connection to Redis, for everything that may do without it: one client, one listener, and a pulse that knows within seconds
whether Redis is there.

Redis only carries signals about rows and counts that are worth little. Nobody waits for it: while it is away each question is
refused at once, and messages are dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from medianest_core.base.logging import get_logger
from medianest_core.base.tasks import TaskKeeper
from medianest_core.sdk.errors import MediaNestError

if TYPE_CHECKING:
    from redis.asyncio import Redis

T = TypeVar("T")
Handler = Callable[[bytes], Awaitable[None]]
_log = get_logger(__name__)
BEAT = 1.0
"""Seconds between two beats of the pulse."""
PATIENCE = 1.0
"""Seconds that an answer may take."""
_WAITING = 5_000
_AT_ONCE = 200
_CONNECTIONS = 20


class RedisAway(MediaNestError):
    """Redis does not answer, or refuses what we ask."""


class RedisLink:
    """Use `start`, then `ask`, `publish` and `subscribe`; `close` at the end.

    Keys and channels carry `prefix`, which names the database too: channels of Redis know no databases.
    """

    def __init__(self, url: str, *, beat: float = BEAT, patience: float = PATIENCE) -> None:
        """url: "redis://…", "rediss://…" or "unix://…"."""
        self.url = url
        self.away = True
        self.on_change: list[Callable[[bool], None]] = []
        """Called with True when Redis is back, with False when it went away."""
        self._beat = beat
        self._patience = patience
        self._redis: Redis | None = None
        self._tasks = TaskKeeper()
        self._handlers: dict[str, Handler] = {}
        self._wanted = asyncio.Event()
        self._outgoing: deque[tuple[str, bytes]] = deque(maxlen=_WAITING)
        self._outgoing_there = asyncio.Event()
        self._doubted = asyncio.Event()
        self._back = asyncio.Event()
        self._since = time.monotonic()
        self._told = False
        self._closing = False

    @property
    def client(self) -> Redis:
        if self._redis is None:
            from redis.asyncio import BlockingConnectionPool, Redis
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff

            pool = BlockingConnectionPool.from_url(
                self.url,
                max_connections=_CONNECTIONS,
                timeout=self._patience,
                socket_timeout=self._patience,
                socket_connect_timeout=self._patience,
                # Trying again is the pulse's business; a request must not wait for it.
                retry=Retry(NoBackoff(), 0),
            )
            self._redis = Redis(connection_pool=pool)
        return self._redis

    @property
    def prefix(self) -> str:
        options: dict[str, Any] = self.client.connection_pool.connection_kwargs
        return f"medianest:{options.get('db') or 0}:"

    async def start(self) -> None:
        """Look whether Redis is there, and keep looking. Never raises: a portal starts without it."""
        await self._look()
        self._tasks.spawn(self._pulse(), "pulse of redis")
        self._tasks.spawn(self._send(), "messages to redis")
        self._tasks.spawn(self._listen(), "messages from redis")

    async def close(self) -> None:
        self._closing = True
        await self._tasks.close()
        if self._redis is not None:
            with contextlib.suppress(Exception):
                await self._redis.connection_pool.disconnect()
            self._redis = None

    async def ask(self, question: Callable[[Redis], Awaitable[T]]) -> T:
        """What `question(client)` returns. Raises RedisAway, at once while Redis is known to be away."""
        if self.away:
            raise RedisAway("Redis does not answer.")
        try:
            async with asyncio.timeout(self._patience):
                return await question(self.client)
        except Exception as error:
            self._doubted.set()
            raise RedisAway(f"Redis does not answer ({type(error).__name__}).") from error

    def publish(self, channel: str, message: bytes) -> None:
        """Send soon to every listener of the channel, in order. Dropped while Redis is away."""
        if not self.away:
            self._outgoing.append((channel, message))
            self._outgoing_there.set()

    def subscribe(self, channel: str, handler: Handler) -> None:
        """Call `handler` for each message on the channel from now or soon on, also for our own."""
        self._handlers[channel] = handler
        self._wanted.set()

    async def _pulse(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._beat):
                    await self._doubted.wait()
                    # Many may doubt at once.
                    await asyncio.sleep(self._beat / 5)
            self._doubted.clear()
            await self._look()

    async def _look(self) -> None:
        reason = ""
        try:
            async with asyncio.timeout(self._patience):
                # A write, because a Redis that is full or only a copy answers to everything else.
                await self.client.set(f"{self.prefix}pulse", b"1", ex=60)
        except Exception as error:
            # Not the text: it may hold the address with its password.
            reason = type(error).__name__
        if reason and (not self.away or not self._told):
            self._since = time.monotonic()
            _log.warning("redis does not answer", reason=reason)
            self._become(away=True)
        elif not reason and self.away:
            if self._told:
                _log.info("redis answers again", after=round(time.monotonic() - self._since, 1))
            self._become(away=False)

    def _become(self, *, away: bool) -> None:
        self.away = away
        self._told = True
        if away:
            self._back.clear()
            self._outgoing.clear()
        else:
            self._back.set()
        for callback in list(self.on_change):
            try:
                callback(not away)
            except Exception:
                _log.exception("a part could not adapt to redis coming or going")

    async def _send(self) -> None:
        while True:
            await self._outgoing_there.wait()
            self._outgoing_there.clear()
            while self._outgoing:
                batch = [self._outgoing.popleft() for _ in range(min(_AT_ONCE, len(self._outgoing)))]
                with contextlib.suppress(RedisAway):
                    await self.ask(lambda client, batch=batch: self._publish(client, batch))  # type: ignore[misc]  # bound default

    async def _publish(self, client: Redis, batch: list[tuple[str, bytes]]) -> None:
        pipeline = client.pipeline(transaction=False)
        for channel, message in batch:
            pipeline.publish(f"{self.prefix}{channel}", message)
        await pipeline.execute()

    async def _listen(self) -> None:
        # The client swallows a cancellation that comes while it connects.
        while not self._closing:
            await self._wanted.wait()
            await self._back.wait()
            pubsub: Any = self.client.pubsub(ignore_subscribe_messages=True)
            try:
                heard: set[str] = set()
                while not self.away and not self._closing:
                    if new := self._handlers.keys() - heard:
                        await pubsub.subscribe(*(f"{self.prefix}{channel}" for channel in new))
                        heard |= new
                    message = await pubsub.get_message(timeout=self._beat)
                    if message is not None:
                        await self._handle(message)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                _log.debug("the channels of redis broke off", reason=type(error).__name__)
                self._doubted.set()
                await asyncio.sleep(self._beat / 5)
            finally:
                with contextlib.suppress(Exception):
                    await pubsub.aclose()

    async def _handle(self, message: dict[str, Any]) -> None:
        channel = message["channel"].decode()[len(self.prefix) :]
        try:
            await self._handlers[channel](message["data"])
        except Exception:
            _log.exception("a message from another process could not be handled", channel=channel)
