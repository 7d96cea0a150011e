"""A plugin host on a fresh database, and distributions made on the spot."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from medianest_core.base.crypto import Keyring
from medianest_core.base.http_factory import HttpFactory
from medianest_core.base.settings import AppSettings
from medianest_core.bus.outbox import EventBus
from medianest_core.host.lifecycle import PluginHost
from medianest_core.ledger.enqueue import Ledger
from medianest_core.store.engine import Database
from medianest_core.store.repos.events import EventRepo
from tests.broken_plugins.at_start import AT_START
from tests.broken_plugins.at_work import AT_STARTUP
from tests.databases import database_url, migrated

ROOT = Path(__file__).parents[3]
BROKEN = {one.name: one for one in (*AT_START, *AT_STARTUP)}


class House:
    """Everything under a host; `host()` starts one after another on the same data."""

    def __init__(self, data_dir: Path, db: Database) -> None:
        self.data_dir = data_dir
        self.db = db
        self.keyring = Keyring.load_or_create(data_dir / "keys.json")
        self.bus: EventBus
        self.ledger: Ledger

    @contextlib.asynccontextmanager
    async def host(self, **options: Any) -> AsyncIterator[PluginHost]:
        more = {name: options.pop(name) for name in ("stages", "translate", "poll") if name in options}
        settings = AppSettings(data_dir=self.data_dir, _env_file=None, **options)
        self.bus = bus = EventBus(EventRepo(self.db))
        http = HttpFactory(settings)
        self.ledger = ledger = Ledger(self.db, bus=bus)
        host = PluginHost(settings, self.db, self.keyring, bus, http, ledger, **more)
        await host.start()
        try:
            yield host
        finally:
            await host.stop()
            await bus.close()
            await http.close()


@pytest.fixture
async def house(tmp_path: Path, backend: str) -> AsyncIterator[House]:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    db = Database(database_url(data_dir))
    await db.start()
    await migrated(db)
    yield House(data_dir, db)
    await db.close()


class Install(Protocol):
    def __call__(
        self, name: str, source: str, *, distribution: str = ..., group: str = ..., requires: str = ...
    ) -> Path: ...


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a plugin of one module on the path, with metadata as an installer writes it."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))

    def write(
        name: str,
        source: str,
        *,
        distribution: str = "",
        group: str = "medianest.plugins.v1",
        requires: str = "medianest>=0.1,<1",
    ) -> Path:
        distribution = distribution or f"test-{name}"
        module = f"mn_test_{distribution.replace('-', '_')}_{tmp_path.name.replace('-', '_')}"
        (folder / f"{module}.py").write_text(source)
        info = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\nRequires-Dist: {requires}\n"
        )
        (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}\n")
        return folder / f"{module}.py"

    return write


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Install one or more of tests/broken_plugins."""

    def add(*names: str) -> None:
        for name in names:
            BROKEN[name].install(tmp_path / "broken")
        monkeypatch.syspath_prepend(str(tmp_path / "broken"))

    return add


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Build an example into a wheel and unpack it, as an installer would; returns the folder."""
    done: dict[str, Path] = {}

    def build(example: str) -> Path:
        if example not in done:
            out = tmp_path_factory.mktemp(example)
            subprocess.run(
                [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)],
                cwd=ROOT / "examples" / example,
                check=True,
                capture_output=True,
                timeout=60,
            )
            target = out / "site"
            with zipfile.ZipFile(next(out.glob("*.whl"))) as wheel:
                wheel.extractall(target)
            done[example] = target
        return done[example]

    return build


async def until(condition: Callable[[], bool], *, timeout: float = 60.0) -> None:
    """Wait for a condition, looking often; fails the test after `timeout` seconds."""
    async with asyncio.timeout(timeout):
        while not condition():  # there is nothing to be told by
            await asyncio.sleep(0.02)
