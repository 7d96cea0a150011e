"""A portal that cannot read what it stored says so and what to do; it never starts over, and never offers the wizard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from medianest_core.base.settings import AppSettings
from medianest_core.cli import users
from medianest_core.store.engine import Database

from .conftest import ORIGIN, PASSWORD, serving


def _lost(folder: Path) -> None:
    (folder / "keys.json").unlink()


def _damaged(folder: Path) -> None:
    (folder / "keys.json").write_text('{"keys": {"k1": "<b>not a key</b>"')


def _unreadable(folder: Path) -> None:
    (folder / "keys.json").unlink()
    (folder / "keys.json").mkdir()


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """Data of a portal that was set up and stopped."""
    async with serving(_settings(tmp_path / "portal")) as portal:
        assert await portal.setup_link(ORIGIN) is not None
        await portal.runtime.services.accounts.setup.add_admin("root", PASSWORD)
    return tmp_path / "portal"


def _settings(folder: Path) -> AppSettings:
    return AppSettings(data_dir=folder, safe_mode=True, _env_file=None)


async def _only_recovery(folder: Path, reason: str) -> None:
    async with serving(_settings(folder)) as portal:
        assert await portal.setup_link(ORIGIN) is None
        async with httpx.AsyncClient(transport=httpx.ASGITransport(portal), base_url=ORIGIN) as client:
            for path in ("/", "/setup?token=x", "/setup", "/sign-in", "/admin", "/static/dist/app.css"):
                shown = await client.get(path)
                assert shown.status_code == 503 and reason in shown.text, path
                assert "Traceback" not in shown.text and "<b>" not in shown.text
                assert "<form" not in shown.text and shown.headers["content-security-policy"]
            posted = await client.post("/setup", data={"token": "x", "username": "eve", "password": PASSWORD})
            assert posted.status_code == 503
            assert (await client.get("/api/v1/me")).json() == {"ready": False, "missing": ["settings"]}
            assert (await client.get("/readyz")).status_code == 503
            assert (await client.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    ("harm", "reason"), [(_lost, "is missing"), (_damaged, "is damaged"), (_unreadable, "cannot be read")]
)
async def test_without_its_keys_it_waits_for_help(
    folder: Path, harm: Callable[[Path], None], reason: str
) -> None:
    kept = (folder / "keys.json").read_bytes()
    harm(folder)
    await _only_recovery(folder, reason)
    if (folder / "keys.json").is_dir():
        (folder / "keys.json").rmdir()
    (folder / "keys.json").write_bytes(kept)
    async with serving(_settings(folder)) as portal:
        assert not await portal.runtime.services.accounts.setup.needed()


@pytest.mark.parametrize("values", ['{"site_name": []}', "[]", '{"site_na', "null"])
async def test_settings_that_cannot_be_read_are_not_replaced(folder: Path, values: str) -> None:
    db = Database(_settings(folder).database)
    await db.start()
    async with db.begin() as tx:
        await tx.execute(
            text('INSERT INTO portal_settings (id, "values", version, updated_at) VALUES (1, :values, 3, 0)'),
            {"values": values},
        )
    await db.close()
    await _only_recovery(folder, "settings")


def test_only_recovering_makes_new_keys_for_a_database_in_use(folder: Path) -> None:
    (folder / "keys.json").unlink()
    runner = CliRunner()
    told = runner.invoke(users.app, ["list", "--data-dir", str(folder)])
    assert told.exit_code == 1 and "users recover" in told.output and not (folder / "keys.json").exists()
    told = runner.invoke(users.app, ["recover", "--data-dir", str(folder)])
    assert told.exit_code == 0 and "Password:" in told.output and (folder / "keys.json").exists()
