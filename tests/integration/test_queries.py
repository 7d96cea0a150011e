"""How the portal asks its database: as often for fifty rows as for five, and never by reading a large table from end to end."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, event, select, text

from medianest_core.base.settings import AppSettings
from medianest_core.store.engine import Database
from medianest_core.store.tables.accounts import users
from medianest_core.store.tables.library import titles
from tests.integration import crowd
from tests.integration.test_matrix import ORIGIN, running

Statement = tuple[str, Any]
_asked: ContextVar[list[Statement] | None] = ContextVar("asked", default=None)

FEW, MANY, CROWD = 5, 50, 3000
BIG = (
    "titles",
    "title_docs",
    "title_ids",
    "records",
    "record_data",
    "record_details",
    "jobs",
    "downloads",
    "download_items",
    "download_files",
    "notifications",
    "requests",
    "request_ids",
    "request_participants",
    "request_comments",
    "request_decisions",
    "request_usage",
    "request_issues",
    "sessions",
    "identities",
    "events",
    "audit",
    "sync_changes",
    "monitor_history",
    "incidents",
    "collection_items",
)
"""Tables that grow for as long as the portal is used."""

PAGES = (
    "/",
    "/account",
    "/admin",
    "/admin/jobs?tab=all",
    "/admin/jobs?tab=done",
    "/admin/jobs?tab=failed",
    "/admin/jobs/j0",
    "/admin/plugins",
    "/admin/services",
    "/admin/services/server-0",
    "/admin/users",
    "/admin/users/u1",
    "/collections",
    "/collections/server-0/c0",
    "/downloads",
    "/downloads/d0",
    "/fragments/banners",
    "/fragments/search?q=story",
    "/fragments/search/catalogs?q=story",
    "/fragments/downloads/d0",
    "/library",
    "/library/movie",
    "/library?sort=-added",
    "/library?sort=-rating",
    "/library?sort=-year",
    "/library?genre=Drama&quality=2160",
    "/library?year_from=1960&year_to=1970",
    "/library?year_from=1965&decade=1960&availability=several",
    "/library?availability=now&genre=Drama",
    "/library?q=story",
    "/library?q=story&genre=Drama&decade=1960",
    "/calendar",
    "/notifications",
    "/requests",
    "/requests?state=waiting",
    "/requests?state=available&whose=mine",
    "/requests/issues",
    "/requests/issues/w0",
    "/requests/r0",
    "/search?q=story",
    "/status",
    "/status?show=trouble&span=month",
    "/status/{monitor}",
    "/title/{film}",
    "/title/{show}",
)
LISTS = (
    "api-keys",
    "audit",
    "collections",
    "collections/server-0/c0",
    "downloads",
    "downloads/d0",
    "downloads/d0/items",
    "jobs",
    "jobs/counts",
    "jobs/j0",
    "calendar",
    "library/facets",
    "library/facets?text=story&genre=Drama",
    "library/facets?year_from=1960&availability=single",
    "library/recent",
    "library/search?text=story",
    *(f"library/titles?sort={sort}" for sort in ("title", "added", "year", "rating", "released")),
    "library/titles?sort=title&kind=show",
    "library/titles?hdr=true&sort=added",
    "library/titles/{film}",
    "library/titles/{film}/changes",
    "library/titles/{show}/seasons",
    "library/titles/{season}/episodes",
    "me",
    "me/account",
    "me/identities",
    "notifications",
    "requests",
    "requests?everyone=true",
    "requests?everyone=true&undecided=true",
    "requests?state=processing&everyone=true",
    "requests?user_id=u1",
    "requests/counts",
    "requests/allowances",
    "requests/r0",
    "issues",
    "issues?everyone=true&state=open",
    "request-rules/policies",
    "request-rules/profiles",
    "request-rules/blocklist",
    "plugins",
    "services",
    "services/server-0",
    "searches",
    "sessions",
    "status",
    "status/incidents",
    "status/incidents?open=true",
    "status/incidents?monitor={monitor}",
    "status/monitors",
    "status/monitors/{monitor}",
    "status/summary",
    "sync/libraries",
    "sync/runs",
    "users",
    "users/counts",
)
EVERYTHING = (*PAGES, *(f"/api/v1/{one}" for one in LISTS))


def _heard(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
    if (found := _asked.get()) is not None:
        found.append((statement, parameters))


@contextmanager
def listening() -> Iterator[None]:
    """Inside the block `_asked` of the present context receives what it asks any database."""
    event.listen(Engine, "before_cursor_execute", _heard)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", _heard)


class Household:
    """The portal with rows in all of its lists, and an admin who looks at them."""

    def __init__(self, db: Database, client: httpx.AsyncClient, places: dict[str, int]) -> None:
        self.db = db
        self._client = client
        self._places = places

    async def asked(self, path: str) -> list[Statement]:
        """What the portal asks its database for this page. Work that it leaves to the background is not counted."""
        found: list[Statement] = []
        token = _asked.set(found)
        try:
            answer = await self._client.get(path.format(**self._places))
        finally:
            _asked.reset(token)
        assert answer.status_code == 200, f"{path} → {answer.status_code} {answer.text[:200]}"
        return list(found)


@asynccontextmanager
async def household(folder: Path, rows: int, *, people: int | None = None) -> AsyncIterator[Household]:
    settings = AppSettings(data_dir=folder, safe_mode=True, _env_file=None)
    async with running(settings) as world:
        admin = await world.services.accounts.setup.add_admin("root", "correct horse")
        async with world.services.db.begin() as tx:
            await tx.execute(
                users.update().where(users.c.id == admin.id).values(role="admin", status="active")
            )
        await crowd.fill(world.services.db, rows, admin.id, people=people)
    # Started again, so that nothing is remembered.
    async with running(settings) as world:
        db = world.services.db
        async with db.begin() as tx:
            made = await world.services.accounts.sessions.create(
                tx, admin.id, identity_id=None, remember=False
            )
        async with db.read() as tx:
            statement = select(titles.c.kind, titles.c.id).order_by(titles.c.id.desc())
            places = {row["kind"]: row["id"] for row in await tx.all(statement)}
        transport = httpx.ASGITransport(world.app, client=("9.9.9.9", 1))
        async with httpx.AsyncClient(
            transport=transport, base_url=ORIGIN, headers={"origin": ORIGIN}, cookies={"mn": made.cookie}
        ) as client:
            with listening():
                yield Household(db, client, {**places, "film": places["movie"], "monitor": crowd.MONITOR})


async def counts(folder: Path, rows: int) -> dict[str, int]:
    """path → statements at the first visit, before anything is remembered."""
    async with household(folder, rows) as home:
        await home.asked("/library")
        return {path: sum(map(_counts, await home.asked(path))) for path in EVERYTHING}


def _counts(asked: Statement) -> bool:
    """Whether it is the page's own: who asks is looked up again now and then, whatever the page."""
    statement = " ".join(asked[0].split())
    return (
        statement != "BEGIN"
        and "sessions.key_hash = " not in statement
        and "UPDATE sessions" not in statement
    )


