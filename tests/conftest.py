"""Fixtures that start the real thing: the demo as a process of its own, PostgreSQL, Redis."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import structlog
from argon2 import PasswordHasher

from medianest_core.base import redact
from medianest_core.domain.accounts import passwords
from medianest_core.host import probe, stages
from medianest_core.host.discovery import Found
from medianest_core.host.probe import Verdict
from medianest_core.host.stamps import code_stamp
from medianest_core.jobs.worker import Worker
from tests.databases import BOTH, ONE, POSTGRESQL, SQLITE, VARIABLE, prepare
from tests.laws.law import SUITE
from tests.servers import Postgres, Redis

ROOT = Path(__file__).parents[1]
# Making the films takes longer than most tests; all portals of all runs show the same ones.
_RECIPE = (ROOT / "plugins/youtube/medianest_youtube/simulation/media.py").read_bytes()
os.environ.setdefault(
    "SIMULATED_FILMS",
    str(Path(tempfile.gettempdir()) / f"medianest-films-{hashlib.sha256(_RECIPE).hexdigest()[:12]}"),
)


def _in_memory() -> str | None:
    """A temporary folder in memory: with thousands of databases made and thrown away, a disk is what tests wait for most."""
    with contextlib.suppress(OSError, AttributeError):
        found = os.statvfs("/dev/shm")
        # Tests install programs in it, too.
        if found.f_bavail * found.f_frsize >= 8 * 2**30 and not found.f_flag & os.ST_NOEXEC:
            return "/dev/shm"
    return None


if (folder := _in_memory()) is not None and "TMPDIR" not in os.environ:
    tempfile.tempdir = os.environ["TMPDIR"] = folder
# As in the portal, logs go through `logging`, where pytest finds them: also in a process in which another test has set them up.
structlog.configure(
    processors=[
        structlog.stdlib.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(default=str),
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=False,
)
_IMPORTS = 120.0
START = 120.0
"""Seconds the demo may take to be ready; it makes videos with ffmpeg first."""


@dataclass
class Demo:
    """A running `medianest demo`: what its ready line said."""

    process: subprocess.Popen[str]
    url: str
    admin: dict[str, str]
    plex_username: str
    simulators: dict[str, str]
    data_dir: Path
    log: Path
    command: list[str] = field(default_factory=list)

    def sim(self, name: str, path: str, method: str = "GET", body: object = None) -> Any:
        """Ask a simulator's control API."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(
            f"{self.simulators[name]}{path}",
            data=data,
            method=method,
            headers={"Content-Type": "application/json"},
        )
        with urlopen(request, timeout=60) as reply:
            text = reply.read()
        return json.loads(text) if text else None

    def ledger(self, name: str, kind: str | None = None) -> list[dict[str, Any]]:
        """Side effects of a simulated service."""
        entries: list[dict[str, Any]] = self.sim(name, "/_sim/ledger" + (f"?kind={kind}" if kind else ""))
        return entries


def eventually(
    condition: Callable[[], Any], *, within: float = 60.0, what: str = "", every: float = 0.1
) -> Any:
    """The condition's first true value; fails when there is none in time. every: where asking is counted and limited."""
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"did not happen within {within} s: {what or condition}"
        time.sleep(every)


FEW = ("plex", "youtube")
"""The simulators that most tests with a demo of their own need; each is a process."""


def start_demo(
    folder: Path,
    *arguments: str,
    env: dict[str, str] | None = None,
    only: Sequence[str] = FEW,
    lively: bool = False,
) -> Demo:
    """Start `medianest demo --json` on a free port and wait for its ready line. only: simulators; empty for all. lively: with a
    household that has asked for things already."""
    log = folder / f"demo-{time.monotonic_ns()}.log"
    command = [
        sys.executable,
        "-m",
        "medianest_core.cli",
        "demo",
        "--json",
        "--port",
        "0",
        "--no-browser",
        *(() if lively else ("--still",)),
        *(part for name in only for part in ("--only", name)),
        *arguments,
    ]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MEDIANEST_")} | (
        env or {}
    )
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment, cwd=folder
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"the demo did not start:\n{log.read_text(encoding='utf-8')[-4000:]}"
    told = json.loads(line)
    return Demo(
        process,
        told["url"],
        told["admin"],
        told["user"]["plex_username"],
        told["simulators"],
        Path(told["data_dir"]),
        log,
        command,
    )


