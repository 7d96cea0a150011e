"""Load on the portal scaled out: nginx, two web processes, a worker, PostgreSQL and Redis, all on this machine.

Requests arrive at a fixed rate, whether or not those before them have been answered, and are timed from the moment at which they
were due. Meanwhile sockets listen, and are timed from the moment of each event; `--rate 0` measures them alone. `--flush` empties Redis
halfway, `--outage` kills PostgreSQL's processes halfway and starts it again so many seconds later. In the end all work must have ended, and each stored event must have reached each socket. Needs the servers that
`make services` installs. `--json` prints one object on the last line.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import os
import random
import statistics
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil

from benchmarks.load import _answer
from tests.e2e.nginx import Nginx
from tests.e2e.processes import PYTHON
from tests.integration.crash.town import Town
from tests.integration.crash.verdict import settled

ROOT = "/medianest"
PASSWORD = "a password for measuring"  # of accounts that live for one run
EVENTS_EVERY = 2.0
_OPENING = 25
_DELIVERY = 30.0
_WELL = ("200", "304")
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
    by_path: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[str] = field(default_factory=Counter)
    events: list[float] = field(default_factory=list)
    heard: Counter[tuple[int, str]] = field(default_factory=Counter)
    """Number of a stored event and name of a person → that person's sockets that heard it."""
    missed: int = 0
    """Deliveries of these events that did not arrive."""
    opened: int = 0
    lost: int = 0
    signed_in: int = 0
    """People who were let in when all was over."""
    left: list[str] = field(default_factory=list)
    """Sentences about work that did not end."""
    answers: list[tuple[float, str, float]] = field(default_factory=list)
    """When (on the clock of perf_counter), with which status, after how many seconds."""
    away: float = 0.0
    back: float = 0.0
    """When PostgreSQL went, and when it answered again."""
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
    cuts = statistics.quantiles(values, n=100, method="inclusive")
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

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return self._free.pop() if self._free else await asyncio.open_connection(self._host, self._port)

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
                used = bool(self._free)
                reader, writer = await self._connection()
                writer.write("\r\n".join(lines).encode() + body)
                try:
                    status, _ = await _answer(reader)
                except asyncio.IncompleteReadError as error:
                    if not used or error.partial:
                        raise
                    # nginx ends a connection after so many requests; whoever sent one more meanwhile sends it again.
                    reader, writer = await asyncio.open_connection(self._host, self._port)
                    writer.write("\r\n".join(lines).encode() + body)
                    status, _ = await _answer(reader)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            self._found.statuses[type(error).__name__] += 1
            self._found.answers.append((time.perf_counter(), type(error).__name__, time.perf_counter() - due))
            return
        self._free.append((reader, writer))
        self._found.statuses[str(status)] += 1
        took = time.perf_counter() - due
        self._found.latencies.append(took)
        self._found.by_path[f"{method} {path}"].append(took)
        self._found.answers.append((due + took, str(status), took))


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


