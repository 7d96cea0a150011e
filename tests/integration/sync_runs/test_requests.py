"""Asking for runs: who joins what, what follows, what is due by itself, and what services' hints become."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from typing import Any, cast

import pytest

from medianest_core.base.clock import FakeClock
from medianest_core.domain.library.syncing.hints import followers
from medianest_core.domain.library.syncing.runs import SyncArgs
from medianest_core.domain.library.syncing.source_settings import SourceSchedule
from medianest_core.host.hints import Told
from medianest_core.host.instances import Instances
from medianest_core.ledger.states import JobState
from medianest_core.sdk.errors import RetryLater, UserError
from medianest_core.store.engine import Tx
from medianest_core.store.errors import Stale
from tests.fakes.media import movie
from tests.integration.library.conftest import Shelf


async def running(shelf: Shelf, **options: Any) -> str:
    """A run that waits for its server."""
    server = shelf.server("a")
    server.put(movie("1", "Heat", fields={"captions": {"en": {}}}))
    server.gate = asyncio.Event()
    first = await shelf.library.runs.request(SyncArgs(**options))
    while "records" not in server.calls:
        await asyncio.sleep(0.005)
    return first


async def test_forced_requests_during_a_run_become_one_follow_up_with_all_of_them(shelf: Shelf) -> None:
    first = await running(shelf)
    runs = shelf.library.runs
    captions = await runs.request(SyncArgs(ops=("captions",), force=True))
    posters = await runs.request(SyncArgs(ops=("posters",), force=True))
    assert captions == posters != first
    follow_up = await runs.of_job(captions)
    assert follow_up is not None and follow_up.args is not None and follow_up.forced
    assert set(follow_up.args.ops or ()) == {"captions", "posters"}
    assert await runs.request(SyncArgs(force=True)) == captions
    shelf.servers["a"].gate.set()
    for job in (first, captions):
        assert (await shelf.floor.finished(job)).state is JobState.DONE
    done = await runs.of_job(captions)
    assert done is not None and done.args is not None and done.args.ops is None, "all was asked for at last"
    assert len(await runs.latest()) == 2


async def test_what_does_something_else_with_the_same_titles_waits_for_its_turn(shelf: Shelf) -> None:
    first = await running(shelf)
    runs = shelf.library.runs
    posters = await runs.request(SyncArgs(ops=("posters",)))
    with pytest.raises(RetryLater):
        async with shelf.floor.db.begin() as tx:
            await runs.begin(tx, SyncArgs(ops=("posters",)), posters)
    shelf.servers["a"].gate.set()
    for job in (first, posters):
        assert (await shelf.floor.finished(job)).state is JobState.DONE


async def test_who_asks_for_the_same_gets_the_same_result(shelf: Shelf) -> None:
    first = await running(shelf)
    others = await asyncio.gather(*(shelf.library.runs.request(SyncArgs()) for _ in range(5)))
    assert set(others) == {first}
    shelf.servers["a"].gate.set()
    assert (await shelf.floor.finished(first)).result["added"] == 1


async def test_a_run_that_waits_is_brought_forward(shelf: Shelf) -> None:
    shelf.server("a").put(movie("1", "Heat"))
    later = await shelf.library.runs.request(SyncArgs(), delay=3600.0)
    assert await shelf.library.runs.request(SyncArgs()) == later
    assert (await shelf.floor.finished(later)).state is JobState.DONE


async def test_a_hint_during_a_run_is_not_lost(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.put(movie("1", "Heat"))
    await shelf.sync()
    follow = followers(cast(Instances, shelf.instances), shelf.floor.ledger)["media.changed"]

    async def hint(key: str) -> None:
        async with shelf.floor.db.begin() as tx:
            assert await follow(tx, Told("a", "media.changed", (key,))) == "library.sync"

    await hint("1")
    (known,) = (await shelf.library.sync_runs())[:1]
    async with shelf.floor.db.begin() as tx:
        await shelf.library.runs.begin(tx, cast(SyncArgs, known.args), known.job_id)
    server.put(movie("1", "Heat", fields={"summary": "New."}), movie("2", "Ronin"))
    await hint("1")
    await hint("1")
    await hint("2")
    runs = await shelf.library.sync_runs()
    assert len(runs) == 4, "one under way, one after it, and one of another title"
    for run in runs:
        await shelf.floor.finished(run.job_id)
    assert await shelf.names() == ["Heat", "Ronin"]
    heat = (await shelf.library.search("heat"))[0]
    detail = await shelf.library.title(heat.id)
    assert detail is not None and detail.values["summary"] == "New."


async def test_cancelling_one_that_waits_and_one_that_runs(shelf: Shelf) -> None:
    first = await running(shelf)
    runs = shelf.library.runs
    follow_up = await runs.request(SyncArgs(force=True))
    waits, runs_now = await runs.of_job(follow_up), await runs.of_job(first)
    assert waits is not None and runs_now is not None
    assert await runs.cancel(waits.id, None) and (await runs.get(waits.id)).state == "cancelled"
    with pytest.raises(UserError):
        await runs.retry(runs_now.id, None)
    assert await runs.cancel(runs_now.id, None)
    assert (await shelf.floor.finished(first)).state is JobState.CANCELLED
    assert (await runs.get(runs_now.id)).state == "cancelled"
    assert not await runs.cancel(runs_now.id, None)
    assert await shelf.names() == []


async def test_each_source_is_synced_at_its_own_times(shelf: Shelf) -> None:
    shelf.server("a"), shelf.server("b")
    clock = FakeClock(1000.0)
    schedule = SourceSchedule(shelf.floor.db, cast(Instances, shelf.instances), clock)
    asked: list[SyncArgs] = []

    async def request(tx: Tx, args: SyncArgs) -> None:
        asked.append(args)

    assert not await schedule.tick(request), "the first look only notes when"
    six = 6 * 3600.0
    assert {one.next_at for one in (await schedule.all()).values()} == {1000.0 + six}
    await schedule.change("b", {"every": 900.0}, 0, None)
    clock.advance(901.0)
    await asyncio.gather(*(schedule.tick(request) for _ in range(4)))
    assert asked == [SyncArgs(instance_ids=("b",))], "whichever process comes first"
    clock.advance(six)
    await schedule.tick(request)
    assert asked[1:] == [SyncArgs()], "all at once is one run"
    await schedule.change("b", {"every": 0.0}, 1, None)
    clock.advance(10 * six)
    await schedule.tick(request)
    assert asked[2:] == [SyncArgs(instance_ids=("a",))]


async def test_settings_are_bounded_and_nobody_overwrites_another(shelf: Shelf) -> None:
    shelf.server("a")
    schedule = shelf.library.schedule
    changed = await schedule.change("a", {"every": 0.0, "at_once": 2}, 0, None)
    assert (changed.every, changed.at_once, changed.version, changed.next_at) == (0.0, 2, 1, None)
    with pytest.raises(Stale):
        await schedule.change("a", {"every": 900.0}, 0, None)
    for wrong in ({"every": 5.0}, {"patience": 0.0}, {"at_once": 100.0}, {"longest": 1e9}):
        with pytest.raises(UserError):
            await schedule.change("a", wrong, 1, None)
    assert await schedule.of("a") == replace(changed)
    await schedule.forget("a")
    assert (await schedule.of("a")).every > 0


async def test_any_number_of_titles_is_one_request(shelf: Shelf) -> None:
    """As when all of a long series is read again, or many titles could not be read."""
    server = shelf.server("a")
    keys = tuple(f"{n:04}-{hashlib.sha256(str(n).encode()).hexdigest()}" for n in range(500))
    server.put(*(movie(key) for key in keys))
    server.gate = asyncio.Event()
    runs = shelf.library.runs
    whole = await runs.request(SyncArgs())
    one = await runs.request(SyncArgs(keys=keys))
    other = await runs.request(SyncArgs(keys=keys[:-1]))
    assert await runs.request(SyncArgs(keys=tuple(reversed(keys)))) == one != other
    server.gate.set()
    for job in (whole, one, other):
        assert (await shelf.floor.finished(job)).state is JobState.DONE
    run = await runs.of_job(one)
    assert run is not None and run.args is not None and len(run.args.keys or ()) == 500
    assert len({SyncArgs(keys=keys, ops=(name,)).scope for name in ("captions", "posters")}) == 2
    assert SyncArgs(keys=keys, ops=("captions",)).target == SyncArgs(keys=keys).target
