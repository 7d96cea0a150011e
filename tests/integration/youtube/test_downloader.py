"""The YouTube plugin's providers over the portal's own HTTP client and egress proxy, yt-dlp and ffmpeg included."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import AsyncMock

import psutil
import pytest

from medianest_core.base.egress import EgressPolicy
from medianest_core.base.http_factory import HttpFactory
from medianest_core.sdk.capabilities import capabilities_of
from medianest_core.sdk.downloads import (
    Availability,
    DownloadCapability,
    Downloaded,
    DownloadFailed,
    DownloadTask,
    FoundItem,
    ProgressSink,
)
from medianest_core.sdk.errors import EgressDenied, NotFound, NotReady, RateLimited, Rejected, UserError
from medianest_core.sdk.http import Http, Response
from medianest_youtube.downloader import YoutubeDownloader
from medianest_youtube.health import YoutubeStatus
from medianest_youtube.service import check
from medianest_youtube.settings import YoutubeSettings
from medianest_youtube.simulation.catalogue import HOSTILE_ID
from medianest_youtube.simulation.harness import Site, probe

pytestmark = pytest.mark.full

pytest_plugins = ("medianest_youtube.simulation.fixtures",)


@pytest.fixture
async def downloader(site: Site) -> AsyncIterator[YoutubeDownloader]:
    settings = YoutubeSettings.model_validate({"site_url": site.url, "max_gigabytes": 1})
    factory = HttpFactory()
    http = factory.for_instance("", EgressPolicy.for_settings(settings))
    yield YoutubeDownloader("instance", settings, http, http)
    await factory.close()


@dataclass
class Sink(ProgressSink):
    seen: list[tuple[str, int, int | None]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def progress(
        self,
        *,
        stage: str,
        downloaded: int,
        total: int | None = None,
        speed: float | None = None,
        eta: float | None = None,
    ) -> None:
        self.seen.append((stage, downloaded, total))
        if downloaded > 200_000:
            self.arrived.set()


def task_for(tmp_path: Path, item: FoundItem, **wishes: object) -> DownloadTask:
    work, target = tmp_path / "work", tmp_path / "mine" / "videos"
    work.mkdir(exist_ok=True)
    target.mkdir(parents=True, exist_ok=True)
    facts: dict[str, object] = {"stem": "A film [x]", "quality": "360", "container": "mp4"}
    return DownloadTask(item=item, work_dir=work, target_dir=target, **(facts | wishes))  # type: ignore[arg-type]  # by keyword


async def first_item(downloader: YoutubeDownloader, url: str) -> FoundItem:
    return (await downloader.inspect(url)).items[0]


async def test_looks_at_a_video_through_the_proxy(site: Site, downloader: YoutubeDownloader) -> None:
    seen = await downloader.inspect(site.fact("video_url"))
    item = seen.items[0]
    assert (seen.kind, seen.total, seen.title) == ("video", 1, site.fact("video_title"))
    assert (item.availability, item.heights, item.duration) == (Availability.OK, [1080, 720, 360], 8.0)
    assert item.size and item.size > 1_000_000
    assert item.key.startswith("youtube:")
    assert DownloadCapability.FORMATS in capabilities_of(YoutubeDownloader)


async def test_looks_at_lists_and_channels(site: Site, downloader: YoutubeDownloader) -> None:
    mixed = await downloader.inspect(site.fact("mixed_playlist_url"))
    assert (mixed.kind, mixed.title) == ("playlist", "Odds and ends")
    ok, private, removed = Availability.OK, Availability.PRIVATE, Availability.REMOVED
    assert [item.availability for item in mixed.items] == [ok, private, ok, removed, ok, ok]
    channel = await downloader.inspect(f"{site.url}/@harbourkitchen")
    assert (channel.kind, channel.total, channel.channel) == ("channel", 8, "Harbour Kitchen")
    within = await downloader.inspect(site.fact("watch_in_list_url"))
    assert within.kind == "video"
    assert site.fact("playlist_url") in within.warnings[0]
    assert within.items[0].key == (await first_item(downloader, site.fact("playlist_url"))).key


async def test_what_cannot_be_had_is_said_before_submitting(
    site: Site, downloader: YoutubeDownloader
) -> None:
    for kind in ("bot_check", "age", "region", "members"):
        item = await first_item(downloader, site.trouble(kind))
        assert item.availability is Availability.RESTRICTED, kind
        assert item.note
    assert (await first_item(downloader, site.trouble("live"))).availability is Availability.LIVE


async def test_addresses_elsewhere_start_no_process(
    downloader: YoutubeDownloader, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*words: object, **options: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(asyncio, "create_subprocess_exec", never)
    for url in ("http://127.0.0.1:1/watch?v=dQw4w9WgXcQ", "file:///etc/passwd", "ytsearch:cats", "--exec=id"):
        assert not downloader.accepts(url)
        with pytest.raises(UserError):
            await downloader.inspect(url)


async def test_a_site_in_trouble(site: Site, downloader: YoutubeDownloader) -> None:
    site.simulator.faults.add("429", "/api")
    with pytest.raises(RateLimited):
        await downloader.inspect(site.fact("video_url"))
    site.simulator.faults.clear()
    site.simulator.faults.add("500", "/api")
    with pytest.raises(NotReady):
        await downloader.inspect(site.fact("video_url"))


async def test_fetches_into_the_given_folder_under_the_given_name(
    site: Site, downloader: YoutubeDownloader, tmp_path: Path
) -> None:
    item = await first_item(downloader, f"{site.url}/watch?v={HOSTILE_ID}")
    sink = Sink()
    task = task_for(tmp_path, item, subtitles=("en", "--exec"), collection="A <list>", index=3)
    result = await downloader.download(task, sink)
    names = sorted(path.name for path in task.target_dir.iterdir())
    assert names == ["A film [x].en.srt", "A film [x].jpg", "A film [x].mp4", "A film [x].nfo"]
    assert {file.kind for file in result.files} == {"media", "subtitle", "thumbnail", "nfo"}
    assert all(file.path.stat().st_size == file.size for file in result.files)
    assert result.facts["height"] == "360"
    assert {stage for stage, _, _ in sink.seen} >= {"downloading", "moving"}
    probe(task.target_dir / "A film [x].mp4")
    assert "<name>A &lt;list&gt;</name>" in (task.target_dir / "A film [x].nfo").read_text()


async def test_cancelling_stops_at_once_and_the_next_try_continues_by_range(
    site: Site, downloader: YoutubeDownloader, tmp_path: Path
) -> None:
    site.simulator.behaviour.bytes_per_second = 300_000
    item = await first_item(downloader, site.fact("video_url"))
    task, sink = task_for(tmp_path, item, quality="1080"), Sink()
    # Servers of other tests of this run are children too.
    before = {one.pid for one in psutil.Process(os.getpid()).children(recursive=True)}
    running_download = asyncio.create_task(downloader.download(task, sink))
    await asyncio.wait_for(sink.arrived.wait(), 120)
    started = [one for one in psutil.Process(os.getpid()).children(recursive=True) if one.pid not in before]
    assert started
    running_download.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running_download
    assert not [one for one in started if one.is_running()]
    assert not list(task.target_dir.iterdir())
    site.simulator.behaviour.bytes_per_second = None
    await downloader.download(task, Sink())
    asked = site.ranges("137")
    assert asked[0] is None and str(asked[1]).startswith("bytes=") and len(asked) == 2
    probe(task.target_dir / "A film [x].mp4")


async def test_what_was_fetched_is_never_fetched_again(
    site: Site, downloader: YoutubeDownloader, tmp_path: Path
) -> None:
    """Killed between moving the files and telling anyone: the next attempt finds them."""
    item = await first_item(downloader, site.fact("video_url"))
    task = task_for(tmp_path, item)
    first: Downloaded = await downloader.download(task, Sink())
    site.simulator.ledger.clear()
    assert await downloader.download(task, Sink()) == first
    assert not site.simulator.ledger.entries()
    (task.target_dir / "A film [x].mp4").unlink()
    with pytest.raises(DownloadFailed) as caught:
        await downloader.download(task, Sink())
    assert caught.value.retryable
    assert await downloader.download(task, Sink()) == first


@pytest.mark.parametrize(
    ("kind", "retryable"), [("private", False), ("removed", False), ("live", True), ("bot_check", False)]
)
async def test_failures_are_told_plainly(
    site: Site, downloader: YoutubeDownloader, tmp_path: Path, kind: str, retryable: bool
) -> None:
    item = FoundItem(key=f"youtube:{kind}", url=site.trouble(kind), title="x")
    with pytest.raises(DownloadFailed) as caught:
        await downloader.download(task_for(tmp_path, item), Sink())
    assert caught.value.retryable is retryable
    assert "://" not in str(caught.value) and str(caught.value).endswith(".")


async def test_redirects_to_other_hosts_reach_nobody(
    site: Site, downloader: YoutubeDownloader, tmp_path: Path
) -> None:
    met: list[object] = []

    async def trap(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.append(writer.get_extra_info("peername"))
        writer.close()

    item = await first_item(downloader, site.fact("video_url"))
    async with await asyncio.start_server(trap, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        for to in (
            f"http://127.0.0.1:{port}/",
            f"http://localhost:{port}/",
            f"http://[::ffff:127.0.0.1]:{port}/",
            "file:///etc/passwd",
        ):
            site.simulator.behaviour.load({"troubles": [{"mode": "redirect", "to": to}]})
            with pytest.raises(DownloadFailed):
                await downloader.download(task_for(tmp_path, item), Sink())
    assert not met


async def test_the_check_tells_versions_and_fails_where_the_site_is_away(
    site: Site, downloader: YoutubeDownloader
) -> None:
    told = await check(downloader.config, downloader.http)
    assert told.version and told.details["ffmpeg"] != "missing"
    snapshot = await YoutubeStatus("instance", downloader.config, downloader.http, downloader.http).snapshot()
    assert {item.name: item.up for item in snapshot.items}["Site"] is True
    site.simulator.faults.add("down")
    with pytest.raises(NotReady):
        await check(downloader.config, downloader.http)
    snapshot = await YoutubeStatus("instance", downloader.config, downloader.http, downloader.http).snapshot()
    assert {item.name: item.up for item in snapshot.items}["Site"] is False


def test_errors_keep_their_meaning() -> None:
    from medianest_youtube.findings import raise_for

    for code, kind in (("bot_check", Rejected), ("connection", NotReady), ("not_supported", UserError)):
        with pytest.raises(kind):
            raise_for({"code": code})


async def test_a_site_at_home_is_reached_only_where_the_admin_named_it(site: Site, tmp_path: Path) -> None:
    """yt-dlp's own extractors here, none of the simulated site's."""
    url = f"{site.url}/media/{HOSTILE_ID}/18.mp4"
    factory = HttpFactory()
    try:
        for named in (True, False):
            settings = YoutubeSettings.model_validate({"home_sites": [site.url] if named else []})
            http = factory.for_instance("", EgressPolicy.for_settings(settings))
            downloader = YoutubeDownloader("instance", settings, http, http)
            assert downloader.accepts(url) is named
            if named:
                item = await first_item(downloader, url)
                result = await downloader.download(task_for(tmp_path, item), Sink())
                probe(result.files[0].path)
                assert item.key.startswith("generic:") and item.key != "generic:18"
            else:
                with pytest.raises(UserError):
                    await downloader.inspect(url)
    finally:
        await factory.close()


async def test_pictures_come_from_the_sites_own_hosts_only(site: Site, downloader: YoutubeDownloader) -> None:
    item = await first_item(downloader, site.fact("video_url"))
    assert item.thumbnail is not None
    picture = await downloader.thumbnail(item.thumbnail)
    assert (picture.content[:2], picture.media_type) == (b"\xff\xd8", "image/jpeg")
    for address in (
        "http://127.0.0.1:9/x.jpg",
        "http://169.254.169.254/x.jpg",
        "https://elsewhere.example/x.jpg",
    ):
        with pytest.raises(EgressDenied):
            await downloader.thumbnail(address)
    for address in ("file:///etc/hostname", "data:image/png;base64,AAAA", f"{site.url}/vi/nothing.jpg"):
        with pytest.raises(NotFound):
            await downloader.thumbnail(address)


@pytest.mark.parametrize(
    ("status", "error"), [(401, NotFound), (403, NotFound), (410, NotFound), (503, NotReady)]
)
async def test_a_refused_picture_says_nothing_of_the_instance(status: int, error: type[Exception]) -> None:
    http = AsyncMock(spec=Http)
    http.request.return_value = Response(status, {}, b"no", "https://i.ytimg.com/x")
    settings = YoutubeSettings()
    downloader = YoutubeDownloader("instance", settings, http, http)
    with pytest.raises(error):
        await downloader.thumbnail("https://i.ytimg.com/vi/x/hqdefault.jpg")
