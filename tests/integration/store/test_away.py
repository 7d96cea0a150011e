"""PostgreSQL crashes, hangs, is full or takes no changes: the portal says so at once, and goes on by itself afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from medianest_core.asgi import Portal
from medianest_core.base.settings import AppSettings
from medianest_core.domain.accounts.signin import Browser
from medianest_core.store.engine import Database
from medianest_core.store.errors import DatabaseAway
from medianest_core.store.repos.audit import record
from tests.servers import Postgres

ORIGIN = "http://portal.test"
SLOW = 60.0
"""Seconds within which a busy machine, too, notices an outage; the portal itself needs one or two."""


async def until(condition: Callable[[], Awaitable[Any]], within: float = 60.0) -> Any:
    async with asyncio.timeout(within):
        while not (value := await condition()):
            await asyncio.sleep(0.05)
    return value


@pytest.fixture
async def db(own_postgres: Postgres) -> AsyncIterator[Database]:
    database = Database(own_postgres.make_database(), pool=3)
    await database.start()
    yield database
    own_postgres.whole()
    await database.close()


async def answers(db: Database) -> bool:
    try:
        await db.ping()
    except DatabaseAway:
        return False
    return True


async def write(db: Database) -> None:
    async with db.begin() as tx:
        await record(tx, actor=None, action="a.b", target="t")


async def count(db: Database) -> int:
    async with db.read() as tx:
        return int(await tx.scalar(text("SELECT count(*) FROM audit")))


@pytest.mark.parametrize("how", [signal.SIGQUIT, signal.SIGINT])
async def test_a_server_that_ends_and_comes_back(
    db: Database, own_postgres: Postgres, how: signal.Signals
) -> None:
    await write(db)
    with pytest.raises(DatabaseAway):
        async with db.begin() as tx:
            await record(tx, actor=None, action="a.b", target="half")
            own_postgres.stop(how)
            await tx.execute(text("SELECT 1"))
    for work in (write, count):
        with pytest.raises(DatabaseAway):
            await work(db)
    own_postgres.start()
    await until(lambda: answers(db))
    await write(db)
    assert await count(db) == 2
    assert not db.away


async def test_a_server_that_hangs_is_noticed_and_nobody_waits_for_it(
    db: Database, own_postgres: Postgres
) -> None:
    await write(db)
    async with asyncio.timeout(SLOW):
        with pytest.raises(DatabaseAway):
            async with db.begin() as tx:
                await record(tx, actor=None, action="a.b", target="half")
                own_postgres.pause()
                await tx.execute(text("SELECT 1"))
    assert db.away
    # From now on nobody even asks.
    begun = asyncio.get_running_loop().time()
    for _ in range(100):
        with pytest.raises(DatabaseAway):
            await count(db)
    assert asyncio.get_running_loop().time() - begun < SLOW
    own_postgres.resume()
    await until(lambda: answers(db))
    assert await count(db) == 1


async def test_a_start_waits_for_a_database_that_starts_too(own_postgres: Postgres) -> None:
    database = Database(own_postgres.make_database())
    own_postgres.stop()
    await database.start()
    try:
        with pytest.raises(DatabaseAway):
            await database.wait(0)
        waiting = asyncio.create_task(database.wait(60))
        await asyncio.sleep(0)
        own_postgres.start()
        await waiting
    finally:
        await database.close()


async def test_a_session_that_is_ended_by_an_operator(db: Database, own_postgres: Postgres) -> None:
    with pytest.raises(DatabaseAway):
        async with db.begin() as tx:
            await record(tx, actor=None, action="a.b", target="half")
            own_postgres.do(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'"
            )
            await tx.execute(text("SELECT 1"))
    await until(lambda: answers(db))
    assert await count(db) == 0


async def test_a_database_that_takes_no_changes_is_still_read(db: Database, own_postgres: Postgres) -> None:
    await write(db)
    own_postgres.do(
        "ALTER SYSTEM SET default_transaction_read_only = on",
        "SELECT pg_reload_conf()",
        "SELECT pg_sleep(0.2)",
    )

    async def refused() -> bool:
        try:
            await write(db)
        except DatabaseAway as error:
            return "no changes" in str(error)
        return False

    await until(refused)
    before = await count(db)
    own_postgres.do("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")

    async def written() -> bool:
        return not await refused()

    await until(written)
    assert await count(db) == before + 1


@pytest.mark.full
async def test_more_transactions_than_connections(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    go = asyncio.Event()

    async def hold() -> None:
        async with db.read() as tx:
            await tx.execute(text("SELECT 1"))
            await go.wait()

    holders = [asyncio.create_task(hold()) for _ in range(3)]

    async def all_taken() -> bool:
        return db.pool_figures.in_use == 3

    await until(all_taken)
    monkeypatch.setattr(db.engine.sync_engine.pool, "_timeout", 8)
    late = asyncio.create_task(count(db))

    async def one_waits() -> bool:
        return db.pool_figures.waiting == 1

    await until(one_waits)
    with pytest.raises(DatabaseAway, match="busy"):
        await late
    go.set()
    await asyncio.gather(*holders)
    assert await count(db) == 0
    assert db.pool_figures.in_use == 0


async def test_transactions_that_wait_for_each_other(db: Database) -> None:
    async with db.begin() as tx:
        for key in ("one", "two"):
            await record(tx, actor=None, action=key, target="0")
    both = asyncio.Barrier(2)

    async def add(first: str, second: str) -> None:
        entered = False

        async def work(tx: Any) -> None:
            nonlocal entered
            plus = text("UPDATE audit SET target = (target::int + 1)::text WHERE action = :action")
            await tx.execute(plus, {"action": first})
            if not entered:
                entered = True
                await both.wait()
            await tx.execute(plus, {"action": second})

        await db.run(work)

    await asyncio.gather(add("one", "two"), add("two", "one"))
    async with db.read() as tx:
        assert [row["target"] for row in await tx.all(text("SELECT target FROM audit"))] == ["2", "2"]


async def test_a_statement_that_takes_too_long_is_given_up(own_postgres: Postgres) -> None:
    database = Database(own_postgres.make_database(), statement_timeout=1.0)
    await database.start()
    try:
        with pytest.raises(DatabaseAway, match="too long"):
            async with database.read() as tx:
                await tx.execute(text("SELECT pg_sleep(60)"))
        # On a busy machine the next one, too, may take too long.
        await until(lambda: answers(database))
        assert not database.away
    finally:
        await database.close()


class House:
    """A whole portal on that PostgreSQL, with a browser of its admin."""

    def __init__(self, portal: Portal, browser: httpx.AsyncClient) -> None:
        self.portal = portal
        self.browser = browser

    async def get(self, path: str, accept: str = "text/html") -> tuple[httpx.Response, float]:
        """The answer, and after how many seconds it came."""
        begun = time.monotonic()
        reply = await self.browser.get(path, headers={"accept": accept})
        return reply, time.monotonic() - begun

    async def ready(self) -> bool:
        return (await self.browser.get("/readyz")).status_code == 200


@pytest.fixture
async def house(own_postgres: Postgres, tmp_path: Path) -> AsyncIterator[House]:
    settings = AppSettings(
        data_dir=tmp_path / "portal",
        safe_mode=True,
        database_url=own_postgres.make_database(),
        _env_file=None,
    )
    portal = Portal(settings)
    inbox: asyncio.Queue[Any] = asyncio.Queue()
    outbox: asyncio.Queue[Any] = asyncio.Queue()
    await inbox.put({"type": "lifespan.startup"})
    life = asyncio.create_task(portal({"type": "lifespan"}, inbox.get, outbox.put))
    assert (await outbox.get())["type"] == "lifespan.startup.complete"
    try:
        accounts = portal.runtime.services.accounts
        await accounts.setup.add_admin("anna", "a long password")
        signed_in = await accounts.sign_in.local("anna", "a long password", Browser("test", "9.9.9.9"))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(portal, client=("9.9.9.9", 1)),
            base_url=ORIGIN,
            headers={"origin": ORIGIN},
            cookies={"mn": signed_in.cookie},
        ) as browser:
            yield House(portal, browser)
    finally:
        own_postgres.whole()
        await inbox.put({"type": "lifespan.shutdown"})
        await life


@pytest.mark.parametrize("trouble", ["crash", "hang"])
async def test_the_portal_says_so_and_recovers(
    house: House, own_postgres: Postgres, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    assert (await house.get("/"))[0].status_code == 200
    if trouble == "crash":
        own_postgres.stop(signal.SIGQUIT)
    else:
        own_postgres.pause()

    async def noticed() -> bool:
        refused = (await house.get("/account"))[0].status_code == 503
        # The first one that fails for it may be earlier than who watches, and that one has to see it before it is over.
        return refused and "the database does not answer" in caplog.text

    await until(noticed, SLOW)
    for path, accept in (
        ("/", "text/html"),
        ("/library", "text/html"),
        ("/admin/jobs", "text/html"),
        ("/api/v1/jobs", "application/json"),
        ("/api/v1/library/titles", "application/json"),
    ):
        reply, _ = await house.get(path, accept)
        assert reply.status_code == 503, (path, reply.text)
        assert 1 <= int(reply.headers["retry-after"]) <= 30
        if accept == "text/html":
            assert "<html" in reply.text and "The database does not answer." in reply.text, path
        else:
            assert reply.headers["content-type"] == "application/problem+json"
            assert reply.json()["code"] == "database_away"
    assert (await house.browser.get("/healthz")).status_code == 200
    assert not await house.ready()
    if trouble == "crash":
        own_postgres.start()
    else:
        own_postgres.resume()
    await until(house.ready)
    assert (await house.get("/"))[0].status_code == 200
    services = house.portal.runtime.services
    async with services.db.begin() as tx:
        job = await services.ledger.enqueue(tx, "core.accounts.tidy", {})
        assert job
    told = caplog.text
    assert told.count("the database does not answer") == 1, told
    assert told.count("the database answers again") == 1, told
    assert "Traceback" not in told, told


@pytest.mark.parametrize("how", ["read", "begin", "glance"])
async def test_what_goes_on_after_the_connection_broke_is_an_outage_too(
    db: Database, own_postgres: Postgres, how: str
) -> None:
    """Code that takes the first failure for its own and asks again meets another kind of error each time."""
    for number in range(3):
        with pytest.raises(DatabaseAway):
            async with getattr(db, how)() as tx:
                await tx.execute(text("SELECT 1"))
                own_postgres.do(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'medianest' AND pid <> pg_backend_pid()"
                )
                for _ in range(number + 1):
                    with contextlib.suppress(Exception):
                        await tx.execute(text("SELECT 1"))
                raise ConnectionResetError("as the driver says it")
    await until(lambda: answers(db))
    with pytest.raises(ValueError, match="our own"):
        async with db.read(one_moment=False) as tx:
            await tx.execute(text("SELECT 1"))
            raise ValueError("our own")
    with pytest.raises(ConnectionResetError):
        async with getattr(db, how)() as tx:
            await tx.execute(text("SELECT 1"))
            raise ConnectionResetError("of something else")


@pytest.mark.full
async def test_a_server_that_is_only_slow_is_not_away(
    db: Database, own_postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answers to the pulse do not come, but others are answered."""
    from medianest_core.store import postgres

    assert await count(db) == 0, "the pool has its connection"
    asked = asyncio.Event()

    async def never(self: postgres.Pulse) -> str:
        asked.set()
        await asyncio.Event().wait()
        return ""

    monkeypatch.setattr(postgres.Pulse, "_ask", never)
    await asked.wait()
    loop = asyncio.get_running_loop()
    ends = loop.time() + 2 * postgres._PATIENCE
    while loop.time() < ends:
        assert await count(db) == 0
        assert not db.away
        await asyncio.sleep(0.01)

    async def away() -> bool:
        return db.away

    # Now nobody is answered, as nobody asks.
    await until(away)
