"""The circuit breaker's rules, and a state machine that compares it with a plain model."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from medianest_core.base.breaker import Breaker, BreakerOpen, BreakerState, Token
from medianest_core.base.clock import FakeClock


def state(breaker: Breaker) -> BreakerState:
    return breaker.state


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.failure(breaker.enter())


def succeed(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.success(breaker.enter())


def test_five_failures_in_a_row_open_it() -> None:
    clock = FakeClock()
    breaker = Breaker(clock.now)
    fail(breaker, 4)
    assert state(breaker) is BreakerState.CLOSED
    fail(breaker, 1)
    assert state(breaker) is BreakerState.OPEN
    with pytest.raises(BreakerOpen) as caught:
        breaker.enter()
    assert caught.value.retry_in == 30.0


def test_half_of_twenty_calls_open_it() -> None:
    breaker = Breaker(FakeClock().now)
    for _ in range(5):
        fail(breaker, 2)
        succeed(breaker, 2)
    assert state(breaker) is BreakerState.CLOSED, (
        "ten of twenty, but the last call succeeded before the count was due"
    )
    fail(breaker, 1)
    assert state(breaker) is BreakerState.OPEN


def test_old_calls_no_longer_count() -> None:
    clock = FakeClock()
    breaker = Breaker(clock.now)
    for _ in range(5):
        fail(breaker, 3)
        succeed(breaker, 1)
        clock.advance(61)
    assert state(breaker) is BreakerState.CLOSED


def test_one_probe_decides() -> None:
    clock = FakeClock()
    breaker = Breaker(clock.now)
    fail(breaker, 5)
    clock.advance(30)
    assert state(breaker) is BreakerState.HALF_OPEN
    probe = breaker.enter()
    with pytest.raises(BreakerOpen):
        breaker.enter()
    breaker.failure(probe)
    assert state(breaker) is BreakerState.OPEN
    clock.advance(30)
    breaker.success(breaker.enter())
    assert state(breaker) is BreakerState.CLOSED


def test_a_call_from_before_cannot_pass_for_the_probe() -> None:
    clock = FakeClock()
    breaker = Breaker(clock.now)
    early = breaker.enter()
    fail(breaker, 5)
    clock.advance(30)
    probe = breaker.enter()
    breaker.success(early)
    assert state(breaker) is BreakerState.HALF_OPEN
    breaker.success(probe)
    assert state(breaker) is BreakerState.CLOSED


def test_a_lost_probe_is_replaced_and_a_cancelled_one_at_once() -> None:
    clock = FakeClock()
    breaker = Breaker(clock.now)
    fail(breaker, 5)
    clock.advance(30)
    lost = breaker.enter()
    clock.advance(29)
    with pytest.raises(BreakerOpen):
        breaker.enter()
    clock.advance(1)
    second = breaker.enter()
    breaker.success(lost)
    assert state(breaker) is BreakerState.HALF_OPEN
    breaker.release(second)
    breaker.success(breaker.enter())
    assert state(breaker) is BreakerState.CLOSED


class BreakerMachine(RuleBasedStateMachine):
    """Calls that overlap in any way, against the two laws that matter."""

    calls = Bundle("calls")

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.breaker = Breaker(self.clock.now)
        self.opened_at: float | None = None
        self.probes: list[Token] = []

    @rule(target=calls)
    def enter(self) -> Token | None:
        before = state(self.breaker)
        try:
            token = self.breaker.enter()
        except BreakerOpen as error:
            assert before is not BreakerState.CLOSED
            assert 0 < error.retry_in <= 30
            return None
        assert before is not BreakerState.OPEN
        assert token.probe is (before is BreakerState.HALF_OPEN)
        return token

    @rule(token=consumes(calls), good=st.booleans())
    def end(self, token: Token | None, good: bool) -> None:
        if token is None:
            return
        before = state(self.breaker)
        (self.breaker.success if good else self.breaker.failure)(token)
        after = state(self.breaker)
        if before is not BreakerState.CLOSED and after is BreakerState.CLOSED:
            assert good and token.probe, "only a probe's success closes it"
        if before is BreakerState.CLOSED and after is not BreakerState.CLOSED:
            assert not good, "a success never opens it"
        if before is BreakerState.OPEN:
            assert after is BreakerState.OPEN, "a straggler changes nothing while it is open"

    @rule(seconds=st.sampled_from([0.5, 5.0, 29.5, 30.0, 61.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def reset(self) -> None:
        self.breaker.reset()
        assert state(self.breaker) is BreakerState.CLOSED

    @invariant()
    def retry_time_fits_the_state(self) -> None:
        if state(self.breaker) is BreakerState.CLOSED:
            assert self.breaker.retry_in == 0
        elif state(self.breaker) is BreakerState.OPEN:
            assert self.breaker.retry_in > 0


TestBreakerMachine = BreakerMachine.TestCase
TestBreakerMachine.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
