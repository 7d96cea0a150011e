"""Defects D1 to D10 of earlier systems of this kind, one test for each."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from sqlalchemy import select

from medianest_core.base.ids import token_hash
from medianest_core.bus.events import LibraryChanged
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.library.document import parse
from medianest_core.domain.library.reading.query import LibraryQuery
from medianest_core.domain.library.reading.titles import TitleDetail
from medianest_core.domain.library.syncing.runs import Runs, SyncArgs
from medianest_core.ledger.enqueue import Ledger
from medianest_core.ledger.states import UNFINISHED
from medianest_core.sdk.media import MediaRecord
from medianest_core.store.engine import Database
from medianest_core.store.repos.events import EventRepo
from medianest_core.store.tables.ledger import jobs
from medianest_core.store.tables.library import sync_changes
from medianest_core.store.tables.webhooks import webhook_addresses
from medianest_core.web.inbound.routes import routes
from medianest_manifest.addresses import Addresses
from medianest_manifest.facts import Facts
from medianest_manifest.index import read
from medianest_manifest.records import decode
from medianest_manifest.settings import ManifestSettings
from tests.databases import database_url
from tests.fakes.media import movie
from tests.fakes.portal import Writes
from tests.integration.library.conftest import Shelf
from tests.laws.sound import Docs, sound


def heat(key: str, **fields: Any) -> MediaRecord:
    return movie(key, "Heat", ids={"imdb": "tt1"}, fields=fields)


async def only(shelf: Shelf) -> TitleDetail:
    [row] = (await shelf.library.list_titles(LibraryQuery())).items
    found = await shelf.library.title(row.id)
    assert found is not None
    return found


async def order(shelf: Shelf, *ranks: list[str]) -> None:
    """The general order of servers."""
    await shelf.library.ranking.save({"*": [list(rank) for rank in ranks]}, None, None)
    await rest(shelf)


async def rest(shelf: Shelf) -> None:
    waiting = select(jobs.c.id).where(
        jobs.c.state.in_(UNFINISHED),
        jobs.c.due_at <= shelf.floor.clock.now(),
        jobs.c.name.in_(shelf.floor.ledger.kinds),
    )
    async with shelf.floor.db.read() as tx:
        found = [row[0] for row in await tx.execute(waiting)]
    for job in found:
        await shelf.floor.finished(job)


def shown(docs: Docs) -> dict[int, Any]:
    """What pages show of titles; what servers list of them is beyond any rollback."""
    found = {title: parse(data) for title, data in docs.items()}
    return {title: (one.values, one.provenance()) for title, one in found.items()}


async def test_d1_metadata_that_is_there_is_updated(shelf: Shelf) -> None:
    """Not only what was missing: the server's place is compared as it is, never as something half filled in."""
    first, second = shelf.server("a"), shelf.server("b")
    first.put(heat("1", summary="Old."))
    second.put(heat("9", summary="Lower."))
    await shelf.sync()
    await order(shelf, ["a"], ["b"])
    assert (await only(shelf)).values["summary"] == "Old."
    first.put(heat("1", summary="New."))
    await shelf.sync()
    assert (await only(shelf)).values["summary"] == "New."
    second.put(heat("9", summary="Lower again."))
    await shelf.sync()
    assert (await only(shelf)).values["summary"] == "New."


async def test_d2_a_lower_server_adds_its_own_facts_and_no_others_and_nothing_goes_back_and_forth(
    shelf: Shelf,
) -> None:
    first, second = shelf.server("a"), shelf.server("b")
    await shelf.sync()
    await order(shelf, ["a"], ["b"])
    first.put(heat("1", media={"width": 3840, "bit_depth": 10}))
    second.put(heat("9", media={"width": 720, "hdr": "HDR10"}))
    for name in ("a", "b"):
        await shelf.sync(instance_ids=(name,))
    found = await only(shelf)
    assert found.values["media"] == {"width": 3840, "bit_depth": 10, "hdr": "HDR10"}
    assert found.provenance[("media", "hdr")] == "b" and found.provenance[("media", "width")] == "a"
    docs = await sound(shelf.floor.db)
    for name in ("a", "b", "a", "b"):
        with Writes(shelf.floor.db) as writes:
            await shelf.sync(instance_ids=(name,), force=True)
        assert not writes.tables.keys() & {"titles", "title_docs", "sync_changes"}, writes.tables
    assert await sound(shelf.floor.db) == docs