def stop_demo(demo: Demo) -> int:
    """End it as a person would; returns the exit code."""
    with contextlib.suppress(ProcessLookupError):
        demo.process.send_signal(signal.SIGTERM)
    try:
        return demo.process.wait(60)
    except subprocess.TimeoutExpired:
        demo.process.kill()
        demo.process.wait()
        raise


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo for all tests of this worker that do not break it."""
    running = start_demo(tmp_path_factory.mktemp("demo"), only=())
    yield running
    stop_demo(running)


@pytest.fixture(scope="session", autouse=True)
def _once_a_worker() -> Iterator[None]:
    """Spare every test that starts a portal what takes most of its time: a process that tries out the same sound plugins
    again, hashes as slow as they must be for real passwords, and threads that seldom look whether they should end."""
    learnt: dict[str, Verdict] = {}
    configure = structlog.configure

    def remembering(plugins: Sequence[Found], *, per_plugin: float) -> dict[str, Verdict]:
        stamps = {found.name: code_stamp(found) for found in plugins}
        new = [found for found in plugins if stamps[found.name] not in learnt]
        verdicts = probe.probe(new, per_plugin=max(per_plugin, _IMPORTS)) if new else {}
        learnt.update({stamps[name]: verdict for name, verdict in verdicts.items() if not verdict.reason})
        return {name: learnt.get(stamp) or verdicts[name] for name, stamp in stamps.items()}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages, "probe", remembering)
        # On a busy machine one import may take seconds.
        patch.setitem(stages.Stages.__init__.__kwdefaults__ or {}, "deadline", _IMPORTS)
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        patch.setitem(Worker.__init__.__kwdefaults__ or {}, "idle_ms", 20)
        # A module that keeps its logger would write to the files of one test for ever.
        patch.setattr(
            structlog,
            "configure",
            lambda **options: configure(**options | {"cache_logger_on_first_use": False}),
        )
        yield


def pytest_collection_finish() -> None:
    """Thousands of tests stay as they are until the end: what looks for garbage need not look through them again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """A test that starts the portal's own logs, as a command does, leaves nothing of them behind for others."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    if structlog.get_config()["processors"] is before["processors"]:
        return
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**before)


@pytest.fixture(autouse=True)
def _secrets_as_they_were() -> Iterator[None]:
    """What is a secret in one test may be any word in another, and is written there as it is."""
    known, pattern = set(redact._known), redact._pattern
    yield
    with redact._lock:
        redact._known.clear()
        redact._known.update(known)
        redact._pattern = pattern


def pytest_configure(config: pytest.Config) -> None:
    """The quick suite tries each law less often."""
    SUITE.whole = "not full" not in config.option.markexpr


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what uses a database on both kinds of it."""
    if "backend" not in metafunc.fixturenames:
        return
    folder = metafunc.definition.path.relative_to(ROOT).as_posix()
    marks = () if folder.startswith(BOTH) else (pytest.mark.full,)
    others = [] if folder in ONE else [pytest.param(POSTGRESQL, marks=marks)]
    metafunc.parametrize("backend", [SQLITE, *others], indirect=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The PostgreSQL that all tests of this worker share; nobody stops it. See `make_database`."""
    cluster = Postgres()
    try:
        cluster.start()
        prepare(cluster)
        yield cluster
    finally:
        cluster.close()


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """A fresh, migrated database on PostgreSQL."""
    url = postgres.make_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture(scope="session")
def _breakable_postgres() -> Iterator[Postgres]:
    cluster = Postgres(durable=True)
    try:
        cluster.start()
        prepare(cluster)
        yield cluster
    finally:
        cluster.close()


@pytest.fixture
def own_postgres(_breakable_postgres: Postgres) -> Iterator[Postgres]:
    """A PostgreSQL that only this test uses, which it may stop and freeze; it keeps what it has confirmed."""
    yield _breakable_postgres
    _breakable_postgres.whole()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    """The Redis that all tests of this worker share; nobody stops it."""
    server = Redis()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def redis_url(redis_server: Redis) -> Iterator[str]:
    """An empty Redis."""
    redis_server.flush()
    yield redis_server.url


@pytest.fixture
def own_redis() -> Iterator[Redis]:
    """A Redis of the test's own with an append-only file, which it may stop and freeze (see `whole`)."""
    server = Redis(durable=True)
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The kind of database this run of the test has. Where that is PostgreSQL, a fresh database stands in the environment, so
    that settings and `tests.databases.database_url` name it."""
    kind: str = request.param
    if kind == POSTGRESQL:
        monkeypatch.setenv(VARIABLE, request.getfixturevalue("postgres_url"))
    else:
        monkeypatch.delenv(VARIABLE, raising=False)
    return kind
