"""A small video site on loopback: films to watch and download, playlists, channels, and every trouble a real site makes.

People get pages, the extractor of `simulation/yt_dlp_plugins` a JSON API. Beside the kit's control API there is

    GET  /_sim/site    how media is sent now
    PUT  /_sim/site    change it: {"bytes_per_second": int|null, "ranges": bool, "lengths": bool, "troubles": [Trouble]}
    POST /_sim/publish a channel gains a video: {"channel": handle or id, "title": str}

(see `simulation.streaming`). The ledger holds "media" entries, one for each media request with the range asked for, "sent"
entries with what really left, and "api" entries.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from medianest_core.testing.simulators import DemoInstance, Simulator, json_body, json_reply
from medianest_youtube.simulation import media, pages, pictures
from medianest_youtube.simulation.catalogue import Catalogue, Channel, Playlist, Video, build
from medianest_youtube.simulation.streaming import Behaviour, MediaFile

PAGE = 100
# Slow enough that progress can be watched in the demo, fast enough not to wait.
DEMO_BYTES_PER_SECOND = 1_500_000
FILMS = "SIMULATED_FILMS"
"""Variable that names a folder in which several sites keep the same films; else each makes its own."""


class VideoSiteSimulator(Simulator):
    name: ClassVar[str] = "youtube"

    def __init__(
        self, *, items: int = 300, seed: int = 7, data_dir: Path, bytes_per_second: int | str | None = None
    ) -> None:
        """bytes_per_second: pace of one film's download; 0 as fast as it goes, None the demo's pace."""
        super().__init__(items=items, seed=seed, data_dir=data_dir)
        pace = DEMO_BYTES_PER_SECOND if bytes_per_second is None else int(bytes_per_second)
        self.behaviour = Behaviour(bytes_per_second=pace or None)
        self.site: Catalogue = build(items, seed, tuple(media.CLIPS), media.UPRIGHT)
        self._files: dict[tuple[str, str], Path] = {}

    async def start(self, base_url: str) -> None:
        await super().start(base_url)
        self._files = await media.make(Path(os.environ.get(FILMS) or self.data_dir / "films"))

    def film(self, clip: str, itag: str) -> Path:
        """The file of a clip in one form. KeyError for one that the site does not have."""
        return self._files[clip, itag]

    def demo_instances(self) -> Sequence[DemoInstance]:
        return (DemoInstance("youtube", "youtube", "Videos", {"site_url": self.base_url}),)

    def facts(self) -> dict[str, object]:
        """Addresses to paste: one playable video, each playlist, a channel, and one of each trouble by its kind."""
        base, lists = self.base_url, list(self.site.playlists.values())
        first = self.site.videos[lists[0].videos[0]]
        return {
            "site_url": base,
            "video_url": f"{base}/watch?v={first.id}",
            "video_title": first.title,
            "playlist_url": f"{base}/playlist?list={lists[0].id}",
            "playlist_title": lists[0].title,
            "mixed_playlist_url": f"{base}/playlist?list={lists[1].id}",
            "tonight_playlist_url": f"{base}/playlist?list={lists[2].id}",
            "large_playlist_url": f"{base}/playlist?list={lists[3].id}",
            "channel_url": f"{base}/@{next(iter(self.site.channels.values())).handle}",
            "short_url": f"{base}/shorts/shortClip_1",
            "watch_in_list_url": f"{base}/watch?v={first.id}&list={lists[0].id}",
            "trouble": {
                video.kind: f"{base}/watch?v={video.id}"
                for video in self.site.videos.values()
                if video.kind not in ("ok", "short")
            },
        }

    def control_routes(self) -> Sequence[BaseRoute]:
        async def site(request: Request) -> Response:
            if request.method == "PUT":
                try:
                    self.behaviour.load(await json_body(request))
                except ValueError as error:
                    return json_reply({"error": str(error)}, 400)
            shown = self.behaviour
            return json_reply(
                {
                    "bytes_per_second": shown.bytes_per_second,
                    "ranges": shown.ranges,
                    "lengths": shown.lengths,
                    "troubles": [vars(one) for one in shown.troubles],
                }
            )

        async def publish(request: Request) -> Response:
            try:
                said = await json_body(request)
            except ValueError as error:
                return json_reply({"error": str(error)}, 400)
            name, title = (said.get("channel"), said.get("title")) if isinstance(said, dict) else (None, None)
            channel = self.site.channel(name) if isinstance(name, str) else None
            if channel is None or not isinstance(title, str) or not title.strip():
                return json_reply({"error": "Name a channel of this site and a title."}, 400)
            video = self.site.publish(channel, title.strip(), f"{datetime.now(UTC):%Y%m%d}")
            return json_reply({"id": video.id, "url": self._address(video)}, 201)

        return [
            Route("/site", site, methods=["GET", "PUT"]),
            Route("/publish", publish, methods=["POST"]),
        ]

    def routes(self) -> ASGIApp:
        get = Router(
            [
                Route("/", self._home),
                Route("/site.css", self._style),
                Route("/watch", self._watch),
                Route("/shorts/{id}", self._watch),
                Route("/embed/{id}", self._watch),
                Route("/playlist", self._playlist),
                Route("/channel/{channel}", self._channel),
                Route("/channel/{channel}/videos", self._channel),
                Route("/feeds/videos.xml", self._feed),
                Route("/vi/{id}.jpg", self._picture),
                Route("/captions/{id}/{language}.vtt", self._captions),
                Route("/api/video/{id}", self._api_video),
                Route("/api/list/{id}", self._api_list),
                Route("/api/channel/{channel}", self._api_channel),
                Route("/api/channel/{channel}/{tab}", self._api_channel),
                Route("/@{channel}", self._channel),
                Route("/@{channel}/videos", self._channel),
            ]
        )

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http" and scope["path"].startswith("/media/"):
                await self._media(scope, receive, send)
            else:
                await get(scope, receive, send)

        return serve

    async def _media(self, scope: Scope, receive: Receive, send: Send) -> None:
        _, _, video_id, name = [*scope["path"].split("/", 3), "", ""][:4]
        video = self.site.videos.get(video_id)
        stream = next((one for one in media.STREAMS if f"{one.itag}.{one.ext}" == name), None)
        path = self._files.get((video.clip, stream.itag)) if video and stream and video.playable else None
        if path is None or stream is None:
            await Response("no such film", 404)(scope, receive, send)
            return
        facts: dict[str, object] = {"video": video_id, "format": stream.itag}
        await MediaFile(path, stream.media_type, facts).send(
            scope, receive, send, self.behaviour, self.ledger
        )

    async def _home(self, request: Request) -> Response:
        return HTMLResponse(pages.home(self.site, self.base_url))

    async def _style(self, request: Request) -> Response:
        return Response(pages.STYLE, media_type="text/css")

    async def _watch(self, request: Request) -> Response:
        video = self.site.videos.get(request.path_params.get("id") or request.query_params.get("v", ""))
        if video is None:
            return _missing()
        return HTMLResponse(pages.watch(self.site, video, self.base_url))

    async def _playlist(self, request: Request) -> Response:
        found = self.site.playlists.get(request.query_params.get("list", ""))
        if found is None:
            return _missing()
        address = f"{self.base_url}/playlist?list={found.id}"
        return HTMLResponse(pages.listing(self.site, found.title, found.videos, address))

    async def _channel(self, request: Request) -> Response:
        found = self.site.channel(request.path_params["channel"])
        if found is None:
            return _missing()
        address = f"{self.base_url}/@{found.handle}"
        return HTMLResponse(pages.listing(self.site, found.name, found.videos, address))

    async def _feed(self, request: Request) -> Response:
        wanted = request.query_params
        source = self.site.channels.get(wanted.get("channel_id", "")) or self.site.playlists.get(
            wanted.get("playlist_id", "")
        )
        if source is None:
            return _missing()
        return Response(pages.feed(self.site, source, self.base_url), media_type="application/rss+xml")

    async def _picture(self, request: Request) -> Response:
        video = self.site.videos.get(request.path_params["id"])
        if video is None:
            return _missing()
        content = await run_in_threadpool(pictures.thumbnail, video.id, video.title)
        return Response(content, media_type="image/jpeg")

    async def _captions(self, request: Request) -> Response:
        video, language = self.site.videos.get(request.path_params["id"]), request.path_params["language"]
        if video is None or language not in ("en", "de"):
            return _missing()
        said = {"en": "A quiet afternoon.", "de": "Ein stiller Nachmittag."}[language]
        return Response(
            f"WEBVTT\n\n00:00.000 --> 00:02.000\n{video.title}\n\n00:02.000 --> 00:06.000\n{said}\n",
            media_type="text/vtt",
        )

    async def _api_video(self, request: Request) -> Response:
        video = self.site.videos.get(request.path_params["id"])
        self.ledger.record("api", path=request.url.path)
        if video is None:
            return json_reply({"error": "Video unavailable. This video does not exist"})
        return json_reply(self._video(video))

    async def _api_list(self, request: Request) -> Response:
        found = self.site.playlists.get(request.path_params["id"])
        self.ledger.record("api", path=request.url.path)
        if found is None:
            return json_reply({"error": "The playlist does not exist."})
        return json_reply(self._entries(found, found.videos, request))

    async def _api_channel(self, request: Request) -> Response:
        found, tab = self.site.channel(request.path_params["channel"]), request.path_params.get("tab")
        self.ledger.record("api", path=request.url.path)
        if found is None:
            return json_reply({"error": "This channel does not exist."})
        if tab is None:
            tabs = ["shorts", "videos"] if found.shorts else ["videos"]
            return json_reply({"id": found.id, "title": found.name, "tabs": tabs})
        return json_reply(self._entries(found, found.shorts if tab == "shorts" else found.videos, request))

    def _entries(self, source: Channel | Playlist, ids: Sequence[str], request: Request) -> dict[str, Any]:
        page = max(1, int(request.query_params.get("page", "1")))
        part = ids[(page - 1) * PAGE : page * PAGE]
        if isinstance(source, Channel):
            title, address, owner = source.name, f"{self.base_url}/channel/{source.id}", source.name
        else:
            title, address = source.title, f"{self.base_url}/playlist?list={source.id}"
            owner = self.site.channels[source.channel].name
        return {
            "id": source.id,
            "title": title,
            "channel": owner,
            "webpage_url": address,
            "thumbnail": f"{self.base_url}/vi/{ids[0]}.jpg" if ids else None,
            "total": len(ids),
            "entries": [self._flat(self.site.videos[one]) for one in part],
            "next": page + 1 if page * PAGE < len(ids) else None,
        }

    def _flat(self, video: Video) -> dict[str, Any]:
        """As a list on the real site shows it: what is private or removed has lost its title and more."""
        entry: dict[str, Any] = {
            "_type": "url",
            "ie_key": "Youtube",
            "id": video.id,
            "url": self._address(video),
        }
        if video.kind in ("private", "removed"):
            hidden = "[Private video]" if video.kind == "private" else "[Deleted video]"
            return entry | {"title": hidden, "duration": None, "thumbnails": []}
        return entry | {
            "title": video.title,
            "channel": self.site.channels[video.channel].name,
            "duration": media.SECONDS if video.playable else None,
            "thumbnails": [{"url": f"{self.base_url}/vi/{video.id}.jpg"}],
            "live_status": {"live": "is_live", "upcoming": "is_upcoming"}.get(video.kind),
        }

    def _video(self, video: Video) -> dict[str, Any]:
        live = {"live": "is_live", "upcoming": "is_upcoming"}.get(video.kind, "not_live")
        facts: dict[str, Any] = {
            "id": video.id,
            "title": video.title,
            "description": video.description,
            "channel": self.site.channels[video.channel].name,
            "upload_date": video.day,
            "webpage_url": self._address(video),
            "thumbnail": f"{self.base_url}/vi/{video.id}.jpg",
            "live_status": live,
        }
        if video.error:
            return facts | {"error": video.error}
        if video.kind == "live":
            address = f"{self.base_url}/live/{video.id}.m3u8"
            return facts | {
                "formats": [{"format_id": "91", "url": address, "protocol": "m3u8", "ext": "mp4"}]
            }
        captions = {
            tag: [{"url": f"{self.base_url}/captions/{video.id}/{tag}.vtt", "ext": "vtt"}]
            for tag in ("en", "de")
        }
        return facts | {
            "duration": media.SECONDS,
            "formats": [self._format(video, one) for one in media.STREAMS],
            "subtitles": captions,
        }

    def _format(self, video: Video, one: media.Stream) -> dict[str, Any]:
        upright = video.clip == media.UPRIGHT
        long_side = None if one.lines is None else one.lines * 16 // 9
        path = self._files[video.clip, one.itag]
        return {
            "format_id": one.itag,
            "url": f"{self.base_url}/media/{video.id}/{one.itag}.{one.ext}",
            "ext": one.ext,
            "vcodec": one.vcodec,
            "acodec": one.acodec,
            "width": one.lines if upright else long_side,
            "height": long_side if upright else one.lines,
            "tbr": one.bitrate,
            # The real site states the size of separate streams only.
            "filesize": None if one.itag == "18" else path.stat().st_size,
        }

    def _address(self, video: Video) -> str:
        return f"{self.base_url}/{'shorts/' if video.kind == 'short' else 'watch?v='}{video.id}"


def _missing() -> Response:
    return HTMLResponse(pages.page("Not found", "<h1>There is nothing here</h1>"), 404)
