"""The live connection of one instance: opened when it is first needed, kept while somebody listens or asks, mended by itself.

One sign-in serves everyone in the process, because Uptime Kuma allows twenty a minute and tells everything it knows at each.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import logging
import random
import time
from collections.abc import AsyncGenerator, Iterator
from typing import Any

from medianest_core.sdk import N_, AuthFailed, Http, NotReady, ProviderError, RateLimited
from medianest_uptimekuma.board import Board
from medianest_uptimekuma.link import Link, linked
from medianest_uptimekuma.sign_in import PAUSE, Credentials, sign_in

IDLE = 180.0
"""Seconds without anybody asking, after which the connection is given up. Health checks come every minute."""
GRACE = 20.0
"""Seconds that listeners are spared a connection that is being mended."""
_BURST = 15.0
_LASTING = 30.0
_ENDED = N_("Uptime Kuma ended the connection.")
_log = logging.getLogger(__name__)
_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
_REFUSED_PAUSE = 20.0


class Listener:
    """Wakes one iteration over what changes; urgent: a state changed, not just a figure."""

    def __init__(self) -> None:
        self.news = asyncio.Event()
        self.urgent = asyncio.Event()

    def tell(self, urgent: bool) -> None:
        self.news.set()
        if urgent:
            self.urgent.set()

    async def wait(self, gather: float) -> None:
        """Until something changed; figures are gathered for so many seconds, a state is told at once."""
        await self.news.wait()
        if not self.urgent.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(gather):
                    await self.urgent.wait()
        self.news.clear()
        self.urgent.clear()


class Session:
    """Everything that needs a sign-in goes through here. Make it without I/O; `close` it at the end."""

    def __init__(self, http: Http, credentials: Credentials, *, verify_tls: bool) -> None:
        self._http = http
        self._credentials = credentials
        self._verify_tls = verify_tls
        self._listeners: set[Listener] = set()
        self._task: asyncio.Task[None] | None = None
        self._board: Board | None = None
        self._link: Link | None = None
        self._error: ProviderError | None = None
        self._not_before = 0.0
        self._used = 0.0
        self._lost_at: float | None = None
        self._settled = asyncio.Event()
        self._wake = asyncio.Event()
        self.attempts = 0

    @property
    def connected(self) -> bool:
        """Whether the connection stands and everything was told."""
        return self._link is not None and not self._link.gone.is_set()

    async def board(self) -> Board:
        """What is known now, over a connection that stands. Raises the error of the attempt to make one."""
        self._used = time.monotonic()
        if self.connected and self._board is not None:
            return self._board
        # Another try would not go better, and would count against the twenty of a minute.
        if isinstance(self._error, AuthFailed | RateLimited) and time.monotonic() < self._not_before:
            raise self._reason()
        self._settled.clear()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="uptime kuma session")
        self._wake.set()
        await self._settled.wait()
        if self.connected and self._board is not None:
            return self._board
        raise self._reason()

    async def call(self, event: str, *args: Any, timeout: float = 10.0) -> Any:
        """The answer to a call after the sign-in. Raises ProviderError."""
        await self.board()
        if self._link is None:
            raise NotReady(_ENDED)
        return await self._link.call(event, *args, timeout=timeout)

    async def changes(self, gather: float) -> AsyncGenerator[Board]:
        """The board now, and again whenever it has changed. A lost connection is mended; if that takes long, its error is raised."""
        with self._listening() as listener:
            yield await self.board()
            while True:
                await listener.wait(gather)
                if not self.connected:
                    await self._mended()
                if self._board is not None:
                    yield self._board

    async def close(self) -> None:
        """End the connection; a later call would open it again."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    @contextlib.contextmanager
    def _listening(self) -> Iterator[Listener]:
        listener = Listener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def _tell(self, urgent: bool) -> None:
        for listener in self._listeners:
            listener.tell(urgent)

    async def _mended(self) -> None:
        ends = (self._lost_at or time.monotonic()) + GRACE
        while not self.connected:
            left = ends - time.monotonic()
            if left <= 0 or isinstance(self._error, AuthFailed | RateLimited):
                raise self._reason()
            if self._task is None or self._task.done():
                await self.board()
                return
            self._settled.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._settled.wait()

    async def _run(self) -> None:
        failures = 0
        try:
            while True:
                self.attempts += 1
                begun = time.monotonic()
                try:
                    await self._live()
                    if not self._wanted():
                        return
                    # A server that falls over again and again is not asked for everything twice a second.
                    failures = 0 if time.monotonic() - begun > _LASTING else failures + 1
                    self._error = NotReady(_ENDED)
                except ProviderError as error:
                    failures += 1
                    self._error = error
                except Exception as error:
                    failures += 1
                    _log.exception("the live connection to Uptime Kuma broke")
                    self._error = NotReady(_ENDED)
                    self._error.__cause__ = error
                pause = self._pause(failures)
                self._link = None
                self._not_before = time.monotonic() + pause
                self._settled.set()
                self._tell(True)
                if not self._wanted() or isinstance(self._error, AuthFailed):
                    return
                self._wake.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._wake.wait()
        finally:
            self._link = None
            self._error = self._error or NotReady(_ENDED)
            self._settled.set()
            self._tell(True)

    def _reason(self) -> ProviderError:
        # One of its own for everyone: an exception gathers the places that it passes.
        return copy.copy(self._error or NotReady(_ENDED))

    def _pause(self, failures: int) -> float:
        if isinstance(self._error, RateLimited):
            return self._error.retry_after or PAUSE
        if isinstance(self._error, AuthFailed):
            return _REFUSED_PAUSE
        step = _PAUSES[min(failures, len(_PAUSES) - 1)]
        # So that many who lost the same server do not come back at once.
        return step * (0.75 + random.random() / 2)

    def _wanted(self) -> bool:
        return bool(self._listeners) or time.monotonic() - self._used < IDLE

    async def _live(self) -> None:
        """One connection from its beginning to its end. Raises ProviderError where it did not come about."""
        changed = asyncio.Event()

        def news(urgent: bool) -> None:
            changed.set()
            if self._board is board:
                self._tell(urgent)

        board = Board(time.time, news)
        async with linked(self._http, Board.EVENTS, board.take, verify_tls=self._verify_tls) as link:
            # Where no sign-in is asked for, everything is told by itself.
            await _first_words(link)
            if not link.auto.is_set():
                await sign_in(link.call, self._credentials)
            await _told(board, link, changed)
            self._link, self._board, self._error, self._lost_at = link, board, None, None
            self._settled.set()
            self._tell(True)
            while self._wanted() and not link.gone.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(IDLE / 4):
                        await link.gone.wait()
            self._lost_at = time.monotonic()


async def _first_words(link: Link) -> None:
    """A moment for "autoLogin"; a server that asks for a sign-in does so at once."""
    auto = asyncio.ensure_future(link.auto.wait())
    asked = asyncio.ensure_future(link.asked.wait())
    await asyncio.wait({auto, asked}, timeout=2.0, return_when=asyncio.FIRST_COMPLETED)
    auto.cancel()
    asked.cancel()


async def _told(board: Board, link: Link, changed: asyncio.Event) -> None:
    """Wait for the checks of all monitors: most came before the answer to the sign-in, in the first generation after it."""
    deadline = time.monotonic() + _BURST
    while not board.complete and (left := deadline - time.monotonic()) > 0:
        if link.gone.is_set():
            raise NotReady(_ENDED)
        changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(left, 0.5)):
                await changed.wait()
    if board.listed is None:
        raise NotReady("Uptime Kuma accepted the sign-in, but does not tell its monitors.")
