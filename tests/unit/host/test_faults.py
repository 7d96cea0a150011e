"""Mistakes of plugins: kept once each, the newest first, and never those that were meant."""

from __future__ import annotations

from medianest_core.base.clock import FakeClock
from medianest_core.base.tasks import Overdue
from medianest_core.host.faults import KEPT, Faults
from medianest_core.sdk.errors import NotReady


def test_the_same_again_only_counts() -> None:
    told: list[str] = []
    clock = FakeClock(100.0)
    faults = Faults(clock, told.append)
    faults.note("one", "/p/one/", ValueError("no such film"))
    clock.advance(60.0)
    faults.note("one", "check", KeyError("up"))
    faults.note("one", "/p/one/", ValueError("no such film"))
    newest, other = faults.of("one")
    assert (newest.where, newest.text, newest.count) == ("/p/one/", "ValueError: no such film", 2)
    assert (newest.first_at, newest.at) == (100.0, 160.0)
    assert "ValueError" in newest.trace and other.where == "check"
    assert newest.sentence() == "It works, but made a mistake (/p/one/): ValueError: no such film"
    assert told == ["one"] * 3
    faults.forget("one")
    assert faults.of("one") == () == faults.of("another")


def test_only_the_newest_are_kept() -> None:
    faults = Faults(FakeClock(0.0))
    for number in range(KEPT + 5):
        faults.note("one", "job", RuntimeError(str(number)))
    assert [one.text for one in faults.of("one")] == [
        f"RuntimeError: {number}" for number in reversed(range(5, KEPT + 5))
    ]


def test_what_a_plugin_says_on_purpose_is_no_mistake() -> None:
    faults = Faults(FakeClock(0.0))
    faults.note("one", "check", NotReady("The service is away."))
    assert faults.of("one") == ()
    faults.note("one", "check", Overdue("No answer within 10 seconds."))
    assert [fault.text for fault in faults.of("one")] == ["No answer within 10 seconds."]
