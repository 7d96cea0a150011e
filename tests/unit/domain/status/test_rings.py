"""Rings: what is counted stays what it was, however it is cut, stored and read; and they never grow."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medianest_core.domain.status.rings import SHAPES, History, Ring, Span
from medianest_core.domain.status.states import State

BASE = 1_700_000_000.0
SPANS = st.sampled_from(list(Span))
KNOWN = st.sampled_from([State.UP, State.DOWN, State.MAINTENANCE])
ANY = st.sampled_from(list(State))
PIECES = st.lists(st.tuples(ANY, st.floats(1, 40_000)), max_size=40)


def _play(history: History, pieces: list[tuple[State, float]]) -> float:
    at = history.counted_at
    for state, seconds in pieces:
        at += seconds
        history.pass_time(state, at)
    return at


@settings(deadline=None)
@given(SPANS, KNOWN, st.floats(0, 3e6), st.floats(1, 1e5), st.floats(0, 1))
def test_cutting_a_piece_changes_nothing(
    span: Span, state: State, begin: float, length: float, cut: float
) -> None:
    whole, cut_up, start = Ring(span), Ring(span), BASE + begin
    whole.count_time(state, start, start + length)
    cut_up.count_time(state, start, start + length * cut)
    cut_up.count_time(state, start + length * cut, start + length)
    for one, other in zip(whole.buckets(start + length), cut_up.buckets(start + length), strict=True):
        assert (one.up, one.down, one.maintenance) == pytest.approx(
            (other.up, other.down, other.maintenance), abs=0.05
        )


@settings(deadline=None)
@given(SPANS, PIECES)
def test_no_bucket_holds_more_than_its_time_and_none_is_lost(
    span: Span, pieces: list[tuple[State, float]]
) -> None:
    history = History.begin(BASE)
    end = _play(history, pieces)
    width, count = SHAPES[span]
    buckets = history.rings[span].buckets(end)
    assert len(buckets) == count
    assert [one.at for one in buckets] == [buckets[0].at + n * width for n in range(count)]
    assert all(one.up + one.down + one.maintenance <= width * 1.001 for one in buckets)
    expected, at = 0.0, BASE
    for state, seconds in pieces:
        if state in (State.UP, State.DOWN, State.MAINTENANCE):
            expected += max(0.0, at + seconds - max(at, buckets[0].at))
        at += seconds
    assert sum(one.up + one.down + one.maintenance for one in buckets) == pytest.approx(
        expected, rel=1e-3, abs=1
    )


@settings(deadline=None)
@given(PIECES, st.floats(0, 5e6))
def test_what_is_stored_reads_the_same(pieces: list[tuple[State, float]], later: float) -> None:
    history = History.begin(BASE)
    end = _play(history, pieces)
    history.measured(end, 25.0)
    again = History.load(
        {span.value: ring.stored() for span, ring in history.rings.items()}, history.counted_at
    )
    for span in Span:
        assert again.rings[span].buckets(end + later) == history.rings[span].buckets(end + later)
        assert again.rings[span].uptime(end + later) == history.rings[span].uptime(end + later)
        assert len(history.rings[span].stored()) == 8 + SHAPES[span][1] * 20


@settings(deadline=None)
@given(SPANS, PIECES, st.floats(0, 4e6))
def test_uptime_is_what_the_buckets_say(span: Span, pieces: list[tuple[State, float]], later: float) -> None:
    history = History.begin(BASE)
    now = _play(history, pieces) + later
    buckets = history.rings[span].buckets(now)
    up, down = sum(one.up for one in buckets), sum(one.down for one in buckets)
    uptime = history.rings[span].uptime(now)
    assert uptime == (pytest.approx(up / (up + down), abs=1e-4) if up + down > 0 else None)


def test_responses_are_averaged_and_leave_with_their_bucket() -> None:
    ring = Ring(Span.DAY)
    for milliseconds in (10.0, 30.0):
        ring.count_response(BASE, milliseconds)
    assert ring.buckets(BASE)[-1].response_ms == 20.0
    assert all(one.response_ms is None for one in ring.buckets(BASE + 86_400 * 2))
    ring.count_response(BASE - 10 * 86_400, 1.0)
    assert [one.response_ms for one in ring.buckets(BASE) if one.response_ms] == [20.0]


def test_what_is_not_a_ring_begins_anew() -> None:
    ring = Ring(Span.WEEK, b"torn")
    assert ring.uptime(BASE) is None
    assert ring.stored() == b""
