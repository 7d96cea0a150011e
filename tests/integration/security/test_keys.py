"""`medianest keys …`: another key seals everything, whatever interrupts it, and nothing is ever lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from medianest_core.base.crypto import Keyring
from medianest_core.base.failpoints import VARIABLE
from medianest_core.cli.keys import everything
from medianest_core.host.settings_store import fingerprint
from medianest_core.store.engine import Database
from medianest_core.store.migrate import upgrade
from medianest_core.store.reseal import reseal, uses
from medianest_core.store.tables.accounts import identities, setup, sign_in_attempts, users
from medianest_core.store.tables.all import core_metadata
from medianest_core.store.tables.plugins import instances
from medianest_core.store.tables.system import audit
from medianest_core.store.tables.webhooks import (
    webhook_addresses,
    webhook_deliveries,
    webhook_subscriptions,
)

pytestmark = pytest.mark.full
ROOT = Path(__file__).parents[3]
MANY = 5
ALL = MANY * 11 - 5 + 1
"""Secrets in the data folder: of five columns one row has none, and there is one link for setting up."""


class Portal:
    """A data folder full of secrets. `all_open` reads every one of them."""

    def __init__(self, folder: Path, db: Database) -> None:
        self.folder = folder
        self.db = db
        self.keyring = Keyring.load_or_create(folder / "keys.json")

    async def fill(self) -> None:
        seal = self.keyring.seal
        async with self.db.begin() as tx:
            await tx.execute(
                insert(users).values(
                    id="u", username="ann", role="admin", status="active", created_at=1.0, version=1
                )
            )
            for n in range(MANY):
                name = f"i{n}"
                stored: dict[str, Any] = {
                    "url": "http://a",
                    "key": seal(f"key {n}", f"instance:{name}:key"),
                    "word": "mn2",
                }
                stored |= {
                    "lock": {"code": seal(f"code {n}", f"instance:{name}:lock.code")},
                    "boxes": [
                        {"_id": "aaaaaa", "pin": seal(f"pin {n}", f"instance:{name}:boxes.aaaaaa.pin")}
                    ],
                }
                await tx.execute(
                    insert(instances).values(
                        id=name,
                        plugin="p",
                        service="s",
                        name=name,
                        title=name,
                        settings_json=stored,
                        suspended_fingerprint=fingerprint(stored) if n == 0 else "",
                        version=1,
                        created_at=1.0,
                        updated_at=1.0,
                    )
                )
                await tx.execute(
                    insert(identities).values(
                        id=name,
                        user_id="u",
                        provider="p",
                        subject=name,
                        token_sealed=seal(f"token {n}", f"identity:p:{name}") if n else None,
                        created_at=1.0,
                        checked_at=1.0,
                    )
                )
                await tx.execute(
                    insert(webhook_addresses).values(
                        instance_id=name,
                        token_hash=name,
                        token_sealed=seal(f"hook {n}", f"webhook:{name}"),
                        created_at=1.0,
                        registered_sealed=seal(f"place {n}", f"webhook:{name}") if n else None,
                    )
                )
                await tx.execute(
                    insert(webhook_deliveries).values(
                        id=name,
                        instance_id=name,
                        delivery_key=name,
                        received_at=1.0,
                        size=1,
                        status="processed",
                        keys=[],
                        content_sealed=seal(f"body {n}", f"webhook-delivery:{name}") if n else None,
                    )
                )
                await tx.execute(
                    insert(webhook_subscriptions).values(
                        id=name,
                        name=name,
                        url_sealed=seal(f"url {n}", f"webhook-url:{name}"),
                        place="http://a:80",
                        events=[],
                        secret_sealed=seal(f"secret {n}", f"webhook-secret:{name}"),
                        old_secret_sealed=seal(f"old {n}", f"webhook-secret:{name}") if n else None,
                        verify_tls=True,
                        state="active",
                        reason="",
                        failures=0,
                        version=1,
                        created_at=1.0,
                    )
                )
                await tx.execute(
                    insert(sign_in_attempts).values(
                        id=name,
                        key_hash=name,
                        provider="p",
                        instance_id=name,
                        flow="code",
                        state_sealed=seal(f"state {n}", f"sign-in:{name}") if n else "",
                        poll_every=1.0,
                        created_at=1.0,
                        expires_at=9e9,
                    )
                )
            await tx.execute(insert(setup).values(id=1, token_sealed=seal("setup", "setup"), created_at=1.0))

    async def all_open(self, keyring: Keyring | None = None) -> set[str]:
        """Checks every secret; returns the ids of the keys that seal them."""
        keyring = keyring or Keyring.load_or_create(self.folder / "keys.json")
        keys = set()
        expected = {
            "instances.settings_json": [
                f"{what} {n}" for n in range(MANY) for what in ("key", "code", "pin")
            ],
            "identities.token_sealed": [f"token {n}" for n in range(1, MANY)],
            "webhook_addresses.token_sealed": [f"hook {n}" for n in range(MANY)],
            "webhook_addresses.registered_sealed": [f"place {n}" for n in range(1, MANY)],
            "webhook_deliveries.content_sealed": [f"body {n}" for n in range(1, MANY)],
            "webhook_subscriptions.url_sealed": [f"url {n}" for n in range(MANY)],
            "webhook_subscriptions.secret_sealed": [f"secret {n}" for n in range(MANY)],
            "webhook_subscriptions.old_secret_sealed": [f"old {n}" for n in range(1, MANY)],
            "setup.token_sealed": ["setup"],
            "sign_in_attempts.state_sealed": [f"state {n}" for n in range(1, MANY)],
        }
        for one in everything():
            opened = []
            async with self.db.read() as tx:
                rows = await tx.all(select(one.table).order_by(*one.table.primary_key))
            for row in rows:
                value = row[one.column]
                parts = [("", value)]
                if isinstance(value, dict):
                    parts = list(value.items())
                    parts += [(f"lock.{key}", text) for key, text in value["lock"].items()]
                    parts += [(f"boxes.aaaaaa.{key}", text) for key, text in value["boxes"][0].items()]
                for name, text in parts:
                    if isinstance(text, str) and text.startswith("mn1."):
                        opened.append(keyring.open(text, one.context(row, name)))
                        keys.add(keyring.key_of(text))
            assert opened == expected.get(one.name, []), one.name
        return keys

    def run(self, *arguments: str, kill: str = "") -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "MEDIANEST_DATABASE_URL": "", VARIABLE: f"{kill}=kill" if kill else ""}
        environment = {name: value for name, value in environment.items() if value}
        return subprocess.run(
            [sys.executable, "-m", "medianest_core.cli", "keys", *arguments, "--data-dir", str(self.folder)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def done(self, *arguments: str) -> Any:
        result = self.run(*arguments, "--json")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)


@pytest.fixture
async def portal(tmp_path: Path) -> AsyncIterator[Portal]:
    db = Database(f"sqlite+aiosqlite:///{tmp_path / 'medianest.db'}")
    await db.start()
    await upgrade(db)
    portal = Portal(tmp_path, db)
    await portal.fill()
    yield portal
    await db.close()


def test_every_sealed_column_is_known() -> None:
    known = {one.name for one in everything()}
    columns = {
        f"{table.name}.{column.name}"
        for table in core_metadata().tables.values()
        for column in table.columns
        if column.name.endswith("_sealed")
    }
    assert known == columns | {"instances.settings_json"}


@pytest.mark.parametrize("place", ["keys.made", "keys.batch", "keys.column"])
async def test_a_rotation_killed_anywhere_is_finished_by_the_next(portal: Portal, place: str) -> None:
    killed = portal.run("rotate", "--batch", "2", kill=place)
    assert killed.returncode == -signal.SIGKILL
    assert await portal.all_open() <= {"k1", "k2"}, "everything opens half way"
    assert await portal.all_open(portal.keyring), "also in a portal that was running before"
    again = portal.run("rotate", "--batch", "2", kill="keys.batch" if place == "keys.made" else "keys.column")
    assert again.returncode == -signal.SIGKILL
    finished = portal.done("rotate")
    assert (finished["key"], finished["resumed"], finished["unreadable"]) == ("k2", True, 0)
    assert await portal.all_open() == {"k2"}
    async with portal.db.read() as tx:
        notes = await tx.all(select(audit).where(audit.c.action == "keys.rotated"))
    assert [(row["target"], row["details"]["resumed"]) for row in notes] == [("k2", True)]


async def test_from_counting_to_forgetting(portal: Portal) -> None:
    secrets = ALL
    counted = portal.done("rotate", "--dry-run")
    assert (counted["key"], counted["resumed"], counted["secrets"]) == ("k1", False, {"k1": secrets})
    assert await portal.all_open() == {"k1"}, "counting changes nothing"
    rotated = portal.done("rotate")
    assert (rotated["key"], rotated["resealed"], rotated["resumed"]) == ("k2", secrets, False)
    assert portal.done("list") == {
        "current": "k2",
        "keys": [{"id": "k1", "secrets": 0, "here": True}, {"id": "k2", "secrets": secrets, "here": True}],
    }
    assert portal.keyring.key_of(portal.keyring.seal("new")) == "k2", "a running portal takes the new key"
    refused = portal.run("drop", "k2")
    assert refused.returncode == 1 and "current" in refused.stderr
    assert portal.done("drop", "k1") == {"dropped": "k1"}
    assert portal.run("drop", "k1").returncode == 1
    assert await portal.all_open() == {"k2"}
    assert (portal.folder / "keys.json").stat().st_mode & 0o077 == 0


async def test_a_key_in_use_is_not_forgotten(portal: Portal) -> None:
    assert portal.run("rotate", "--batch", "2", kill="keys.batch").returncode == -signal.SIGKILL
    refused = portal.run("drop", "k1")
    assert refused.returncode == 1 and "still seals" in refused.stderr
    assert await portal.all_open() == {"k1", "k2"}


async def test_what_cannot_be_opened_stays_and_is_counted(portal: Portal) -> None:
    other = Keyring.load_or_create(portal.folder / "other.json")
    other.rotate()
    lost = other.seal("gone", "webhook:i0").replace("mn1.k2.", "mn1.k9.")
    async with portal.db.begin() as tx:
        await tx.execute(
            update(webhook_addresses).where(webhook_addresses.c.instance_id == "i0").values(token_sealed=lost)
        )
    portal.keyring.rotate()
    done = await reseal(portal.db, portal.keyring, everything(), batch=1)
    assert done.unreadable == 1
    assert await uses(portal.db, portal.keyring, everything()) == {"k2": ALL - 1, "k9": 1}


async def test_a_suspension_holds_and_versions_stay(portal: Portal) -> None:
    """Sealing anew is no change of settings: nobody's open form gets a conflict, no crashed plugin another chance."""
    portal.keyring.rotate()
    await reseal(portal.db, portal.keyring, everything())
    async with portal.db.read() as tx:
        row = await tx.one(select(instances).where(instances.c.id == "i0"))
        changed = await tx.scalar(select(func.count()).select_from(instances).where(instances.c.version != 1))
    assert row["suspended_fingerprint"] == fingerprint(row["settings_json"])
    assert row["settings_json"]["word"] == "mn2" and changed == 0


def test_keys_made_at_once_by_two_processes_are_both_kept(tmp_path: Path) -> None:
    first = Keyring.load_or_create(tmp_path / "keys.json")
    second = Keyring.load_or_create(tmp_path / "keys.json")
    sealed = {first.rotate(): first.seal("first"), second.rotate(): second.seal("second")}
    assert list(sealed) == ["k2", "k3"]
    third = Keyring.load_or_create(tmp_path / "keys.json")
    assert [third.open(text) for text in sealed.values()] == ["first", "second"]
    assert first.open(sealed["k3"]) == "second", "a key that came later is looked up"
