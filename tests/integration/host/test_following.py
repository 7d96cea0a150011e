"""Several processes on one PostgreSQL: who speaks for all, and how changes reach the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import update

from medianest_core.base.clock import FakeClock, SystemClock
from medianest_core.domain.library.syncing.runs import Runs, SyncArgs
from medianest_core.host.leading import Leading
from medianest_core.ledger.enqueue import Ledger
from medianest_core.store.engine import Database
from medianest_core.store.repos import leases
from medianest_core.store.tables.system import leases as leases_table


@pytest.fixture
async def db(postgres_url: str) -> AsyncIterator[Database]:
    made = Database(postgres_url)
    await made.start()
    # The first connection to a new database makes what all others then find; many at once would each make it.
    await made.ping()
    yield made
    await made.close()


async def test_one_of_many_holds_a_lease_until_it_lets_go(db: Database) -> None:
    async def ask(holder: str, seconds: float = 30.0) -> bool:
        async with db.begin() as tx:
            return await leases.hold(tx, FakeClock(), "x", holder, seconds)

    asked = await asyncio.gather(*(ask(f"p{n}") for n in range(10)))
    assert sum(asked) == 1
    winner = f"p{asked.index(True)}"
    assert await ask(winner), "it renews"
    assert not await ask("another")
    async with db.begin() as tx:
        await leases.release(tx, "x", "another")
    assert not await ask("another"), "only the holder lets go"
    async with db.begin() as tx:
        await leases.release(tx, "x", winner)
    assert await ask("another", -1.0)
    assert await ask("a third"), "what has run out is free"


async def test_another_process_leads_once_the_first_is_silent(db: Database) -> None:
    first = Leading(db, SystemClock(), "first", held=30.0, every=0.05)
    second = Leading(db, SystemClock(), "second", held=30.0, every=0.05)
    await first.ask()
    await second.ask()
    assert (first.now, second.now) == (True, False)
    async with db.begin() as tx:
        await tx.execute(update(leases_table).values(until_at=0.0))
    renewing = asyncio.create_task(second.run())
    async with asyncio.timeout(60):
        while not second.now:
            await asyncio.sleep(0.02)
    await first.ask()
    assert not first.now
    renewing.cancel()
    await second.release()
    await first.ask()
    assert first.now


async def test_many_who_ask_for_a_sync_get_one_run(db: Database) -> None:
    parts = [Runs(db, Ledger(db), SystemClock()) for _ in range(4)]
    ids = await asyncio.gather(*(parts[n % 4].request(SyncArgs()) for n in range(20)))
    assert len(set(ids)) == 1
