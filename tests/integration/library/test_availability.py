"""Field availability over a real library, and the API that tells it."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import select

from medianest_core.domain.library.merge import Priorities
from medianest_core.domain.library.reading.field_index import FieldIndex, Wanted
from medianest_core.domain.library.records import encode
from medianest_core.domain.library.stored.sources import numbers
from medianest_core.domain.library.writing.finalize import Batch, apply
from medianest_core.domain.library.writing.membership import Incoming
from medianest_core.sdk.media import MediaRecord
from medianest_core.store.engine import Database
from medianest_core.store.tables.library import title_owned, titles
from medianest_core.web.rest.mount import RestApi
from tests.fakes.media import digest, movie
from tests.integration.library.conftest import Shelf


async def put(db: Database, said: dict[str, list[MediaRecord]]) -> None:
    async with db.begin() as tx:
        batch = Batch(1, Priorities(), await numbers(tx, list(said)), 0.0)
        incoming = [
            Incoming(instance, one, digest(one), encode(one))
            for instance, all_ in said.items()
            for one in all_
        ]
        await apply(tx, batch, incoming)


async def told(index: FieldIndex, **wanted: Any) -> Any:
    return orjson.loads(b"".join([part async for part in index.document(Wanted(**wanted))]))


SHOW = [
    MediaRecord("s", "show", "Lost", "2", 2004, fields={"summary": "An island."}),
    MediaRecord("s1", "season", "Season 1", "2", parent="s", index=1),
    MediaRecord(
        "e1", "episode", "Pilot", "2", parent="s1", index=1, fields={"captions": {"en": {"format": "srt"}}}
    ),
]
HEAT = {"title": ["a", "b"], "year": ["a", "b"], "summary": ["a"], "assets.poster": ["a", "b"]}
LOST = {
    "title": ["b"],
    "year": ["b"],
    "summary": ["b"],
    "seasons.1.title": ["b"],
    "seasons.1.episodes.1.title": ["b"],
    "seasons.1.episodes.1.captions.en.format": ["b"],
}


async def test_the_map_is_exactly_what_the_servers_say(shelf: Shelf) -> None:
    heat = movie("1", "Heat", year=1995)
    await put(
        shelf.floor.db,
        {"a": [heat], "b": [movie("9", "Heat", year=1995, fields={"summary": ""}), *SHOW]},
    )
    index = shelf.library.fields
    assert await told(index) == {"movies": {"Heat": HEAT}, "tv": {"Lost": LOST}}
    assert await told(index, title="lost") == {"movies": {}, "tv": {"Lost": LOST}}
    assert await told(index, title="los") == {"movies": {}, "tv": {}}
    only = {path: ["a"] for path in HEAT}
    assert await told(index, instance_ids=("a",)) == {"movies": {"Heat": only}, "tv": {}}
    number = (await shelf.library.titles.by_external_id("movie", "imdb", "x")) or 1
    fields = await index.title(number)
    assert fields is not None and fields[("summary",)] == ["a"]
    assert await index.title(999) is None


async def test_owners_of_fields_are_told_beside_the_servers(shelf: Shelf) -> None:
    await put(shelf.floor.db, {"a": [movie("1", "Heat", year=1995)]})
    async with shelf.floor.db.begin() as tx:
        number = (await numbers(tx, ["tmdb"]))["tmdb"]
        [title] = [row[0] for row in await tx.execute(select(titles.c.id))]
        await tx.execute(
            title_owned.insert().values(
                title_id=title,
                source=number,
                ids="",
                digest="d",
                data=b'{"summary":"S","tagline":"T"}',
                due_at=0.0,
            )
        )
    found = (await told(shelf.library.fields))["movies"]["Heat"]
    assert (found["summary"], found["tagline"], found["title"]) == (["a", "tmdb"], ["tmdb"], ["a"])
    assert await told(shelf.library.fields, instance_ids=("tmdb",)) == {
        "movies": {"Heat": {"summary": ["tmdb"], "tagline": ["tmdb"]}},
        "tv": {},
    }


async def test_no_title_hides_another_of_its_name(shelf: Shelf) -> None:
    said = [
        movie("1", "Heat", year=1986),
        movie("2", "Heat", year=1995),
        movie("3", "Heat", year=0, ids={"imdb": "a"}),
        movie("4", "Heat", year=0, ids={"imdb": "b"}),
        movie("5", "A.I.", kind="concert"),
    ]
    await put(shelf.floor.db, {"a": said})
    found = await told(shelf.library.fields)
    assert list(found) == ["movies", "tv", "concert"]
    names = list(found["movies"])
    assert names[:2] == ["Heat (1986)", "Heat (1995)"]
    assert len(names) == 4 and all(name.startswith("Heat (?) #") for name in names[2:])
    assert list(found["concert"]) == ["A.I."]


async def test_many_titles_come_piece_by_piece(shelf: Shelf) -> None:
    await put(shelf.floor.db, {"a": [movie(str(n), f"Film {n}") for n in range(130)]})
    parts = [part async for part in shelf.library.fields.document()]
    assert len(parts) > 5
    assert len(orjson.loads(b"".join(parts))["movies"]) == 130
    empty = [part async for part in shelf.library.fields.document(Wanted(title="Nothing"))]
    assert orjson.loads(b"".join(empty)) == {"movies": {}, "tv": {}}


async def test_the_api_tells_admins_and_only_what_changed(gate: Any) -> None:
    gate.serve(RestApi(gate.services).routes())
    ann, ben = await gate.person("Ann", role="admin"), await gate.person("Ben")
    await put(
        gate.services.db, {"a": [movie("1", "Heat", year=1995)], "b": [movie("9", "Heat", year=1995), *SHOW]}
    )
    address = "/api/v1/sync/availability"
    assert (await ben.client.get(address)).status_code == 403
    first = await ann.client.get(address)
    assert (first.status_code, first.headers["content-type"]) == (200, "application/json")
    assert first.json()["tv"] == {"Lost": LOST}
    assert first.json()["movies"]["Heat"]["summary"] == ["a", "b"]
    held = {"if-none-match": first.headers["etag"]}
    again = await ann.client.get(address, headers=held)
    assert (again.status_code, again.content) == (304, b"")
    assert (await ann.client.get(address, params={"instance": "a"}, headers=held)).status_code == 200
    await put(gate.services.db, {"a": [movie("2", "Ran")]})
    changed = await ann.client.get(address, headers=held)
    assert (changed.status_code, set(changed.json()["movies"])) == (200, {"Heat", "Ran"})
    one = await ann.client.get(address, params={"instance": "a", "title": "heat"})
    assert one.json() == {"movies": {"Heat": {path: ["a"] for path in HEAT}}, "tv": {}}
