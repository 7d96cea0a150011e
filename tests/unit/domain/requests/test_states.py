"""Which state of a request may follow which."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_core.domain.requests.states import OPEN, TERMINAL, NotPossible, State, may, step

STATES = st.sampled_from(list(State))


@given(st.lists(STATES, max_size=30))
def test_no_walk_leaves_a_terminal_state_or_takes_a_step_that_is_not_allowed(wishes: list[State]) -> None:
    state, walk = State.PENDING, [State.PENDING]
    for wanted in wishes:
        try:
            moves = step(state, wanted)
        except NotPossible:
            assert not may(state, wanted) and state is not wanted
            continue
        assert moves is (wanted is not state)
        if moves:
            assert may(state, wanted) and state not in TERMINAL
            state = wanted
            walk.append(state)
    for before, after in itertools.pairwise(walk):
        assert before is not after and before not in TERMINAL
        # Nothing is sent that nobody approved, and nothing is on its way that was not sent.
        assert after is not State.SUBMITTING or before is State.APPROVED
        assert after is not State.PROCESSING or before in (State.SUBMITTING, State.PARTIALLY_AVAILABLE)


@given(STATES, STATES)
def test_the_same_again_is_no_change(state: State, wanted: State) -> None:
    assert step(state, state) is False
    if state in TERMINAL and wanted is not state:
        with pytest.raises(NotPossible):
            step(state, wanted)


def test_every_state_can_be_reached_and_every_open_one_can_end() -> None:
    reached = {State.PENDING}
    while more := {after for one in reached for after in State if may(one, after)} - reached:
        reached |= more
    assert reached == set(State)
    for one in OPEN:
        assert may(one, State.CANCELLED) and may(one, State.AVAILABLE)
    assert may(State.FAILED, State.APPROVED)
    assert OPEN | TERMINAL | {State.FAILED} == set(State)
