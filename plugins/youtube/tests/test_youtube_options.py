"""Wishes become parameters, messages become reasons, items become documents: the pure parts."""

from __future__ import annotations

import io
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_youtube import formats, ytdlp_options
from medianest_youtube.errors import REASONS, classify, plain
from medianest_youtube.inspection import describe
from medianest_youtube.nfo import movie_nfo
from medianest_youtube.protocol import QUALITIES, VIDEO_CONTAINERS, ChildJob, read_job

_COOKIES = "# Netscape HTTP Cookie File\n"


def _job(**wishes: object) -> ChildJob:
    facts: dict[str, object] = {"kind": "download", "url": "https://youtu.be/x", "work": "/w"}
    return ChildJob(**(facts | wishes))  # type: ignore[arg-type]  # a test builds jobs by keyword


@given(
    st.text(min_size=1),
    st.sampled_from(VIDEO_CONTAINERS),
    st.sampled_from([q for q in QUALITIES if q != "audio"]),
)
def test_nothing_a_user_sends_reaches_a_template_or_program(url: str, container: str, quality: str) -> None:
    one = ytdlp_options.for_download(_job(url=url, container=container, quality=quality), object())
    other = ytdlp_options.for_download(_job(container=container, quality=quality), object())
    one.pop("logger"), other.pop("logger")
    assert one.pop("retry_sleep_functions") and other.pop("retry_sleep_functions")
    assert one == other
    assert one["outtmpl"] == {"default": ytdlp_options.WORK_NAME}
    assert one["external_downloader"] == {"default": "native"}
    assert not one["enable_file_urls"] and not one["usenetrc"] and one["cachedir"] is False
    assert not {"exec_cmd", "cookiesfrombrowser", "config_locations", "netrc_cmd"} & one.keys()


def test_cookies_are_a_stream_of_their_own_and_no_proxy_means_none() -> None:
    options = ytdlp_options.common(_job(cookies=_COOKIES), object())
    assert isinstance(options["cookiefile"], io.StringIO)
    assert options["proxy"] == ""
    assert options["allowed_extractors"] == list(ytdlp_options.YOUTUBE_EXTRACTORS)


def test_a_job_survives_its_line() -> None:
    job = _job(subtitles=["en"], cookies=_COOKIES, js_runtimes={"deno": "/usr/bin/deno"})
    assert read_job(job.line()) == job


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("ERROR: [youtube] abc: Private video. Sign in if you've been granted access to this video", "private"),
        ("ERROR: [youtube] abc: Video unavailable. This video has been removed by the uploader", "removed"),
        ("ERROR: [youtube] abc: Video unavailable. This video is no longer available due to a copyright claim by X", "removed"),
        ("ERROR: [youtube] abc: Video unavailable", "unavailable"),
        ("ERROR: [youtube] abc: Sign in to confirm you’re not a bot. Use --cookies", "bot_check"),
        ("ERROR: [youtube] abc: Sign in to confirm your age. This video may be inappropriate for some users.", "age"),
        ("ERROR: [youtube] abc: Join this channel to get access to members-only content", "members"),
        ("ERROR: [youtube] abc: The uploader has not made this video available in your country", "region"),
        ("ERROR: [youtube] abc: This live event will begin in 3 hours.", "upcoming"),
        ("ERROR: [youtube] abc: Premieres in 2 days", "upcoming"),
        ("ERROR: [youtube] abc: Requested format is not available. Use --list-formats", "no_format"),
        ("ERROR: unable to download video data: HTTP Error 429: Too Many Requests", "rate_limited"),
        ("ERROR: [youtube] abc: This content isn't available, try again later. The current session has been rate-limited by YouTube", "rate_limited"),
        ("ERROR: unable to download video data: HTTP Error 403: Forbidden", "forbidden"),
        ("ERROR: Unsupported URL: https://x/", "not_supported"),
        ("File is larger than max-filesize 100 bytes > 50 bytes). Aborting.", "too_large"),
        ("[Errno 28] No space left on device", "disk_full"),
        ("ERROR: Postprocessing: ffprobe and ffmpeg not found. Please install", "ffmpeg"),
        ("Unable to download webpage: The read operation timed out", "connection"),
        ("ERROR: [youtube] abc: Unable to extract initial player response", "site_changed"),
        ("nobody has ever said this", "failed"),
    ],
)  # fmt: skip
def test_messages_become_reasons(message: str, code: str) -> None:
    assert classify(message).code == code
    assert REASONS[code].text


def test_a_message_for_the_log_holds_no_address() -> None:
    told = plain(
        "\x1b[0;31mERROR:\x1b[0m got https://media.example/v?sig=SECRET&x=1 ; please report this issue on https://x"
    )
    assert "SECRET" not in told and "\x1b" not in told


def test_sizes_come_from_the_streams_else_from_the_duration() -> None:
    streams = [
        {"vcodec": "avc1", "acodec": "none", "width": 1920, "height": 1080, "filesize": 5000},
        {"vcodec": "avc1", "acodec": "none", "width": 1280, "height": 720, "filesize_approx": 2000.5},
        {"vcodec": "none", "acodec": "opus", "filesize": 100},
    ]
    known = formats.sizes(streams, QUALITIES, 60)
    assert (known["1080"], known["720"], known["2160"], known["audio"]) == (5100, 2100, 5100, 100)
    assert known["360"] == int(60 * 0.5e6 / 8)
    assert formats.sizes([], QUALITIES, None) == {}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)
    )
)
def test_odd_facts_from_a_site_never_break_the_preview(value: object) -> None:
    info = {
        name: value
        for name in (
            "id",
            "title",
            "duration",
            "thumbnail",
            "thumbnails",
            "formats",
            "live_status",
            "availability",
            "channel",
        )
        if not (name in ("thumbnails", "formats") and not isinstance(value, (list, type(None))))
    }
    assert len(describe(info, 5)["items"]) == 1
    assert describe({"_type": "playlist", "entries": [info, None], "playlist_count": value}, 5)["total"] >= 1


@given(st.text(), st.text())
def test_any_title_makes_a_wellformed_nfo(title: str, plot: str) -> None:
    root = ElementTree.fromstring(movie_nfo({"id": "x", "title": title, "description": plot, "duration": 90}))
    assert root.findtext("uniqueid") == "x"
    assert root.findtext("runtime") == "2"
