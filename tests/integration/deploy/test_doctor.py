"""`medianest doctor` with real faults: folders, disk, keys, databases, Redis, plugins, services, clocks and addresses."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from medianest_core.base.crypto import Keyring
from medianest_core.base.finding import Finding, Level, clock
from medianest_core.base.settings import AppSettings
from medianest_core.checkup import folders, programs, services, stores, web
from medianest_core.checkup.examine import examine
from medianest_core.store.engine import Database
from medianest_core.store.migrate import upgrade
from tests.servers import free_port


def settings(folder: Path, **more: Any) -> AppSettings:
    return AppSettings(data_dir=folder, _env_file=None, **more)


def problems(found: list[Finding]) -> dict[str, str]:
    assert all(one.remedy for one in found if one.level is not Level.OK), "a finding without advice"
    return {one.check: one.text for one in found if one.level is Level.PROBLEM}


@contextmanager
def answering(headers: dict[str, str], status: int = 200, body: bytes = b"hello") -> Iterator[str]:
    """A web server that says always the same. headers: those that are sent instead of the usual ones."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


async def filled(folder: Path, **service: str) -> Database:
    """A portal's database with one service in it, closed."""
    db = Database(settings(folder).database)
    folder.mkdir(parents=True, exist_ok=True)
    await db.start()
    await upgrade(db)
    if service:
        from medianest_core.store.tables.plugins import instances

        row = {"plugin": "plex", "service": "plex", "name": "home", "settings_json": {"url": service["url"]}}
        async with db.begin() as tx:
            await tx.execute(
                instances.insert().values(
                    **row,
                    id="i1",
                    title=service["title"],
                    enabled=True,
                    version=1,
                    created_at=1.0,
                    updated_at=1.0,
                )
            )
    await db.close()
    return Database(settings(folder).database)


async def test_a_fresh_folder_is_well(tmp_path: Path) -> None:
    found = await examine(settings(tmp_path / "data", port=free_port()))
    assert problems(found) == {}
    assert not (tmp_path / "data/medianest.db").exists()
    assert not (tmp_path / "data/keys.json").exists()


def test_folders_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = problems(folders.check(settings(tmp_path / "file")))
    assert "is no folder" in found["data folder"]
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    if os.geteuid() != 0:
        assert "cannot be written to" in problems(folders.check(settings(closed)))["data folder"]
        return
    # Root may write everywhere, so a process that has given root up looks, from inside the folder.
    script = (
        "import os; from pathlib import Path; from medianest_core.checkup import folders;"
        "os.setgroups([]); os.setgid(12345); os.setuid(12345);"
        "found = folders.writable('data folder', Path('.')); print(found.level, found.text, found.remedy)"
    )
    closed.chmod(0o555)
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=closed, capture_output=True, check=True, text=True, timeout=60
    ).stdout
    assert told.startswith("problem ")
    assert "cannot be written to by the account with the number 12345" in told
    assert "PUID and PGID" in told


def test_full_and_nearly_full_disks(tmp_path: Path) -> None:
    huge = 10**18
    assert "free at" in problems(folders.check(settings(tmp_path), least=huge))["disk of the data folder"]
    levels = {one.check: one.level for one in folders.check(settings(tmp_path), little=huge)}
    assert levels["disk of the data folder"] is Level.WARNING


async def test_key_files_that_are_damaged_open_or_missing(tmp_path: Path) -> None:
    Keyring.load_or_create(tmp_path / "keys.json")
    assert problems(folders.check(settings(tmp_path))) == {}
    (tmp_path / "keys.json").chmod(0o644)
    assert [one.level for one in folders.check(settings(tmp_path)) if one.check == "keys"] == [Level.WARNING]
    (tmp_path / "keys.json").write_text("{")
    assert "keys" in problems(folders.check(settings(tmp_path)))
    (tmp_path / "keys.json").unlink()
    await filled(tmp_path, title="Home", url="http://127.0.0.1:1/")
    assert "is missing" in problems(await examine(settings(tmp_path, port=free_port())))["keys"]


async def test_databases_that_are_away_damaged_old_or_new(tmp_path: Path) -> None:
    port = free_port()
    url = f"postgresql://ann:secret-word@127.0.0.1:{port}/medianest"
    away, readable = await _database(settings(tmp_path, database_url=url, database_patience=1))
    assert not readable
    assert f"127.0.0.1:{port}" in problems(away)["database"]
    assert "secret-word" not in str(away)
    (tmp_path / "medianest.db").write_bytes(b"this is no database" * 100)
    damaged, readable = await _database(settings(tmp_path))
    assert not readable
    assert "database" in problems(damaged)
    (tmp_path / "medianest.db").unlink()
    for revision, level in (("9999", Level.PROBLEM), ("0001", Level.WARNING)):
        db = await filled(tmp_path)
        await db.start()
        async with db.engine.begin() as connection:
            await connection.exec_driver_sql(f"UPDATE medianest_versions SET version_num = '{revision}'")
        await db.close()
        found, readable = await _database(settings(tmp_path))
        assert not readable
        assert [one.level for one in found if one.check == "tables"] == [level]
        (tmp_path / "medianest.db").unlink()


async def _database(given: AppSettings) -> tuple[list[Finding], bool]:
    db = Database(given.database)
    try:
        return await stores.database(given, db)
    finally:
        await db.close()


