"""The contract of a Downloader."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any, ClassVar

from medianest_core.sdk.downloads import (
    Availability,
    DownloadCapability,
    Downloaded,
    DownloadedFile,
    Downloader,
    DownloadFailed,
    DownloadTask,
    FoundItem,
    Inspection,
    Limits,
    Options,
    ProgressSink,
)
from medianest_core.sdk.errors import NotFound, ProviderError, UserError
from medianest_core.sdk.media import Image
from medianest_core.sdk.service import Provider
from medianest_core.testing.contracts.clients import NobodyThere
from medianest_core.testing.contracts.common import CommonContract
from medianest_core.testing.contracts.contract import PATIENCE, Contract, clause, misbehaving

STAGES = ("downloading", "merging", "converting", "moving")
FILES = ("media", "subtitle", "thumbnail", "nfo")
OTHERS = (
    "",
    "not an address",
    "ftp://files.example/x",
    "javascript:alert(1)",
    "https://somewhere-else.invalid/",
)


def failing(cls: type[Contract[Any]]) -> bool:
    """Whether there is an item that cannot be had."""
    return issubclass(cls, DownloaderContract) and bool(cls.broken)


def with_several(cls: type[Contract[Any]]) -> bool:
    """Whether there is an address with several items."""
    return issubclass(cls, DownloaderContract) and cls.several is not DownloaderContract.several


class Told(ProgressSink):
    """What a download said of its progress."""

    def __init__(self) -> None:
        self.said: list[tuple[str, int, int | None]] = []
        self.begun = asyncio.Event()

    async def progress(
        self,
        *,
        stage: str,
        downloaded: int,
        total: int | None = None,
        speed: float | None = None,
        eta: float | None = None,
    ) -> None:
        self.said.append((stage, downloaded, total))
        self.begun.set()


class DownloaderContract(CommonContract[Downloader[Any, Any]]):
    """A suite says what can be fetched in `address()`.

    broken: key of an item behind `several()` or `address()` that cannot be had; "" where there is none. quality, container: to
    fetch in, by default the first of its options.
    """

    kind: ClassVar[type[Provider[Any, Any]]] = Downloader
    refuses: ClassVar[bool] = False
    broken: ClassVar[str] = ""
    quality: ClassVar[str] = ""
    container: ClassVar[str] = ""
    _numbers: ClassVar[Any] = itertools.count()

    def address(self) -> str:
        """An address with one item that can be had."""
        raise NotImplementedError

    def several(self) -> str:
        """An address with several items."""
        raise NotImplementedError

    async def read(self, provider: Downloader[Any, Any]) -> object:
        return await provider.inspect(self.address())

    async def _item(self) -> FoundItem:
        return (await self.subject.inspect(self.address())).items[0]

    def task(self, item: FoundItem) -> DownloadTask:
        """A task with folders of its own."""
        base = self.folder / f"download-{next(self._numbers)}"
        for folder in (base / "work", base / "target"):
            folder.mkdir(parents=True)
        return DownloadTask(
            item,
            work_dir=base / "work",
            target_dir=base / "target",
            stem="A title (2020)",
            quality=self.quality or self.subject.options().qualities[0].value,
            container=self.container or self.subject.options().containers[0].value,
        )

    @clause()
    async def test_it_accepts_its_own_addresses(self) -> None:
        assert self.subject.accepts(self.address()) is True

    @clause()
    async def test_it_accepts_no_others(self) -> None:
        for address in OTHERS:
            assert self.subject.accepts(address) is False, address

    @clause()
    async def test_accepting_asks_nobody(self) -> None:
        http = NobodyThere()
        async with self.another(http) as downloader:
            for address in (self.address(), *OTHERS):
                downloader.accepts(address)
        assert http.asked == []

    @clause()
    async def test_an_address_leads_to_items(self) -> None:
        found = await self.subject.inspect(self.address())
        assert isinstance(found, Inspection)
        assert found.kind in ("video", "playlist", "channel") and found.title.strip() and found.key
        assert found.items and all(isinstance(one, FoundItem) for one in found.items)

    @clause()
    async def test_items_have_a_key_an_address_and_a_title(self) -> None:
        for one in (await self.subject.inspect(self.address())).items:
            assert one.key and one.title.strip() and one.url.startswith(("http://", "https://")), one
            assert isinstance(one.availability, Availability)

    @clause()
    async def test_facts_of_items_have_their_units(self) -> None:
        for one in (await self.subject.inspect(self.address())).items:
            assert one.duration is None or one.duration > 0, one
            assert one.size is None or one.size > 0, one
            assert list(one.heights) == sorted(set(one.heights), reverse=True), one.heights

    @clause()
    async def test_an_item_keeps_its_key(self) -> None:
        first, second = await self._item(), await self._item()
        assert first.key == second.key

    @clause()
    async def test_the_total_counts_all(self) -> None:
        found = await self.subject.inspect(self.address())
        assert found.total >= len(found.items)

    @clause(where=with_several)
    async def test_a_list_holds_each_item_once(self) -> None:
        found = await self.subject.inspect(self.several())
        assert found.kind != "video" and len(found.items) > 1
        assert len({one.key for one in found.items}) == len(found.items)
        assert found.total >= len(found.items)

    @clause()
    async def test_an_address_that_is_not_understood_is_told(self) -> None:
        error = await self.trouble(lambda: self.subject.inspect("https://somewhere-else.invalid/"))
        assert isinstance(error, UserError), f"it says {error!r}"

    @clause()
    async def test_there_are_limits(self) -> None:
        limits = self.subject.limits()
        assert isinstance(limits, Limits)
        assert limits.concurrent >= 1 and limits.submissions_per_hour >= 1

    @clause(DownloadCapability.FORMATS)
    async def test_there_is_something_to_choose(self) -> None:
        options = self.subject.options()
        assert isinstance(options, Options)
        for choices in (options.qualities, options.containers):
            values = [one.value for one in choices]
            assert values and len(values) == len(set(values)) and all(one.label.strip() for one in choices)

    @clause()
    async def test_what_is_fetched_is_there(self) -> None:
        task = self.task(await self._item())
        done = await self.subject.download(task, Told())
        assert isinstance(done, Downloaded)
        assert done.files and all(isinstance(one, DownloadedFile) and one.kind in FILES for one in done.files)
        assert [one for one in done.files if one.kind == "media"], "something to watch or to hear"
        for one in done.files:
            assert one.path.is_file(), f"{one.path.name} is not there"
            assert one.path.stat().st_size == one.size, f"{one.path.name} has another size"

    @clause()
    async def test_files_are_where_they_should_be(self) -> None:
        task = self.task(await self._item())
        done = await self.subject.download(task, Told())
        for one in done.files:
            assert Path(one.path).resolve().is_relative_to(task.target_dir.resolve()), one.path
            assert one.path.name.startswith(task.stem), f"{one.path.name} does not begin as it should"

    @clause()
    async def test_it_leaves_nothing_else_beside_them(self) -> None:
        task = self.task(await self._item())
        done = await self.subject.download(task, Told())
        there = {path for path in task.target_dir.rglob("*") if path.is_file()}
        assert there == {Path(one.path) for one in done.files}

    @clause()
    async def test_facts_are_texts(self) -> None:
        done = await self.subject.download(self.task(await self._item()), Told())
        assert all(isinstance(part, str) for pair in done.facts.items() for part in pair), done.facts

    @clause()
    async def test_it_says_how_far_it_is(self) -> None:
        told = Told()
        await self.subject.download(self.task(await self._item()), told)
        assert told.said, "nothing was said of its progress"
        assert {stage for stage, _, _ in told.said} <= set(STAGES)
        assert all(downloaded >= 0 and (total is None or total >= 0) for _, downloaded, total in told.said)

    @clause(where=failing)
    async def test_what_cannot_be_had_is_told(self) -> None:
        found = await self.subject.inspect(self.address())
        broken = FoundItem(self.broken, found.items[0].url.replace(found.items[0].key, self.broken), "Broken")
        task = self.task(broken)
        error = await self.trouble(lambda: self.subject.download(task, Told()))
        assert isinstance(error, DownloadFailed | ProviderError), f"it says {error!r}"
        assert not [path for path in task.target_dir.rglob("*") if path.is_file()], "it leaves half of it"

    @clause()
    async def test_cancelling_ends_a_download(self) -> None:
        task, told = self.task(await self._item()), Told()
        running = asyncio.ensure_future(self.subject.download(task, told))
        waiting = asyncio.ensure_future(told.begun.wait())
        await asyncio.wait({running, waiting}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        assert not running.done(), "it never says anything before it is done"
        running.cancel()
        await asyncio.wait({running}, timeout=PATIENCE)
        assert running.cancelled(), "it swallows being cancelled"

    @clause()
    async def test_a_download_may_be_done_again(self) -> None:
        task = self.task(await self._item())
        first = await self.subject.download(task, Told())
        second = await self.subject.download(task, Told())
        assert {one.path for one in first.files} == {one.path for one in second.files}

    @clause(where=misbehaving)
    async def test_a_download_from_nobody_is_told(self) -> None:
        task = self.task(await self._item())
        self.stand_in.faults.add("down")
        async with self.another() as downloader:
            error = await self.trouble(lambda: downloader.download(task, Told()))
        assert isinstance(error, DownloadFailed | ProviderError), f"it says {error!r}"
        assert not isinstance(error, DownloadFailed) or error.retryable, "another try may help"

    @clause(DownloadCapability.THUMBNAILS)
    async def test_a_thumbnail_can_be_had(self) -> None:
        item = await self._item()
        assert item.thumbnail, "the stand-in's item has no picture"
        image = await self.subject.thumbnail(item.thumbnail)
        assert isinstance(image, Image) and image.content and image.media_type.startswith("image/")

    @clause(DownloadCapability.THUMBNAILS)
    async def test_a_thumbnail_that_is_not_there_is_not_found(self) -> None:
        item = await self._item()
        assert item.thumbnail
        error = await self.trouble(lambda: self.subject.thumbnail(f"{item.thumbnail}-no-such-picture"))
        assert isinstance(error, NotFound), f"it says {error!r}"
