"""One of many processes that start at the same moment: migrates the database it is given, and says whether it was the one.

Waits for the end of its input before it begins, so that all of them are ready by then.
"""

from __future__ import annotations

import asyncio
import sys

import alembic.command  # loaded before the start, so that the processes meet in the database

from medianest_core.base.logging import configure
from medianest_core.base.settings import AppSettings
from medianest_core.store.engine import Database
from medianest_core.store.migrate import upgrade


async def main() -> None:
    assert alembic.command
    configure(AppSettings(log_level="error", _env_file=None))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
    database = Database(sys.argv[1])
    await database.start()
    try:
        migrated = await upgrade(database)
        await database.ping()
    finally:
        await database.close()
    sys.stdout.write("migrated\n" if migrated else "found it done\n")


if __name__ == "__main__":
    asyncio.run(main())
