"""Quiet hours and summaries: laws over zones, and the nights in which clocks are changed."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from medianest_core.domain.notify.times import DAY, Times, after_quiet, due, is_quiet, next_digest

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Nowhere/Real")
minutes = st.none() | st.integers(0, DAY - 1)
times = st.builds(
    Times,
    quiet_from=minutes,
    quiet_to=minutes,
    digest_hour=st.integers(0, 23),
    urgent=st.booleans(),
    zone=st.sampled_from(ZONES),
)
moments = st.floats(1_700_000_000, 1_800_000_000)


def at(zone: str, text: str, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


@given(times, moments, st.booleans(), st.booleans())
def test_nothing_goes_out_early_in_quiet_hours_or_days_late(
    when: Times, moment: float, digest: bool, urgent: bool
) -> None:
    found = due(when, moment, digest=digest, urgent=urgent)
    assert moment <= found <= moment + 2 * 86_400 + 7200
    if urgent and when.urgent:
        assert found == moment
    else:
        assert not is_quiet(when, found)
    if not digest and not is_quiet(when, moment):
        assert found == moment


@given(times, moments)
def test_what_waited_is_not_held_again(when: Times, moment: float) -> None:
    found = after_quiet(when, moment)
    assert after_quiet(when, found) == found
    assert next_digest(when, next_digest(when, moment)) == next_digest(when, moment)


def test_hours_over_midnight_are_those_of_the_reader() -> None:
    when = Times(quiet_from=22 * 60, quiet_to=7 * 60, zone="Europe/Berlin")
    assert not is_quiet(when, at("Europe/Berlin", "2026-07-01T21:59:59"))
    assert is_quiet(when, at("Europe/Berlin", "2026-07-01T22:00"))
    assert after_quiet(when, at("Europe/Berlin", "2026-07-01T23:30")) == at(
        "Europe/Berlin", "2026-07-02T07:00"
    )
    assert after_quiet(when, at("Europe/Berlin", "2026-07-02T03:00")) == at(
        "Europe/Berlin", "2026-07-02T07:00"
    )
    assert not is_quiet(when, at("Europe/Berlin", "2026-07-02T07:00"))
    same = Times(quiet_from=600, quiet_to=600)
    assert not is_quiet(same, 1_700_000_000.0)


def test_the_nights_in_which_clocks_change() -> None:
    berlin = "Europe/Berlin"
    # 02:30 is not shown in the night of 29 March 2026: the clocks jump from 02:00 to 03:00.
    jumped = Times(quiet_from=22 * 60, quiet_to=150, digest_hour=2, zone=berlin)
    ended = after_quiet(jumped, at(berlin, "2026-03-29T01:00"))
    assert at(berlin, "2026-03-29T03:00") <= ended <= at(berlin, "2026-03-29T03:30")
    # 02:30 is shown twice in the night of 25 October 2026.
    twice = Times(quiet_from=22 * 60, quiet_to=150, zone=berlin)
    assert after_quiet(twice, at(berlin, "2026-10-25T02:10")) == at(berlin, "2026-10-25T02:30")
    assert after_quiet(twice, at(berlin, "2026-10-25T02:10", fold=1)) == at(
        berlin, "2026-10-25T02:30", fold=1
    )
    assert next_digest(Times(digest_hour=8, zone=berlin), at(berlin, "2026-10-25T08:00:01")) == at(
        berlin, "2026-10-26T08:00"
    )
