"""The guard: whatever a plugin does, the caller gets a result or one of the SDK's errors in time."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from typing import Any, ClassVar
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_core.base.breaker import Breaker, BreakerOpen, BreakerState
from medianest_core.base.bulkhead import Bulkhead
from medianest_core.base.clock import FakeClock
from medianest_core.base.patience import bearing
from medianest_core.base.redact import register_secret
from medianest_core.base.retry import RetryPlan
from medianest_core.host.calls import RULES, CallRule, rule_for
from medianest_core.host.declarations import KINDS
from medianest_core.host.errors import PluginFault
from medianest_core.host.guard import Guard, translate
from medianest_core.host.health import HealthLog
from medianest_core.host.proxy import guarded
from medianest_core.sdk import (
    AuthFailed,
    Http,
    InvalidResponse,
    Library,
    MediaSource,
    NotFound,
    NotReady,
    RateLimited,
    RawRecord,
    RecordPage,
    ServiceSettings,
    ServiceType,
    SignInDenied,
    Unsupported,
    UserError,
)
from medianest_core.sdk.downloads import ProgressSink
from medianest_core.sdk.settings import MASK

READ = CallRule(repeat=True, deadline=60.0)
ONCE = CallRule(deadline=60.0)
BRIEF = CallRule(deadline=0.1)


class Bench:
    """A guard whose parts can be looked at; waiting takes no time. ahead: seconds by which its clock was put forward."""

    def __init__(self, size: int = 8) -> None:
        self.breaker = Breaker()
        self.bulkhead = Bulkhead(size)
        self.health = HealthLog(FakeClock(), self.breaker)
        self.troubles: list[Exception] = []
        self.pauses: list[float] = []
        self.ahead = 0.0
        self.guard = Guard(
            plugin="p",
            instance="i",
            breaker=self.breaker,
            bulkhead=self.bulkhead,
            health=self.health,
            on_trouble=self.troubles.append,
            plan=RetryPlan(jitter=0.0),
            timer=lambda: time.monotonic() + self.ahead,
            sleep=self.sleep,
        )

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def failing(*errors: BaseException | None, result: str = "done") -> Any:
    """A call that raises these in turn, then returns."""
    waiting = list(errors)

    async def call() -> str:
        error = waiting.pop(0) if waiting else None
        if error is not None:
            raise error
        return result

    return call


async def test_repeats_what_may_be_repeated(bench: Bench) -> None:
    assert await bench.guard.call(READ, "x", failing(NotReady("a"), NotReady("b"))) == "done"
    assert bench.pauses == [1.0, 2.0]
    assert bench.health.reading().failing_since is None


async def test_does_not_repeat_what_may_not(bench: Bench) -> None:
    with pytest.raises(NotReady, match="first"):
        await bench.guard.call(ONCE, "x", failing(NotReady("first")))
    assert bench.pauses == []


async def test_waits_as_long_as_the_service_asks(bench: Bench) -> None:
    assert await bench.guard.call(READ, "x", failing(RateLimited("slow", 3.0))) == "done"
    assert bench.pauses == [3.0]


async def test_never_waits_past_the_deadline(bench: Bench) -> None:
    with pytest.raises(RateLimited):
        await bench.guard.call(CallRule(repeat=True, deadline=9.0), "x", failing(RateLimited("slow", 9.5)))
    assert bench.pauses == []


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (TimeoutError(), NotReady),
        (ConnectionResetError("reset"), NotReady),
        (OSError(5, "io"), NotReady),
        (KeyError("status"), InvalidResponse),
        (ValueError("bad"), InvalidResponse),
        (UnicodeDecodeError("utf-8", b"", 0, 1, "bad"), InvalidResponse),
        (ElementTree.ParseError("bad"), InvalidResponse),
        (TypeError("plugin"), PluginFault),
        (AttributeError("plugin"), PluginFault),
        (AssertionError("plugin"), PluginFault),
        (SystemExit(3), PluginFault),
        (asyncio.CancelledError(), PluginFault),
        (AuthFailed("no"), AuthFailed),
        (UserError("typed wrongly"), UserError),
    ],
)
async def test_translates(bench: Bench, raised: BaseException, expected: type[Exception]) -> None:
    with pytest.raises(expected):
        await bench.guard.call(ONCE, "Kind.method", failing(raised))
    assert bench.bulkhead.used == 0


@given(st.sampled_from([ValueError, OSError, RuntimeError, TypeError, KeyError]), st.text())
def test_translation_is_total(kind: type[Exception], text: str) -> None:
    assert isinstance(translate(kind(text), "what"), NotReady | InvalidResponse | PluginFault)


async def test_a_call_that_swallows_its_cancellation_is_left_behind(bench: Bench) -> None:
    release = asyncio.Event()

    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    with pytest.raises(NotReady, match="No answer"):
        await bench.guard.call(BRIEF, "x", stubborn)
    assert bench.bulkhead.used == 0
    release.set()


async def test_our_own_cancellation_passes_through(bench: Bench) -> None:
    started = asyncio.Event()

    async def long() -> None:
        started.set()
        await asyncio.Event().wait()

    task = asyncio.ensure_future(bench.guard.call(ONCE, "x", long))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bench.bulkhead.used == 0 and bench.breaker.state is BreakerState.CLOSED
    assert bench.troubles == []


async def test_five_failures_open_the_breaker_and_answers_do_not(bench: Bench) -> None:
    for _ in range(10):
        with pytest.raises(NotFound):
            await bench.guard.call(ONCE, "x", failing(NotFound("no such title")))
        with pytest.raises(AuthFailed):
            await bench.guard.call(ONCE, "x", failing(AuthFailed("no")))
    assert bench.breaker.state is BreakerState.CLOSED
    for _ in range(5):
        with pytest.raises(NotReady):
            await bench.guard.call(ONCE, "x", failing(NotReady("away")))
    called = False

    async def call() -> None:
        nonlocal called
        called = True

    with pytest.raises(BreakerOpen):
        await bench.guard.call(READ, "x", call)
    assert not called
    assert bench.health.reading().breaker == "open"


async def test_eight_at_once(bench: Bench) -> None:
    running, most, gate = 0, 0, asyncio.Event()

    async def call() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await gate.wait()
        running -= 1

    tasks = [asyncio.ensure_future(bench.guard.call(ONCE, "x", call)) for _ in range(20)]
    while running < 8:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert running == 8
    gate.set()
    await asyncio.gather(*tasks)
    assert most == 8 and bench.bulkhead.used == 0


class Sink(ProgressSink):
    def __init__(self) -> None:
        self.seen: list[int] = []

    async def progress(self, *, stage: str, downloaded: int, **rest: Any) -> None:
        self.seen.append(downloaded)


async def test_idle_work_goes_on_while_there_is_progress(bench: Bench) -> None:
    sink = Sink()

    async def work(watched: ProgressSink) -> str:
        for step in range(4):
            bench.ahead += 40.0
            await asyncio.sleep(0)
            await watched.progress(stage="downloading", downloaded=step)
        return "done"

    assert await bench.guard.idle(CallRule(idle=60.0, slot=False), "x", work, sink) == "done"
    assert sink.seen == [0, 1, 2, 3]

    async def stuck(watched: ProgressSink) -> None:
        await asyncio.Event().wait()

    with pytest.raises(NotReady, match="No progress"):
        await bench.guard.idle(CallRule(idle=0.1, slot=False), "x", stuck, sink)


async def test_a_stream_ends_as_its_source_does(bench: Bench) -> None:
    async def pages() -> AsyncIterator[int]:
        yield 1
        yield 2

    assert [item async for item in bench.guard.stream(CallRule(idle=60.0), "x", pages)] == [1, 2]

    async def breaking() -> AsyncIterator[int]:
        yield 1
        raise KeyError("Metadata")

    got = []
    with pytest.raises(InvalidResponse):
        async for item in bench.guard.stream(CallRule(idle=60.0), "x", breaking):
            got.append(item)  # noqa: PERF401  # what came before the error counts
    assert got == [1]

    async def hanging() -> AsyncIterator[int]:
        yield 1
        await asyncio.Event().wait()

    with pytest.raises(NotReady, match="Nothing came"):
        async for _ in bench.guard.stream(CallRule(idle=0.1), "x", hanging):
            pass
    assert bench.bulkhead.used == 0


async def test_a_patient_caller_waits_longer_than_the_rule_says(bench: Bench) -> None:
    brief = CallRule(deadline=0.02, idle=0.02)

    async def slow() -> AsyncIterator[int]:
        await asyncio.sleep(0.1)
        yield 1

    async def call() -> int:
        await asyncio.sleep(0.1)
        return 1

    async def both() -> list[int]:
        found = [item async for item in bench.guard.stream(brief, "x", slow)]
        return [*found, await bench.guard.call(BRIEF, "x", call)]

    with pytest.raises(NotReady):
        await both()
    with bearing(30.0):
        task = asyncio.create_task(both())
    assert await task == [1, 1]
    with pytest.raises(NotReady):
        await both()


async def test_leaving_a_stream_closes_its_source(bench: Bench) -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncIterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    stream = bench.guard.stream(CallRule(idle=60.0), "x", endless)
    async for _ in stream:
        break
    await stream.aclose()  # type: ignore[attr-defined]  # it is an async generator
    async with asyncio.timeout(60):
        await closed.wait()
    assert bench.bulkhead.used == 0


class Settings(ServiceSettings):
    pass


class Source(MediaSource[Settings]):
    service: ClassVar = ServiceType("s", Settings)  # type: ignore[misc]  # plugins leave out the annotation

    async def libraries(self) -> list[Library]:
        return [Library("1", "Films", "movie")]

    async def records(self, library: Library) -> AsyncIterator[RecordPage]:
        yield RecordPage([], 0)

    async def record(self, key: str) -> RawRecord | None:
        sys.exit(1)


async def test_the_proxy_guards_each_kind_of_method(bench: Bench) -> None:
    http: Http = None  # type: ignore[assignment]  # never used
    source = Source("id", Settings(), http, http)
    api: MediaSource[Settings] = guarded(source, MediaSource, bench.guard)
    (library,) = await api.libraries()
    assert [page.total async for page in api.records(library)] == [0]
    with pytest.raises(PluginFault):
        await api.record("1")
    with pytest.raises(Unsupported, match="image"):
        await api.image("ref", 1, 1)
    with pytest.raises(Unsupported):
        api.changes(library, 0.0)
    assert (api.instance, api.service.name) == ("id", "s")
    with pytest.raises(AttributeError):
        api.instance = "other"
    assert bench.breaker.state is BreakerState.CLOSED


def test_every_rule_names_a_method_of_its_kind() -> None:
    assert set(RULES) <= set(KINDS.values())
    for kind, rules in RULES.items():
        for method in rules:
            assert hasattr(kind, method), (kind, method)
    assert not rule_for(MediaSource, "create_collection").repeat
    assert not rule_for(MediaSource, "unknown").repeat


def test_no_error_of_a_plugin_repeats_a_secret_we_know() -> None:
    register_secret("canary-of-the-guard")
    told = translate(NotReady("http://nas/?key=canary-of-the-guard did not answer"), "check")
    assert type(told) is NotReady and str(told) == f"http://nas/?key={MASK} did not answer"
    denied = translate(SignInDenied("canary-of-the-guard is nobody"), "complete")
    assert isinstance(denied, SignInDenied) and denied.reason == str(denied) == f"{MASK} is nobody"
    limited = translate(RateLimited("Slow down, password: please.", 3.0), "records")
    assert isinstance(limited, RateLimited) and (str(limited), limited.retry_after) == (
        "Slow down, password: please.",
        3.0,
    )
