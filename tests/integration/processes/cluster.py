"""Web processes and workers as they are run for real: apart, on one PostgreSQL and one Redis."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import websockets

PYTHON = [sys.executable, "-m", "medianest_core.cli"]
QUERY = "/live/socket.io/?EIO=4&transport=websocket"
PASSWORD = "correct horse battery"


async def eventually(condition: Callable[[], Any], *, within: float = 90.0, what: str = "") -> Any:
    """The condition's first true value, awaited where it must be."""
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return value
        assert time.monotonic() < deadline, f"did not happen within {within} s: {what or condition}"
        await asyncio.sleep(0.1)


@dataclass
class Process:
    """A running command of ours. first: the first line it printed."""

    process: subprocess.Popen[str]
    log: Path
    first: str = ""

    @property
    def url(self) -> str:
        return self.first.split()[-1]

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(90)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(
                f"it does not end:\n{self.log.read_text(encoding='utf-8')[-4000:]}"
            ) from None


@dataclass
class Cluster:
    """Starts processes of one portal. redis_url None: without Redis."""

    folder: Path
    database_url: str
    redis_url: str | None
    plugin: bool = True
    running: list[Process] = field(default_factory=list)

    @property
    def data_dir(self) -> Path:
        return self.folder / "portal"

    @property
    def environment(self) -> dict[str, str]:
        found = {key: value for key, value in os.environ.items() if not key.startswith("MEDIANEST_")}
        found |= {"MEDIANEST_DATABASE_URL": self.database_url, "PYTHONUNBUFFERED": "1"}
        found |= {"MEDIANEST_REDIS_URL": self.redis_url} if self.redis_url else {}
        if self.plugin:
            found["PYTHONPATH"] = str(self._site())
        return found

    def _site(self) -> Path:
        site = self.folder / "site"
        info = site / "test_steps-1.0.dist-info"
        if not info.exists():
            info.mkdir(parents=True)
            shutil.copy(Path(__file__).with_name("steps_plugin.py"), site / "steps_plugin.py")
            (info / "METADATA").write_text("Metadata-Version: 2.1\nName: test-steps\nVersion: 1.0\n")
            (info / "entry_points.txt").write_text("[medianest.plugins.v1]\nsteps = steps_plugin\n")
        return site

    def start(self, *arguments: str) -> Process:
        """Run a command until it has printed its first line."""
        log = self.folder / f"{len(self.running)}-{arguments[0]}.log"
        with log.open("w", encoding="utf-8") as errors:
            process = subprocess.Popen(
                [*PYTHON, *arguments, "--data-dir", str(self.data_dir)],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=self.environment,
                cwd=self.folder,
            )
        made = Process(process, log)
        self.running.append(made)
        assert process.stdout is not None
        made.first = process.stdout.readline()
        assert made.first, log.read_text(encoding="utf-8")[-4000:]
        return made

    def web(self, *arguments: str) -> Process:
        return self.start("serve", "--port", "0", *arguments)

    def worker(self, *arguments: str) -> Process:
        return self.start("worker", *arguments)

    def person(self, name: str) -> None:
        """An admin who can sign in with PASSWORD."""
        done = subprocess.run(
            [*PYTHON, "users", "create-admin", name, "--data-dir", str(self.data_dir)],
            text=True,
            env=self.environment | {"MEDIANEST_ADMIN_PASSWORD": PASSWORD},
            cwd=self.folder,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr

    def marks(self) -> list[str]:
        """What the plugin's jobs left behind, sorted."""
        path = self.data_dir / "plugins" / "steps" / "marks.txt"
        return sorted(path.read_text(encoding="utf-8").split()) if path.exists() else []

    def close(self) -> None:
        for one in self.running:
            if one.process.poll() is None:
                one.process.terminate()
        for one in self.running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                one.process.wait(60)
            if one.process.poll() is None:
                one.process.kill()
                one.process.wait()


@contextlib.contextmanager
def cluster(folder: Path, database_url: str, redis_url: str | None) -> Iterator[Cluster]:
    made = Cluster(folder, database_url, redis_url)
    try:
        yield made
    finally:
        made.close()


def browser(web: Process, cookie: str | None = None) -> httpx.AsyncClient:
    """Of somebody with that session cookie."""
    return httpx.AsyncClient(
        base_url=web.url,
        headers={"Origin": web.url, "Accept": "application/json"},
        cookies={"mn": cookie} if cookie else {},
        timeout=90,
    )


async def sign_in(web: Process, name: str) -> str:
    """The session cookie."""
    async with browser(web) as client:
        reply = await client.post("/api/v1/sign-in/local", json={"username": name, "password": PASSWORD})
        assert reply.status_code == 200, reply.text
        return reply.cookies["mn"]


class Socket:
    """What a page's live connection hears."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.events: list[tuple[str, Any]] = []
        self.ended = asyncio.Event()

    async def listen(self) -> None:
        try:
            async for message in self._connection:
                text = str(message)
                if text == "2":
                    await self._connection.send("3")
                elif text.startswith("42"):
                    name, *rest = json.loads(text[2:])
                    self.events.append((name, rest[0] if rest else None))
                elif text.startswith(("41", "44")):
                    break
        except websockets.ConnectionClosed:
            pass
        self.ended.set()

    def of(self, name: str, job_id: str | None = None) -> list[dict[str, Any]]:
        """The data of events of that name, of one job where it is given."""
        found = [payload["data"] for event, payload in self.events if event == name]
        return [data for data in found if job_id is None or data.get("job_id") == job_id]


@contextlib.asynccontextmanager
async def socket(web: Process, cookie: str) -> AsyncIterator[Socket]:
    address = web.url.replace("http:", "ws:") + QUERY
    async with websockets.connect(
        address,
        origin=websockets.Origin(web.url),
        additional_headers={"Cookie": f"mn={cookie}"},
        open_timeout=60,
    ) as connection:
        assert str(await connection.recv()).startswith("0{")
        await connection.send("40")
        heard = Socket(connection)
        task = asyncio.create_task(heard.listen())
        await eventually(lambda: heard.of("hello") is not None and heard.events, what="the socket is open")
        try:
            yield heard
        finally:
            task.cancel()
