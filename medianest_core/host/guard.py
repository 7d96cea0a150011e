"""Every call to a provider passes here: slot, breaker, repetition, one total deadline, and translated errors.

Whatever a plugin does, the caller gets a result or one of `medianest_core.sdk.errors` within the rule's time.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar
from xml.etree.ElementTree import ParseError

from medianest_core.base.breaker import Breaker, BreakerState, Token
from medianest_core.base.bulkhead import Bulkhead
from medianest_core.base.logging import get_logger
from medianest_core.base.patience import at_least
from medianest_core.base.redact import mask_known, redact
from medianest_core.base.retry import RetryPlan
from medianest_core.base.tasks import Exited, Overdue, bounded, contained, end
from medianest_core.base.texts import N_
from medianest_core.host.calls import CallRule
from medianest_core.host.errors import PluginFault
from medianest_core.host.faults import Noting
from medianest_core.host.health import HealthLog
from medianest_core.sdk.downloads import DownloadFailed, ProgressSink
from medianest_core.sdk.errors import (
    AuthFailed,
    InvalidResponse,
    MediaNestError,
    NotFound,
    NotReady,
    RateLimited,
    Rejected,
    SignInDenied,
)

T = TypeVar("T")
_log = get_logger(__name__)
_BAD_PAYLOAD = (ValueError, LookupError, ParseError)
_ANSWERS = (AuthFailed, NotFound, RateLimited, Rejected, DownloadFailed)
"""The service is there and said so: good news for the breaker."""
_DONE = object()
Checking = Callable[[Any], None]
"""Looks at what a provider returned, or at each item of a stream; raises PluginFault. That is then the result of the call."""


class Guard:
    """Guards the calls of one instance.

    on_trouble: told of each failure that says something about the service, after translation. on_fault: told of mistakes of the
    plugin. timer: seconds that never go back.
    """

    def __init__(
        self,
        *,
        plugin: str,
        instance: str,
        breaker: Breaker,
        bulkhead: Bulkhead,
        health: HealthLog,
        on_trouble: Callable[[Exception], None] = lambda _: None,
        on_fault: Noting = lambda *_: None,
        plan: RetryPlan | None = None,
        timer: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.plugin = plugin
        self._instance = instance
        self._breaker = breaker
        self._bulkhead = bulkhead
        self._health = health
        self._on_trouble = on_trouble
        self._on_fault = on_fault
        self._plan = plan or RetryPlan()
        self._timer = timer
        self._sleep = sleep

    async def call(
        self, rule: CallRule, what: str, function: Callable[[], Awaitable[T]], check: Checking | None = None
    ) -> T:
        """The result of `function()`. what: "Kind.method", for the log. Raises errors of the SDK."""
        ends = self._timer() + at_least(rule.deadline)
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._once(rule, what, function, ends - self._timer(), check)
            except (NotReady, RateLimited) as error:
                pause = self._plan.pause(attempt, error) if rule.repeat else None
                if pause is None or self._timer() + pause >= ends:
                    raise
            await self._sleep(pause)

    async def idle(
        self,
        rule: CallRule,
        what: str,
        function: Callable[[ProgressSink], Awaitable[T]],
        sink: ProgressSink,
        check: Checking | None = None,
    ) -> T:
        """Like `call` for work of any length: ends it only after `rule.idle` seconds without progress."""
        assert rule.idle is not None
        watched = _WatchedSink(sink, self._timer)
        async with self._slot(rule, rule.idle):
            token = self._breaker.enter()
            task = asyncio.ensure_future(contained(function(watched)))
            try:
                while not task.done():
                    left = watched.last + rule.idle - self._timer()
                    if left <= 0:
                        await end(task)
                        raise Overdue(
                            N_("No progress for {seconds} seconds.").format(seconds=f"{rule.idle:g}")
                        )
                    await asyncio.wait({task}, timeout=left)
                value = task.result()
                if check is not None:
                    check(value)
            except asyncio.CancelledError as error:
                await end(task)
                raise self._cancelled(token, what, error) from None
            except Exception as error:
                raise self._failed(token, what, error) from error
            self._worked(token)
            return value

    async def stream(
        self,
        rule: CallRule,
        what: str,
        start: Callable[[], AsyncIterable[T]],
        check: Checking | None = None,
    ) -> AsyncIterator[T]:
        """The items of an async generator, each within `rule.idle` seconds (default: the deadline), or longer for who is patient.

        It runs in one task of its own, at most one item ahead, so that it can be left behind when it ignores its end.
        """
        idle = at_least(rule.idle or rule.deadline)
        queue: asyncio.Queue[Any] = asyncio.Queue(maxsize=1)
        async with self._slot(rule, rule.deadline):
            token = self._breaker.enter()
            pump = asyncio.ensure_future(contained(_pump(start, queue)))
            try:
                while True:
                    item = await self._next(queue, pump, idle)
                    if item is _DONE:
                        break
                    if check is not None:
                        check(item)
                    self._health.good()
                    yield item
            except GeneratorExit:
                self._breaker.release(token)
                await end(pump)
                raise
            except asyncio.CancelledError as error:
                await end(pump)
                raise self._cancelled(token, what, error) from None
            except Exception as error:
                await end(pump)
                raise self._failed(token, what, error) from error
            self._worked(token)

    def plain(self, what: str, function: Callable[[], T], check: Checking | None = None) -> T:
        """The result of a pure method, with its errors translated."""
        try:
            value = function()
            if check is not None:
                check(value)
            return value
        except Exception as error:
            translated = self._translate(what, error)
            raise translated from (None if translated is error else error)

    async def _once(
        self,
        rule: CallRule,
        what: str,
        function: Callable[[], Awaitable[T]],
        seconds: float,
        check: Checking | None,
    ) -> T:
        async with self._slot(rule, seconds):
            token = self._breaker.enter()
            try:
                value = await bounded(_start(function), max(0.05, seconds))
                if check is not None:
                    check(value)
            except asyncio.CancelledError as error:
                raise self._cancelled(token, what, error) from None
            except Exception as error:
                raise self._failed(token, what, error) from error
            self._worked(token)
            return value

    @contextlib.asynccontextmanager
    async def _slot(self, rule: CallRule, seconds: float) -> AsyncIterator[None]:
        if not rule.slot:
            yield
            return
        async with self._bulkhead.slot(min(10.0, max(0.05, seconds))):
            yield

    async def _next(self, queue: asyncio.Queue[Any], pump: asyncio.Task[None], idle: float) -> Any:
        getter = asyncio.ensure_future(queue.get())
        try:
            await asyncio.wait({getter, pump}, timeout=idle, return_when=asyncio.FIRST_COMPLETED)
            if getter.done():
                return getter.result()
            if pump.done():
                pump.result()
                return queue.get_nowait() if not queue.empty() else _DONE
            raise Overdue(N_("Nothing came within {seconds} seconds.").format(seconds=f"{idle:g}"))
        finally:
            getter.cancel()

    def _worked(self, token: Token) -> None:
        self._breaker.success(token)
        self._health.good()

    def _cancelled(self, token: Token, what: str, error: asyncio.CancelledError) -> BaseException:
        """Our caller was cancelled; or else the plugin raised it by itself, which is its mistake."""
        self._breaker.release(token)
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            return error
        return self._translate(what, RuntimeError("a call cancelled itself"))

    def _failed(self, token: Token, what: str, error: Exception) -> Exception:
        translated = self._translate(what, error)
        if isinstance(translated, _ANSWERS):
            self._breaker.success(token)
        elif isinstance(translated, NotReady | InvalidResponse | PluginFault):
            before = self._breaker.state
            self._breaker.failure(token)
            self._health.bad(str(translated))
            if self._breaker.state is BreakerState.OPEN and before is not BreakerState.OPEN:
                _log.warning("calls are suspended", plugin=self.plugin, instance=self._instance, what=what)
        else:
            self._breaker.release(token)
        if isinstance(translated, NotReady | InvalidResponse | PluginFault | AuthFailed):
            self._on_trouble(translated)
        return translated

    def _translate(self, what: str, error: Exception) -> Exception:
        translated = translate(error, what)
        if isinstance(translated, PluginFault):
            _log.error(
                "a plugin made a mistake",
                plugin=self.plugin,
                instance=self._instance,
                what=what,
                exc_info=error,
            )
            self._on_fault(self.plugin, what, error)
        return translated


def translate(error: Exception, what: str = "") -> Exception:
    """The error as callers of providers know it."""
    if isinstance(error, Exited):
        return PluginFault(N_("The plugin tried to end the process ({what}).").format(what=what))
    if isinstance(error, MediaNestError | DownloadFailed):
        _mask(error)
        return error
    if isinstance(error, TimeoutError | OSError):
        return NotReady(
            N_("The service cannot be reached ({reason}).").format(
                reason=redact(str(error)) or type(error).__name__
            )
        )
    if isinstance(error, _BAD_PAYLOAD):
        return InvalidResponse("The service answered with something that is not understood.")
    return PluginFault(
        N_("The plugin made a mistake ({what}: {kind}).").format(what=what, kind=type(error).__name__)
    )


def _mask(error: Exception) -> None:
    """Plugins quote what a service answered, and services quote what they were sent. This text is shown, stored and told on."""
    error.args = tuple(mask_known(part) if isinstance(part, str) else part for part in error.args)
    if isinstance(error, SignInDenied):
        error.reason = mask_known(error.reason)


async def _start(function: Callable[[], Awaitable[T]]) -> T:
    return await function()


async def _pump(start: Callable[[], AsyncIterable[Any]], queue: asyncio.Queue[Any]) -> None:
    items = start()
    try:
        async for item in items:
            await queue.put(item)
    finally:
        close = getattr(items, "aclose", None)
        if close is not None:
            await close()


class _WatchedSink(ProgressSink):
    """Passes progress on and remembers when there last was some."""

    def __init__(self, inner: ProgressSink, timer: Callable[[], float]) -> None:
        self._inner = inner
        self._timer = timer
        self.last = timer()

    async def progress(
        self,
        *,
        stage: str,
        downloaded: int,
        total: int | None = None,
        speed: float | None = None,
        eta: float | None = None,
    ) -> None:
        self.last = self._timer()
        await self._inner.progress(stage=stage, downloaded=downloaded, total=total, speed=speed, eta=eta)
