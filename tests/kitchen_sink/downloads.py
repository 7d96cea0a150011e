"""Downloader of the kitchen sink, with every ability that has a method."""

from __future__ import annotations

import asyncio
import base64

from medianest_core.sdk import (
    Choice,
    Downloaded,
    DownloadedFile,
    Downloader,
    DownloadFailed,
    DownloadTask,
    FoundItem,
    Http,
    Image,
    Inspection,
    Limits,
    NotFound,
    NotReady,
    Options,
    ProgressSink,
    UserError,
)
from tests.kitchen_sink.service import Facet, SinkSettings

HOST = "https://films.sink.example/"


class SinkDownloader(Facet, Downloader[SinkSettings, Http]):
    def accepts(self, url: str) -> bool:
        return url.startswith(HOST)

    async def inspect(self, url: str) -> Inspection:
        if not self.accepts(url):
            raise UserError("This is no address of the sink.", "url")
        said = await self.ask("behind", key=url.removeprefix(HOST))
        items = [
            FoundItem(
                key,
                HOST + key,
                f"Film {key}",
                duration=60.0,
                heights=(1080, 720),
                thumbnail=f"{HOST}{key}.png",
            )
            for key in said["keys"]
        ]
        return Inspection(
            url, "playlist" if len(items) > 1 else "video", said["key"], "Films", items, len(items)
        )

    def limits(self) -> Limits:
        return Limits()

    def options(self) -> Options:
        return Options((Choice("best", "Best"),), (Choice("mkv", "Matroska"),))

    async def download(self, task: DownloadTask, sink: ProgressSink) -> Downloaded:
        await sink.progress(stage="downloading", downloaded=0, total=None)
        await asyncio.sleep(0)
        try:
            content = base64.b64decode(await self.ask("film", key=task.item.key))
        except NotReady as error:
            raise DownloadFailed(str(error), retryable=True) from error
        except NotFound as error:
            raise DownloadFailed("It is gone.") from error
        part, final = task.work_dir / "film.part", task.target_dir / f"{task.stem}.{task.container}"
        part.write_bytes(content)
        await sink.progress(stage="moving", downloaded=len(content), total=len(content))
        part.replace(final)
        return Downloaded(
            [DownloadedFile(final, "media", len(content), "video/x-matroska")], {"height": "1080"}
        )

    async def thumbnail(self, address: str) -> Image:
        return Image(base64.b64decode(await self.ask("still", key=address.removeprefix(HOST))), "image/png")
