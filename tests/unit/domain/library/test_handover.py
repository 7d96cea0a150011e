"""Readers leave work, the writer takes all of it."""

from __future__ import annotations

import asyncio

from medianest_core.domain.library.syncing.handover import Handover
from medianest_core.domain.library.syncing.work import Work


async def test_a_reader_waits_until_its_work_is_taken_and_all_of_it_is_taken_at_once() -> None:
    handover, first, second = Handover(), Work("a"), Work("b")
    readers = [asyncio.create_task(handover.put(work)) for work in (first, second)]
    await asyncio.sleep(0)
    assert not any(reader.done() for reader in readers)
    assert await handover.take() == [first, second]
    await asyncio.gather(*readers)


async def test_the_writer_waits_for_work_and_learns_of_the_end() -> None:
    handover, work = Handover(), Work("a")
    writer = asyncio.create_task(handover.take())
    await asyncio.sleep(0)
    assert not writer.done()
    await handover.put(work)
    assert await writer == [work]
    writer = asyncio.create_task(handover.take())
    await asyncio.sleep(0)
    handover.end()
    assert await writer == []
    assert await handover.take() == []


async def test_what_a_cancelled_reader_left_is_taken() -> None:
    handover, work = Handover(), Work("a")
    reader = asyncio.create_task(handover.put(work))
    await asyncio.sleep(0)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    handover.end()
    assert await handover.take() == [work]
    assert await handover.take() == []
