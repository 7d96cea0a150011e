"""What is done to the portal: kills at named places and at random, frozen processes, servers that end."""

from __future__ import annotations

import contextlib
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from tests.integration.crash.town import LEASE, Member, Town
from tests.integration.crash.watch import Watch

WEB_POINTS = {
    "downloads.before_commit": "C1 before the commit of the request",
    "jobs.committed": "C2 after the commit, before anybody is told",
    "jobs.sent": "C3 told, before anything else",
    "downloads.submitted": "C7 committed, before the answer",
}
WORKER_POINTS = {
    "jobs.leased": "C4 after the lease, before any effect",
    "http.sent": "C5 asked a service to change something, no answer yet",
    "downloads.collection_created": "C6 the service has answered, before the commit",
    "jobs.ended": "C7 committed, before the broker knows",
    "downloads.at_25": "C8 in the middle of a film",
    "downloads.at_50": "C8",
    "downloads.at_99": "C8",
    "downloads.before_rename": "C9 before the rename",
    "downloads.renamed": "C10 renamed, before the commit",
    "library.gathering": "C11 in the middle of reading a library",
    "library.finalizing": "C12 in the middle of writing titles",
}
RANDOM = "at random"
FROZEN = "frozen past its lease"
_PATIENCE = 10.0
_HIT = 60.0
"""Seconds in which the load must bring a process to the place where it dies."""


class Strikes:
    """Counts what was done. `until`: on the monotonic clock; None for one round of everything."""

    def __init__(self, town: Town, watch: Watch, seed: int = 1) -> None:
        self.town = town
        self.watch = watch
        self.done: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()
        self.starts: list[float] = []
        self.until: float | None = None
        self._seed = seed
        self._lock = threading.Lock()
        self._errors: list[BaseException] = []

    @property
    def kills(self) -> int:
        """Processes ended without a chance to tidy up; frozen ones are not among them."""
        return sum(count for name, count in self.done.items() if not name.endswith(FROZEN))

    def rounds(self) -> Iterator[int]:
        number = 0
        while (number == 0 if self.until is None else time.monotonic() < self.until) and not self._errors:
            yield number
            number += 1

    @property
    def over(self) -> bool:
        return bool(self._errors) or (self.until is not None and time.monotonic() >= self.until)

    def run(self, groups: Sequence[tuple[Sequence[Member], Sequence[str], int]], servers: int) -> None:
        """groups: (processes that are struck one after the other, places, random kills in a round), each in a thread of its own.
        servers: how often each server is struck in a round."""
        threads = [
            threading.Thread(target=self._group, args=(number, *group), name=f"strikes {number}")
            for number, group in enumerate(groups)
        ]
        for thread in threads:
            thread.start()
        if self.town.postgres is not None and servers:
            # Not in a thread of its own: a server ends with the thread that started it.
            self._servers(servers)
        for thread in threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

    def calm(self) -> None:
        """Everything runs, and nothing dies any more."""
        if self.town.postgres is not None and self.town.redis is not None:
            self.town.postgres.whole()
            self.town.redis.whole()
        for member in self.town.members:
            if not member.alive or member.proof is not None:
                if member.alive:
                    self._kill(member, RANDOM)
                self.town.start(member)
        for member in self.town.members:
            self.town.wait(member)

    # One group of processes

    def _group(self, number: int, members: Sequence[Member], points: Sequence[str], randomly: int) -> None:
        try:
            for round_number in self.rounds():
                chance = random.Random(f"{self._seed}.{number}.{round_number}")
                acts = [*points, *([RANDOM] * randomly), FROZEN]
                chance.shuffle(acts)
                for turn, act in enumerate(acts):
                    if self.over:
                        return
                    self._act(members[turn % len(members)], act, chance)
        except BaseException as error:
            self._errors.append(error)

    def _act(self, member: Member, act: str, chance: random.Random) -> None:
        if act == RANDOM:
            time.sleep(chance.uniform(0.1, 1.5))
            self._kill(member, act)
            self._again(member)
        elif act == FROZEN:
            self._freeze(member)
        else:
            for _ in range(2):
                self._kill(member, RANDOM)
                if self._die_at(member, act):
                    return
            with self._lock:
                self.missed[act] += 1

    def _die_at(self, member: Member, point: str) -> bool:
        """Started so that it dies at this place, and once more when it has. False where the load did not bring it there."""
        self._again(member, point)
        given_up_at = time.monotonic() + _HIT
        while time.monotonic() < given_up_at:
            if not member.alive:
                if member.proof is not None and member.proof.exists():
                    self.watch.died(member)
                    with self._lock:
                        self.done[f"{member.role} {point}"] += 1
                    self._again(member)
                    return True
                self.town.revive(member)
            time.sleep(0.02)
        return False

    def _kill(self, member: Member, why: str) -> None:
        self.town.kill(member)
        self.watch.died(member)
        with self._lock:
            self.done[f"{member.role} {why}"] += 1

    def _again(self, member: Member, point: str = "") -> None:
        self.town.start(member, point)
        taken = self.town.wait(member)
        with self._lock:
            self.starts.append(taken)

    def _freeze(self, member: Member) -> None:
        assert member.process is not None
        member.process.send_signal(signal.SIGSTOP)
        time.sleep(1.5 * LEASE)
        member.process.send_signal(signal.SIGCONT)
        with self._lock:
            self.done[f"{member.role} {FROZEN}"] += 1
        time.sleep(LEASE)

    # The servers

    def _servers(self, times: int) -> None:
        postgres, redis = self.town.postgres, self.town.redis
        assert postgres is not None and redis is not None
        try:
            for round_number in self.rounds():
                chance = random.Random(f"{self._seed}.servers.{round_number}")
                for _ in range(times):
                    self._pause(chance)
                    postgres.stop(signal.SIGQUIT)
                    time.sleep(chance.uniform(0.1, 1.0))
                    postgres.start()
                    self._struck("PostgreSQL stopped immediately")
                    self._pause(chance)
                    redis.kill()
                    time.sleep(chance.uniform(0.1, 1.0))
                    redis.start()
                    self._struck("Redis killed")
                    self._pause(chance)
                    with contextlib.suppress(ConnectionError):
                        redis.flush()
        except BaseException as error:
            self._errors.append(error)

    def _pause(self, chance: random.Random) -> None:
        """Some seconds, and until everything runs: a process that starts while a server is down only ends again."""
        if self.over:
            return
        time.sleep(chance.uniform(4.0, 7.0))
        given_up_at = time.monotonic() + _PATIENCE
        while not all(one.serves for one in self.town.members) and time.monotonic() < given_up_at:
            time.sleep(0.2)

    def _struck(self, what: str) -> None:
        with self._lock:
            self.done[what] += 1
