"""Blocking work in threads."""

from __future__ import annotations

import asyncio
import sys
import threading

import pytest

from medianest_core.base.logging import correlation_id
from medianest_core.base.threads import in_thread


async def test_result_name_and_context() -> None:
    token = correlation_id.set("abc")
    try:
        assert await in_thread(
            lambda: (
                threading.current_thread().name,
                threading.current_thread().daemon,
                correlation_id.get(),
            ),
            name="work",
        ) == ("work", True, "abc")
    finally:
        correlation_id.reset(token)


async def test_errors_come_back() -> None:
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0)
    with pytest.raises(RuntimeError, match="StopIteration"):
        await in_thread(next, iter(()))
    with pytest.raises(SystemExit):
        await in_thread(sys.exit, 3)


async def test_a_caller_that_gives_up_is_not_held() -> None:
    release = threading.Event()
    task = asyncio.create_task(in_thread(release.wait))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()
