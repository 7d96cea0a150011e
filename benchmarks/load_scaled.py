"""Load on the portal scaled out: nginx, two web processes, a worker, PostgreSQL and Redis, all on this machine.

Requests arrive at a fixed rate, whether or not those before them have been answered, and are timed from the moment at which they
were due. Meanwhile sockets listen, and are timed from the moment of each event. Needs the servers that `make services` installs.
`--json` prints one object on the last line.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import statistics
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import websockets
from websockets.asyncio.client import ClientConnection

from benchmarks.load import _answer
from tests.e2e.nginx import Nginx
from tests.e2e.processes import PYTHON
from tests.integration.crash.town import Town

ROOT = "/medianest"
PASSWORD = "a password for measuring"  # of accounts that live for one run
EVENTS_EVERY = 2.0
_OPENING = 25
MIX: tuple[tuple[int, str, str], ...] = (
    (25, "GET", "/api/v1/library/titles?limit=50"),
    (10, "GET", "/api/v1/library/titles?sort=year&limit=50"),
    (15, "GET", "/api/v1/me"),
    (10, "GET", "/api/v1/downloads"),
    (10, "GET", "/api/v1/status"),
    (5, "GET", "/api/v1/notifications"),
    (10, "GET", "/"),
    (8, "GET", "/library"),
    (4, "GET", "/downloads"),
    (3, "POST", "/api/v1/notifications/read"),
)
"""Share in percent, method, path."""


@dataclass
class Person:
    name: str
    cookie: str
    address: str


@dataclass
class Found:
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    events: list[float] = field(default_factory=list)
    opened: int = 0
    lost: int = 0
    cpu: dict[str, float] = field(default_factory=dict)
    """Seconds of the processor by part, while requests were measured."""


def _cpu_by_part() -> dict[str, float]:
    """Seconds of the processor that each part has used so far: our children by the names of their programs, and this one."""
    own = psutil.Process()
    used: dict[str, float] = defaultdict(float)
    for process in (own, *own.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            roles = [word for word in words if word in ("serve", "worker", "sim")]
            part = "load" if process == own else (roles or [process.name()])[0]
            times = process.cpu_times()
            used[part] += times.user + times.system
    return dict(used)


def _spread(values: list[float]) -> dict[str, float]:
    """Milliseconds."""
    if len(values) < 2:
        return {}
    cuts = statistics.quantiles(values, n=100)
    shown = {"p50_ms": cuts[49], "p95_ms": cuts[94], "p99_ms": cuts[98], "most_ms": max(values)}
    return {name: round(1000 * value, 1) for name, value in shown.items()}


def _people(town: Town, url: str, count: int) -> list[Person]:
    """Admins that sign in from addresses of their own, as limits count by person and by address."""
    found = []
    for number in range(count):
        name = f"person{number}"
        subprocess.run(
            [*PYTHON, "users", "create-admin", name, "--data-dir", str(town.data)],
            env=town.environment(MEDIANEST_ADMIN_PASSWORD=PASSWORD),
            cwd=town.folder,
            check=True,
            capture_output=True,
        )
        address = f"127.0.0.{10 + number}"
        with httpx.Client(transport=httpx.HTTPTransport(local_address=address), timeout=30) as client:
            reply = client.post(
                f"{url}/api/v1/sign-in/local",
                json={"username": name, "password": PASSWORD},
                headers={"Origin": url.removesuffix(ROOT)},
            )
            reply.raise_for_status()
            cookie = "; ".join(f"{key}={value}" for key, value in client.cookies.items())
        found.append(Person(name, cookie, address))
    return found


class Client:
    """Connections to one address that are kept and used again."""

    def __init__(self, url: str, found: Found) -> None:
        parts = urlsplit(url)
        self._host, self._port, self._root = parts.hostname or "", parts.port or 80, parts.path
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._found = found

    async def ask(self, person: Person, method: str, path: str, due: float) -> None:
        """due: on the clock of perf_counter; what is timed begins there."""
        body = b"{}" if method == "POST" else b""
        lines = [
            f"{method} {self._root}{path} HTTP/1.1",
            f"Host: {urlsplit(self._origin).netloc}",
            f"Cookie: {person.cookie}",
            f"Origin: {self._origin}",
            "Accept-Encoding: gzip",
            *([f"Content-Length: {len(body)}", "Content-Type: application/json"] if body else []),
            "",
            "",
        ]
        try:
            async with asyncio.timeout(30):
                reader, writer = (
                    self._free.pop() if self._free else await asyncio.open_connection(self._host, self._port)
                )
                writer.write("\r\n".join(lines).encode() + body)
                status, _ = await _answer(reader)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            self._found.statuses[type(error).__name__] += 1
            return
        self._free.append((reader, writer))
        self._found.statuses[str(status)] += 1
        self._found.latencies.append(time.perf_counter() - due)


async def _requests(client: Client, people: list[Person], rate: float, seconds: float) -> None:
    chance = random.Random(7)
    shares = [share for share, _, _ in MIX]
    began, running = time.perf_counter(), set[asyncio.Task[None]]()
    for number in range(int(rate * seconds)):
        due = began + number / rate
        if (pause := due - time.perf_counter()) > 0:
            await asyncio.sleep(pause)
        _, method, path = chance.choices(MIX, shares)[0]
        task = asyncio.create_task(client.ask(people[number % len(people)], method, path, due))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)


async def _socket(
    url: str, person: Person, found: Found, gate: asyncio.Semaphore, over: asyncio.Event
) -> None:
    """One page that listens."""
    address = f"{url.replace('http', 'ws', 1)}/live/socket.io/?EIO=4&transport=websocket"
    origin = url.removesuffix(ROOT)
    try:
        async with gate:
            connection: ClientConnection = await websockets.connect(
                address,
                additional_headers={"Cookie": person.cookie},
                origin=websockets.Origin(origin),
                compression=None,
                open_timeout=60,
                ping_interval=None,
                local_addr=(person.address, 0),
            )
            await connection.recv()
            await connection.send("40")
            await connection.recv()
        found.opened += 1
        listening = asyncio.create_task(_listen(connection, found))
        await over.wait()
        if listening.done():
            found.lost += 1
        listening.cancel()
        await connection.close()
    except (OSError, websockets.WebSocketException, TimeoutError):
        found.lost += 1


async def _listen(connection: ClientConnection, found: Found) -> None:
    async for message in connection:
        text = message if isinstance(message, str) else message.decode()
        if text == "2":
            await connection.send("3")
        elif text.startswith("42"):
            told = json.loads(text[2:])
            if told[0] == "job:changed" or told[0].startswith("library"):
                found.events.append(time.time() - told[1]["at"])


async def _events(client: Client, person: Person, over: asyncio.Event) -> None:
    """Something that all listeners are told of, again and again: a sync is asked for, runs and ends."""
    while not over.is_set():
        await client.ask(person, "POST", "/api/v1/sync", time.perf_counter())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(EVENTS_EVERY):
                await over.wait()


async def _measure(url: str, people: list[Person], options: argparse.Namespace) -> Found:
    found, aside = Found(), Found()
    over, gate = asyncio.Event(), asyncio.Semaphore(_OPENING)
    sockets = [
        asyncio.create_task(_socket(url, people[number % len(people)], found, gate, over))
        for number in range(options.sockets)
    ]
    while found.opened + found.lost < options.sockets:  # sockets tell nobody
        await asyncio.sleep(0.1)
    client = Client(url, found)
    # Connections, caches and compiled statements first, as on any other day.
    await _requests(Client(url, aside), people, min(50.0, options.rate), 3.0)
    events = asyncio.create_task(_events(Client(url, aside), people[0], over))
    found.events.clear()
    before = _cpu_by_part()
    await _requests(client, people, options.rate, options.seconds)
    found.cpu = {part: round(used - before.get(part, 0.0), 1) for part, used in _cpu_by_part().items()}
    over.set()
    await asyncio.gather(events, *sockets)
    return found


def measure(options: argparse.Namespace) -> dict[str, Any]:
    busy_before = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory(prefix="medianest-load-") as folder:
        settings = {
            "MEDIANEST_ROOT_PATH": ROOT,
            "MEDIANEST_TRUSTED_PROXIES": "127.0.0.1",
            "MEDIANEST_LOG_LEVEL": "warning",
        }
        with Town(Path(folder), scaled=True, films=options.films, settings=settings) as town:
            ports = [one.port or 0 for one in town.webs]
            nginx = Nginx({"all": ports}, unlimited=True)
            try:
                nginx.start()
                url = nginx.url("all")
                people = _people(town, url, options.people)
                found = asyncio.run(_measure(url, people, options))
                memory = sum(psutil.Process(one.pid).memory_full_info().uss for one in town.members) / 2**20
            finally:
                nginx.close()
    return {
        "benchmark": "load scaled out",
        "cores": psutil.cpu_count(),
        "busy_before": busy_before,
        "requests": {
            "rate": options.rate,
            "seconds": options.seconds,
            "answers": dict(found.statuses),
            "errors": sum(count for name, count in found.statuses.items() if name not in ("200", "304")),
            **_spread(found.latencies),
        },
        "sockets": {
            "asked": options.sockets,
            "opened": found.opened,
            "lost": found.lost,
            "events": len(found.events),
            **_spread(found.events),
        },
        "cpu_seconds": found.cpu,
        "memory_mb": round(memory, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rate", type=float, default=200.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--sockets", type=int, default=1_000)
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument(
        "--films", type=Path, default=None, help="folder for the films of the video site, kept"
    )
    options = parser.parse_args()
    result = measure(options)
    requests, sockets = result["requests"], result["sockets"]
    print(f"{options.rate:.0f} requests/s for {options.seconds:.0f} s: {requests}")
    print(f"{options.sockets} sockets: {sockets}")
    print(f"processor: {result['cpu_seconds']} s")
    print(f"memory of the portal's processes: {result['memory_mb']} MB")
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
