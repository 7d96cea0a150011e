"""A downloader in memory that writes small real files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from medianest_core.sdk.downloads import (
    Choice,
    Downloaded,
    DownloadedFile,
    Downloader,
    DownloadTask,
    FoundItem,
    Inspection,
    Limits,
    Options,
    ProgressSink,
)
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.media import Image


@dataclass
class FakeSite:
    """What stands behind addresses. gates: item keys that wait for their event; placed: those that wait once their file is in place. errors: item key → errors of its next tries."""

    playlists: dict[str, Inspection] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    placed: dict[str, asyncio.Event] = field(default_factory=dict)
    errors: dict[str, list[Exception]] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    running: set[str] = field(default_factory=set)
    most: int = 0
    inspected: int = 0
    resumed: list[str] = field(default_factory=list)
    tasks: list[DownloadTask] = field(default_factory=list)
    wrong_file: Callable[[DownloadTask], Any] | None = None
    finish: bool = True
    picture: bytes | Exception = b""
    pictures: list[str] = field(default_factory=list)
    side_picture: bytes = b""
    facts: dict[str, dict[str, str]] = field(default_factory=dict)

    def playlist(self, url: str, title: str, *items: FoundItem, kind: str = "playlist") -> str:
        self.playlists[url] = Inspection(url, kind, url, title, items, len(items), channel="Someone")
        return url


def found(key: str, title: str = "", **values: Any) -> FoundItem:
    return FoundItem(key, f"https://video.example/watch?v={key}", title or f"Video {key}", **values)


class FakeDownloader(Downloader[Any, Any]):
    def __init__(self, instance: str, site: FakeSite) -> None:
        self.instance = instance
        self.site = site

    def accepts(self, url: str) -> bool:
        return url.startswith("https://video.example/")

    async def inspect(self, url: str) -> Inspection:
        self.site.inspected += 1
        if url not in self.site.playlists:
            raise UserError("Nothing is there.", "url")
        return self.site.playlists[url]

    def limits(self) -> Limits:
        return self.site.limits

    def options(self) -> Options:
        return Options(
            (Choice("1080", "1080p"), Choice("audio", "Audio")), (Choice("mp4", "mp4"), Choice("mp3", "mp3"))
        )

    async def thumbnail(self, address: str) -> Image:
        self.site.pictures.append(address)
        if isinstance(self.site.picture, Exception):
            raise self.site.picture
        return Image(self.site.picture, "image/jpeg")

    async def download(self, task: DownloadTask, sink: ProgressSink) -> Downloaded:
        site, key = self.site, task.item.key
        site.tasks.append(task)
        site.started.append(key)
        site.running.add(key)
        site.most = max(site.most, len(site.running))
        try:
            part = task.work_dir / "half.part"
            if part.exists():
                site.resumed.append(key)
            part.write_bytes(b"1" * 50)
            await sink.progress(stage="downloading", downloaded=50, total=100, speed=10.0, eta=5.0)
            if key in site.gates:
                await site.gates[key].wait()
            for error in site.errors.get(key, [])[:1]:
                site.errors[key].pop(0)
                raise error
            await sink.progress(stage="moving", downloaded=100, total=100)
            part.write_bytes(b"1" * 100)
            final = task.target_dir / f"{task.stem}.{task.container}"
            part.replace(final)
            site.fetched.append(key)
            if key in site.placed:
                await site.placed[key].wait()
            if site.wrong_file is not None:
                return Downloaded([DownloadedFile(site.wrong_file(task), "media", 1)])
            note = task.target_dir / f"{task.stem}.nfo"
            note.write_text("<movie/>")
            files = [DownloadedFile(final, "media", 100, "video/mp4"), DownloadedFile(note, "nfo", 8)]
            if site.side_picture:
                aside = task.target_dir / f"{task.stem}.jpg"
                aside.write_bytes(site.side_picture)
                files.append(DownloadedFile(aside, "thumbnail", len(site.side_picture), "image/jpeg"))
            return Downloaded(files, {"height": "1080", **site.facts.get(key, {})})
        finally:
            site.running.discard(key)