async def test_d3_who_changed_something_last_is_not_where_the_rest_comes_from(shelf: Shelf) -> None:
    first, second = shelf.server("a"), shelf.server("b")
    first.put(heat("1", media={"width": 3840, "video_codec": "hevc"}, duration_ms=1000))
    second.put(heat("9", media={"width": 720}))
    await shelf.sync()
    await order(shelf, ["a"], ["b"])
    second.put(heat("9", media={"width": 720, "audio_codec": "aac"}, duration_ms=2000))
    await shelf.sync()
    found = await only(shelf)
    assert {path: name for path, name in found.provenance.items() if path[0] in ("media", "duration_ms")} == {
        ("media", "width"): "a",
        ("media", "video_codec"): "a",
        ("media", "audio_codec"): "b",
        ("duration_ms",): "a",
    }
    async with shelf.floor.db.read() as tx:
        rows = await tx.all(select(sync_changes).order_by(sync_changes.c.id.desc()).limit(1))
    assert (rows[0]["path"], rows[0]["instance_id"]) == (["media", "audio_codec"], "b")


async def test_d4_event_numbers_go_on_whoever_connects(shelf: Shelf) -> None:
    """Numbers count over all processes and connections, so what is told again is exactly what was missed."""
    server = shelf.server("a")
    server.put(movie("1"))
    await shelf.sync()
    rows = EventRepo(shelf.floor.db)
    seen, _ = await rows.since(["library"], 0, 100)
    last = seen[-1].seq
    server.put(movie("2"), movie("3"))
    await shelf.sync()
    # A process that starts now has its own bus.
    later = EventBus(EventRepo(shelf.floor.db))
    await later.load_newest()
    missed, complete = await later.since(["library"], last)
    assert complete and [one.name for one in missed] == [LibraryChanged.name]
    assert missed[0].seq > last and missed[0].data["added"] == 2
    numbers = [one.seq for one in (await later.since(["library"], 0))[0]]
    assert numbers == sorted(set(numbers)) and later.newest >= numbers[-1]
    await later.close()


async def test_d5_one_run_of_a_scope_over_all_processes(shelf: Shelf, tmp_path: Path) -> None:
    server = shelf.server("a")
    server.put(movie("1"))
    server.gate = asyncio.Event()
    here = await shelf.library.runs.request(SyncArgs())
    while "records" not in server.calls:
        await asyncio.sleep(0.005)
    # Another process: nothing in common but the database.
    other = Database(database_url(tmp_path))
    await other.start()
    bus = EventBus(EventRepo(other))
    there = Runs(other, Ledger(other, shelf.floor.clock, bus), shelf.floor.clock)
    assert await there.request(SyncArgs()) == here, "the other joins the run that is under way"
    server.gate.set()
    assert (await shelf.floor.finished(here)).result["added"] == 1
    assert len(await there.latest()) == 1
    assert await there.request(SyncArgs()) != here
    await bus.close()
    await other.close()


MANIFESTS: dict[str, dict[str, Any]] = {
    "movie": {"Heat (1995)": {"fileNames": ["h.mp4"], "urls": {"mp4": "/h.mp4", "poster": "/m.jpg"}}},
    "show": {
        "Lost": {
            "poster": "/s.jpg",
            "seasons": {"Season 1": {"season_poster": "/s1.jpg", "episodes": {}}},
        }
    },
}


