"""Running other people's coroutines: with a deadline that holds, and with exits contained.

`asyncio.timeout` and `wait_for` wait for ever on a coroutine that swallows its cancellation, and a SystemExit raised inside a
task ends the whole server. Here the task is cancelled, given a moment, then left behind.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

from medianest_core.base.logging import get_logger
from medianest_core.base.texts import N_
from medianest_core.sdk.errors import MediaNestError, NotReady

T = TypeVar("T")
_log = get_logger(__name__)
_abandoned: set[asyncio.Task[Any]] = set()
_spawned: set[asyncio.Task[Any]] = set()


class Overdue(NotReady):
    """It did not end before its deadline."""


class Exited(MediaNestError):
    """The code tried to end the whole process."""


async def contained(awaitable: Awaitable[T]) -> T:
    """The result of `awaitable`; attempts to end the process become `Exited`."""
    try:
        return await awaitable
    except (SystemExit, KeyboardInterrupt) as error:
        raise Exited(
            N_("The code called for the end of the process ({kind}).").format(kind=type(error).__name__)
        ) from error


async def bounded(awaitable: Awaitable[T], deadline: float, grace: float = 1.0) -> T:
    """The result of `awaitable`, or Overdue after `deadline` seconds.

    When time is up the task is cancelled, given `grace` seconds to clean up, then abandoned: this function returns in any
    case within `deadline + grace`. Cancelling the caller cancels the task in the same way. Raises Exited for SystemExit, and
    RuntimeError where the code cancelled itself.
    """
    task = asyncio.ensure_future(contained(awaitable))
    try:
        done, _ = await asyncio.wait({task}, timeout=deadline)
    except asyncio.CancelledError:
        await end(task, grace)
        raise
    if task.cancelled():
        # Nobody asked for it: as a CancelledError it would end our caller too, and whatever waits for that.
        raise RuntimeError("the code cancelled itself")
    if done:
        return task.result()
    await end(task, grace)
    raise Overdue(N_("No answer within {seconds} seconds.").format(seconds=f"{deadline:g}"))


async def end(task: asyncio.Task[Any], grace: float = 1.0) -> bool:
    """Cancel a task and wait at most `grace` seconds. False where it had to be left behind."""
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=grace)
    if done:
        if not task.cancelled():
            task.exception()
        return True
    _abandoned.add(task)
    task.add_done_callback(_forget)
    _log.warning("a task ignored its cancellation and was left behind", task=task.get_name())
    return False


def abandoned() -> int:
    """How many tasks were left behind and still run."""
    return len(_abandoned)


def _forget(task: asyncio.Task[Any]) -> None:
    _abandoned.discard(task)
    if not task.cancelled():
        task.exception()


def spawn(coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
    """Run in the background; a failure is logged with the name."""
    task = asyncio.create_task(contained(coroutine), name=name)
    _spawned.add(task)
    task.add_done_callback(_report)
    return task


def _report(task: asyncio.Task[Any]) -> None:
    _spawned.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("a background task failed", task=task.get_name(), exc_info=error)


class TaskKeeper:
    """Background tasks that end together with their owner."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        task = spawn(coroutine, name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self, grace: float = 2.0) -> None:
        """Cancel all of them; those that ignore it are left behind after `grace` seconds."""
        tasks = list(self._tasks)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*(end(task, grace) for task in tasks))
