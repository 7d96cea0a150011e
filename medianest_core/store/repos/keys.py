"""The keys that belong to a database: new ones only for a new portal."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from medianest_core.base.crypto import Keyring, KeyringUnreadable
from medianest_core.store.engine import Database
from medianest_core.store.tables.accounts import users
from medianest_core.store.tables.plugins import instances


async def open_keys(path: Path, db: Database, *, renew: bool = False) -> Keyring:
    """The keyring in that file, made where there is none yet. renew: also beside a database in use, whose secrets are lost then.

    Raises KeyringUnreadable.
    """
    if not path.exists() and not renew and await _in_use(db):
        raise KeyringUnreadable(
            f"The key file {path.name} is missing, and the database was sealed with it. Put it back from a backup. If it is "
            "lost for good, run `medianest users recover`: it makes new keys, and the secrets of all services have to be "
            "entered again."
        )
    return Keyring.load_or_create(path)


async def _in_use(db: Database) -> bool:
    """True once there is an account or a configured service."""
    async with db.read() as tx:
        for column in (users.c.id, instances.c.id):
            if await tx.scalar(select(column).limit(1)) is not None:
                return True
    return False
