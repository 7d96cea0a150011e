"""All checks, one after the other."""

from __future__ import annotations

import asyncio

from medianest_core.base.finding import Finding
from medianest_core.base.settings import AppSettings
from medianest_core.checkup import folders, programs, services, stores, web
from medianest_core.store.engine import Database


async def examine(settings: AppSettings) -> list[Finding]:
    """Everything, in the order in which one would put it right."""
    found = [*folders.check(settings), *programs.check()]
    db = Database(settings.database)
    try:
        told, readable = await stores.database(settings, db)
        found += told
        found += await stores.redis(settings)
        found += await services.check(settings, db if readable else None)
    finally:
        await db.close()
    found += await asyncio.to_thread(web.check, settings)
    return found


async def examine_apart(settings: AppSettings) -> list[Finding]:
    """The same, on a loop of its own in a thread: looking at plugins imports code, which a portal in service must not wait for."""
    return await asyncio.to_thread(lambda: asyncio.run(examine(settings)))
