"""Settings are refused where yt-dlp or the egress rules would fail later, and never repeat a secret."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from yt_dlp.cookies import YoutubeDLCookieJar

from medianest_core.sdk.settings import Secret
from medianest_youtube.cookies import cookie_problem, for_ytdlp
from medianest_youtube.settings import YoutubeSettings

_COOKIE = ".youtube.com\tTRUE\t/\tTRUE\t1999999999\tSID\tcanary-value"
_GOOD = f"# Netscape HTTP Cookie File\n# a comment\n\n{_COOKIE}\n#HttpOnly_{_COOKIE}"


def test_real_yt_dlp_reads_what_is_accepted() -> None:
    import io

    for text in (_GOOD, _GOOD.replace("\n", "\r\n"), _COOKIE):
        assert cookie_problem(text) is None
        jar = YoutubeDLCookieJar(io.StringIO(for_ytdlp(text)))
        jar.load()
        assert [cookie.name for cookie in jar] == ["SID"]


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        '[{"name": "SID", "value": "canary-value"}]',
        "# Netscape HTTP Cookie File\n",
        _COOKIE.replace("\t", " "),
        _COOKIE.replace("TRUE\t1999999999", "maybe\t1999999999"),
        _COOKIE.replace("1999999999", "canary-value"),
        "x" * 600_000,
    ],
)
def test_unusable_cookies_are_refused_when_saved_without_repeating_them(text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        YoutubeSettings(cookies=Secret(text))
    assert "canary" not in str(caught.value) and "canary" not in repr(
        caught.value.errors(include_context=False)
    )


def test_only_youtubes_own_hosts_are_reached_unless_other_sites_are_allowed() -> None:
    hosts = YoutubeSettings().hosts()
    assert "*.googlevideo.com:443" in hosts and "*" not in hosts
    assert "*" in YoutubeSettings(sites=["youtube.com", "vimeo.com"]).hosts()
    assert list(YoutubeSettings.model_validate({"site_url": "http://127.0.0.1:81"}).hosts()) == [
        "127.0.0.1:81"
    ]


@pytest.mark.parametrize("sites", [[], ["  "], ["https://youtube.com"], ["10.0.0.1"], ["localhost"]])
def test_odd_sites_are_refused(sites: list[str]) -> None:
    with pytest.raises(ValidationError):
        YoutubeSettings(sites=sites)


def test_sites_are_tidied() -> None:
    assert YoutubeSettings(sites=[" YouTube.com ", "youtube.com", ""]).sites == ["youtube.com"]