class Page(asyncio.Protocol):
    """One page that listens. Speaks just enough of the protocols: a thousand in one process must not be what is measured."""

    def __init__(self, url: str, person: Person, found: Found) -> None:
        parts = urlsplit(url)
        lines = [
            f"GET {parts.path}/live/socket.io/?EIO=4&transport=websocket HTTP/1.1",
            f"Host: {parts.netloc}",
            f"Origin: {parts.scheme}://{parts.netloc}",
            f"Cookie: {person.cookie}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            "",
            "",
        ]
        self._request = "\r\n".join(lines).encode()
        self._person, self._found = person, found
        self._received = b""
        self._transport: asyncio.Transport | None = None
        self.upgraded = False
        self.begun: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        """Whether the portal says hello; False where the connection ended before."""
        self.over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.begun.done():
            self.begun.set_result(False)
        if not self.over:
            self._found.lost += 1

    def close(self) -> None:
        self.over = True
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        arrived = time.time()
        self._received += data
        if not self.upgraded:
            head, ended, rest = self._received.partition(b"\r\n\r\n")
            if not ended:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                assert self._transport is not None
                self._transport.close()
                return
            self.upgraded, self._received = True, rest
        while (message := self._next()) is not None:
            self._take(message, arrived)

    def _next(self) -> str | None:
        """The next whole frame's text (RFC 6455, section 5.2); a server masks nothing."""
        data = self._received
        if len(data) < 2:
            return None
        size, begin = data[1], 2
        if size == 126:
            size, begin = int.from_bytes(data[2:4]), 4
        elif size == 127:
            size, begin = int.from_bytes(data[2:10]), 10
        if len(data) < begin or len(data) < begin + size:
            return None
        self._received = data[begin + size :]
        return data[begin : begin + size].decode()

    def _send(self, text: str) -> None:
        """A short text, under the mask that changes nothing."""
        assert self._transport is not None
        self._transport.write(bytes((0x81, 0x80 | len(text))) + bytes(4) + text.encode())

    def _take(self, text: str, arrived: float) -> None:
        if text == "2":
            self._send("3")
        elif text.startswith("0"):
            self._send("40")
        elif text.startswith("42"):
            name, told = json.loads(text[2:])
            if name == "hello" and not self.begun.done():
                self.begun.set_result(True)
            elif name == "job:changed" or name.startswith("library"):
                self._found.events.append(arrived - told["at"])
                if told["seq"] is not None:
                    self._found.heard[told["seq"], self._person.name] += 1


async def _open(url: str, person: Person, found: Found, gate: asyncio.Semaphore) -> Page:
    parts = urlsplit(url)
    page = Page(url, person, found)
    async with gate, asyncio.timeout(60):
        await asyncio.get_running_loop().create_connection(
            lambda: page, parts.hostname or "", parts.port or 80, local_addr=(person.address, 0)
        )
        if await page.begun:
            found.opened += 1
    return page


async def _events(client: Client, person: Person, over: asyncio.Event) -> None:
    """Something that all listeners are told of, again and again: a sync is asked for, runs and ends."""
    while not over.is_set():
        await client.ask(person, "POST", "/api/v1/sync", time.perf_counter())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(EVENTS_EVERY):
                await over.wait()


async def _flush(town: Town, after: float) -> None:
    assert town.redis is not None
    await asyncio.sleep(after)
    await asyncio.to_thread(town.redis.flush)


async def _outage(town: Town, after: float, seconds: float, found: Found) -> None:
    assert town.postgres is not None
    await asyncio.sleep(after)
    await asyncio.to_thread(town.postgres.stop)
    found.away = time.perf_counter()
    await asyncio.sleep(seconds)
    await asyncio.to_thread(town.postgres.start)
    found.back = time.perf_counter()


def _of_outage(found: Found) -> dict[str, Any]:
    """What was answered while PostgreSQL was away, and how many seconds after its return the last refusal came."""
    meanwhile = [one for one in found.answers if found.away <= one[0] <= found.back]
    refused = [took for _, status, took in meanwhile if status == "503"]
    late = [at - found.back for at, status, _ in found.answers if at > found.back and status == "503"]
    return {
        "seconds": round(found.back - found.away, 1),
        "answers": dict(Counter(status for _, status, _ in meanwhile)),
        "refusals": _spread(refused),
        "last_refusal_after_s": round(max(late, default=0.0), 2),
        "other_than_503": sum(status not in (*_WELL, "503") for _, status, _ in found.answers),
    }


def _missing(found: Found, since: int, sockets: Mapping[str, int]) -> int:
    """Deliveries of events after number `since` that did not arrive. sockets: of each person.

    Some events are for one person only; whatever is for more than one is for all, who are admins.
    """
    missing = 0
    for number in {one for one, _ in found.heard if one > since}:
        names = [name for name in sockets if (number, name) in found.heard]
        wanted = names if len(names) == 1 else list(sockets)
        missing += sum(sockets[name] - found.heard[number, name] for name in wanted)
    return missing


