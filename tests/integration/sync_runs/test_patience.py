"""Servers that hang, die half-way, list nothing, or cannot tell of one title: runs end, say so, and lose nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from medianest_core.bus.events import SystemAlert
from medianest_core.domain.library.syncing.runs import SyncArgs
from medianest_core.ledger.states import JobState
from medianest_core.sdk.errors import InvalidResponse, NotReady
from medianest_core.sdk.media import Library, RawRecord, RecordPage
from medianest_core.store.errors import DatabaseAway
from tests.fakes.media import FakeSource, movie
from tests.integration.library.conftest import Shelf


@pytest.mark.full
async def test_one_hangs_one_dies_half_way_and_nothing_is_lost(shelf: Shelf) -> None:
    for name in ("a", "b", "c"):
        shelf.server(name).put(*(movie(f"{name}{n}", f"{name.upper()} {n:03}") for n in range(150)))
    await shelf.sync()
    assert len(await shelf.names()) == 200
    total = len((await shelf.dump())["titles"])
    hangs, dies, fine = shelf.servers["a"], shelf.servers["b"], shelf.servers["c"]
    hangs.gate = asyncio.Event()
    dies.fail_after = 100
    fine.put(movie("c0", "C 000", fields={"summary": "New."}))
    await shelf.library.schedule.change("a", {"patience": 2.0}, 0, None)
    for _ in range(2):
        done = await shelf.sync()
        assert done.state is JobState.DONE
    run = await shelf.library.runs.of_job(done.id)
    assert run is not None
    assert {problem["instance_id"] for problem in run.problems} == {"a", "b"}
    assert "Nothing came for 2 seconds" in str(run.problems)
    assert run.counts["complete"] == ["c/1"]
    assert run.counts["instances"]["a"]["state"] == "failed"
    assert len((await shelf.dump())["titles"]) == total
    hangs.gate.set()


class _Together:
    """As a server's gate: opens when that many wait for it at once."""

    def __init__(self, count: int) -> None:
        self._barrier = asyncio.Barrier(count)

    async def wait(self) -> None:
        await self._barrier.wait()


async def test_all_servers_are_read_at_the_same_time(shelf: Shelf) -> None:
    together = _Together(3)
    for name in ("a", "b", "c"):
        server = shelf.server(name)
        server.put(movie(name, name.upper()))
        server.gate = together
    done = await shelf.sync()
    assert (done.state, done.result["added"]) == (JobState.DONE, 3)
    assert sorted(done.result["complete"]) == ["a/1", "b/1", "c/1"]


async def test_an_empty_but_valid_listing_removes_nothing_and_an_admin_is_asked(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.put(*(movie(str(n)) for n in range(12)))
    await shelf.sync()
    server.records.clear()
    for _ in range(3):
        assert (await shelf.sync()).state is JobState.DONE
    assert len(await shelf.names()) == 12
    await shelf.floor.bus.drain()
    alerts = [one for one in shelf.floor.heard if isinstance(one, SystemAlert) and one.active]
    assert len(alerts) == 1 and "12 titles" in alerts[0].message


class _Slow(FakeSource):
    """Sends one record after the other for ever: there is progress, and no end."""

    async def records(self, library: Library) -> AsyncIterator[RecordPage]:
        number = 0
        while True:
            number += 1
            yield RecordPage([self._raw(movie(f"x{number}"))])
            await asyncio.sleep(0.02)


async def test_a_source_that_never_ends_is_given_up(shelf: Shelf) -> None:
    from medianest_core.domain.library.syncing import source_settings
    from medianest_core.sdk.media import MediaSource

    server = shelf.server("a")
    shelf.instances.providers["a"][MediaSource] = _Slow("a", server)
    limits = dict(source_settings.LIMITS)
    try:
        source_settings.LIMITS["longest"] = (0.3, 60.0)
        await shelf.library.schedule.change("a", {"longest": 0.4}, 0, None)
    finally:
        source_settings.LIMITS.update(limits)
    job_id = await shelf.library.runs.request(SyncArgs())
    while not (run := await shelf.library.runs.of_job(job_id)) or run.state in ("queued", "running"):
        await asyncio.sleep(0.02)
    async with shelf.floor.db.begin() as tx:
        await shelf.floor.ledger.cancel(tx, job_id)
    assert run.state == "failed" and "longer than 0.4 seconds" in str(run.problems)


class _OneBad(FakeSource):
    """Cannot tell of one title until `well`."""

    well = False

    async def record(self, key: str) -> RawRecord | None:
        if key == "bad" and not self.well:
            raise InvalidResponse("not understood")
        return await super().record(key)


async def test_a_title_that_cannot_be_read_is_tried_again_alone(shelf: Shelf) -> None:
    from medianest_core.sdk.media import MediaSource

    server = shelf.server("a")
    server.put(movie("bad", "Bad"), movie("good", "Good"))
    source = _OneBad("a", server)
    shelf.instances.providers["a"][MediaSource] = source
    done = await shelf.sync(keys=("bad", "good"))
    assert done.state is JobState.DONE and await shelf.names() == ["Good"]
    queued, run = (await shelf.library.sync_runs())[:2]
    assert run.failed == {"a": ["bad"]} and "1 titles could not be read: not understood" in str(run.problems)
    assert queued.args is not None
    assert (queued.state, queued.args.keys, queued.args.tries) == ("queued", ("bad",), 1)
    job = await shelf.floor.job(queued.job_id)
    assert job.due_at > job.created_at + 30, "not at once"
    source.well = True
    (again,) = await shelf.library.runs.retry(run.id, None)
    assert again == queued.job_id, "the try that waits is brought forward"
    assert (await shelf.floor.finished(again)).state is JobState.DONE
    assert await shelf.names() == ["Bad", "Good"]


async def test_a_server_that_was_away_is_read_again_by_retry(shelf: Shelf) -> None:
    one, two = shelf.server("a"), shelf.server("b")
    one.put(movie("1", "Here"))
    two.put(movie("2", "There"))
    two.fail = NotReady("down")
    done = await shelf.sync()
    run = await shelf.library.runs.of_job(done.id)
    assert run is not None and await shelf.names() == ["Here"]
    two.fail = None
    one.calls.clear()
    (again,) = await shelf.library.runs.retry(run.id, None)
    await shelf.floor.finished(again)
    assert await shelf.names() == ["Here", "There"] and one.calls == []


async def test_a_database_that_was_too_busy_is_no_fault_of_a_source(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        shelf.server(name).put(movie(name, name.upper()))
    of, busy = shelf.library.schedule.of, True

    async def once(instance_id: str) -> Any:
        nonlocal busy
        if busy and instance_id == "b":
            busy = False
            raise DatabaseAway("Others write all the time.")
        return await of(instance_id)

    monkeypatch.setattr(shelf.library.schedule, "of", once)
    done = await shelf.sync()
    assert done.state is JobState.DONE
    assert await shelf.names() == ["A", "B"]
    run = await shelf.library.runs.of_job(done.id)
    assert run is not None
    assert (run.state, run.problems) == ("done", [])
    assert sorted(run.counts["complete"]) == ["a/1", "b/1"]
