"""Several web processes on one socket: this one listens and looks after them, they serve."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from medianest_core.base.logging import get_logger

_log = get_logger(__name__)
GRACE = 15.0
"""Seconds that a process has to end after SIGTERM."""
STEADY = 30.0
"""Seconds after which a process that ends is started again without a pause."""
BACK_OFF = (0.2, 1.0, 2.0, 5.0, 15.0, 30.0)
CANNOT_START = 3
_LOOK = 0.1


@dataclass
class _Place:
    process: subprocess.Popen[str] | None = None
    started_at: float = 0.0
    failures: int = 0
    again_at: float = field(default=0.0)


class Family:
    """`count` processes made by `command`, which are given the listening socket's number; `run` until a signal."""

    def __init__(
        self,
        count: int,
        command: Callable[[int, int], Sequence[str]],
        bound: socket.socket,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """command(number, file descriptor): of the process with that number, 0 to count - 1."""
        self._command = command
        self._bound = bound
        self._clock = clock
        self._places = [_Place() for _ in range(count)]
        self._ending = 0

    def run(self) -> int:
        """The exit code: 0 after a signal, 3 where the first process could not start at all."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        try:
            # The first one alone: it migrates the database, and says what is wrong where something is.
            self._start(0)
            while not self._ending:
                self._look_after()
                if self._places[0].failures and self._places[0].process is None and self._never_served():
                    return CANNOT_START
                time.sleep(_LOOK)
            return 0
        finally:
            self._end()

    def _look_after(self) -> None:
        now = self._clock()
        for number, place in enumerate(self._places):
            if place.process is not None and (code := place.process.poll()) is not None:
                lived = now - place.started_at
                place.failures = 0 if lived >= STEADY else place.failures + 1
                pause = 0.0 if not place.failures else BACK_OFF[min(place.failures, len(BACK_OFF)) - 1]
                place.process, place.again_at = None, now + pause
                _log.error("a web process ended; it is started again", number=number, code=code, pause=pause)
            if place.process is None and now >= place.again_at and not self._never_served():
                self._start(number)

    def _never_served(self) -> bool:
        return self._places[0].failures > 0 and not any(place.process for place in self._places)

    def _start(self, number: int) -> None:
        place = self._places[number]
        handle = self._bound.fileno()
        place.started_at = self._clock()
        place.process = subprocess.Popen(
            list(self._command(number, handle)), pass_fds=(handle,), text=True, stdin=subprocess.DEVNULL
        )

    def _on_signal(self, number: int, _: object) -> None:
        self._ending += 1
        if self._ending > 1:
            for process in self._alive():
                process.kill()

    def _alive(self) -> list[subprocess.Popen[str]]:
        return [
            place.process
            for place in self._places
            if place.process is not None and place.process.poll() is None
        ]

    def _end(self) -> None:
        for process in self._alive():
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        deadline = time.monotonic() + GRACE
        for process in self._alive():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def child_command(arguments: Sequence[str]) -> Callable[[int, int], Sequence[str]]:
    """What makes a web process out of `medianest serve` with these further arguments. Only the first one says where it is."""

    def command(number: int, handle: int) -> Sequence[str]:
        quiet = ["--quiet"] if number else []
        return [
            sys.executable,
            "-m",
            "medianest_core.cli",
            "serve",
            "--socket",
            f"{handle}:{os.getpid()}",
            *quiet,
            *arguments,
        ]

    return command
