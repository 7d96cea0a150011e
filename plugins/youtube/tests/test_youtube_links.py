"""What may be pasted: everything but a plain address of an allowed site is refused before any process starts."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_youtube.links import YOUTUBE_SITES, Link, NotAllowed, read_link, site_problem

SITES = ("youtube.com", "youtu.be")
OWN = ("127.0.0.1:8123",)
_LIST = "PL0123456789abcdefghijABCDEFGHIJ01"

_SCHEMES = (
    "file://",
    "ftp://",
    "gopher://",
    "data:text/html,",
    "javascript:",
    "ytsearch:",
    "ytsearchall:",
    "rtmp://",
    "concat:",
    "\\\\",
)
_HOSTS = (
    "localhost", "127.0.0.1", "127.1", "0", "0.0.0.0", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0177.0.0.1",
    "[::1]", "[::]", "[::ffff:127.0.0.1]", "[fe80::1%25eth0]", "169.254.169.254", "10.0.0.1", "192.168.1.1", "172.16.0.1",
    "100.64.0.1", "metadata.google.internal", "router.lan", "evil.com", "youtube.com.evil.com", "notyoutube.com",
    "youtube.com@evil.com", "youtube.com:pw@evil.com", "evil.com#youtube.com", "evil.com?youtube.com", "evil.com\\youtube.com",
    "youtube.com%2eevil.com", "youtube.com%00.evil.com", "youtube。evil.com", "youtube.com:22", "youtube.com:8080",
    "-youtube.com", "you_tube.com", "", ".", "youtube", "com", "１２７.０.０.１", "①②⑦.0.0.1", "127.0.0.1:8124",
)  # fmt: skip
_PATHS = ("/watch?v=dQw4w9WgXcQ", "/", "/playlist?list=" + _LIST)
_REFUSED = [
    *(f"{scheme}{rest}" for scheme in _SCHEMES for rest in ("youtube.com/watch?v=dQw4w9WgXcQ", "/etc/passwd", "cats")),
    *(f"{scheme}://{host}{path}" for scheme, host, path in itertools.product(("http", "https", "HTTP"), _HOSTS, _PATHS)),
    *(f"{host}{path}" for host, path in itertools.product(_HOSTS, _PATHS)),
    "-o", "--exec=id", "--config-location=/tmp/x", "-", "--", "-ihttps://youtube.com", " --exec id https://youtube.com/watch?v=dQw4w9WgXcQ",
    "https://youtube.com/watch?v=dQw4w9WgXcQ\n--exec=id", "https://youtube.com/watch?v=dQw4w9WgXcQ\r\nHost: evil", "https://you\ttube.com/",
    "https://youtube.com/watch?v=dQw4w9WgXcQ\x00", "https://youtube.com/<script>", 'https://youtube.com/"x"', "https://youtube.com/`id`",
    "https://youtube.com/\u202ewatch", "https://youtube.com/watch?v=short", "https://youtube.com/watch", "https://youtube.com/feed/subscriptions",
    "https://youtube.com/results?search_query=cats", "https://youtube.com/redirect?q=http://127.0.0.1/", "https://youtu.be/", "https://youtu.be/x",
    "https://user@youtube.com/watch?v=dQw4w9WgXcQ", "https://user:pw@youtube.com/watch?v=dQw4w9WgXcQ", "https://youtube.com:0/watch?v=dQw4w9WgXcQ",
    "https://youtube.com:99999/watch?v=dQw4w9WgXcQ", "https://youtube.com:443x/", "https:///watch?v=dQw4w9WgXcQ", "https:youtube.com", "//youtube.com/watch?v=dQw4w9WgXcQ",
    "https://[youtube.com]/", "https://youtube.com/watch?v=../../../etc", "https://youtube.com/playlist?list=../x", "https://youtube.com/playlist", "", " ",
    "https://youtube.com/watch?v=dQw4w9WgXcQ" + "a" * 3000, "https://www.youtube.com/@../videos", "cookies.txt", "/etc/passwd", "C:\\Windows",
]  # fmt: skip


def test_the_corpus_is_large() -> None:
    assert len(set(_REFUSED)) > 400


@pytest.mark.parametrize("chunk", range(8))
def test_refused_before_anything_starts(chunk: int) -> None:
    for text in _REFUSED[chunk::8]:
        with pytest.raises(NotAllowed):
            read = read_link(text, SITES, OWN)
            raise AssertionError(f"{text!r} was taken for {read}")


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=42s", Link("https://www.youtube.com/watch?v=dQw4w9WgXcQ", "video")),
        ("youtu.be/dQw4w9WgXcQ?si=abc", Link("https://www.youtube.com/watch?v=dQw4w9WgXcQ", "video")),
        ("http://M.YouTube.com/watch?v=dQw4w9WgXcQ", Link("https://m.youtube.com/watch?v=dQw4w9WgXcQ", "video")),
        ("https://youtube.com/shorts/dQw4w9WgXcQ", Link("https://youtube.com/shorts/dQw4w9WgXcQ", "video")),
        ("https://youtube.com/live/dQw4w9WgXcQ", Link("https://youtube.com/watch?v=dQw4w9WgXcQ", "video")),
        (
            f"https://youtube.com/watch?v=dQw4w9WgXcQ&list={_LIST}&index=2",
            Link("https://youtube.com/watch?v=dQw4w9WgXcQ", "video", f"https://youtube.com/playlist?list={_LIST}"),
        ),
        (f"https://youtube.com/playlist?list={_LIST}", Link(f"https://youtube.com/playlist?list={_LIST}", "playlist")),
        ("https://youtube.com/@SomeOne", Link("https://youtube.com/@SomeOne/videos", "channel")),
        ("https://youtube.com/@SomeOne/shorts", Link("https://youtube.com/@SomeOne/shorts", "channel")),
        ("https://youtube.com/channel/UCabc/featured", Link("https://youtube.com/channel/UCabc/videos", "channel")),
        ("http://127.0.0.1:8123/watch?v=dQw4w9WgXcQ", Link("http://127.0.0.1:8123/watch?v=dQw4w9WgXcQ", "video")),
        ("http://127.0.0.1:8123/@someone", Link("http://127.0.0.1:8123/@someone/videos", "channel")),
    ],
)  # fmt: skip
def test_taken_in_normal_form(text: str, link: Link) -> None:
    assert read_link(text, SITES, OWN) == link


def test_other_sites_only_where_the_admin_allows_them() -> None:
    with pytest.raises(NotAllowed, match=r"vimeo\.com is not one of the allowed sites"):
        read_link("https://vimeo.com/1234", SITES)
    assert (
        read_link("https://player.vimeo.com/video/1?x=1#y", ("vimeo.com",)).url
        == "https://player.vimeo.com/video/1?x=1"
    )


@given(st.text(max_size=200))
def test_whatever_is_taken_is_an_address_of_an_allowed_site(text: str) -> None:
    try:
        link = read_link(text, SITES)
    except NotAllowed:
        return
    assert link.url.startswith("https://")
    assert link.url.split("/")[2].endswith(YOUTUBE_SITES)


@given(st.sampled_from(SITES), st.text(alphabet="/?&=#@:.-%~abvwtchlisPL0189[]\\ ", max_size=80))
def test_taking_is_stable_and_keeps_the_site(site: str, rest: str) -> None:
    try:
        link = read_link(f"https://{site}{rest}", SITES)
    except NotAllowed:
        return
    assert read_link(link.url, SITES).url == link.url
    host = link.url.split("/")[2]
    assert any(host == one or host.endswith(f".{one}") for one in SITES)


@pytest.mark.parametrize(
    "site", ["https://x.org", "x.org/path", "localhost", "10.0.0.1", "*.x.org", "x org", "X.org", ""]
)
def test_sites_are_plain_names(site: str) -> None:
    assert site_problem(site)
