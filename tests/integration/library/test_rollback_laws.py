"""Laws of rolling back, over any runs of two sources: what stood before stands again, with its sources; and it stays."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from medianest_core.base.clock import SystemClock
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.library.past.locking import Locking
from medianest_core.domain.library.stored.marks import load_marks
from medianest_core.sdk.media import MediaRecord
from medianest_core.store.engine import Database
from medianest_core.store.repos.events import EventRepo
from medianest_core.store.tables.all import core_metadata
from medianest_core.store.tables.library import sync_runs
from tests.databases import database_url
from tests.fakes.media import movie
from tests.integration.library.rollbacks import SOURCES, Shelves

Said = tuple[str, str, int | None]
"""Source, key, and in which form it says it; None: it is gone."""
KEYS = ("1", "2")
LOCKED = (("summary",), ("captions", "en"), ("tagline",))

_said = st.tuples(st.sampled_from(SOURCES), st.sampled_from(KEYS), st.one_of(st.none(), st.integers(0, 5)))
_run = st.lists(_said, min_size=1, max_size=3, unique_by=lambda one: one[:2])
_runs = st.lists(_run, min_size=1, max_size=4)


def record(source: str, key: str, variant: int) -> MediaRecord:
    """Of every kind of value some come, go and change with the variant; key by key the two sources mean the same title."""
    captions = dict.fromkeys(("en", "de", "fr")[: variant % 4], f"{source}{variant % 2}")
    fields: dict[str, Any] = {
        "summary": f"{source if variant < 4 else 'same'}{variant // 2}",
        "tagline": "" if variant % 3 else f"t{variant}",
        "genres": ["Drama", "War"][: variant % 3],
        "captions": captions,
        "assets": {"poster": f"/{source}{variant % 2}"},
        "media": {"hdr": bool(variant % 2), "height": 1080},
    }
    return movie(key, f"Film {key}", ids={"imdb": f"tt{key}"}, fields=fields, updated_at=float(variant))


async def play(shelves: Shelves, run: list[Said]) -> int:
    put: dict[str, list[MediaRecord]] = {}
    for source, key, variant in run:
        if variant is not None:
            put.setdefault(source, []).append(record(source, key, variant))
    return await shelves.run(put, [(source, key) for source, key, variant in run if variant is None])


async def lawful(shelves: Shelves, runs: list[list[Said]], lock: int | None, rest: list[Said]) -> None:
    await shelves.clear()
    locking = Locking(shelves.db, EventBus(EventRepo(shelves.db)), SystemClock())
    for run in runs[:-1]:
        await play(shelves, run)
    before = await shelves.state()
    if lock is not None and before:
        await locking.lock(min(before), LOCKED[lock], None, value=None if lock else "Mine.")
        before = await shelves.state()
    last = await play(shelves, runs[-1])
    after = await shelves.state()

    report = await shelves.rollback.run(last, None)
    assert await shelves.state() == before, "rolling back restores equal state"
    assert not report.counts["later"] and not report.counts["gone"]
    await play(shelves, [one for one in runs[-1] if one[2] is not None])
    assert await shelves.state() == before, "it stays as long as the sources say the same"
    again = await shelves.rollback.run(last, None)
    assert await shelves.state() == before and set(again.counts) <= {"same", "later", "withheld"}, (
        "once is enough"
    )

    assert report.run is not None
    await shelves.rollback.run(report.run, None)
    assert await shelves.state() == after, "a rollback is rolled back"

    await play(shelves, rest)
    async with shelves.db.read() as tx:
        marks = await load_marks(tx, list(await shelves.state()))
    if lock is not None and before:
        state = await shelves.state()
        for title in before.keys() & state.keys():
            if LOCKED[lock] in (marks[title].locks if title in marks else {}):
                assert state[title][4].get(LOCKED[lock]) == (None if lock else "lock"), "locks win"


def held(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))


async def check(folder: Path, examples: int) -> None:
    """Examples are drawn in a thread, as Hypothesis is synchronous, and played here on one database."""
    db = Database(database_url(folder))
    await db.start()
    async with db.engine.begin() as connection:
        await connection.run_sync(core_metadata().create_all)
    shelves, loop = Shelves(db), asyncio.get_running_loop()

    @held(examples)
    @given(_runs, st.one_of(st.none(), st.integers(0, 2)), _run)
    def law(runs: list[list[Said]], lock: int | None, rest: list[Said]) -> None:
        asyncio.run_coroutine_threadsafe(lawful(shelves, runs, lock, rest), loop).result(120)

    try:
        await asyncio.to_thread(law)
    finally:
        await db.close()


async def test_a_rollback_restores_equal_state(tmp_path: Path) -> None:
    await check(tmp_path, 10)


@pytest.mark.full
async def test_a_rollback_restores_equal_state_in_many_ways(tmp_path: Path, backend: str) -> None:
    await check(tmp_path, int(os.environ.get("MEDIANEST_LAW_EXAMPLES", "100")))


async def test_a_known_sequence(tmp_path: Path) -> None:
    """One source comes, the other overtakes it and goes; each step is taken back."""
    db = Database(database_url(tmp_path))
    await db.start()
    async with db.engine.begin() as connection:
        await connection.run_sync(core_metadata().create_all)
    shelves = Shelves(db)
    states, runs = [await shelves.state()], []
    steps: list[list[Said]] = [
        [("a", "1", 3)],
        [("b", "1", 5), ("b", "2", 1)],
        [("a", "1", 4)],
        [("b", "1", None), ("b", "2", None)],
    ]
    for run in steps:
        runs.append(await play(shelves, run))
        states.append(await shelves.state())
    for number in reversed(range(4)):
        await shelves.rollback.run(runs[number], None)
        assert await shelves.state() == states[number], number
    async with db.read() as tx:
        assert (await tx.execute(select(sync_runs.c.state).distinct())).scalars().all() == ["done"]
    await db.close()
