"""People hear of what goes down and comes back, but not of every flap."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from medianest_core.domain.status.damping import MOST, WINDOW, Damping, Told
from medianest_core.domain.status.states import State

GAPS = st.lists(st.floats(0.1, 3 * WINDOW), min_size=1, max_size=60)


def _told(gaps: list[float]) -> list[tuple[float, Told]]:
    """What is told when it changes after each of the gaps, and is looked at every minute between."""
    told: list[tuple[float, Told]] = []
    memory, now, down = Damping(), 0.0, False
    for gap in gaps:
        ends = now + gap
        while now + 60 < ends:
            now += 60
            memory, word = memory.settle(State.DOWN if down else State.UP, now)
            if word:
                told.append((now, word))
        now, down = ends, not down
        memory, word = memory.change(State.DOWN if down else State.UP, now)
        if word:
            told.append((now, word))
    return told


def test_the_first_time_is_told_at_once() -> None:
    memory, word = Damping().change(State.DOWN, 100.0)
    assert word == "down"
    memory, word = memory.change(State.UP, 160.0)
    assert word == "up"
    assert Damping.load(memory.stored()) == memory


@settings(deadline=None)
@given(GAPS)
def test_nobody_is_flooded(gaps: list[float]) -> None:
    told = _told(gaps)
    for at, _ in told:
        assert len([one for one, _ in told if at <= one < at + WINDOW]) <= 2 * (MOST + 1)
    words = [word for _, word in told]
    assert all(one != other for one, other in pairwise(words)), "nothing is told twice"


@settings(deadline=None)
@given(GAPS)
def test_in_the_end_people_know_how_it_is(gaps: list[float]) -> None:
    memory, now, down = Damping(), 0.0, False
    for gap in gaps:
        now, down = now + gap, not down
        memory, _ = memory.change(State.DOWN if down else State.UP, now)
    memory, _ = memory.settle(State.DOWN if down else State.UP, now + WINDOW + 1)
    assert memory.told == ("down" if down else "up")
    assert len(memory.changes) <= MOST + 1


def test_flapping_is_said_once() -> None:
    words = [word for _, word in _told([5.0] * 30)]
    assert words == ["down", "up", "down", "up", "flapping"]