async def _measure(town: Town, url: str, people: list[Person], options: argparse.Namespace) -> Found:
    found, aside, after = Found(), Found(), Found()
    enough, gate = asyncio.Event(), asyncio.Semaphore(_OPENING)
    pages = await asyncio.gather(
        *(_open(url, people[number % len(people)], found, gate) for number in range(options.sockets))
    )
    client = Client(url, found)
    # Connections, caches and compiled statements first, as on any other day.
    await _requests(Client(url, aside), people, min(50.0, options.rate), 3.0)
    events = asyncio.create_task(_events(Client(url, aside), people[0], enough))
    found.events.clear()
    since = max((number for number, _ in found.heard), default=0)
    before = _cpu_by_part()
    work = [_requests(client, people, options.rate, options.seconds), asyncio.sleep(options.seconds)]
    if options.flush:
        work.append(_flush(town, options.seconds / 2))
    if options.outage:
        work.append(_outage(town, options.seconds / 2, options.outage, found))
    await asyncio.gather(*work)
    found.cpu = {part: round(used - before.get(part, 0.0), 1) for part, used in _cpu_by_part().items()}
    enough.set()
    await events
    found.left = await asyncio.to_thread(settled, town)
    sockets = {
        person.name: len(range(number, options.sockets, len(people))) for number, person in enumerate(people)
    }
    deadline = time.monotonic() + _DELIVERY
    while (missing := _missing(found, since, sockets)) and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    found.missed = missing
    for person in people:
        await Client(url, after).ask(person, "GET", "/api/v1/me", time.perf_counter())
    found.signed_in = after.statuses["200"]
    for page in pages:
        page.close()
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
                found = asyncio.run(_measure(town, url, people, options))
                memory = sum(psutil.Process(one.pid).memory_full_info().uss for one in town.members) / 2**20
            finally:
                nginx.close()
    return {
        "benchmark": "load scaled out",
        "cores": psutil.cpu_count(),
        "busy_before": busy_before,
        "redis_emptied": options.flush,
        "outage": _of_outage(found) if options.outage else None,
        "people": options.people,
        "signed_in_afterwards": found.signed_in,
        "work_left": found.left,
        "requests": {
            "rate": options.rate,
            "seconds": options.seconds,
            "answers": dict(found.statuses),
            "errors": sum(count for name, count in found.statuses.items() if name not in _WELL),
            **_spread(found.latencies),
            "by_path": {path: _spread(took) for path, took in sorted(found.by_path.items())},
        },
        "sockets": {
            "asked": options.sockets,
            "opened": found.opened,
            "lost": found.lost,
            "events": len(found.events),
            "missed": found.missed,
            **_spread(found.events),
        },
        "cpu_seconds": found.cpu,
        "memory_mb": round(memory, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rate", type=float, default=200.0, help="requests a second; 0 for sockets alone")
    parser.add_argument("--flush", action="store_true", help="empty Redis halfway")
    parser.add_argument("--outage", type=float, default=0.0, help="seconds without PostgreSQL, halfway")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--sockets", type=int, default=1_000)
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument(
        "--films", type=Path, default=None, help="folder for the films of the video site, kept"
    )
    options = parser.parse_args()
    result = measure(options)
    requests, sockets = result["requests"], result["sockets"]
    told = {name: value for name, value in requests.items() if name != "by_path"}
    print(f"{options.rate:.0f} requests/s for {options.seconds:.0f} s: {told}")
    for path, spread in requests["by_path"].items():
        print(f"    {path}: {spread}")
    print(f"{options.sockets} sockets: {sockets}")
    print(
        f"afterwards: {result['signed_in_afterwards']} of {options.people} people signed in, "
        f"work left: {result['work_left'] or 'none'}"
    )
    if result["outage"]:
        print(f"without PostgreSQL: {result['outage']}")
    print(f"processor: {result['cpu_seconds']} s")
    print(f"memory of the portal's processes: {result['memory_mb']} MB")
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
