"""Which database a test runs on: SQLite in its own folder, or a fresh database of a real PostgreSQL.

A test that asks for the fixture `backend`, also through another fixture, is run on both.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from medianest_core.store.engine import Database
from medianest_core.store.migrate import upgrade
from tests.servers import TEMPLATE, Postgres

VARIABLE = "MEDIANEST_DATABASE_URL"
_FOLDERS: dict[int, Path] = {}
"""Where each process keeps its migrated file."""
SQLITE = "sqlite"
POSTGRESQL = "postgresql"

BOTH = (
    "tests/unit/store",
    "tests/integration/bus",
    "tests/integration/ledger/test_dispatch.py",
    "tests/integration/ledger/test_group.py",
    "tests/integration/ledger/test_ledger.py",
    "tests/integration/ledger/test_schedule.py",
    "tests/integration/library/test_engine_laws.py",
    "tests/integration/store",
)
"""Where tests run on both databases each time; all others do so in `make test-full`."""
ONE = (
    "tests/integration/host/test_broken_plugins.py",
    "tests/integration/rest/test_gate.py",
    "tests/integration/rest/test_untranslated.py",
    "tests/integration/security/test_files.py",
    "tests/integration/security/test_other_origins.py",
)
"""Where they need a portal around them, and what they look at happens before or beside any database: headers, limits on bodies,
origins, files, templates, the import of plugins. They run on SQLite."""


def database_url(folder: Path) -> str:
    """The database of the present test; `folder` holds it where it is a file."""
    return os.environ.get(VARIABLE) or f"sqlite+aiosqlite:///{folder / 'test.db'}"


async def migrated(database: Database) -> None:
    """Bring it up to date. A file that is not there yet becomes a copy of one: migrating it anew takes longer than most tests."""
    path = Path(database.url.database or "") if database.dialect == SQLITE else None
    if path is not None and path.name and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(await _migrated_file(), path)
    await upgrade(database)


async def _migrated_file() -> Path:
    folder = _FOLDERS.get(os.getpid())
    if folder is None:
        made = tempfile.mkdtemp(prefix="medianest-template-")
        atexit.register(shutil.rmtree, made, ignore_errors=True)
        template = Database(f"sqlite+aiosqlite:///{made}/template.db")
        await template.start()
        try:
            await upgrade(template)
        finally:
            await template.close()
        folder = _FOLDERS[os.getpid()] = Path(made)
    return folder / "template.db"


def prepare(cluster: Postgres) -> None:
    """Make the migrated database that those of tests are copies of."""
    cluster.do(f'CREATE DATABASE "{TEMPLATE}"')

    async def migrate() -> None:
        database = Database(cluster.url(TEMPLATE))
        await database.start()
        try:
            await upgrade(database)
        finally:
            await database.close()

    cluster.run(migrate())
