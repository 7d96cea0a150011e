"""The bucket: a burst, then a steady rate, never more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from medianest_core.web.live.flood import Bucket


@given(st.lists(st.floats(0, 5), max_size=300))
def test_never_more_than_the_burst_and_the_rate(pauses: list[float]) -> None:
    now = [0.0]
    bucket = Bucket(rate=2, burst=5, timer=lambda: now[0])
    taken = 0
    for pause in pauses:
        now[0] += pause
        taken += bucket.take()
        assert taken <= 5 + 2 * now[0] + 1e-6


def test_a_calm_client_is_never_refused() -> None:
    now = [0.0]
    bucket = Bucket(rate=2, burst=5, timer=lambda: now[0])
    for _ in range(1_000):
        now[0] += 0.5
        assert bucket.take()
