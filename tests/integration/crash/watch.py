"""Looks at the ledger of jobs all the while: how soon killed jobs run again, and that no late writer undoes anything."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass
from typing import Any

from tests.integration.crash.town import Member, Town

_EVERY = 0.25
_JOBS = "SELECT id, name, state, fence, attempt, crashes, lease_until, due_at, worker FROM jobs"
FINISHED = ("done", "failed", "cancelled")


@dataclass
class Lost:
    """A job whose process was killed. after: seconds from the end of its lease until it ran again or was given up; None while it
    has not. waited: those of them in which there was a process to run it, and the database."""

    id: str
    name: str
    fence: int
    lease_until: float
    after: float | None = None
    waited: float = 0.0


class Watch:
    def __init__(self, town: Town) -> None:
        self._town = town
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch")
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[int, str]] = {}
        self.lost: list[Lost] = []
        self.problems: list[str] = []
        self._looked_at = time.time()
        self._served = False

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)

    def died(self, member: Member) -> None:
        """Note what the process held when it was killed. Call right after."""
        mark = f":{member.pid}:"
        with contextlib.suppress(Exception):
            for row in self._town.rows(f"{_JOBS} WHERE state = 'leased'"):
                if mark in (row["worker"] or ""):
                    with self._lock:
                        self.lost.append(Lost(row["id"], row["name"], row["fence"], row["lease_until"]))

    def delays(self) -> list[float]:
        """Of the jobs that ran again, ascending."""
        with self._lock:
            return sorted(one.after for one in self.lost if one.after is not None)

    def waits(self) -> list[float]:
        """Of the same jobs, ascending: only the seconds in which somebody could have run them."""
        with self._lock:
            return sorted(one.waited for one in self.lost if one.after is not None)

    def unresolved(self) -> list[Lost]:
        with self._lock:
            return [one for one in self.lost if one.after is None]

    def _run(self) -> None:
        while not self._stop.wait(_EVERY):
            # While the database is down there is nothing to see.
            with contextlib.suppress(Exception):
                self._look()

    def _look(self) -> None:
        now, before = time.time(), self._looked_at
        rows = {row["id"]: row for row in self._town.rows(_JOBS)}
        served = any(one.serves for one in self._town.members if one.role != "web")
        # Who has only just begun was not there for the whole of it.
        passed = now - before if served and self._served else 0.0
        self._looked_at, self._served = now, served
        with self._lock:
            for job_id, row in rows.items():
                self._compare(job_id, row)
            for one in self.lost:
                if one.after is not None:
                    continue
                if now > one.lease_until:
                    one.waited += min(passed, now - one.lease_until)
                if _ran_again(one, rows.get(one.id)):
                    one.after = max(0.0, now - one.lease_until)

    def _compare(self, job_id: str, row: dict[str, Any]) -> None:
        before = self._seen.get(job_id)
        self._seen[job_id] = (row["fence"], row["state"])
        if before is None:
            return
        fence, state = before
        if row["fence"] < fence:
            self.problems.append(
                f"I4: the fence of {row['name']} {job_id} went back, {fence} to {row['fence']}"
            )
        if state in FINISHED and row["state"] not in FINISHED:
            self.problems.append(f"I4: {row['name']} {job_id} was {state} and is {row['state']} again")


def _ran_again(lost: Lost, row: dict[str, Any] | None) -> bool:
    """Whether the job was leased once more since, or has ended. row: as it is now; None where it is forgotten."""
    if row is None or row["state"] in FINISHED:
        return True
    # Taking it back counts one fence, and the next lease the second, even where that ended between two looks and the job now
    # waits for its next attempt.
    taken_back = lost.fence + (1 if row["state"] == "queued" else 0)
    return bool(row["fence"] > taken_back)
