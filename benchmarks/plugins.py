"""What containment costs: a guarded hook call and provider call beside the bare call, and a start beside one without plugins.

Calls are measured in one process, turn about, so that both meet the same machine. A start is the plugin host's, on a fresh database in a
process of its own, with N sound plugins, and with twenty of which five are broken beside twenty sound ones; first as after an
installation, when every plugin is tried in a child process, then as ever after. What is told is the quickest of several rounds.
`--json` prints one object on the last line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from medianest_core.base.breaker import Breaker
from medianest_core.base.bulkhead import Bulkhead
from medianest_core.base.clock import SystemClock
from medianest_core.base.crypto import Keyring
from medianest_core.base.http_factory import HttpFactory
from medianest_core.base.settings import AppSettings
from medianest_core.bus.outbox import EventBus
from medianest_core.host.answers import check_of
from medianest_core.host.declarations import Kind
from medianest_core.host.discovery import discover
from medianest_core.host.guard import Guard
from medianest_core.host.health import HealthLog
from medianest_core.host.hookcaller import Hooks
from medianest_core.host.lifecycle import PluginHost
from medianest_core.host.proxy import guarded
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk import (
    Item,
    MediaRecord,
    MediaSource,
    RawRecord,
    RecordPage,
    ServiceSettings,
    ServiceType,
    Snapshot,
    StatusProvider,
    hookimpl,
)
from medianest_core.store.engine import Database
from medianest_core.store.migrate import upgrade
from medianest_core.store.repos.events import EventRepo

COUNTS = (0, 5, 10, 20, 40)
SOUND = """
from medianest_core.sdk import (
    Html, Job, Manifest, NavItem, Page, Request, ServiceSettings, ServiceType, Snapshot, StatusProvider, hookimpl,
)
from pydantic import BaseModel

manifest = Manifest("{name}", title="{name}", api="1.0")

class Settings(ServiceSettings):
    word: str = "hello"

class Status(StatusProvider):
    service = ServiceType("{name}", Settings)

    async def snapshot(self):
        return Snapshot(items=[])

class Args(BaseModel):
    number: int = 0

async def show(request: Request) -> Html:
    return Html("{name}/page.html")

async def work(context, args):
    return args.number

@hookimpl
def register_status_providers():
    return [Status]

@hookimpl
def register_contributions():
    return [Page("", show, title="Page"), NavItem("Page", "/p/{name}/"), Job("work", work, Args, title="Work")]

@hookimpl
async def on_startup(context):
    return None
