"""Whose collections a download may be filed into."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import text

from medianest_core.domain.downloads.entries import Download
from medianest_core.domain.downloads.submission import Wish
from medianest_core.sdk.errors import NotReady, UserError
from medianest_core.sdk.media import Collection
from medianest_core.sdk.routes import Viewer
from tests.fakes.downloads import found
from tests.fakes.media import FakeSource
from tests.integration.downloads.conftest import ADMIN, ANN, BOB, Bench

LIST = "https://video.example/list/1"
FILED = Wish(library=("plex", "5"))
EVENINGS = replace(FILED, collection="Evenings")


def playlist(bench: Bench, *keys: str, number: int = 1, title: str = "Evenings") -> str:
    bench.scan_files()
    return bench.site.playlist(f"https://video.example/list/{number}", title, *map(found, keys))


def foreign(bench: Bench, title: str = "Evenings", *, smart: bool = False) -> list[str]:
    keys = ["other"]
    bench.server.collections["c9"] = (Collection("c9", title, "5", 1, smart=smart), keys)
    return keys


async def filed(bench: Bench, viewer: Viewer, url: str, wish: Wish = FILED) -> Download:
    return await bench.ended(viewer, await bench.downloads.submit(viewer, url, wish))


def held(bench: Bench) -> dict[str, int]:
    return {one.title: len(keys) for one, keys in bench.server.collections.values()}


@pytest.mark.parametrize("smart", [False, True])
@pytest.mark.parametrize("name", ["Evenings", " evenings ", "EVENINGS"])
async def test_nobody_names_a_collection_that_is_not_theirs(bench: Bench, name: str, smart: bool) -> None:
    keys = foreign(bench, smart=smart)
    url = playlist(bench, "v1")
    with pytest.raises(UserError, match="Choose another name, or ask an admin") as refused:
        await bench.downloads.submit(ANN, url, replace(FILED, collection=name))
    assert refused.value.field == "collection"
    assert keys == ["other"]
    assert not (await bench.downloads.list(ANN)).items
    assert (await bench.downloads.quota(ANN, "tube")).left == 5, "what was refused is not counted"


async def test_what_nobody_named_gets_a_name_of_its_own(bench: Bench) -> None:
    keys = foreign(bench)
    url = playlist(bench, "v1", "v2")
    assert (await filed(bench, ANN, url)).collection == "Evenings (Ann)"
    assert (await filed(bench, BOB, url)).collection == "Evenings (Bob)"
    assert held(bench) == {"Evenings": 1, "Evenings (Ann)": 2, "Evenings (Bob)": 2}
    assert keys == ["other"]


async def test_ones_own_collection_is_extended_and_nobody_elses(bench: Bench) -> None:
    first = await filed(bench, ANN, playlist(bench, "v1", "v2"))
    second = await filed(bench, ANN, playlist(bench, "v3", number=2, title="More"), EVENINGS)
    assert first.collection_key == second.collection_key
    assert held(bench) == {"Evenings": 3}
    with pytest.raises(UserError):
        await bench.downloads.submit(BOB, playlist(bench, "v4", number=3), EVENINGS)
    assert await bench.downloads.remove(ANN, first.id)
    third = await filed(bench, ANN, playlist(bench, "v5", number=4), EVENINGS)
    assert third.collection_key == first.collection_key, "it stays theirs when the download is forgotten"


async def test_admins_extend_any_that_is_not_filled_by_a_rule(bench: Bench) -> None:
    keys = foreign(bench)
    url = playlist(bench, "v1", "v2")
    assert (await filed(bench, ADMIN, url, EVENINGS)).collection_key == "c9"
    assert len(keys) == 3
    foreign(bench, smart=True)
    assert (await filed(bench, ADMIN, url, EVENINGS)).collection_key != "c9"


async def test_a_name_that_was_taken_meanwhile_is_left_alone(bench: Bench) -> None:
    bench.site.gates["v1"] = asyncio.Event()
    download_id = await bench.downloads.submit(ANN, playlist(bench, "v1"), EVENINGS)
    keys = foreign(bench)
    bench.site.gates["v1"].set()
    done = await bench.ended(ANN, download_id)
    assert (done.status, done.filing["stage"], done.collection_key) == ("done", "done", None)
    assert "has a collection called Evenings already" in done.reason
    assert done.filing["reason"] == done.reason
    assert keys == ["other"]
    assert all(one.media_key for one in (await bench.items(ANN, download_id)).values()), "in the library"


async def test_a_former_admin_adds_to_no_foreign_collection(bench: Bench) -> None:
    bench.site.gates["v1"] = asyncio.Event()
    keys = foreign(bench)
    download_id = await bench.downloads.submit(ADMIN, playlist(bench, "v1"), EVENINGS)
    async with bench.floor.db.begin() as tx:
        await tx.execute(text("UPDATE users SET role = 'user' WHERE id = :id"), {"id": ADMIN.id})
    bench.site.gates["v1"].set()
    assert "Choose another name" in (await bench.ended(ADMIN, download_id)).reason
    assert keys == ["other"]


@pytest.mark.parametrize("other", [ANN, BOB])
async def test_two_who_make_the_same_collection_at_once_make_one(
    bench: Bench, other: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    making, go = asyncio.Event(), asyncio.Event()
    create = FakeSource.create_collection

    async def slow(self: FakeSource, *args: object) -> Collection:
        making.set()
        await go.wait()
        return await create(self, *args)  # type: ignore[arg-type]  # passed on as it came

    bench.site.gates["w1"] = asyncio.Event()
    first = await bench.downloads.submit(ANN, playlist(bench, "v1"), EVENINGS)
    second = await bench.downloads.submit(other, playlist(bench, "w1", number=2), EVENINGS)
    monkeypatch.setattr(FakeSource, "create_collection", slow)
    async with asyncio.timeout(120):
        await making.wait()
        bench.site.gates["w1"].set()
        await bench.until(lambda one: bool(one.reason or one.filing.get("reason")), other, second)
        go.set()
        await bench.ended(ANN, first)
        if other is ANN:
            async with bench.floor.db.begin() as tx:
                await tx.execute(text("UPDATE jobs SET due_at = 0, send_at = 0 WHERE state = 'queued'"))
        done = await bench.ended(other, second)
    if other is ANN:
        assert held(bench) == {"Evenings": 2}
    else:
        assert held(bench) == {"Evenings": 1}
        assert "Choose another name" in done.reason


async def test_a_server_that_comes_back_meanwhile_gets_no_second_collection(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    making, go, calls = asyncio.Event(), asyncio.Event(), 0
    create = FakeSource.create_collection

    async def slow(self: FakeSource, *args: object) -> Collection:
        nonlocal calls
        calls += 1
        making.set()
        await go.wait()
        return await create(self, *args)  # type: ignore[arg-type]  # passed on as it came

    async def filings(state: str) -> int:
        async with bench.floor.db.read() as tx:
            query = "SELECT count(*) FROM jobs WHERE name LIKE '%file_into_library' AND "
            return int(await tx.scalar(text(query + state)) or 0)

    monkeypatch.setattr(FakeSource, "create_collection", slow)
    download_id = await bench.downloads.submit(ANN, playlist(bench, "v1"), EVENINGS)
    async with asyncio.timeout(120):
        await making.wait()
        download = await bench.downloads.get(ANN, download_id)
        assert download is not None and download.target_instance is not None
        await bench.downloads.queue.back(download.target_instance)
        while not await filings("state = 'queued' AND reason LIKE 'Waits for the present job%'"):
            await asyncio.sleep(0.01)
        go.set()
        await bench.ended(ANN, download_id)
    assert (calls, held(bench)) == (1, {"Evenings": 1})


async def test_a_collection_made_before_a_crash_is_known_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    create, calls = FakeSource.create_collection, 0

    async def cut_off(self: FakeSource, *args: object) -> Collection:
        nonlocal calls
        calls += 1
        await create(self, *args)  # type: ignore[arg-type]  # passed on as it came
        raise NotReady("The connection broke.")

    monkeypatch.setattr(FakeSource, "create_collection", cut_off)
    download_id = await bench.downloads.submit(ANN, playlist(bench, "v1", "v2"), FILED)
    await bench.until(lambda one: "broke" in one.filing.get("reason", ""), ANN, download_id)
    async with bench.floor.db.begin() as tx:
        await tx.execute(text("UPDATE jobs SET due_at = 0, send_at = 0 WHERE state = 'queued'"))
    done = await bench.ended(ANN, download_id)
    assert (done.filing["stage"], done.filing["reason"], calls) == ("done", "", 1)
    assert held(bench) == {"Evenings": 2}


async def test_a_collection_that_was_deleted_frees_its_name(bench: Bench) -> None:
    await filed(bench, ANN, playlist(bench, "v1"))
    bench.server.collections.clear()
    await filed(bench, BOB, playlist(bench, "v2", number=2), EVENINGS)
    with pytest.raises(UserError):
        await bench.downloads.submit(ANN, playlist(bench, "v3", number=3), EVENINGS)


async def test_only_admins_name_a_folder_of_the_server(bench: Bench) -> None:
    url = playlist(bench, "v1")
    with pytest.raises(UserError, match="Only an admin") as refused:
        await bench.downloads.submit(ANN, url, replace(FILED, server_folder="/etc"))
    assert refused.value.field == "server_folder"
    assert not (await bench.downloads.list(ANN)).items
    await bench.downloads.submit(ADMIN, url, replace(FILED, server_folder="/media/tube"))
