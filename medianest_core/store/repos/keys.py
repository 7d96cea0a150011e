"""The keys that belong to a database: new ones only for a new portal."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from medianest_core.base.crypto import Keyring, KeyringUnreadable
from medianest_core.base.texts import N_
from medianest_core.store.backup.files import LOCK
from medianest_core.store.engine import Database
from medianest_core.store.tables.accounts import users
from medianest_core.store.tables.plugins import instances


async def open_keys(path: Path, db: Database, *, renew: bool = False) -> Keyring:
    """The keyring in that file, made where there is none yet. renew: also beside a database in use, whose secrets are lost then.

    A restore that was interrupted is finished first. Raises KeyringUnreadable, and CannotRestore while one is under way.
    """
    if (path.parent / LOCK).exists():
        from medianest_core.store.backup.restore import recover

        await recover(db, path.parent)
    if not path.exists() and not renew and await in_use(db):
        raise KeyringUnreadable(
            N_(
                "The key file {name} is missing, and the database was sealed with it. Put it back from a backup. If it is lost for good, run `medianest users recover`: it makes new keys, and the secrets of all services have to be entered again."
            ).format(name=path.name)
        )
    return Keyring.load_or_create(path)


async def in_use(db: Database) -> bool:
    """True once there is an account or a configured service."""
    async with db.read() as tx:
        for column in (users.c.id, instances.c.id):
            if await tx.scalar(select(column).limit(1)) is not None:
                return True
    return False
