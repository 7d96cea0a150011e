"""Downloads end to end, with a downloader and a media server in memory."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest
from sqlalchemy import text

from medianest_core.bus.events import DownloadChanged, DownloadProgress, DownloadRemoved, InstanceChanged
from medianest_core.domain.downloads.entries import Download, TooManySubmissions
from medianest_core.domain.downloads.queue import NO_ROOM
from medianest_core.domain.downloads.submission import Wish
from medianest_core.host.states import InstanceState
from medianest_core.sdk.downloads import Availability, DownloadFailed, Limits
from medianest_core.sdk.errors import NotReady, RateLimited, UserError
from medianest_core.sdk.events import Audience
from medianest_core.store.errors import Stale
from tests.fakes.downloads import found
from tests.integration.downloads.conftest import ADMIN, ANN, BOB, Bench

LIST = "https://video.example/list/1"
FILED = Wish(library=("plex", "5"))


def playlist(bench: Bench, count: int = 4, url: str = LIST, title: str = "Evenings") -> str:
    return bench.site.playlist(url, title, *(found(f"v{n}") for n in range(1, count + 1)))


def gate(bench: Bench, *keys: str) -> None:
    for key in keys:
        bench.site.gates[key] = asyncio.Event()


async def running(bench: Bench, *keys: str) -> None:
    while not bench.site.running >= set(keys):
        await asyncio.sleep(0.005)


async def test_a_playlist_becomes_files_titles_and_one_collection(bench: Bench) -> None:
    bench.scan_files()
    playlist(bench)
    download_id = await bench.downloads.submit(ANN, LIST, FILED)
    done = await bench.ended(ANN, download_id)
    assert (done.status, done.counts, done.filing["stage"]) == ("done", {"done": 4}, "done")
    assert done.progress.fraction == 1.0
    items = await bench.items(ANN, download_id)
    media = [file for one in items.values() for file in one.files if file.kind == "media"]
    assert all((bench.root / file.path).read_bytes() == b"1" * 100 for file in media)
    assert {Path(file.path).parent.as_posix() for file in media} == {"Ann 11111111/Evenings"}
    (collection, keys), *rest = bench.server.collections.values()
    assert not rest
    assert (collection.title, sorted(keys)) == (
        "Evenings",
        sorted(one.media_key or "" for one in items.values()),
    )
    assert done.collection_key == collection.key
    assert not list((bench.root / ".unfinished").iterdir())
    # The library is told to look after the download is said to be done.
    async with asyncio.timeout(60):
        while not all(one.title_id for one in (await bench.items(ANN, download_id)).values()):
            await asyncio.sleep(0.02)


async def test_what_cannot_be_had_is_said_before_and_left_out(bench: Bench) -> None:
    bench.site.playlist(
        LIST,
        "Mixed",
        found("v1"),
        found("v2", availability=Availability.PRIVATE, note="This video is private."),
        found("v3", availability=Availability.LIVE),
    )
    preview = await bench.downloads.inspect(ANN, LIST)
    assert [one.item.availability.value for one in preview.items] == ["ok", "private", "live"]
    assert preview.quota.left == 5
    assert [target.title for target in preview.targets] == ["Videos"]
    download_id = await bench.downloads.submit(ANN, LIST)
    done = await bench.ended(ANN, download_id)
    assert (done.status, done.counts) == ("done", {"done": 1, "skipped": 2})
    items = await bench.items(ANN, download_id)
    assert items["v2"].reason == "This video is private."
    assert "live" in items["v3"].reason
    assert bench.site.inspected == 1, "submitting uses what inspecting found"


async def test_others_do_not_know_it_exists(bench: Bench) -> None:
    playlist(bench, 1)
    download_id = await bench.downloads.submit(ANN, LIST)
    await bench.ended(ANN, download_id)
    file_id = (await bench.items(ANN, download_id))["v1"].files[0].id
    calls = bench.downloads
    assert await calls.get(BOB, download_id) is None
    assert await calls.items(BOB, download_id) is None
    assert await calls.file(BOB, file_id) is None
    for act in (calls.cancel, calls.pause, calls.resume, calls.retry_failed):
        assert await act(BOB, download_id) is None
    assert await calls.reorder(BOB, download_id, None) is None
    assert not await calls.remove(BOB, download_id)
    assert not (await calls.list(BOB)).items
    assert not (await calls.list(BOB, everyone=True)).items
    assert not (await calls.list(ADMIN)).items
    assert [one.id for one in (await calls.list(ADMIN, everyone=True)).items] == [download_id]
    served = await calls.file(ADMIN, file_id)
    assert served is not None and served.path.is_file()
    await bench.floor.bus.drain()
    rooms = set()
    async with bench.floor.db.read() as tx:
        for row in await tx.execute(text("SELECT room FROM events WHERE name = 'download:changed'")):
            rooms.add(row[0])
    assert rooms == {f"downloads:{ANN.id}"}


async def test_not_more_at_once_than_the_limit_and_people_take_turns(bench: Bench) -> None:
    gate(bench, *(f"v{n}" for n in range(1, 5)))
    playlist(bench)
    await bench.downloads.submit(ANN, LIST)
    await running(bench, "v1", "v2")
    other = bench.site.playlist("https://video.example/b", "B", found("b1"), kind="video")
    bobs = await bench.downloads.submit(BOB, other)
    bench.site.gates["v1"].set()
    await bench.ended(BOB, bobs)
    assert sorted(bench.site.started[:2]) == ["v1", "v2"] and bench.site.started[2] == "b1"
    for one in bench.site.gates.values():
        one.set()
    assert bench.site.most == 2


async def test_submissions_are_counted_exactly(bench: Bench) -> None:
    playlist(bench, 1)
    results = await asyncio.gather(
        *(bench.downloads.submit(ANN, LIST) for _ in range(9)), return_exceptions=True
    )
    refused = [one for one in results if isinstance(one, TooManySubmissions)]
    assert len(refused) == 4
    assert all(one.limit == 5 for one in refused)
    ahead = refused[0].retry_at - bench.floor.clock.now()
    assert 3500 < ahead <= 3600
    assert (await bench.downloads.quota(ANN, "tube")).left == 0
    assert isinstance(await bench.downloads.submit(BOB, LIST), str)


async def test_nothing_is_fetched_twice_for_one_person(bench: Bench) -> None:
    playlist(bench, 2)
    first = await bench.downloads.submit(ANN, LIST)
    await bench.ended(ANN, first)
    assert [one.have for one in (await bench.downloads.inspect(ANN, LIST)).items] == [True, True]
    playlist(bench, 3)
    await bench.downloads._submission._seen.clear()
    second = await bench.downloads.submit(ANN, LIST)
    await bench.ended(ANN, second)
    assert sorted(bench.site.fetched) == ["v1", "v2", "v3"]
    items = await bench.items(ANN, second)
    assert [items[key].linked for key in ("v1", "v2", "v3")] == [True, True, False]
    assert items["v1"].files[0].path == (await bench.items(ANN, first))["v1"].files[0].path
    await bench.ended(BOB, await bench.downloads.submit(BOB, LIST))
    assert bench.site.fetched.count("v1") == 2, "each person has their own"
    audio = await bench.downloads.submit(ANN, LIST, Wish(container="mp3", items=("v1",)))
    await bench.ended(ANN, audio)
    assert bench.site.fetched.count("v1") == 3, "sound alone is something else"


async def test_a_file_that_is_gone_is_fetched_again(bench: Bench) -> None:
    playlist(bench, 1)
    first = await bench.downloads.submit(ANN, LIST)
    await bench.ended(ANN, first)
    file = (await bench.items(ANN, first))["v1"].files[0]
    (bench.root / file.path).unlink()
    assert await bench.downloads.file(ANN, file.id) is None
    await bench.ended(ANN, await bench.downloads.submit(ANN, LIST))
    assert bench.site.fetched == ["v1", "v1"]


async def test_the_same_item_twice_at_once_is_fetched_once(bench: Bench) -> None:
    gate(bench, "v1")
    playlist(bench, 1)
    first = await bench.downloads.submit(ANN, LIST)
    await running(bench, "v1")
    second = await bench.downloads.submit(ANN, LIST)
    bench.site.gates["v1"].set()
    await bench.ended(ANN, first)
    await bench.ended(ANN, second)
    assert bench.site.fetched == ["v1"]


async def test_pause_keeps_half_files_and_resume_goes_on(bench: Bench) -> None:
    gate(bench, "v1", "v2")
    playlist(bench, 2)
    download_id = await bench.downloads.submit(ANN, LIST)
    await running(bench, "v1", "v2")
    paused = await bench.downloads.pause(ANN, download_id)
    assert paused is not None and (paused.status, paused.reason) == ("paused", "Paused.")
    while bench.site.running:
        await asyncio.sleep(0.005)
    await bench.downloads.queue.tick()
    assert (await bench.downloads.get(ANN, download_id)).status == "paused"  # type: ignore[union-attr]  # it exists
    bench.site.gates.clear()
    await bench.downloads.resume(ANN, download_id)
    done = await bench.ended(ANN, download_id)
    assert done.status == "done"
    assert sorted(bench.site.resumed) == ["v1", "v2"]


async def test_cancel_ends_it_and_sweeps_half_files(bench: Bench) -> None:
    gate(bench, "v2", "v3")
    playlist(bench, 4)
    download_id = await bench.downloads.submit(ANN, LIST)
    await running(bench, "v2", "v3")
    cancelled = await bench.downloads.cancel(ANN, download_id)
    assert cancelled is not None
    assert (cancelled.status, cancelled.counts) == ("partial", {"done": 1, "cancelled": 3})
    while bench.site.running or list((bench.root / ".unfinished").iterdir()):
        await asyncio.sleep(0.01)
    assert bench.site.fetched == ["v1"]
    assert "v4" not in bench.site.started


def files_under(root: Path) -> list[Path]:
    """As they are just now: folders may vanish meanwhile, which `rglob` does not forgive."""
    return sorted(Path(folder, name) for folder, _, names in os.walk(root) for name in names)


def videos(bench: Bench) -> list[Path]:
    return [one for one in files_under(bench.root) if one.name.startswith("Video")]


async def test_what_is_cancelled_as_it_finishes_leaves_no_file(bench: Bench) -> None:
    playlist(bench, 2)
    bench.site.placed = {"v1": asyncio.Event(), "v2": asyncio.Event()}
    download_id = await bench.downloads.submit(ANN, LIST)
    while len(bench.site.fetched) < 2:
        await asyncio.sleep(0.005)
    assert videos(bench)
    await bench.downloads.cancel(ANN, download_id)
    while files_under(bench.root) or bench.site.running:
        await asyncio.sleep(0.01)


async def test_what_was_kept_stays_when_it_is_asked_for_again_and_cancelled(bench: Bench) -> None:
    playlist(bench, 1)
    first = await bench.downloads.submit(ANN, LIST)
    await bench.ended(ANN, first)
    files = videos(bench)
    assert files and await bench.downloads.remove(ANN, first), "forgotten, but not deleted"
    gate(bench, "v1")
    second = await bench.downloads.submit(ANN, LIST)
    await running(bench, "v1")
    await bench.downloads.cancel(ANN, second)
    while list((bench.root / ".unfinished").iterdir()):
        await asyncio.sleep(0.01)
    assert videos(bench) == files


async def test_only_what_failed_is_tried_again(bench: Bench) -> None:
    bench.site.errors["v2"] = [DownloadFailed("The site says no.")]
    playlist(bench, 3)
    download_id = await bench.downloads.submit(ANN, LIST)
    done = await bench.ended(ANN, download_id)
    assert (done.status, done.counts) == ("partial", {"done": 2, "failed": 1})
    assert (await bench.items(ANN, download_id))["v2"].reason == "The site says no."
    await bench.downloads.retry_failed(ANN, download_id)
    assert (await bench.ended(ANN, download_id)).status == "done"
    assert bench.site.started.count("v1") == 1 and bench.site.started.count("v2") == 2


async def test_what_may_pass_is_tried_again_by_itself(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medianest_core.domain.downloads.item._DELAYS", (0.0, 0.0, 0.0))
    monkeypatch.setattr("medianest_core.domain.downloads.item._AWAY", 0.0)
    again = DownloadFailed("Reset.", retryable=True)
    bench.site.errors["v1"] = [again, NotReady("away"), RateLimited("slower", 0.0), again]
    bench.site.errors["v2"] = [again] * 4
    playlist(bench, 2)
    download_id = await bench.downloads.submit(ANN, LIST)
    done = await bench.ended(ANN, download_id)
    assert done.counts == {"done": 1, "failed": 1}
    assert (await bench.items(ANN, download_id))["v2"].reason == "Reset."
    assert bench.site.started.count("v2") == 4


async def test_reordering_moves_only_ones_own(bench: Bench) -> None:
    bench.site.limits = Limits(1, 20)
    gate(bench, "x")
    blocker = bench.site.playlist("https://video.example/x", "X", found("x"), kind="video")
    await bench.downloads.submit(BOB, blocker)
    await running(bench, "x")
    ids = {}
    for name in ("a", "b", "c"):
        url = bench.site.playlist(f"https://video.example/{name}", name, found(name), kind="video")
        ids[name] = await bench.downloads.submit(ANN, url)
    first = await bench.downloads.get(ANN, ids["c"])
    assert first is not None
    moved = await bench.downloads.reorder(ANN, ids["c"], ids["a"], version=first.version)
    assert moved is not None
    with pytest.raises(Stale):
        await bench.downloads.reorder(ANN, ids["c"], ids["b"], version=first.version)
    with pytest.raises(UserError):
        await bench.downloads.reorder(ANN, ids["c"], "unknown")
    bench.site.gates["x"].set()
    for name in ids:
        await bench.ended(ANN, ids[name])
    assert bench.site.started == ["x", "c", "a", "b"]


async def test_a_full_disk_holds_with_a_reason_and_goes_on_alone(bench: Bench) -> None:
    bench.free[0] = 10
    playlist(bench, 2)
    download_id = await bench.downloads.submit(ANN, LIST)
    held = await bench.until(lambda one: bool(one.reason), ANN, download_id)
    assert (held.status, held.reason) == ("queued", NO_ROOM)
    assert not bench.site.started
    bench.free[0] = 10**12
    done = await bench.ended(ANN, download_id)
    assert (done.status, done.reason) == ("done", "")


async def test_a_disk_that_fills_up_while_fetching_puts_the_item_back(bench: Bench) -> None:
    gate(bench, "v1")
    playlist(bench, 1)
    download_id = await bench.downloads.submit(ANN, LIST)
    await running(bench, "v1")
    bench.free[0] = 10
    bench.site.errors["v1"] = [DownloadFailed("The files could not be moved: No space left on device.")]
    bench.site.gates["v1"].set()
    held = await bench.until(lambda one: one.status == "queued", ANN, download_id)
    assert held.counts == {"queued": 1}
    bench.free[0] = 10**12
    assert (await bench.ended(ANN, download_id)).status == "done"


async def test_a_downloader_that_is_away_only_delays(bench: Bench) -> None:
    playlist(bench, 1)
    await bench.downloads.inspect(ANN, LIST)
    gate(bench, "v1")
    download_id = await bench.downloads.submit(ANN, LIST)
    await running(bench, "v1")
    await bench.downloads.pause(ANN, download_id)
    bench.instances.states["tube"] = InstanceState.RETRYING
    await bench.downloads.resume(ANN, download_id)
    with pytest.raises(NotReady):
        await bench.downloads.submit(ANN, LIST)
    await bench.downloads.queue.tick()
    assert (await bench.downloads.get(ANN, download_id)).status == "queued"  # type: ignore[union-attr]  # it exists
    bench.instances.states["tube"] = InstanceState.READY
    bench.site.gates.clear()
    assert (await bench.ended(ANN, download_id)).status == "done"


async def test_a_crash_between_rename_and_commit_is_healed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def crash_once(name: str) -> None:
        calls.append(name)
        if name == "downloads.renamed" and calls.count(name) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr("medianest_core.domain.downloads.item.failpoint", crash_once)
    playlist(bench, 1)
    download_id = await bench.downloads.submit(ANN, LIST)
    assert (await bench.ended(ANN, download_id)).status == "done"
    assert bench.site.fetched == ["v1"]
    assert calls.count("downloads.renamed") == 2


async def test_a_crash_after_making_the_collection_makes_no_second(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def crash_once(name: str) -> None:
        calls.append(name)
        if name == "downloads.renamed" and calls.count(name) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr("medianest_core.domain.downloads.filing.failpoint", crash_once)
    bench.scan_files()
    playlist(bench, 3)
    download_id = await bench.downloads.submit(ANN, LIST, FILED)
    assert (await bench.ended(ANN, download_id)).filing["stage"] == "done"
    ((_, keys),) = bench.server.collections.values()
    assert sorted(keys) == sorted(set(keys)) and len(keys) == 3
    assert bench.server.calls.count("create_collection") == 1


async def test_a_server_that_does_not_find_the_files_is_asked_again(bench: Bench) -> None:
    bench.downloads._filing._patience = 0.6
    playlist(bench, 1)
    download_id = await bench.downloads.submit(ANN, LIST, FILED)
    waiting = await bench.until(lambda one: bool(one.filing.get("reason")), ANN, download_id)
    assert waiting.status == "filing"
    assert "has not found 1 of 1" in waiting.filing["reason"]
    bench.scan_files()
    async with bench.floor.db.begin() as tx:
        await tx.execute(text("UPDATE jobs SET due_at = 0, send_at = 0 WHERE state = 'queued'"))
    done = await bench.ended(ANN, download_id)
    assert done.filing["stage"] == "done"


@pytest.mark.parametrize("last", [False, True])
async def test_a_filing_whose_job_ended_without_a_word_is_begun_anew(bench: Bench, last: bool) -> None:
    bench.downloads._filing._patience = 2.0
    playlist(bench, 1)
    download_id = await bench.downloads.submit(ANN, LIST, FILED)
    await bench.until(lambda one: one.filing.get("stage") == "locating", ANN, download_id)
    async with bench.floor.db.begin() as tx:
        name = "downloads.file_into_library"
        ended = "UPDATE jobs SET state = 'failed', fence = fence + 1, lease_until = NULL WHERE name = :name"
        await tx.execute(text(ended), {"name": name})
        if last:
            filing = {"stage": "locating", "lost": 3}
            await tx.execute(text("UPDATE downloads SET filing = :filing"), {"filing": json.dumps(filing)})
    bench.scan_files()
    await bench.downloads.queue.tick()
    done = await bench.ended(ANN, download_id)
    assert done.status == "done"
    if last:
        assert (done.filing["stage"], done.reason) == ("failed", done.filing["reason"])
        assert "several times" in done.reason
    else:
        assert done.filing["stage"] == "done"


async def test_filing_goes_on_as_soon_as_the_server_is_back(bench: Bench) -> None:
    bench.scan_files()
    bench.instances.states["plex"] = InstanceState.READY
    gate(bench, "v1")
    playlist(bench, 1)
    download_id = await bench.downloads.submit(ANN, LIST, FILED)
    await running(bench, "v1")
    bench.instances.states["plex"] = InstanceState.RETRYING
    bench.site.gates["v1"].set()
    waiting = await bench.until(lambda one: bool(one.filing.get("reason")), ANN, download_id)
    assert waiting.filing["reason"] == "It does not answer."
    bench.instances.states["plex"] = InstanceState.READY
    async with bench.floor.db.begin() as tx:
        await bench.floor.bus.publish(
            tx, InstanceChanged(instance_id="plex", state="ready"), Audience.admins()
        )
    assert (await bench.ended(ANN, download_id)).filing["stage"] == "done"


async def test_the_servers_name_of_the_folder_is_used(bench: Bench) -> None:
    bench.server.libraries = [type(bench.server.libraries[0])("5", "Videos", "movie", ("/media/tube",))]
    await bench.floor.finished(await bench.library.request_sync())
    bench.downloads._filing._patience = 0.1
    playlist(bench, 1)
    download_id = await bench.downloads.submit(ANN, LIST, FILED)
    await bench.until(lambda one: bool(one.filing.get("reason")), ANN, download_id)
    assert bench.server.scans == [("5", "/media/tube/Ann 11111111/Evenings")]


async def test_files_outside_the_folder_are_refused(bench: Bench, tmp_path: Path) -> None:
    outside = tmp_path / "secret.mp4"
    outside.write_bytes(b"x")

    def escape(task: object) -> Path:
        return outside

    bench.site.wrong_file = escape
    playlist(bench, 1)
    download_id = await bench.downloads.submit(ANN, LIST)
    assert (await bench.ended(ANN, download_id)).status == "failed"
    assert outside.exists()


async def test_a_folder_that_is_a_link_elsewhere_is_refused(bench: Bench, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    bench.root.mkdir(exist_ok=True)
    (bench.root / "Ann 11111111").symlink_to(elsewhere)
    playlist(bench, 1)
    download_id = await bench.downloads.submit(ANN, LIST)
    assert (await bench.ended(ANN, download_id)).status == "failed"
    assert not list(elsewhere.rglob("*.mp4"))


async def test_removal_deletes_files_that_nothing_else_holds(bench: Bench) -> None:
    playlist(bench, 2)
    first = await bench.downloads.submit(ANN, LIST)
    await bench.ended(ANN, first)
    second = await bench.downloads.submit(ANN, LIST, Wish(items=("v1",)))
    await bench.ended(ANN, second)
    paths = {key: bench.root / one.files[0].path for key, one in (await bench.items(ANN, first)).items()}
    assert await bench.downloads.remove(ANN, first, files=True)
    assert await bench.downloads.get(ANN, first) is None
    assert paths["v1"].exists() and not paths["v2"].exists()
    assert await bench.downloads.remove(ANN, second, files=True)
    assert not paths["v1"].exists()
    await bench.floor.bus.drain()
    told = [(one.download_id, one.user_id) for one in bench.floor.heard if isinstance(one, DownloadRemoved)]
    assert told == [(first, ANN.id), (second, ANN.id)]


async def test_progress_is_live_for_items_and_the_whole(bench: Bench) -> None:
    gate(bench, "v1", "v2")
    playlist(bench, 2)
    download_id = await bench.downloads.submit(ANN, LIST)
    await running(bench, "v1", "v2")

    def half(one: Download) -> bool:
        return one.progress.fraction == 0.5

    whole = await bench.until(half, ANN, download_id)
    assert (whole.progress.done, whole.progress.total, whole.progress.speed) == (100, 200, 20.0)
    assert whole.progress.eta == 5.0
    item = (await bench.items(ANN, download_id))["v1"]
    assert (item.progress.fraction, item.progress.eta, item.progress.stage) == (0.5, 5.0, "downloading")
    await bench.floor.bus.drain()
    told = [one for one in bench.floor.heard if isinstance(one, DownloadProgress)]
    assert {one.item_id is None for one in told} == {True, False}
    bench.site.gates["v1"].set()
    bench.site.gates["v2"].set()
    await bench.ended(ANN, download_id)

    def changes() -> list[str]:
        heard = bench.floor.heard
        return [one.status for one in heard if isinstance(one, DownloadChanged) and one.item_id is None]

    # The row can be read a moment before the event is told.
    async with asyncio.timeout(60):
        while changes()[-1:] != ["done"]:
            await asyncio.sleep(0.01)
    assert changes() == ["queued", "running", "done"]


async def test_addresses_that_nobody_understands(bench: Bench) -> None:
    for url in (
        "",
        "https://elsewhere.example/x",
        "file:///etc/passwd",
        "a\nb",
        "https://video.example/" + "x" * 3000,
    ):
        with pytest.raises(UserError):
            await bench.downloads.inspect(ANN, url)
    playlist(bench, 2)
    for wish in (
        Wish(quality="9000"),
        Wish(container="exe"),
        Wish(items=()),
        Wish(items=("unknown",)),
        Wish(library=("plex", "nope")),
    ):
        with pytest.raises(UserError):
            await bench.downloads.submit(ANN, LIST, wish)
    assert (await bench.downloads.quota(ANN, "tube")).left == 5


async def test_a_long_list_does_not_keep_others_waiting(bench: Bench) -> None:
    long = bench.site.playlist("https://video.example/long", "L", *(found(f"v{n}") for n in range(1, 231)))
    gate(bench, *(f"v{n}" for n in range(1, 231)))
    await bench.downloads.submit(ANN, long)
    await running(bench, "v1", "v2")
    other = bench.site.playlist("https://video.example/b", "B", found("b1"), kind="video")
    bobs = await bench.downloads.submit(BOB, other)
    bench.site.gates["v1"].set()
    async with asyncio.timeout(30):
        await bench.ended(BOB, bobs)
