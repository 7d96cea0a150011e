"""A portal of one or many processes with its servers and simulated services, any of which may be struck."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import httpx

from tests.conftest import start_demo, stop_demo
from tests.databases import prepare
from tests.e2e.processes import PYTHON, Sim, environment, simulator
from tests.servers import Postgres, Redis, free_port

LEASE = 2.0
"""Seconds. Shorter ones end on a busy machine while their holder lives."""
READY = 60.0
_RUNS = b"worker runs jobs"
_PACE = 400_000
"""Bytes a second of one film: a film takes long enough to be killed in the middle of it."""


class Member:
    """One process of the portal. role: web, worker, or portal for one that is both."""

    def __init__(self, name: str, role: str, command: list[str], port: int | None) -> None:
        self.name = name
        self.role = role
        self.command = command
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None
        self.point = ""
        self.proof: Path | None = None
        """Made by the process when it dies at the place it was started with."""
        self.log = Path()
        self.logged = 0
        """Bytes of the log that earlier processes wrote."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self.process.pid if self.process is not None else 0

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def serves(self) -> bool:
        if self.port is None:
            return self.alive and _RUNS in self.log.read_bytes()[self.logged :]
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200
        return False


class Town:
    """scaled: two web processes and a worker on PostgreSQL and Redis; else one process on SQLite. films: where the video site
    keeps its films, which take a while to make. settings: MEDIANEST_* variables of the processes. pace: bytes a second of a film.
    """

    def __init__(
        self,
        folder: Path,
        *,
        scaled: bool,
        films: Path | None = None,
        settings: Mapping[str, str] | None = None,
        pace: int = _PACE,
    ) -> None:
        self.folder = folder
        self.settings = settings if settings is not None else {"MEDIANEST_JOB_LEASE": str(LEASE)}
        self.pace = pace
        self.films = films or folder / "site"
        self.scaled = scaled
        self.data = folder / "data" / "portal"
        self.downloads = self.data / "downloads"
        self.postgres: Postgres | None = None
        self.redis: Redis | None = None
        self.database = ""
        self.members: list[Member] = []
        self.admin: dict[str, str] = {}
        self.videos: list[str] = []
        self.restarts = 0
        """Processes that ended because a server was down when they started."""
        self._proofs = 0
        self._stack = ExitStack()

    def __enter__(self) -> Town:
        try:
            self._found()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def webs(self) -> list[Member]:
        return [one for one in self.members if one.port is not None]

    def _found(self) -> None:
        self.plex: Sim = self._stack.enter_context(
            simulator(
                "plex", self.folder / "plex", "--items", "60", "--option", f"library_dir={self.downloads}"
            )
        )
        self.site: Sim = self._stack.enter_context(
            simulator("youtube", self.films, "--option", f"bytes_per_second={self.pace}")
        )
        if self.scaled:
            self.postgres, self.redis = Postgres(durable=True), Redis(durable=True)
            self._stack.callback(self.postgres.close)
            self._stack.callback(self.redis.close)
            self.postgres.start()
            self.redis.start()
            prepare(self.postgres)
            self.database = self.postgres.make_database()
        self._configure()
        listed = ask(f"{self.site.url}/api/channel/slowmaps/videos?page=1")["entries"]
        more = ask(f"{self.site.url}/api/channel/slowmaps/videos?page=2")["entries"]
        self.videos = [one["url"] for one in (*listed, *more)]
        serve = [*PYTHON, "serve", "--data-dir", str(self.data)]
        if self.scaled:
            for name in ("web-1", "web-2"):
                port = free_port()
                self.members.append(Member(name, "web", [*serve, "--port", str(port), "--no-worker"], port))
            worker = [*PYTHON, "worker", "--data-dir", str(self.data)]
            self.members.append(Member("worker-1", "worker", worker, None))
        else:
            port = free_port()
            self.members.append(Member("portal", "portal", [*serve, "--port", str(port)], port))
        for member in self.members:
            self.start(member)
            self._stack.callback(self.stop, member)
        for member in self.members:
            self.wait(member)

    def environment(self, **more: str) -> dict[str, str]:
        values = {"MEDIANEST_LOG_LEVEL": "info", "PYTHONUNBUFFERED": "1", **self.settings, **more}
        if self.postgres is not None and self.redis is not None:
            values |= {"MEDIANEST_DATABASE_URL": self.database, "MEDIANEST_REDIS_URL": self.redis.url}
        return environment(**values)

    def _configure(self) -> None:
        """Have the demo make the admin and the services, then raise the limits that people need and this load does not."""
        demo = start_demo(
            self.folder,
            *("--data-dir", str(self.folder / "data")),
            *("--use", f"plex={self.plex.url}", "--use", f"youtube={self.site.url}"),
            env=self.environment(MEDIANEST_ROOT_PATH=""),
        )
        try:
            self.admin = demo.admin
            with httpx.Client(base_url=f"{demo.url}/api/v1", headers={"Origin": demo.url}, timeout=30) as api:
                api.post("/sign-in/local", json=self.admin).raise_for_status()
                for info in api.get("/services").raise_for_status().json():
                    if info["service"] == "youtube":
                        stored = api.get(f"/services/{info['id']}").raise_for_status().json()
                        values = stored["settings"] | {"submissions_per_hour": 1000, "concurrent": 3}
                        api.patch(
                            f"/services/{info['id']}", json={"settings": values, "version": info["version"]}
                        ).raise_for_status()
                stored = api.get("/settings").raise_for_status().json()
                api.patch(
                    "/settings", json={"values": {"api_per_minute": 100_000}, "version": stored["version"]}
                ).raise_for_status()
        finally:
            assert stop_demo(demo) == 0

    # Processes

    def start(self, member: Member, failpoint: str = "") -> None:
        """failpoint: the place at which it shall die."""
        more = {}
        member.proof, member.point = None, failpoint
        if failpoint:
            self._proofs += 1
            member.proof = self.folder / f"killed-{self._proofs}-{failpoint}"
            more["MEDIANEST_FAILPOINTS"] = f"{failpoint}=kill:{member.proof}"
        member.log = self.folder / f"{member.name}.log"
        with member.log.open("ab") as log:
            member.logged = log.tell()
            member.process = subprocess.Popen(
                member.command, stdout=log, stderr=log, env=self.environment(**more), cwd=self.folder
            )

    def wait(self, member: Member, within: float = READY) -> float:
        """Until it serves, or has died at its place. → seconds.

        One that cannot start because the database is down just then ends, and is started again, as systemd and Docker do.
        """
        began = time.monotonic()
        while not member.serves:
            assert time.monotonic() - began < within, f"{member.name} does not serve:\n{self.log(member)}"
            if not member.alive and member.process is not None:
                if member.proof is not None and member.proof.exists():
                    break
                self.revive(member)
            time.sleep(0.05)
        return time.monotonic() - began

    def revive(self, member: Member) -> None:
        """Start it again after it ended because a server was down."""
        assert member.process is not None
        code = member.process.returncode
        assert self.scaled and code > 0, f"{member.name} ended by itself ({code}):\n{self.log(member)}"
        self.restarts += 1
        self.start(member, member.point)

    def log(self, member: Member) -> str:
        return member.log.read_text(encoding="utf-8", errors="replace")[-3000:]

    def kill(self, member: Member) -> None:
        """kill -9 of this process and of no other."""
        assert member.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(member.process.pid, signal.SIGKILL)
        member.process.wait(30)

    def stop(self, member: Member) -> None:
        if member.alive and member.process is not None:
            member.process.send_signal(signal.SIGCONT)
            member.process.terminate()
            try:
                member.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill(member)

    # What there is

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Rows of a query, of whichever database; JSON columns decoded."""
        if self.postgres is not None:
            name = self.database.rpartition("/")[2]
            found = [dict(row) for row in self.postgres.do(sql, database=name)]
        else:
            with contextlib.closing(
                sqlite3.connect(f"file:{self.data / 'medianest.db'}?mode=ro", uri=True, timeout=60)
            ) as connection:
                connection.row_factory = sqlite3.Row
                found = [dict(row) for row in connection.execute(sql)]
        return [{name: _decoded(value) for name, value in row.items()} for row in found]

    def effects(self, simulator: Sim, kind: str) -> list[dict[str, Any]]:
        """What a simulated service was made to do."""
        return [one["facts"] for one in ask(f"{simulator.url}/_sim/ledger?kind={kind}")]


def _decoded(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        with contextlib.suppress(ValueError):
            return json.loads(value)
    return value


def ask(url: str, body: object = None) -> Any:
    """JSON from a simulator; with a body, put there."""
    data = None if body is None else json.dumps(body).encode()
    method = "GET" if body is None else "PUT"
    request = Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
    with urlopen(request, timeout=60) as reply:
        return json.load(reply)