"""
BROKEN = (
    "import a_package_that_nobody_has",
    "raise AssertionError('another world')",
    "def broken(:",
    "answer = 42",
    SOUND.replace("def register_contributions", "def register_contribution"),
)


class Settings(ServiceSettings):
    word: str = "hello"


class Status(StatusProvider[Settings]):
    service = ServiceType("bench", Settings)

    async def snapshot(self) -> Snapshot:
        return Snapshot(items=[Item("thing", up=True)])


@hookimpl
async def on_startup(context: Any) -> None:
    return None


async def _microseconds(call: Callable[[], Awaitable[object]], times: int) -> float:
    began = time.process_time()
    for _ in range(times):
        await call()
    return (time.process_time() - began) / times * 1e6


async def _calls(rounds: int, times: int) -> dict[str, float]:
    module = ModuleType("bench_plugin")
    module.__dict__["on_startup"] = on_startup
    hooks = Hooks()
    hooks.register("bench", module)
    breaker = Breaker(time.monotonic)
    guard = Guard(
        plugin="bench",
        instance="bench",
        breaker=breaker,
        bulkhead=Bulkhead(),
        health=HealthLog(SystemClock(), breaker),
    )
    http: Any = None
    provider = Status("1", Settings(), http, http)
    proxy = guarded(provider, StatusProvider, guard)
    arguments = {"bench": {"context": None}}
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "bare hook": lambda: on_startup(None),
        "guarded hook": lambda: hooks.call("on_startup", arguments, deadline=10.0),
        "bare provider": provider.snapshot,
        "guarded provider": proxy.snapshot,
        "asyncio task": lambda: asyncio.ensure_future(on_startup(None)),
    }
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            found[name].append(await _microseconds(call, times))
    return {name: round(min(several), 2) for name, several in (*found.items(), *_looks(rounds, times))}


def _looks(rounds: int, times: int) -> Sequence[tuple[str, list[float]]]:
    """What of a guarded call is the look at its answer, for a small and for a large one."""
    raws = [RawRecord(str(number), "movie", "0123456789abcdef", _no_record) for number in range(100)]
    answers: dict[str, tuple[Kind, str, object, int]] = {
        "look at a snapshot": (StatusProvider, "snapshot", Snapshot(items=[Item("thing", up=True)]), times),
        "look at 100 records": (MediaSource, "records", RecordPage(raws), times // 50),
    }
    found = []
    for name, (kind, method, answer, count) in answers.items():
        look = check_of(kind, method)
        assert look is not None
        several = []
        for _ in range(rounds):
            began = time.process_time()
            for _ in range(count):
                look(answer)
            several.append((time.process_time() - began) / count * 1e6)
        found.append((name, several))
    return found


def _no_record() -> MediaRecord:
    raise NotImplementedError


def _install(site: Path, count: int, broken: int) -> None:
    for number in range(count):
        name = f"bench{number}"
        # Broken ones stand between the sound ones, not at the end.
        wrong = broken and number % (count // broken) == 0
        source = BROKEN[number // (count // broken)] if wrong else SOUND
        package = site / f"bench_{name}"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(source.replace("{name}", name))
        info = site / f"bench_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: bench-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[medianest.plugins.v1]\n{name} = bench_{name}\n")


async def _start(folder: Path) -> dict[str, float]:
    """In a process of its own: how long `PluginHost.start` takes there, and how many plugins then run."""
    others = [one.name for one in discover().found if not one.builtin and not one.name.startswith("bench")]
    settings = AppSettings(data_dir=folder, plugins_disabled=others, _env_file=None)
    db = Database(settings.database)
    await db.start()
    await upgrade(db)
    bus, http = EventBus(EventRepo(db)), HttpFactory(settings)
    keyring = Keyring.load_or_create(folder / "keys.json")
    host = PluginHost(settings, db, keyring, bus, http, Ledger(db, bus=bus))
    began, used = time.perf_counter(), time.process_time()
    await host.start()
    taken, used = time.perf_counter() - began, time.process_time() - used
    active = sum(info.state.running and not info.builtin for info in host.registry.plugins())
    await host.stop()
    await http.close()
    await bus.close()
    await db.close()
    return {"ms": taken * 1e3, "cpu_ms": used * 1e3, "active": active}


def _run(site: Path, folder: Path) -> dict[str, float]:
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.plugins", "--start", str(folder), "--site", str(site)],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    answer: dict[str, float] = json.loads(told.stdout.splitlines()[-1])
    return answer


def _starts(rounds: int, counts: Sequence[int]) -> list[dict[str, float]]:
    """One row for each kind of start: of N sound plugins, and of twenty with five broken ones."""
    kinds = [*((count, 0) for count in counts), (20, 5)]
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        for count, broken in kinds:
            _install(home / f"site-{count}-{broken}", count, broken)
            (home / f"data-{count}-{broken}").mkdir()
        first: dict[tuple[int, int], dict[str, float]] = {}
        later: dict[tuple[int, int], list[dict[str, float]]] = {kind: [] for kind in kinds}
        for turn in range(rounds + 1):
            for kind in kinds:
                told = _run(home / "site-{}-{}".format(*kind), home / "data-{}-{}".format(*kind))
                if turn == 0:
                    first[kind] = told
                else:
                    later[kind].append(told)
    return [
        {
            "plugins": kind[0],
            "broken": kind[1],
            "active": later[kind][0]["active"],
            "first_ms": round(first[kind]["ms"], 1),
            "later_ms": round(min(one["ms"] for one in later[kind]), 1),
            "later_cpu_ms": round(min(one["cpu_ms"] for one in later[kind]), 1),
            "later_median_ms": round(statistics.median(one["ms"] for one in later[kind]), 1),
        }
        for kind in kinds
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--times", type=int, default=5000, help="Calls of each kind in a round.")
    parser.add_argument("--counts", type=int, nargs="*", default=COUNTS, help="Numbers of sound plugins.")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--start", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--site", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.start is not None:
        sys.path.insert(0, str(given.site))
        print(json.dumps(asyncio.run(_start(given.start))))
        return
    calls = asyncio.run(_calls(given.rounds, given.times))
    print("microseconds of processor time a call:")
    for name, value in calls.items():
        print(f"  {name:20} {value:8.2f}")
    starts = _starts(given.rounds, given.counts)
    print("start of the plugin host, milliseconds (first: tried in a child process before):")
    for row in starts:
        print(
            f"  {row['plugins']:3} plugins, {row['broken']} broken: first {row['first_ms']:8.1f}"
            f"   later {row['later_ms']:7.1f} (processor {row['later_cpu_ms']:7.1f})   {row['active']} run"
        )
    twenty = {row["broken"]: row for row in starts if row["plugins"] == 20}
    ratios = {
        name: round(twenty[5][name] / twenty[0][name], 2) if set(twenty) == {0, 5} else None
        for name in ("first_ms", "later_ms", "later_cpu_ms")
    }
    print(f"twenty with five broken beside twenty sound: {ratios}")
    if given.json:
        print(json.dumps({"calls_us": calls, "starts": starts, "five_broken_of_twenty": ratios}))


if __name__ == "__main__":
    main()
