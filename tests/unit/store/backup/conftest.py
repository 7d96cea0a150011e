"""A portal's database with rows in every table, and its files."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from medianest_core.store.backup.files import Places
from medianest_core.store.engine import Database
from medianest_core.store.migrate import upgrade
from tests.databases import database_url
from tests.unit.store.backup.seeding import seed


@dataclass
class Portal:
    """Stopped, but for its database."""

    db: Database
    places: Places

    @property
    def archive(self) -> Path:
        return self.places.backups / "one.zip"


def places_in(folder: Path) -> Places:
    (folder / "plugins" / "toy" / "deep").mkdir(parents=True)
    (folder / "plugins" / "toy" / "deep" / "notes.txt").write_text("remember")
    (folder / "downloads").mkdir()
    (folder / "downloads" / "film.mkv").write_bytes(bytes(range(256)) * 40)
    (folder / "keys.json").write_text(json.dumps({"keys": "of this portal"}))
    return Places(folder, folder / "downloads")


@pytest.fixture
async def portal(tmp_path: Path, backend: str) -> AsyncIterator[Portal]:
    folder = tmp_path / "data"
    folder.mkdir()
    db = Database(database_url(folder))
    await db.start()
    await upgrade(db)
    await seed(db)
    yield Portal(db, places_in(folder))
    await db.close()