@pytest.mark.full
async def test_fifty_rows_take_no_more_statements_than_five(tmp_path: Path) -> None:
    few, many = await counts(tmp_path / "few", FEW), await counts(tmp_path / "many", MANY)
    assert max(few.values()) > 3
    grown = {path: (few[path], many[path]) for path in EVERYTHING if many[path] > few[path]}
    assert grown == {}


async def scans(db: Database, statement: str, parameters: Any) -> list[str]:
    """The large tables that the database would read from end to end for this statement."""
    if db.dialect == "sqlite":
        async with db.read() as tx:
            rows = await tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans = [str(row[3]) for row in rows.all()]
        if re.search(r"FROM \w+ ORDER BY \S+ DESC\s+LIMIT", statement) and len(plans) == 1:
            return []  # From the newest on, in the order of the table itself: it stops after a page.
        found = [re.fullmatch(r"SCAN (\w+)(?: USING INTEGER PRIMARY KEY)?", plan) for plan in plans]
        names = _aliases(statement)
        return [names.get(one[1], one[1]) for one in found if one and names.get(one[1], one[1]) in BIG]
    async with db.read() as tx:
        # With few rows reading all of them may be quicker; here it counts whether there is another way at all.
        await tx.execute(text("SET LOCAL enable_seqscan = off"))
        answer = await tx.connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
        plan = answer.scalar_one()
    return [name for name in _sequential(json.loads(plan) if isinstance(plan, str) else plan) if name in BIG]


def _aliases(statement: str) -> dict[str, str]:
    """alias → table, of tables that stand under another name."""
    return {alias: table for table, alias in re.findall(r"(?:FROM|JOIN|,)\s+(\w+) AS (\w+)", statement)}


def _sequential(plan: Any) -> Iterator[str]:
    if isinstance(plan, dict):
        if plan.get("Node Type") == "Seq Scan":
            yield str(plan.get("Relation Name"))
        plan = list(plan.values())
    if isinstance(plan, list):
        for one in plan:
            yield from _sequential(one)


@pytest.fixture
async def busy(tmp_path: Path, backend: str) -> AsyncIterator[Household]:
    async with household(tmp_path / "busy", CROWD, people=300) as home:
        async with home.db.begin() as tx:
            await tx.execute(text("ANALYZE"))
        yield home


@pytest.mark.full
async def test_no_list_reads_a_large_table_from_end_to_end(busy: Household) -> None:
    wrong: dict[str, set[str]] = {}
    seen: set[str] = set()
    for path in EVERYTHING:
        for statement, parameters in await busy.asked(path):
            if statement in seen or not re.match(r"\s*(SELECT|WITH)\b", statement, re.I):
                continue
            seen.add(statement)
            for table in await scans(busy.db, statement, parameters):
                wrong.setdefault(f"{table}: {' '.join(statement.split())[:300]}", set()).add(path)
    assert len(seen) > 40
    assert wrong == {}, "\n".join(f"{what}\n   at {sorted(where)}" for what, where in wrong.items())


@pytest.mark.full
async def test_a_scan_is_noticed(busy: Household) -> None:
    assert await scans(busy.db, "SELECT count(*) FROM jobs WHERE message = 'x'", ()) == ["jobs"]
    assert await scans(busy.db, "SELECT j.id FROM jobs AS j WHERE j.message = 'x'", ()) == ["jobs"]
    assert await scans(busy.db, "SELECT id FROM jobs WHERE id = 'x'", ()) == []
