"""A backup of what is there, before a restore puts something else in its place."""

from __future__ import annotations

from sqlalchemy import select

from medianest_core.base.clock import Clock, SystemClock
from medianest_core.domain.backups.catalogue import Kind, new_name
from medianest_core.store.backup.files import Places
from medianest_core.store.backup.make import Made, Wanted, make
from medianest_core.store.backup.scratch import Plugins
from medianest_core.store.engine import Database
from medianest_core.store.tables.accounts import users
from medianest_core.store.tables.plugins import instances


async def make_safety_copy(
    db: Database, places: Places, plugins: Plugins, *, passphrase: str | None, clock: Clock | None = None
) -> Made | None:
    """Raises BackupFailed; None where nothing is set up yet. db: at the newest revisions."""
    async with db.read() as tx:
        columns = (users.c.id, instances.c.id)
        if not any([await tx.scalar(select(column).limit(1)) for column in columns]):
            return None
    clock = clock or SystemClock()
    name = new_name(Kind.SAFETY, clock.now(), encrypted=passphrase is not None)
    return await make(db, places, plugins, places.backups / name, Wanted(passphrase), clock=clock, facts={})
