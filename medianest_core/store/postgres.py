"""PostgreSQL: how connections are made, and a pulse that knows within seconds that the server is away.

A server that has crashed refuses connections, and every statement fails by itself. One that hangs, or whose network went away,
says nothing: the pulse finds that out, cuts all connections so that nobody waits any longer, and refuses new transactions until
the server answers again. One that is only slow, because it or this process gets too little of a busy machine, is not away.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from typing import Any

import asyncpg
from sqlalchemy import URL, event
from sqlalchemy.exc import DisconnectionError

from medianest_core.base.logging import get_logger
from medianest_core.store.asyncio_only import AsyncEngine, create_async_engine
from medianest_core.store.written import json_text
from medianest_core.store.written import without_nul as without_nul

_log = get_logger(__name__)
_BEAT = 0.5
"""Seconds between two beats of the pulse."""
_PATIENCE = 2.0
"""Seconds, as this process lived them, in which the server answers nobody until it counts as away."""
_LOOK = 0.1
"""Seconds between two looks whether it did."""
_CONNECT = 3.0
_LOCK_TIMEOUT = 10.0
_IDLE_TIMEOUT = 120.0
CONNECT_ERRORS = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What making a connection raises where the server is away or refuses us."""


def asyncpg_url(url: URL) -> URL:
    """The address for asyncpg, with what libpq calls `sslmode` in its words."""
    query = dict(url.query)
    if "sslmode" in query:
        query["ssl"] = query.pop("sslmode")
    return url.set(drivername="postgresql+asyncpg", query=query)


class Connections:
    """The pool's connections, those that are just being made included."""

    def __init__(self) -> None:
        self._open: weakref.WeakSet[asyncpg.Connection[Any]] = weakref.WeakSet()
        self.answers = 0
        """How often the server has answered on any of them."""

    async def make(self, *arguments: Any, **options: Any) -> asyncpg.Connection[Any]:
        """A new connection. Raises one of CONNECT_ERRORS."""
        made: asyncpg.Connection[Any] = await asyncpg.connect(*arguments, **options)
        self._open.add(made)
        self.answers += 1
        return made

    def answered(self, *_: Any) -> None:
        """A statement came to its end."""
        self.answers += 1

    def cut(self) -> None:
        """Break all of them: whoever waits for an answer is told at once."""
        for connection in list(self._open):
            if not connection.is_closed():
                connection.terminate()


def make_engine(url: URL, connections: Connections, *, pool: int, statement_timeout: float) -> AsyncEngine:
    """pool: at most that many connections. statement_timeout: seconds a statement may take; 0 is for ever."""
    settings = {
        "application_name": "medianest",
        "statement_timeout": str(int(statement_timeout * 1000)),
        "lock_timeout": str(int(_LOCK_TIMEOUT * 1000)),
        "idle_in_transaction_session_timeout": str(int(_IDLE_TIMEOUT * 1000)),
        "timezone": "UTC",
        # Compiling costs more than any of our statements.
        "jit": "off",
    }
    engine = create_async_engine(
        url,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=5,
        pool_use_lifo=True,
        json_serializer=json_text,
        connect_args={
            "timeout": _CONNECT,
            "server_settings": settings,
            "async_creator_fn": connections.make,
        },
    )
    event.listen(engine.sync_engine, "checkout", _alive)
    event.listen(engine.sync_engine, "before_cursor_execute", _without_nul, retval=True)
    event.listen(engine.sync_engine, "after_cursor_execute", connections.answered)
    return engine


def _without_nul(_c: Any, _cursor: Any, statement: str, parameters: Any, _x: Any, many: bool) -> Any:
    # Rows that SQLAlchemy inserts together in one statement come as one flat tuple.
    if many and isinstance(parameters, list):
        return statement, [tuple(map(without_nul, row)) for row in parameters]
    return statement, tuple(map(without_nul, parameters))


def _alive(connection: Any, record: Any, _: Any) -> None:
    # A connection that its server has closed knows that: asking the server each time would double the cost of a small read.
    if record.driver_connection.is_closed():
        raise DisconnectionError("the server has closed this connection")


class Pulse:
    """Asks the server on a connection of its own whether it is there, for as long as it runs."""

    def __init__(self, engine: AsyncEngine, connections: Connections) -> None:
        """connections: the engine's."""
        _, options = engine.dialect.create_connect_args(engine.url)
        self._options = {name: value for name, value in options.items() if not name.startswith("prepared_")}
        self._connections = connections
        self._connection: asyncpg.Connection[Any] | None = None
        self._task: asyncio.Task[None] | None = None
        self._away_since: float | None = None
        self.reason = ""
        """Why the server did not answer last; empty where it did."""
        self._wake = asyncio.Event()

    @property
    def away(self) -> bool:
        """True while the server does not answer."""
        return self._away_since is not None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="pulse of the database")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None
        self._drop()

    def answered(self) -> None:
        """A statement that was not said through the engine came to its end."""
        self._connections.answered()

    def doubt(self) -> None:
        """A transaction has just failed for want of the server: look now."""
        self._wake.set()

    async def _run(self) -> None:
        while True:
            self.reason = reason = await self._beat()
            if reason and not self.away:
                self._away_since = time.monotonic()
                _log.warning("the database does not answer", reason=reason)
            if reason:
                self._connections.cut()
            elif self._away_since is not None:
                _log.info("the database answers again", after=round(time.monotonic() - self._away_since, 1))
                self._away_since = None
            self._wake.clear()
            try:
                async with asyncio.timeout(_BEAT):
                    await self._wake.wait()
            except TimeoutError:
                pass
            else:
                # Many may doubt at once, and a server that refuses does so without delay.
                await asyncio.sleep(_BEAT / 5)

    async def _beat(self) -> str:
        """Empty where the server answered, else why it did not."""
        asked = asyncio.ensure_future(self._ask())
        try:
            waited, heard = 0.0, self._connections.answers
            while waited < _PATIENCE:
                # However long a look takes, it counts as one: this process may be the one that was not given its turn.
                await asyncio.wait({asked}, timeout=_LOOK)
                if asked.done():
                    return asked.result()
                waited += _LOOK
                if self._connections.answers != heard:
                    # Others are answered, so the server is there, and has more to do than it can.
                    waited, heard = 0.0, self._connections.answers
        finally:
            if not asked.done():
                asked.cancel()
                self._drop()
        return "no answer"

    async def _ask(self) -> str:
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(
                    **self._options,
                    timeout=_CONNECT,
                    statement_cache_size=0,
                    server_settings={"application_name": "medianest pulse"},
                )
            await self._connection.execute("SELECT 1")
        except Exception as error:
            # Whatever it is, it is no answer; and nobody else watches.
            self._drop()
            return f"{type(error).__name__}: {error}"
        return ""

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
