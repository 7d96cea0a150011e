"""The status page and its API with a thousand monitors, and what it costs to follow a thousand that change all the time.

Fills a database with the things of one service and a month of their past, serves it, and measures beside a raw ASGI application in
the same run. Then feeds snapshots to the recorder as a service with live heartbeats does. `--json` prints one object on the last
line. Uptime Kuma cannot be installed from registries: with that many monitors it is known to need seconds for a page.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from benchmarks.load import load
from benchmarks.portal import BROWSER, HERE, _free_port, _memory, _sign_in, _wait
from medianest_core.base.clock import SystemClock
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.status.recorder import Recorder
from medianest_core.host.instance import InstanceInfo
from medianest_core.host.states import InstanceState
from medianest_core.sdk.status import Beat, Item
from medianest_core.store.engine import Database
from medianest_core.store.migrate import upgrade
from medianest_core.store.repos.events import EventRepo
from medianest_core.store.tables.plugins import instances

SERVICE = "watchdog"
ADMIN = {"username": "bench", "password": "correct horse battery"}
PAGES = {
    "page": ("/status", BROWSER),
    "page of what is down": ("/status?show=trouble", BROWSER),
    "page of one": ("/status/{one}", BROWSER),
    "API, 60 monitors": ("/api/v1/status/monitors", {}),
    "API, summary": ("/api/v1/status/summary", {}),
}


def _items(count: int, turn: int = 0) -> list[Item]:
    return [
        Item(
            f"Service {number:04}",
            (number + turn) % 50 != 0,
            "200 - OK",
            20.0 + (number * 7 + turn * 13) % 90,
            f"Group {number // 40:02}",
        )
        for number in range(count)
    ]


def _info() -> InstanceInfo:
    return InstanceInfo(
        SERVICE, "gone", "gone", SERVICE, "Watchdog", True, InstanceState.READY, "", time.time(), None, 1
    )


async def _filled(folder: Path, count: int) -> dict[str, Any]:
    """A month of the past of so many monitors, and what following them costs."""
    db = Database(f"sqlite+aiosqlite:///{folder / 'medianest.db'}")
    await db.start()
    await upgrade(db)
    bus = EventBus(EventRepo(db))
    async with db.begin() as tx:
        values = {"plugin": "gone", "service": "gone", "name": SERVICE, "title": "Watchdog"}
        await tx.execute(
            instances.insert().values(id=SERVICE, settings_json={}, created_at=0.0, updated_at=0.0, **values)
        )
    recorder, info = Recorder(db, bus, SystemClock()), _info()
    began = time.perf_counter()
    await recorder.own([info])
    await recorder.observe(info, _items(count))
    first = time.perf_counter() - began
    now = time.time()
    await recorder.remember(
        SERVICE,
        [
            Beat(item.name, now - hour * 3600, (hour + number) % 40 != 0, 30.0)
            for number, item in enumerate(_items(count))
            for hour in range(30 * 24, 0, -6)
        ],
    )
    items, times = _items(count), []
    for turn in range(50):
        # Each beat of one in twenty changes its response time, as a minute's beats do in pieces of three seconds.
        items = [
            replace(item, response_ms=float(turn + number)) if (number + turn) % 20 == 0 else item
            for number, item in enumerate(items)
        ]
        began = time.perf_counter()
        await recorder.observe(info, items)
        times.append(time.perf_counter() - began)
    began = time.perf_counter()
    await recorder.flush(histories=True)
    flush = time.perf_counter() - began
    began = time.perf_counter()
    await recorder.observe(info, [replace(item, up=not item.up) for item in items])
    turned = time.perf_counter() - began
    await recorder.observe(info, items)
    await recorder.flush(histories=True)
    await bus.close()
    size = (folder / "medianest.db").stat().st_size
    await db.close()
    return {
        "first_snapshot_ms": round(first * 1000, 1),
        "snapshot_ms": round(sorted(times)[len(times) // 2] * 1000, 2),
        "flush_ms": round(flush * 1000, 1),
        "all_change_at_once_ms": round(turned * 1000, 1),
        "database_mb": round(size / 1e6, 1),
    }


def measure(count: int, seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="medianest-bench-") as temporary:
        folder = Path(temporary)
        # First, because it makes the keys that the database belongs to.
        subprocess.run(
            [
                *(sys.executable, "-m", "medianest_core.cli", "users", "create-admin", ADMIN["username"]),
                *("--password", ADMIN["password"], "--data-dir", str(folder)),
            ],
            check=True,
            capture_output=True,
        )
        result: dict[str, Any] = {"monitors": count, "recorder": asyncio.run(_filled(folder, count))}
        port, bare_port = _free_port(), _free_port()
        bare = subprocess.Popen([sys.executable, str(HERE / "bare.py"), str(bare_port)])
        command = [sys.executable, "-m", "benchmarks.unlimited", "serve", "--port", str(port)]
        served = subprocess.Popen(
            [*command, "--data-dir", str(folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=HERE.parent,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(f"http://127.0.0.1:{bare_port}/", bare)
            _wait(f"{url}/sign-in", served)
            headers = {"Cookie": _sign_in(url, ADMIN)}
            process = psutil.Process(served.pid)
            for name, (path, more) in PAGES.items():
                raw = load(f"http://127.0.0.1:{bare_port}/", connections=20, seconds=1.0).per_second
                address = url + path.format(one=count // 2)
                row = {
                    f"c{connections}": load(
                        address, {**headers, **more}, connections=connections, seconds=seconds
                    ).as_dict()
                    for connections in (1, 20)
                }
                result[name] = {**row, "of_raw_asgi": round(row["c20"]["per_second"] / raw, 4)}
            result["memory_mib"] = round(_memory(process), 1)
        finally:
            served.send_signal(signal.SIGTERM)
            served.wait(30)
            bare.terminate()
            bare.wait(5)
        return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--monitors", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=1, help="for the sake of `make bench`; not used")
    options = parser.parse_args()
    result = measure(options.monitors, options.seconds)
    for name, value in result.items():
        print(f"{name:22} {value}")
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
