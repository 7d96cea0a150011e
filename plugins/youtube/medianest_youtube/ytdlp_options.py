"""The parameters one YoutubeDL object gets. Pure: nothing from a user reaches a template, a path or an option name."""

from __future__ import annotations

import io
from typing import Any

from medianest_youtube.formats import select
from medianest_youtube.protocol import ChildJob

# Names within the work folder hold only ids: with the format's id in it, a half file of another format is never continued.
WORK_NAME = "%(id).80B.%(format_id).60B.%(ext)s"
YOUTUBE_EXTRACTORS = ("youtube", "youtube:tab", "youtube:playlist", "youtubeytbe", "youtube:clip")
# Fetched by yt-dlp itself through the proxy; anything else would be ffmpeg's or another program's own connection.
PROTOCOLS = frozenset({"http", "https", "m3u8_native", "http_dash_segments"})


def common(job: ChildJob, logger: object) -> dict[str, Any]:
    options: dict[str, Any] = {
        "quiet": True,
        "noprogress": True,
        "color": "no_color",
        "logger": logger,
        "cachedir": False,
        "paths": {"home": job.work, "temp": job.work},
        "outtmpl": {"default": WORK_NAME},
        "allowed_extractors": list(job.extractors or YOUTUBE_EXTRACTORS),
        "socket_timeout": 20,
        "extractor_retries": 2,
        "noplaylist": job.single,
        "playlistend": job.playlist_limit,
        "proxy": job.proxy or "",
        "enable_file_urls": False,
        "usenetrc": False,
        "ignoreerrors": False,
        "js_runtimes": {name: {"path": path} for name, path in job.js_runtimes.items()},
        "remote_components": [],
        "external_downloader": {"default": "native"},
        "hls_prefer_native": True,
        "updatetime": False,
        # What an earlier attempt finished is not fetched again; a stream gets its final name only once it is whole.
        "overwrites": False,
    }
    if job.ffmpeg:
        options["ffmpeg_location"] = job.ffmpeg
    if job.cookies:
        # A stream, never a path: yt-dlp writes a cookie file back when it ends.
        options["cookiefile"] = io.StringIO(job.cookies)
    return options


def for_inspection(job: ChildJob, logger: object) -> dict[str, Any]:
    """Lists are not resolved: one request a page of a playlist, none per item."""
    return common(job, logger) | {
        "extract_flat": "in_playlist",
        "skip_download": True,
        # A stream that has not begun, or one we cannot play, is still worth a line in the preview.
        "ignore_no_formats_error": True,
    }


def for_download(job: ChildJob, logger: object) -> dict[str, Any]:
    wish = select(job.quality, job.container)
    options = common(job, logger) | {
        "format": wish.format,
        "format_sort": list(wish.sort),
        "noplaylist": True,
        "extract_flat": False,
        "continuedl": True,
        "retries": 5,
        "fragment_retries": 5,
        "file_access_retries": 2,
        "retry_sleep_functions": {"http": _wait, "fragment": _wait},
        "skip_unavailable_fragments": False,
        "concurrent_fragment_downloads": 2,
        "max_filesize": job.max_bytes,
        "ratelimit": job.bytes_per_second,
        "writethumbnail": job.thumbnail,
        "writesubtitles": bool(job.subtitles),
        "writeautomaticsub": bool(job.subtitles) and job.auto_subtitles,
        "subtitleslangs": list(job.subtitles),
        "subtitlesformat": "srt/vtt/best",
        "postprocessors": _postprocessors(job),
    }
    if wish.merge:
        options["merge_output_format"] = wish.merge
    return {key: value for key, value in options.items() if value is not None}


def _wait(n: int) -> float:
    return min(2.0**n, 20.0)


def _postprocessors(job: ChildJob) -> list[dict[str, Any]]:
    wish = select(job.quality, job.container)
    steps: list[dict[str, Any]] = []
    if job.thumbnail:
        steps.append({"key": "FFmpegThumbnailsConvertor", "format": "jpg", "when": "before_dl"})
    if job.subtitles:
        steps.append({"key": "FFmpegSubtitlesConvertor", "format": "srt", "when": "before_dl"})
    if wish.audio:
        steps.append({"key": "FFmpegExtractAudio", "preferredcodec": wish.audio, "preferredquality": "192"})
    elif wish.remux:
        steps.append({"key": "FFmpegVideoRemuxer", "preferedformat": wish.remux})
    steps.append({"key": "FFmpegMetadata", "add_metadata": True, "add_chapters": True, "add_infojson": False})
    return steps
