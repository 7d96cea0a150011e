"""Does it play here? By the facts of the file and the browser's name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from medianest_core.domain.library.reading.titles import Availability
from medianest_core.web.portal.pages.plays import best, episode_badges, plays_view
from medianest_core.web.portal.playback import CHROME, EDGE, FIREFOX, OTHER, SAFARI, Fit, family_of, judge

AGENTS = {
    FIREFOX: "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    CHROME: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    EDGE: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
    SAFARI: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
    OTHER: "curl/8.15.0",
}
PLAIN = {"video_codec": "h264", "bit_depth": 8, "audio_codec": "aac", "width": 1920, "height": 1080}
HDR = {
    "video_codec": "hevc",
    "bit_depth": 10,
    "hdr": "HDR10",
    "hdr_formats": ["HDR10"],
    "audio_codec": "eac3",
    "audio_channels": 6,
    "width": 3840,
    "height": 2076,
    "bitrate_kbps": 38100,
}


def place(**media: Any) -> Availability:
    return Availability("a", "1", "Movies", "7", None, 0, 1080, media, ())


def asking(browser: str) -> Request:
    return Request({"type": "http", "headers": [(b"user-agent", AGENTS[browser].encode())]})


@pytest.mark.parametrize("browser", AGENTS)
def test_browsers_are_known_by_their_names(browser: str) -> None:
    assert family_of(AGENTS[browser]) == browser


def test_on_an_iphone_every_browser_is_safari() -> None:
    agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/145.0 Mobile/15E148 Safari/605.1.15"
    assert family_of(agent) == SAFARI


@pytest.mark.parametrize("browser", AGENTS)
def test_h264_with_aac_plays_everywhere(browser: str) -> None:
    verdict = judge(PLAIN, AGENTS[browser])
    assert verdict is not None and verdict.fit == Fit.PLAYS


def test_hevc_in_hdr_is_warned_of_in_firefox_with_its_reasons() -> None:
    view = plays_view(asking(FIREFOX), [place(**HDR)])
    assert view is not None and view.verdict == "fails"
    assert [(part.name, part.fine) for part in view.parts] == [
        ("video", False),
        ("hdr", False),
        ("audio", False),
    ]
    assert [part.text for part in view.parts] == [
        "The picture is coded as HEVC.",
        "The colours are in HDR10.",
        "The sound is coded as Dolby Digital Plus.",
    ]
    assert view.advice == "Cast it, or use Safari."
    assert all(part.question for part in view.parts), "a script can ask for each"


@pytest.mark.parametrize(
    ("browser", "fit"),
    [(FIREFOX, Fit.FAILS), (CHROME, Fit.FAILS), (EDGE, Fit.MAYBE), (SAFARI, Fit.PLAYS), (OTHER, Fit.MAYBE)],
)
def test_what_hevc_in_hdr_is_to_each_browser(browser: str, fit: Fit) -> None:
    verdict = judge(HDR, AGENTS[browser])
    assert verdict is not None and verdict.fit == fit


def test_of_dolby_vision_over_hdr10_the_latter_is_enough() -> None:
    over = judge({**HDR, "hdr": "Dolby Vision", "hdr_formats": ["Dolby Vision", "HDR10"]}, AGENTS[EDGE])
    alone = judge({**HDR, "hdr": "Dolby Vision", "hdr_formats": ["Dolby Vision"]}, AGENTS[CHROME])
    assert over is not None and [part.what for part in over.parts] == ["HEVC", "HDR10", "Dolby Digital Plus"]
    assert alone is not None and alone.parts[1].fit == Fit.FAILS


@pytest.mark.parametrize(
    ("sound", "fails"),
    [("truehd", True), ("dca", True), ("dca-ma", True), ("opus", False), ("pcm_s16le", False)],
)
def test_sound_counts_too(sound: str, fails: bool) -> None:
    verdict = judge({**PLAIN, "audio_codec": sound}, AGENTS[SAFARI])
    assert verdict is not None and (verdict.fit == Fit.FAILS) is fails


def test_h264_in_ten_bits_is_another_thing() -> None:
    verdict = judge({**PLAIN, "bit_depth": 10}, AGENTS[FIREFOX])
    assert verdict is not None and verdict.parts[0].what == "H.264 (10 bit)" and verdict.fit == Fit.FAILS


def test_what_no_browser_plays_is_for_casting() -> None:
    view = plays_view(asking(CHROME), [place(video_codec="mpeg4", audio_codec="mp3")])
    assert view is not None and view.verdict == "fails"
    assert view.advice == "Cast it, or play it in the app of the service."
    assert view.parts[0].question == "", "no browser knows a name for it"


def test_the_copy_that_plays_best_counts() -> None:
    copies = [place(**HDR), place(**PLAIN)]
    view = plays_view(asking(FIREFOX), copies)
    assert view is not None and view.verdict == "plays"
    assert episode_badges(asking(FIREFOX), copies) == ()


def test_an_episode_that_does_not_play_says_why() -> None:
    (badge,) = episode_badges(asking(FIREFOX), [place(**HDR)])
    assert badge.text == "Better cast: HEVC, HDR10, Dolby Digital Plus"
    assert badge.tone == "warning"


@pytest.mark.parametrize(
    "media", [{}, {"width": 1920}, {"audio_codec": "aac"}, {"video_codec": ""}, {"video_codec": 7}]
)
def test_where_nothing_is_known_nothing_is_said(media: dict[str, Any]) -> None:
    assert judge(media, AGENTS[FIREFOX]) is None
    assert plays_view(asking(FIREFOX), [place(**media)]) is None


_facts = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**12),
    st.floats(),
    st.text(max_size=8),
    st.lists(st.text(max_size=4)),
)
_names = st.sampled_from([*HDR, "frame_rate", "dolby_vision_profile"])


@given(st.dictionaries(_names, _facts), st.text(max_size=60))
def test_any_facts_and_any_name_give_a_verdict_or_none(media: dict[str, Any], agent: str) -> None:
    verdict = best(agent, [media])
    assert verdict is None or verdict.parts[0].name == "video"


@given(
    st.sampled_from(list(AGENTS.values())), st.sampled_from(["h264", "hevc", "av1", "vp9", "mpeg4", "odd"])
)
def test_hdr_never_makes_a_file_play_better(agent: str, codec: str) -> None:
    plain, high = (
        judge({"video_codec": codec, "bit_depth": 10}, agent),
        judge({"video_codec": codec, "bit_depth": 10, "hdr": "HLG"}, agent),
    )
    assert plain is not None and high is not None and plain.fit <= high.fit
