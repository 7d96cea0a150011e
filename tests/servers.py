"""Servers that tests start for themselves: PostgreSQL and Redis, in a temporary folder and on a port of their own.

They end with the process that started them, also when that is killed: util-linux's `setpriv` asks the kernel for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import redis

from tests import services

T = TypeVar("T")
_PATIENCE = 60.0
_TRIES = 5
TEMPLATE = "medianest_template"

# "The parent" whose end ends a server is for Linux the thread that started it: one that lasts as long as the tests.
_SPAWNER = ThreadPoolExecutor(1, "servers of tests")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _bound_to_us(*more: str) -> list[str]:
    program = shutil.which("setpriv")
    return [program, "--pdeathsig", "SIGINT", *more] if program else []


class Server:
    """A program that serves on a port of this machine. Not started yet."""

    def __init__(self, name: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"mn-{name}-"))
        self.log = self.folder / "server.log"
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def answers(self) -> bool:
        raise NotImplementedError

    def start(self) -> None:
        """On the port it had before, else on a free one; returns once it answers."""
        new = not self.port
        for attempt in range(_TRIES if new else 1):
            if new:
                self.port = free_port()
            with self.log.open("ab") as log:
                self.process = _SPAWNER.submit(
                    subprocess.Popen[bytes],
                    self.command(),
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                ).result()
            deadline = time.monotonic() + _PATIENCE
            while self.process.poll() is None:
                if self.answers():
                    return
                assert time.monotonic() < deadline, f"{self.command()[0]} does not answer:\n{self.tail()}"
                time.sleep(0.02)
            # Somebody else may have taken the port meanwhile.
            assert new and attempt < _TRIES - 1, f"{self.command()} ended at once:\n{self.tail()}"

    def tail(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-4000:]

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """As a power cut would; also a frozen one."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(_PATIENCE)

    def pause(self) -> None:
        """Freeze it: it takes connections and says nothing."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.signal(signal.SIGCONT)

    def whole(self) -> None:
        """Started and not frozen, whatever was done to it."""
        self.resume()
        if self.process is None or self.process.poll() is not None:
            self.start()

    def close(self) -> None:
        """End it and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Postgres(Server):
    """A cluster without passwords. durable: survives a power cut, as in production; ordinary tests need no such thing."""

    def __init__(self, *, durable: bool = False, settings: Mapping[str, str] | None = None) -> None:
        super().__init__("pg")
        programs = services.postgres_programs()
        assert programs is not None, "no PostgreSQL server is installed; run `make services`"
        self.programs = programs
        self.user = "postgres"
        self.data = self.folder / "data"
        self.settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "64MB",
            "logging_collector": "off",
            **({} if durable else {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}),
            **(settings or {}),
        }
        self.log.touch()
        self.folder.chmod(0o755)
        self.data.mkdir()
        self._as_user = self._user()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._number = 0
        options = ["--no-sync", "-A", "trust", "-U", self.user, "--encoding=UTF8", "--locale=C.UTF-8"]
        subprocess.run(
            [*self._as_user, str(programs / "initdb"), *options, "-D", str(self.data)],
            cwd=self.folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def _user(self) -> list[str]:
        """What runs a program as somebody who may run PostgreSQL, which refuses root."""
        if os.geteuid() != 0:
            return _bound_to_us()
        system = Path("/usr") in self.programs.parents
        with contextlib.suppress(KeyError):
            if system:
                entry = pwd.getpwnam("postgres")
                os.chown(self.data, entry.pw_uid, entry.pw_gid)
                return _bound_to_us(f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups")
        # Our own user under another number: it reads what only we can read.
        return ["unshare", "--user", "--map-user=1000", "--map-group=1000", *_bound_to_us()]

    def command(self) -> list[str]:
        options = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
        return [
            *self._as_user,
            str(self.programs / "postgres"),
            "-D",
            str(self.data),
            "-p",
            str(self.port),
            *options,
        ]

    def answers(self) -> bool:
        try:
            self.do("SELECT 1")
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False
        return True

    def url(self, database: str = "postgres") -> str:
        return f"postgresql+asyncpg://{self.user}@127.0.0.1:{self.port}/{database}"

    def do(self, *statements: str, database: str = "postgres") -> list[Any]:
        """Run statements outside of a transaction; the rows of the last one."""
        return self.run(self._do(statements, database))

    async def _do(self, statements: tuple[str, ...], database: str) -> list[Any]:
        connection = await asyncpg.connect(
            host="127.0.0.1", port=self.port, user=self.user, database=database, timeout=_PATIENCE
        )
        try:
            rows: list[Any] = []
            for statement in statements:
                rows = await connection.fetch(statement)
            return rows
        finally:
            await connection.close(timeout=_PATIENCE)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, run on a loop of its own: callers may stand on a running one."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, name="postgres of tests", daemon=True).start()
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE)

    def make_database(self, template: str = TEMPLATE) -> str:
        """A new database like the template; its URL."""
        self._number += 1
        name = f"test_{os.getpid()}_{self._number}"
        self.do(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop_database(self, url: str) -> None:
        name = url.rpartition("/")[2].partition("?")[0]
        self.do(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """SIGQUIT: immediately, as after a crash. SIGINT: sessions are ended first. `start` starts it again."""
        self.signal(how)
        assert self.process is not None
        self.process.wait(_PATIENCE)

    def pause(self) -> None:
        """Freeze it with all its sessions."""
        self._tell(signal.SIGSTOP)

    def resume(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self._tell(signal.SIGCONT)

    def _tell(self, what: signal.Signals) -> None:
        for pid in self._family():
            with contextlib.suppress(ProcessLookupError):  # a session that has just ended by itself
                os.kill(pid, what)

    def _family(self) -> list[int]:
        assert self.process is not None
        first = self.process.pid
        children = Path(f"/proc/{first}/task/{first}/children").read_text(encoding="ascii").split()
        return [first, *map(int, children)]

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            # Its sessions see by themselves that their parent is gone, unless they are frozen.
            family = self._family()
            self.process.send_signal(signal.SIGQUIT)
            for pid in family:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                super().kill()

    def close(self) -> None:
        super().close()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop = None


class Redis(Server):
    """An empty server. durable: with an append-only file, so that `kill` and `start` lose a second at most."""

    def __init__(self, *, durable: bool = False) -> None:
        super().__init__("redis")
        self._durable = durable

    def command(self) -> list[str]:
        program = services.redis_server()
        assert program is not None, "no Redis server is installed; run `make services`"
        options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self.folder),
            "save": "",
            "appendonly": "yes" if self._durable else "no",
            "protected-mode": "no",
        }
        return [
            *_bound_to_us(),
            str(program),
            *(part for name, value in options.items() for part in (f"--{name}", value)),
        ]

    def answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE)

    def flush(self) -> None:
        with self.client() as client:
            client.flushall()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"