async def test_postgresql_is_told_by_its_version(tmp_path: Path, postgres_url: str) -> None:
    found, _ = await _database(settings(tmp_path, database_url=postgres_url))
    texts = {one.check: one.text for one in found}
    assert texts["database"].startswith("PostgreSQL ")
    assert "agree" in texts["clock of the database"]


async def test_redis_that_is_away_or_keeps_nothing(tmp_path: Path, redis_url: str) -> None:
    port = free_port()
    away = await stores.redis(settings(tmp_path, redis_url=f"redis://:secret-word@127.0.0.1:{port}/0"))
    assert f"127.0.0.1:{port}" in problems(away)["Redis"]
    assert "secret-word" not in str(away)
    there = await stores.redis(settings(tmp_path, redis_url=redis_url))
    assert problems(there) == {}
    assert {one.check for one in there} >= {"Redis", "clock of Redis"}
    info = {"redis_version": "5.0.1", "aof_enabled": 0, "maxmemory": 10, "maxmemory_policy": "allkeys-lru"}
    judged = stores.judge(info, 120.0)
    assert set(problems(judged)) == {"Redis", "clock of Redis"}
    assert [one.text for one in judged if one.check == "Redis's memory"] == [
        "It keeps no append-only file.", "When it is full, it forgets (allkeys-lru).",
    ]  # fmt: skip
    assert await stores.redis(settings(tmp_path)) == []


@pytest.mark.parametrize(
    ("ahead", "level", "word"),
    [(31, "problem", "ahead of"), (-3600, "problem", "behind"), (29, "ok", "agree")],
)
def test_clocks(ahead: float, level: str, word: str) -> None:
    found = clock("clock", "the other", ahead)
    assert found.level == level
    assert word in found.text


async def test_services_that_are_away_and_clocks_that_are_wrong(tmp_path: Path) -> None:
    gone = free_port()
    await filled(tmp_path, title="Living room", url=f"http://127.0.0.1:{gone}/path?token=x")
    found = problems(await examine(settings(tmp_path, port=free_port())))
    assert f"Nothing answers at http://127.0.0.1:{gone}:" in found["service Living room"]
    (tmp_path / "medianest.db").unlink()
    with answering({"Date": formatdate(1_000_000_000, usegmt=True)}) as url:
        await filled(tmp_path, title="Attic", url=url)
        found = problems(await examine(settings(tmp_path, port=free_port())))
    assert "seconds ahead of that of Attic" in found["clock of Attic"]
    assert "service Attic" not in found


async def test_plugins_that_do_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site/mn_faulty-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: mn-faulty\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[medianest.plugins.v1]\nfaulty = mn_faulty\n")
    (tmp_path / "site/mn_faulty.py").write_text("raise RuntimeError('broken on purpose')\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    found = problems(await services.check(settings(tmp_path / "data"), None))
    assert "broken on purpose" in found["plugin faulty"]


@pytest.mark.parametrize(
    ("status", "headers", "body", "text"),
    [
        (200, {}, b"another site", "no portal is there"),
        (404, {}, b"", "answers 404"),
        (502, {}, b"", "finds no portal"),
        (301, {"Location": "https://media.example/"}, b"", "sends people on to https://media.example/"),
    ],
)
def test_public_addresses_that_are_wrong(
    tmp_path: Path, status: int, headers: dict[str, str], body: bytes, text: str
) -> None:
    with answering({**headers, "Content-Length": str(len(body))}, status, body) as url:
        found = problems(web.check(settings(tmp_path, public_url=url, port=free_port())))
    assert text in found["public address"]


def test_settings_that_contradict_each_other(tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    found = problems(
        web.check(
            settings(tmp_path, public_url=f"{nowhere}/media", root_path="/nest", trusted_proxies="nginx")
        )
    )
    assert "cannot be reached" in found["public address"]
    assert "/media" in found["sub-path"] and "/nest" in found["sub-path"]
    assert "'nginx'" in found["trusted proxies"]
    https = web.check(settings(tmp_path, public_url=nowhere.replace("http:", "https:")))
    assert [one.check for one in https if one.level is Level.WARNING] == ["trusted proxies"]


def test_programs_that_are_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(programs, "_which", lambda name: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    from medianest_core.web.portal import render

    monkeypatch.setattr(render.assets, "_manifest", tmp_path / "manifest.json")
    found = programs.check()
    assert {one.check: one.level for one in found} == {
        "browser assets": Level.PROBLEM,
        "ffmpeg": Level.WARNING,
        "JavaScript runtime": Level.WARNING,
    }


def test_the_command_ends_with_one_where_there_is_a_problem(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "medianest_core.cli", "doctor", "--data-dir", str(tmp_path / "data")]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MEDIANEST_")}
    kept["MEDIANEST_PORT"] = str(free_port())
    well = subprocess.run(
        [*command, "--json"], capture_output=True, text=True, env=kept, cwd=tmp_path, timeout=60
    )
    assert well.returncode == 0, well.stdout + well.stderr
    assert json.loads(well.stdout)["healthy"] is True
    bad = {**kept, "MEDIANEST_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
    told = subprocess.run(command, capture_output=True, text=True, env=bad, cwd=tmp_path, timeout=60)
    assert told.returncode == 1
    assert "✗ Redis" in told.stdout
    assert "→ Check that it runs" in told.stdout
