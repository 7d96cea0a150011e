"""Extractors that answer for YouTube from the simulated site, so that all of yt-dlp and all of ours runs without the internet.

Loaded by a child only when its job names a site (see `child`); they take the place of yt-dlp's own of the same names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.utils import ExtractorError, GeoRestrictedError

SITE = os.environ.get("MEDIANEST_SITE_URL", "").rstrip("/")
_SITE_HOST = urlsplit(SITE).netloc
_HOST = rf"https?://(?:(?:(?:www|m|music)\.)?youtube(?:-nocookie)?\.com|youtu\.be|{re.escape(_SITE_HOST) or '(?!)'})"
_ID = r"[0-9A-Za-z_-]{11}"


class _SiteIE(InfoExtractor):  # type: ignore[misc]  # yt-dlp ships no types
    def _ask(self, path: str, item: str, **query: Any) -> Any:
        return self._download_json(f"{SITE}/api/{path}", item, query=query, note="Asking the site")

    def _list(self, path: str, item: str) -> dict[str, Any]:
        first = self._ask(path, item, page=1)
        if first.get("error"):
            raise ExtractorError(first["error"], expected=True)

        def entries() -> Iterator[dict[str, Any]]:
            page = first
            while True:
                yield from page["entries"]
                if page["next"] is None:
                    return
                page = self._ask(path, item, page=page["next"])

        return dict(
            self.playlist_result(
                entries(),
                first["id"],
                first["title"],
                channel=first["channel"],
                webpage_url=first["webpage_url"],
                playlist_count=first["total"],
                thumbnails=[{"url": first["thumbnail"]}] if first["thumbnail"] else None,
            )
        )


class YoutubeIE(_SiteIE):
    IE_NAME = "youtube"
    _VALID_URL = rf"{_HOST}/(?:watch/?\?(?:[^#]*&)?v=|shorts/|live/|embed/|(?<=youtu\.be/))(?P<id>{_ID})(?![0-9A-Za-z_-])"

    @classmethod
    def suitable(cls, url: str) -> bool:
        return "list" not in parse_qs(urlsplit(url).query) and bool(super().suitable(url))

    def _real_extract(self, url: str) -> dict[str, Any]:
        video_id = self._match_id(url)
        video = self._ask(f"video/{video_id}", video_id)
        if message := video.pop("error", None):
            if video.get("live_status") == "is_upcoming":
                self.raise_no_formats(message, expected=True, video_id=video_id)
            elif "your country" in message:
                raise GeoRestrictedError(message)
            else:
                raise ExtractorError(message, expected=True)
        return dict(video)


class YoutubeTabIE(_SiteIE):
    IE_NAME = "youtube:tab"
    _VALID_URL = rf"{_HOST}/(?:(?P<kind>channel/|c/|user/|@)(?P<id>[\w.-]+)(?:/(?P<tab>videos|shorts|streams))?/?(?:[?#]|$)|watch/?\?[^#]*\blist=|(?<=youtu\.be/){_ID}\?[^#]*\blist=)"

    def _real_extract(self, url: str) -> dict[str, Any]:
        match = self._match_valid_url(url)
        if not match["id"]:
            return self._watch_with_list(url)
        channel, tab = match["id"], match["tab"]
        if tab is None:
            # The root of a channel is a list of its tabs, not of its videos.
            facts = self._ask(f"channel/{channel}", channel)
            entries = [self.url_result(f"{url.rstrip('/')}/{one}", ie="YoutubeTab") for one in facts["tabs"]]
            return dict(self.playlist_result(entries, facts["id"], facts["title"]))
        return self._list(f"channel/{channel}/{tab}", channel)

    def _watch_with_list(self, url: str) -> dict[str, Any]:
        query = parse_qs(urlsplit(url).query)
        found = re.search(rf"(?:v=|youtu\.be/)({_ID})", url)
        playlist = query["list"][0]
        if found and not self._yes_playlist(playlist, found[1]):
            return dict(self.url_result(f"{SITE}/watch?v={found[1]}", ie="Youtube", video_id=found[1]))
        return self._list(f"list/{playlist}", playlist)


class YoutubePlaylistIE(_SiteIE):
    IE_NAME = "youtube:playlist"
    _VALID_URL = rf"{_HOST}/playlist\?[^#]*\blist=(?P<id>[\w-]+)"

    def _real_extract(self, url: str) -> dict[str, Any]:
        playlist = self._match_id(url)
        return self._list(f"list/{playlist}", playlist)


class YoutubeYtBeIE(_SiteIE):
    """Takes the place of the real one, whose addresses `YoutubeTabIE` understands here."""

    IE_NAME = "youtubeytbe"
    _VALID_URL = r"(?!)"
