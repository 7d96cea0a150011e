"""The job: counts to ten and says so as it goes."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from pydantic import BaseModel

from medianest_core.sdk import USER, Audience, Event, Job, JobContext, PluginContext
from medianest_hello.counter import Count, read, write

GOAL = 10


class Counted(Event):
    """The count went on. Everyone who is signed in receives it live."""

    name: ClassVar[str] = "hello:counted"
    number: int
    runs: int


class CountArgs(BaseModel):
    """pause: seconds between two numbers."""

    pause: float = 0.3


async def count_to_ten(job: JobContext, args: CountArgs) -> dict[str, int]:
    """Count from one; a job that is run again after a crash starts over."""
    context = job.plugin
    assert context is not None
    runs = read(context.data_dir).runs
    for number in range(1, GOAL + 1):
        job.check_cancelled()
        await _say(context, Count(number, runs + (number == GOAL)))
        await job.progress(number, GOAL, context.gettext("Counting"))
        await asyncio.sleep(args.pause)
    return {"counted": GOAL}


async def _say(context: PluginContext, count: Count) -> None:
    write(context.data_dir, count)
    await context.emit(Counted(number=count.number, runs=count.runs), Audience.everyone())


COUNT = Job(
    "hello.count", count_to_ten, CountArgs, title="Count to ten", policy=USER, unique_by=lambda _: "one"
)
