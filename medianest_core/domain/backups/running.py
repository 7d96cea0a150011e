"""Which processes of the portal use a database."""

from __future__ import annotations

import socket

from sqlalchemy import func, select

from medianest_core.base.clock import Clock, SystemClock
from medianest_core.base.texts import N_
from medianest_core.host.processes import alive
from medianest_core.store.backup.errors import CannotRestore
from medianest_core.store.engine import Database
from medianest_core.store.tables.plugins import plugin_states

SILENT = 180.0
"""Seconds without a sign of life after which a process on another machine counts as gone."""


async def others(db: Database, own: str | None = None, clock: Clock | None = None) -> list[str]:
    """Names of processes ("host:pid") that run on this database, beside `own` as state rows name it."""
    now = (clock or SystemClock()).now()
    here = socket.gethostname()[:40]
    async with db.read() as tx:
        rows = await tx.all(
            select(plugin_states.c.process, func.max(plugin_states.c.seen_at).label("seen_at")).group_by(
                plugin_states.c.process
            )
        )
    found = []
    for row in rows:
        if row["process"] == own:
            continue
        name, pid, _ = row["process"].rsplit(":", 2)
        if alive(int(pid)) if name == here else row["seen_at"] > now - SILENT:
            found.append(f"{name}:{pid}")
    return sorted(found)


async def check_stopped(db: Database, own: str | None = None, clock: Clock | None = None) -> None:
    """Raises CannotRestore where another process of the portal uses the database."""
    if found := await others(db, own, clock):
        raise CannotRestore(
            N_("MediaNest runs on this database ({processes}). Stop it first.").format(
                processes=", ".join(found)
            )
        )
