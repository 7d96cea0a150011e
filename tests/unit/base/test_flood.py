"""A flood of lines: its source is held back, counted and told of; nobody else is."""

from __future__ import annotations

import logging

from medianest_core.base.flood import FloodGate


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def line(name: str) -> logging.LogRecord:
    return logging.LogRecord(name, logging.INFO, __file__, 1, "once more", None, None)


def test_a_burst_passes_then_a_trickle() -> None:
    time = Time()
    told: list[str] = []
    gate = FloodGate(burst=10, per_second=2, timer=time)
    gate.told = told.append
    assert [gate.filter(line("plugin.loud")) for _ in range(15)] == [True] * 10 + [False] * 5
    assert told == ["plugin.loud"]
    time.now = 1.0
    assert [gate.filter(line("plugin.loud")) for _ in range(3)] == [True, True, False]
    assert told == ["plugin.loud"]


def test_each_source_has_its_own_room() -> None:
    gate = FloodGate(burst=2, per_second=1, timer=Time())
    for _ in range(5):
        gate.filter(line("medianest_loud.client"))
        gate.filter(line("medianest_loud.jobs"))
    assert not gate.filter(line("medianest_loud"))
    assert gate.filter(line("medianest_quiet.client")) and gate.filter(line("plugin.loud"))


def test_the_core_and_what_concerns_security_are_never_held_back() -> None:
    gate = FloodGate(burst=1, per_second=0, timer=Time())
    for name in ("medianest_core.web", "medianest.security"):
        assert all(gate.filter(line(name)) for _ in range(20))


def test_several_handlers_ask_once_for_a_line() -> None:
    gate = FloodGate(burst=1, per_second=0, timer=Time())
    first = line("plugin.one")
    assert [gate.filter(first) for _ in range(3)] == [True] * 3
    second = line("plugin.one")
    assert [gate.filter(second) for _ in range(3)] == [False] * 3


def test_what_was_left_out_is_counted_when_it_is_quiet_again() -> None:
    time = Time()
    heard: list[str] = []
    gate = FloodGate(burst=4, per_second=1, timer=time)

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record.getMessage())

    ear = Ear()
    logger = logging.getLogger("medianest_core.base.flood")
    logger.addHandler(ear)
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        for _ in range(9):
            gate.filter(line("plugin.loud"))
        time.now = 100.0
        gate.filter(line("plugin.loud"))
    finally:
        logger.setLevel(level)
        logger.removeHandler(ear)
    assert heard == [
        "plugin.loud floods the log; lines of it are left out",
        "5 lines of plugin.loud were left out",
    ]
