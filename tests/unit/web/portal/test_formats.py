"""Numbers, times and sizes in words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_core.web.portal import formats
from medianest_core.web.portal.viewer import Viewer, use_viewer

NOW = 1_795_168_920.0  # 2026-11-20 10:02 UTC


@pytest.fixture(params=["en", "de"])
def locale(request: pytest.FixtureRequest) -> Iterator[str]:
    with use_viewer(Viewer(locale=request.param, zone="Europe/Vienna", now=lambda: NOW)):
        yield request.param


def plain(text: str) -> str:
    return text.replace("\u202f", " ").replace("\u00a0", " ")


def test_clock_is_in_the_viewers_zone(locale: str) -> None:
    assert plain(formats.clock(NOW)) == {"en": "11:02 AM", "de": "11:02"}[locale]
    assert plain(formats.clock(NOW - 86400)).startswith({"en": "Nov 19, 2026", "de": "19.11.2026"}[locale])
    assert formats.iso(NOW) == "2026-11-20T10:02:00Z"


def test_age(locale: str) -> None:
    assert formats.age(NOW - 3) == {"en": "just now", "de": "gerade eben"}[locale]
    assert formats.age(NOW - 240) == {"en": "4 minutes ago", "de": "vor 4 Minuten"}[locale]
    assert formats.age(NOW + 7200) == {"en": "in 2 hours", "de": "in 2 Stunden"}[locale]


def test_sizes_and_rates(locale: str) -> None:
    assert formats.size(1) == {"en": "1 byte", "de": "1 Byte"}[locale]
    assert formats.size(999_499) == "999 kB"
    assert formats.size(48_200_000_000) == {"en": "48.2 GB", "de": "48,2 GB"}[locale]
    assert formats.rate(4_200_000) == {"en": "4.2 MB/s", "de": "4,2 MB/s"}[locale]


def test_lengths(locale: str) -> None:
    assert formats.duration(245) == "4:05"
    assert formats.runtime(6120) == {"en": "1 h 42 min", "de": "1 Std. 42 Min."}[locale]
    assert formats.runtime(2520) == {"en": "42 min", "de": "42 Min."}[locale]
    assert (
        formats.time_left(20)
        == {"en": "less than a minute left", "de": "noch weniger als eine Minute"}[locale]
    )
    assert formats.time_left(185) == {"en": "about 3 minutes left", "de": "noch etwa 3 Minuten"}[locale]
    assert plain(formats.latency(14)) == "14 ms"
    assert plain(formats.latency(2400)) == {"en": "2.4 s", "de": "2,4 s"}[locale]


def test_facts_by_kind(locale: str) -> None:
    assert formats.fact("x", "bytes") == "x"
    assert formats.fact(1_000_000.0, "bytes") == {"en": "1.0 MB", "de": "1,0 MB"}[locale]
    assert formats.fact(1234.0, "number") == {"en": "1,234", "de": "1.234"}[locale]


@pytest.mark.parametrize("zone", ["Nowhere/Land", "", "../../etc/passwd", "\x00"])
def test_an_unknown_zone_is_utc(zone: str) -> None:
    with use_viewer(Viewer(zone=zone, now=lambda: NOW)):
        assert plain(formats.clock(NOW)) == "10:02 AM"


@given(st.floats(min_value=0, max_value=1e17))
def test_sizes_never_show_a_figure_of_four_digits(count: float) -> None:
    figure = formats.size(count).split(" ")[0].replace(",", "")
    assert float(figure) < 1000


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_percent_stays_in_bounds(fraction: float) -> None:
    assert 0 <= int(formats.percent(fraction).rstrip("%")) <= 100
