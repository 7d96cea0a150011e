"""The Downloader: one child process for each look at an address and for each item."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from medianest_core.sdk import N_
from medianest_core.sdk.downloads import (
    Choice,
    Downloaded,
    DownloadedFile,
    Downloader,
    DownloadFailed,
    DownloadTask,
    Inspection,
    Limits,
    Options,
    ProgressSink,
)
from medianest_core.sdk.errors import NotFound, NotReady, UserError
from medianest_core.sdk.http import Http
from medianest_core.sdk.media import Image
from medianest_core.sdk.process import Child
from medianest_youtube import child, cookies, engine, placing, tools
from medianest_youtube.errors import REASONS
from medianest_youtube.findings import inspection_of, raise_for
from medianest_youtube.links import Link, NotAllowed, read_link
from medianest_youtube.protocol import AUDIO_CONTAINERS, QUALITIES, VIDEO_CONTAINERS, ChildJob
from medianest_youtube.service import YOUTUBE
from medianest_youtube.settings import YoutubeSettings

MAX_PICTURE = 10 * 1024 * 1024
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,2}")
_MEDIA_TYPES = {
    "mp4": "video/mp4",
    "mkv": "video/x-matroska",
    "webm": "video/webm",
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "srt": "application/x-subrip",
    "jpg": "image/jpeg",
    "nfo": "text/xml",
}
_NOTES = {
    "container_changed": "webm cannot hold these streams, so it became {detail}.",
    "quality_lower": "{detail}p is the best there is.",
    "subtitles_missing": "There are no subtitles in {detail}.",
}


class YoutubeDownloader(Downloader[YoutubeSettings, Http]):
    service = YOUTUBE

    def accepts(self, url: str) -> bool:
        try:
            self._link(url)
        except NotAllowed:
            return False
        return True

    def limits(self) -> Limits:
        return Limits(self.config.concurrent, self.config.submissions_per_hour)

    def options(self) -> Options:
        return Options(
            qualities=(
                Choice("1080", "1080p"),
                Choice("2160", "2160p (4K)"),
                Choice("1440", "1440p"),
                Choice("720", "720p"),
                Choice("480", "480p"),
                Choice("360", "360p"),
                Choice("audio", "Audio only"),
            ),
            containers=(
                Choice("mp4", "mp4", "plays everywhere"),
                Choice("mkv", "mkv", "holds everything"),
                Choice("webm", "webm", "VP9 or AV1 with Opus, else mkv"),
                Choice("m4a", "m4a", "sound only"),
                Choice("mp3", "mp3", "sound only"),
            ),
            subtitles=True,
        )

    async def inspect(self, url: str) -> Inspection:
        try:
            link = self._link(url)
        except NotAllowed as error:
            raise UserError(str(error), "url") from error
        with tempfile.TemporaryDirectory(prefix="medianest-youtube-") as folder:
            async with self._child("inspect", link, Path(folder)) as running:
                result = None
                async for event in running.messages():
                    if event.get("event") == "inspected":
                        result = event["result"]
                    elif event.get("event") == "error":
                        raise_for(event)
                if result is None:
                    raise_for({"code": "failed", "detail": running.error_text})
        return inspection_of(result, link)

    async def thumbnail(self, address: str) -> Image:
        if urlsplit(address).scheme not in ("http", "https"):
            raise NotFound("This picture has no web address.")
        # Looked at here: a picture that is refused says nothing about the instance's credentials.
        reply = await self.http.request("GET", address, max_bytes=MAX_PICTURE)
        if reply.status >= 500:
            raise NotReady("The site does not send its pictures right now.")
        if not reply.ok:
            raise NotFound("The site has no such picture.")
        return Image(reply.content, reply.headers.get("content-type", ""))

    async def download(self, task: DownloadTask, sink: ProgressSink) -> Downloaded:
        finished = placing.recorded(task.work_dir)
        if finished is None:
            finished = await self._fetch(task, sink)
        moves, facts = finished
        await sink.progress(stage="moving", downloaded=0)
        try:
            paths = await asyncio.to_thread(placing.carry_out, task.work_dir, task.target_dir, moves)
        except FileNotFoundError as error:
            raise DownloadFailed(
                "A finished file has vanished; it is fetched again.", retryable=True
            ) from error
        except OSError as error:
            raise DownloadFailed(
                N_("The files could not be moved: {message}.").format(message=error.strerror), retryable=True
            ) from error
        files = [
            DownloadedFile(path, move.kind, path.stat().st_size, _MEDIA_TYPES[path.suffix.removeprefix(".")])
            for path, move in zip(paths, moves, strict=True)
        ]
        return Downloaded(files, facts)

    async def _fetch(
        self, task: DownloadTask, sink: ProgressSink
    ) -> tuple[list[placing.Move], dict[str, str]]:
        try:
            link = self._link(task.item.url)
        except NotAllowed as error:
            raise DownloadFailed(str(error)) from error
        quality, container = _fitting(task.quality, task.container)
        wishes = {
            "quality": quality,
            "container": container,
            "subtitles": [one for one in task.subtitles if _LANGUAGE.fullmatch(one)],
            "auto_subtitles": self.config.automatic_captions,
            "max_bytes": self.config.max_gigabytes * 10**9,
            "collection": task.collection,
            "index": task.index,
        }
        if (rate := self.config.megabits_per_second) is not None:
            wishes["bytes_per_second"] = rate * 125_000
        done: dict[str, Any] | None = None
        async with self._child("download", link, task.work_dir, **wishes) as running:
            async for event in running.messages():
                kind = event.get("event")
                if kind == "progress":
                    await sink.progress(
                        stage=event["stage"],
                        downloaded=event["bytes"],
                        total=event["total"],
                        speed=event["speed"],
                        eta=event["eta"],
                    )
                elif kind == "error":
                    reason = REASONS.get(str(event.get("code")), REASONS["failed"])
                    raise DownloadFailed(reason.text, retryable=reason.retry in ("now", "later"))
                elif kind == "done":
                    done = event
            if done is None:
                raise DownloadFailed(REASONS["failed"].text, retryable=True)
        try:
            moves = placing.plan(done["files"], task.stem)
        except placing.Misplaced as error:
            raise DownloadFailed(REASONS["failed"].text) from error
        facts = _facts(done)
        await asyncio.to_thread(placing.record, task.work_dir, moves, facts)
        return moves, facts

    def _link(self, url: str) -> Link:
        own = (urlsplit(str(self.config.site_url)).netloc,) if self.config.site_url is not None else ()
        return read_link(url, self.config.sites, own, self.config.home_hosts())

    @asynccontextmanager
    async def _child(self, kind: Any, link: Link, work: Path, **wishes: Any) -> AsyncIterator[Child]:
        """The running child; it and all it started are gone at the end of the block."""
        site, chosen = self.config.site_url, engine.current()
        async with self.http.child_proxy() as proxy:
            job = ChildJob(
                kind=kind,
                url=link.url,
                work=str(work),
                playlist_limit=self.config.playlist_limit,
                extractors=_extractors(link),
                site_url=str(site).rstrip("/") if site is not None else None,
                cookies=cookies.for_ytdlp(self.config.cookies.reveal()) if self.config.cookies else None,
                proxy=proxy,
                connect_ports=[urlsplit(proxy).port or 0],
                ffmpeg=await tools.ffmpeg_path(),
                js_runtimes=await tools.javascript_runtimes(),
                ytdlp_path=str(chosen.path) if chosen is not None and chosen.path is not None else None,
                **wishes,
            )
            async with Child(Path(child.__file__), dataclasses.asdict(job), work_dir=work) as running:
                yield running


def _extractors(link: Link) -> list[str]:
    """Which of yt-dlp's extractors may look at the address; none named means those for YouTube."""
    if link.kind != "other":
        return []
    # Other sites have extractors of many names; search is no address, and what is at home the admin vouches for.
    return ["default", "-.*search.*"] if link.at_home else ["default", "-generic", "-.*search.*"]


def _fitting(quality: str, container: str) -> tuple[str, str]:
    """A pair that goes together: a container for sound alone means sound alone. Raises DownloadFailed for unknown ones."""
    if quality not in QUALITIES or container not in (*VIDEO_CONTAINERS, *AUDIO_CONTAINERS):
        raise DownloadFailed("This quality or format is not known.")
    if container in AUDIO_CONTAINERS:
        return "audio", container
    return (quality, "m4a") if quality == "audio" else (quality, container)


def _facts(done: dict[str, Any]) -> dict[str, str]:
    item = done["item"]
    facts = {
        "container": str(item["container"]),
        "height": str(item["height"] or ""),
        "channel": str(item["channel"] or ""),
        "duration": str(item["duration"] or ""),
        "published": str(item["upload_date"] or ""),
        "note": " ".join(
            _NOTES[note["code"]].format(detail=note["detail"])
            for note in done["notes"]
            if note["code"] in _NOTES
        ),
    }
    return {name: value for name, value in facts.items() if value}
