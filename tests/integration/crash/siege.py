"""A whole round: a town, people, strikes, then the verdict and a report. Also a command: `python -m tests.integration.crash.siege`."""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.integration.crash import verdict
from tests.integration.crash.load import Load
from tests.integration.crash.oplog import OpLog
from tests.integration.crash.strikes import WEB_POINTS, WORKER_POINTS, Strikes
from tests.integration.crash.town import Town
from tests.integration.crash.watch import Watch


@dataclass
class Report:
    """kills: processes ended by kill -9 and the like. again: seconds from the end of a killed job's lease until it ran again,
    ascending; waits: only those seconds in which there was a process to run it. starts: seconds from a start to the first answer, ascending. waiting: killed jobs that never ran again."""

    scaled: bool
    kills: int = 0
    strikes: dict[str, int] = field(default_factory=dict)
    missed: dict[str, int] = field(default_factory=dict)
    commands: dict[str, dict[str, int]] = field(default_factory=dict)
    answers: dict[int, int] = field(default_factory=dict)
    downloads: dict[str, int] = field(default_factory=dict)
    again: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def text(self) -> str:
        def spread(values: list[float]) -> str:
            if not values:
                return "none"
            return (
                f"{len(values)}, half within {values[len(values) // 2]:.1f} s, all within {values[-1]:.1f} s"
            )

        lines = [
            f"{'scaled out' if self.scaled else 'embedded'}: {self.kills} kills, {len(self.violations)} violations",
            *(f"  {name}: {count}" for name, count in sorted(self.strikes.items())),
            f"  places not reached: {self.missed}" if self.missed else "  every place was reached",
            f"  commands: {self.commands}",
            f"  answers: {self.answers}",
            f"  downloads: {self.downloads}",
            f"  killed jobs that ran again: {spread(self.again)} after their lease",
            f"  of that with somebody there to run them: {spread(self.waits)}",
            f"  starts: {spread(self.starts)}",
            f"  seconds: { {name: round(value, 1) for name, value in self.seconds.items()} }",
            *(f"  still waiting: {one}" for one in self.waiting),
            *(f"  VIOLATION {one}" for one in self.violations),
        ]
        return "\n".join(lines)


def besiege(
    folder: Path,
    *,
    scaled: bool,
    randomly: int,
    servers: int,
    seed: int,
    budget: float | None = None,
    films: Path | None = None,
) -> Report:
    """randomly, servers: random kills of a process, and of a server, in a round. budget: seconds of rounds; None for one round."""
    report, log = Report(scaled), OpLog()
    began = time.monotonic()

    def passed(what: str) -> None:
        report.seconds[what] = time.monotonic() - began - sum(report.seconds.values())

    with Town(folder, scaled=scaled, films=films) as town:
        passed("making it")
        with Watch(town) as watch:
            strikes = Strikes(town, watch, seed)
            with Load(town, log, seed=seed) as load:
                if budget is not None:
                    strikes.until = time.monotonic() + budget
                if scaled:
                    groups = [
                        (town.webs, list(WEB_POINTS), randomly),
                        (
                            [one for one in town.members if one.role == "worker"],
                            [*WORKER_POINTS, "jobs.sent"],
                            randomly,
                        ),
                    ]
                else:
                    groups = [(town.members, [*WEB_POINTS, *WORKER_POINTS], randomly)]
                strikes.run(groups, servers)
                passed("strikes")
            strikes.calm()
            report.violations += verdict.all_of_it(town, log)
            passed("the end of all work")
            report.violations += watch.problems
            report.again, report.waits = watch.delays(), watch.waits()
            report.waiting = [f"{one.name} {one.id}" for one in watch.unresolved()]
        report.kills, report.strikes = strikes.kills, dict(strikes.done)
        report.missed, report.starts = dict(strikes.missed), sorted(strikes.starts)
        report.commands, report.answers = log.counts(), load.answers
        for row in town.rows("SELECT status, count(*) AS n FROM downloads GROUP BY status"):
            report.downloads[row["status"]] = row["n"]
        log.write(folder / "commands.jsonl")
    return report


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Kill the portal's processes under load, again and again, and look for losses."
    )
    parser.add_argument("--budget", type=float, default=600.0, help="seconds of strikes")
    parser.add_argument("--embedded", action="store_true", help="one process on SQLite")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", type=Path, default=None, help="folder for logs and data, kept")
    parser.add_argument(
        "--films", type=Path, default=None, help="folder for the films of the video site, kept"
    )
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(10**6)
    with tempfile.TemporaryDirectory(prefix="medianest-siege-") as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        report = besiege(
            folder,
            scaled=not given.embedded,
            randomly=12,
            servers=4,
            seed=seed,
            budget=given.budget,
            films=given.films,
        )
    print(f"seed {seed}", file=sys.stderr)
    print(json.dumps(asdict(report)) if given.json else report.text())
    return 1 if report.violations or report.waiting else 0


if __name__ == "__main__":
    sys.exit(main())
