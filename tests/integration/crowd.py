"""A household that has been busy: every list of the portal filled with as many rows as wanted."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import JSON, Boolean, Float, Integer, LargeBinary, Table, select

from medianest_core.domain.library.merge import Priorities
from medianest_core.domain.library.records import encode
from medianest_core.domain.library.stored.sources import numbers
from medianest_core.domain.library.writing.finalize import Batch, apply
from medianest_core.domain.library.writing.membership import Incoming
from medianest_core.sdk.media import MediaRecord
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables import (
    accounts,
    downloads,
    ledger,
    library,
    notify,
    plugins,
    requests,
    status,
    system,
)

SERVER = "server-0"
MONITOR = 100_000
"""Id of the first of those that are watched."""
GENRES = ("Drama", "Comedy", "War", "Crime", "Western")
_AT_ONCE = 1000


def record(number: int, **values: Any) -> MediaRecord:
    """A film with what films have."""
    fields = {
        "summary": f"About number {number}.",
        "rating": number % 10,
        "released_on": f"{1950 + number % 70}-05-01",
        "duration_ms": 5_400_000,
        "genres": [GENRES[number % 5], GENRES[(number // 5) % 5]],
        "cast": [{"name": f"Actor {number % 300}", "role": "Self"}],
        "media": {"height": (2160, 1080, 720)[number % 3], "width": 1920},
        "assets": {"poster": f"/p/{number}"},
    }
    return MediaRecord(
        key=values.pop("key", str(number)),
        kind=values.pop("kind", "movie"),
        title=values.pop("title", f"Story {number:05}"),
        library=values.pop("library", "1"),
        year=1950 + number % 70,
        fields=fields,
        added_at=time.time() - 60.0 * number,
        **values,
    )


def shelf(count: int) -> list[MediaRecord]:
    """`count` films, and a series with `count` episodes."""
    show = record(100_000, key="s", kind="show", title="The Series", library="2", ids={"tvdb": "1"})
    season = record(100_001, key="s1", kind="season", title="Season 1", library="2", parent="s", index=1)
    episodes = [
        record(200_000 + n, key=f"e{n}", kind="episode", title=f"Part {n}", library="2", parent="s1", index=n)
        for n in range(count)
    ]
    films = [record(n, ids={"imdb": f"tt{n:07}"}) for n in range(count)]
    return [*films, show, season, *episodes]


async def fill(db: Database, count: int, user_id: str, *, people: int | None = None) -> None:
    """`count` rows in every list, those that belong to someone to this user. people: users, where that is another number."""
    await _titles(db, count)
    async with db.begin() as tx:
        await _accounts(tx, people or count, count, user_id)
        await _work(tx, count, user_id)
        await _servers(tx, count)
        await _watched(tx, count)
        await _wishes(tx, count, user_id, people or count)


async def _titles(db: Database, count: int) -> None:
    found = shelf(count)
    for start in range(0, len(found), _AT_ONCE):
        async with db.begin() as tx:
            batch = Batch(1, Priorities(), await numbers(tx, [SERVER]), time.time())
            part = found[start : start + _AT_ONCE]
            await apply(tx, batch, [Incoming(SERVER, one, f"d{one.key}", encode(one)) for one in part])


async def _accounts(tx: Tx, people: int, count: int, user_id: str) -> None:
    now = time.time()
    # Names of their own, so that filling twice does not clash with those who are there.
    await add(tx, accounts.users, people, id="u{}", username="person{}", role="user", status="active")
    await add(tx, accounts.identities, people, id="o{}", user_id="u{}", provider="p", subject="other{}")
    await add(tx, accounts.identities, count, id="i{}", user_id=user_id, provider="p", subject="s{}")
    for number, owner in ((count, user_id), (people, "u{}")):
        mark = owner[:4]
        await add(
            tx,
            accounts.sessions,
            number,
            id=f"{mark}s{{}}",
            key_hash=f"{mark}k{{}}",
            user_id=owner,
            expires_at=now + 1e6,
        )
    await add(tx, accounts.api_keys, count, id="a{}", user_id=user_id, key_hash="h{}", scopes=["read"])
    for number, owner in ((count, user_id), (people, "u{}")):
        await add(
            tx,
            notify.notifications,
            number,
            id=f"{owner[:4]}n{{}}",
            user_id=owner,
            kind="x",
            params={"title": "Something happened"},
        )
    await add(tx, system.audit, count, actor=user_id, action="user.changed", target="u1", details={})


async def _work(tx: Tx, count: int, user_id: str) -> None:
    now = time.time()
    await add(
        tx,
        ledger.jobs,
        count,
        id="j{}",
        name="some.job",
        owner=user_id,
        state=lambda n: ("done", "failed", "cancelled")[n % 3],
        finished_at=lambda n: now - n,
        max_attempts=3,
    )
    common: dict[str, Any] = {"user_id": user_id, "instance_id": SERVER, "status": "done"}
    await add(
        tx,
        downloads.downloads,
        count,
        id="d{}",
        kind="video",
        container="mp4",
        quality="",
        subtitles=[],
        filing={},
        **common,
    )
    # The first of them has many items, the others one each.
    for name, of in (("x", "d0"), ("y", "d{}")):
        await add(
            tx,
            downloads.download_items,
            count,
            id=name + "{}",
            download_id=of,
            form="video",
            facts={},
            **common,
        )
        await add(
            tx,
            downloads.download_files,
            count,
            id=f"f{name}{{}}",
            item_id=name + "{}",
            user_id=user_id,
            path=f"{name}{{}}.mp4",
            kind="media",
            media_type="video/mp4",
        )


async def _servers(tx: Tx, count: int) -> None:
    few = min(count, 50)
    await add(
        tx,
        plugins.instances,
        few,
        id="server-{}",
        plugin="gone",
        service="gone",
        name="server{}",
        title="Server {}",
        settings_json={},
        enabled=True,
    )
    await add(
        tx, library.libraries, few, instance_id=SERVER, key="{}", kind="movie", locations=[], listed=True
    )
    await add(
        tx,
        library.collections,
        count,
        instance_id=SERVER,
        key="c{}",
        library="1",
        title="Collection {}",
        count=count,
        image=None,
    )
    for of in ("c0", "c{}"):
        await add(
            tx,
            library.collection_items,
            count,
            instance_id=SERVER,
            collection=of,
            position=lambda n: n + 1,
            key="{}",
        )
    await add(tx, library.sync_runs, count, scope="s{}", job_id="j{}", state="done", counts={}, problems=[])
    title = await tx.scalar(select(library.titles.c.id).limit(1))
    await add(
        tx,
        library.sync_changes,
        count,
        title_id=title,
        path=["summary"],
        before="x",
        after="y",
        instance_id=SERVER,
        rule="only",
    )


async def _watched(tx: Tx, count: int) -> None:
    now = time.time()
    await add(
        tx,
        status.monitors,
        count,
        id=lambda n: MONITOR + n,
        instance_id=SERVER,
        key="m{}",
        name="Monitor {}",
        section="Group",
        state=lambda n: ("up", "down")[n % 2],
        damping={},
    )
    await add(
        tx,
        status.monitor_history,
        count,
        monitor_id=lambda n: MONITOR + n,
        day=b"",
        week=b"",
        month=b"",
        counted_at=now,
    )
    for mark, of in (("one", lambda n: MONITOR), ("each", lambda n: MONITOR + n)):
        await add(
            tx,
            status.incidents,
            count,
            id=f"{mark}{{}}",
            kind="outage",
            instance_id=SERVER,
            monitor_id=of,
            title="Monitor {}",
            started_at=lambda n: now - 60 * n - 30,
            ended_at=lambda n: now - 60 * n,
        )


async def _wishes(tx: Tx, count: int, user_id: str, people: int) -> None:
    title: dict[str, Any] = {"kind": "movie", "ids": {"tmdb": "5"}, "seasons": [], "episodes": []}
    await add(
        tx,
        requests.requests,
        count,
        id="r{}",
        root_kind="movie",
        title="Wish {}",
        variant="",
        state=lambda n: ("available", "pending", "processing", "declined")[n % 4],
        open_key=lambda n: f"w{n}" if n % 4 in (1, 2) else None,
        user_id=user_id,
        created_by=user_id,
        instance_id=SERVER,
        reference="{}",
        options={},
        parts={},
        sizes={},
        created_at=lambda n: float(n),
        **{name: value for name, value in title.items() if name != "title"},
    )
    await add(
        tx,
        requests.request_ids,
        count,
        request_id="r{}",
        provider="imdb",
        value="tt{}",
        root_kind="movie",
    )
    for follower in (lambda n: user_id, lambda n: f"u{n % people}"):
        await add(
            tx,
            requests.request_participants,
            count,
            request_id="r{}",
            user_id=follower,
            created_at=lambda n: float(n),
        )
    for of in ("r0", "r{}"):
        mark = of[:2]
        await add(
            tx,
            requests.request_comments,
            count,
            id=f"{mark}c{{}}",
            request_id=of,
            user_id=user_id,
            text="Hm.",
        )
        await add(
            tx,
            requests.request_decisions,
            count,
            request_id=of,
            before="pending",
            after="approved",
            actor=user_id,
            rule="person",
        )
    await add(
        tx,
        requests.request_usage,
        count,
        request_id="r{}",
        meter="requests",
        user_id=user_id,
        kind="movie",
    )
    await add(
        tx,
        requests.request_issues,
        count,
        id="w{}",
        user_id=user_id,
        problem="audio",
        message="Hm.",
        state=lambda n: ("open", "resolved")[n % 2],
        **title,
    )


async def add(tx: Tx, table: Table, rows: int, /, **values: Any) -> None:
    """Rows of a table. values: columns; "{}" in a text is the number of the row, a function is given that number. What must
    not be empty and is not named is made up."""
    made = [
        {column.name: _value(column, number, values) for column in table.columns if _needed(column, values)}
        for number in range(rows)
    ]
    for start in range(0, rows, _AT_ONCE):
        await tx.execute(tx.insert(table).on_conflict_do_nothing(), made[start : start + _AT_ONCE])


def _needed(column: Any, values: Mapping[str, Any]) -> bool:
    if column.name in values:
        return True
    return not column.nullable and column.default is None and column.autoincrement is not True


def _value(column: Any, number: int, values: Mapping[str, Any]) -> Any:
    if column.name in values:
        given: Any = values[column.name]
        if isinstance(given, str):
            return given.replace("{}", str(number))
        make: Callable[[int], Any] | None = given if callable(given) else None
        return make(number) if make else given
    kinds: list[tuple[Any, Any]] = [
        (JSON, {}),
        (Boolean, False),
        (Float, time.time() - number),
        (Integer, 1),
        (LargeBinary, b""),
    ]
    return next((value for kind, value in kinds if isinstance(column.type, kind)), f"{column.name}{number}")
