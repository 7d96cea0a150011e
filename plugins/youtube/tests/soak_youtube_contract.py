"""The plugin keeps the contract of downloaders. Too long for every run, because each look at the site and each download runs the real
programs in a process of its own: name this file to pytest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from medianest_core.testing.contracts import DownloaderContract
from medianest_youtube.downloader import YoutubeDownloader
from medianest_youtube.simulator import VideoSiteSimulator


class TestDownloader(DownloaderContract):
    provider = YoutubeDownloader
    simulator = VideoSiteSimulator
    options: ClassVar[Mapping[str, Any]] = {"items": 20, "bytes_per_second": 0}
    quality = "360"
    container = "mp4"
    exempt: ClassVar[Mapping[str, str]] = {
        "test_asked_to_slow_down_it_says_for_how_long": "yt-dlp does not tell for how long."
    }

    def address(self) -> str:
        return self._fact("video_url")

    def several(self) -> str:
        return self._fact("mixed_playlist_url")

    def _fact(self, name: str) -> str:
        value: Any = self.stand_in.facts()[name]
        return str(value)
