"""How often a law is tried: 200 times in the quick suite, 1,000 times in the whole one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

QUICK, WHOLE = 200, 1000


class _Suite:
    """Told by tests/conftest.py before any test is collected."""

    whole = True


SUITE = _Suite()


class Law:
    """A test that can also be tried on something else: `strategies` make what `check` is given."""

    def __init__(self, check: Callable[..., None], strategies: tuple[st.SearchStrategy[Any], ...]) -> None:
        self.check = check
        self.strategies = strategies

    def test(self) -> Callable[[], None]:
        examples = WHOLE if SUITE.whole else QUICK
        tried = given(*self.strategies)(self.check)
        found: Any = settings(
            max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        )(tried)
        found.law = self
        return found  # type: ignore[no-any-return]  # what hypothesis makes has no type


def law(*strategies: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Callable[[], None]]:
    """Makes a test of a function that asserts something of what these strategies make."""

    def wrap(check: Callable[..., None]) -> Callable[[], None]:
        return Law(check, strategies).test()

    return wrap