def test_d6_posters_stand_at_one_path_whatever_a_server_calls_them(tmp_path: Path) -> None:
    addresses = Addresses(ManifestSettings.model_validate({"url": "http://files.test/"}))
    posters: dict[str, set[str]] = {}
    for kind, manifest in MANIFESTS.items():
        path = tmp_path / f"{kind}.json"
        path.write_text(json.dumps(manifest))
        with path.open("rb") as file:
            for entry in read(file, kind):
                posters[entry.kind] = set(decode(entry, Facts(), addresses).fields["assets"])
    assert posters == {"movie": {"poster"}, "show": {"poster"}, "season": {"poster"}}


async def test_d7_only_servers_that_were_read_to_their_end_can_say_that_something_is_gone(
    shelf: Shelf,
) -> None:
    """No error is needed to see that a listing is not whole, and one that is whole speaks for no other server."""
    quiet, whole = shelf.server("a"), shelf.server("b")
    for server in (quiet, whole):
        server.put(*(heat("1", captions={"en": "/en"}), movie("2"), movie("3")))
    await shelf.sync()
    # It lists less than it says it has, and raises nothing.
    quiet.claims = 3
    del quiet.records["1"], quiet.records["2"]
    for _ in range(4):
        job = await shelf.sync()
        assert job.result["complete"] == ["b/1"]
    docs = await sound(shelf.floor.db)
    assert len(docs) == 3
    # The title and its captions stay as long as one that was not read to its end may have them.
    del whole.records["1"]
    for _ in range(3):
        await shelf.sync()
    assert len(await sound(shelf.floor.db)) == 3
    quiet.claims = None
    for _ in range(2):
        await shelf.sync()
    assert {"Heat"}.isdisjoint(await shelf.names())


async def test_d8_the_secret_of_a_webhook_is_kept_as_its_hash_alone(toy_gate: Any) -> None:
    address = await toy_gate.services.webhooks.addresses.get(toy_gate.toy, None)
    secret = address.path.rsplit("/", 1)[1]
    async with toy_gate.services.db.read() as tx:
        row = dict(await tx.one(select(webhook_addresses)))
    assert row["token_hash"] == token_hash(secret) and secret not in str(row)
    toy_gate.serve(routes())
    async with toy_gate.client(origin=None) as script:
        # A part of it, more than it, and what is stored of it are all wrong.
        for wrong in (secret[:-1], secret[1:], f"{secret}{secret}", row["token_hash"]):
            path = address.path.rsplit("/", 1)[0]
            assert (await script.post(f"{path}/{wrong}", json={})).status_code == 404


async def test_d9_a_forced_request_during_a_run_is_followed_exactly_once(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.put(movie("1"))
    server.gate = asyncio.Event()
    first = await shelf.library.runs.request(SyncArgs())
    while "records" not in server.calls:
        await asyncio.sleep(0.005)
    forced = {await shelf.library.runs.request(SyncArgs(force=True)) for _ in range(3)}
    assert len(forced) == 1 and first not in forced
    server.gate.set()
    await shelf.floor.finished(first)
    await shelf.floor.finished(forced.pop())
    assert server.decoded == 2, "it looked at everything again"
    assert len(await shelf.library.runs.latest()) == 2


async def test_d10_a_run_can_be_rolled_back(shelf: Shelf) -> None:
    first, second = shelf.server("a"), shelf.server("b")
    first.put(heat("1", summary="Good.", captions={"en": "/en"}), movie("2", fields={"tagline": "Yes."}))
    second.put(heat("9", media={"width": 720}))
    await shelf.sync()
    before = shown(await sound(shelf.floor.db))
    first.put(heat("1", summary="Bad.", captions={"de": "/de"}), movie("2", fields={"tagline": "No."}))
    second.put(heat("9", media={"width": 1}, summary="Bad, too."))
    job = await shelf.sync()
    run = await shelf.library.runs.of_job(job.id)
    assert run is not None and shown(await sound(shelf.floor.db)) != before
    await shelf.library.past.rollback.run(run.id, "admin")
    assert shown(await sound(shelf.floor.db)) == before
    await shelf.sync(force=True)
    assert shown(await sound(shelf.floor.db)) == before, "and stays so while the servers say the same"
