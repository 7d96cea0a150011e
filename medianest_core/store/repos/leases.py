"""Who of several processes does what only one shall do: a row that its holder renews, and that another may take once it has not."""

from __future__ import annotations

from sqlalchemy import delete, or_, select, text

from medianest_core.base.clock import Clock
from medianest_core.store.engine import Tx
from medianest_core.store.tables.system import leases

_NOW = text("SELECT extract(epoch FROM clock_timestamp())")


async def hold(tx: Tx, clock: Clock, name: str, holder: str, seconds: float) -> bool:
    """Take or renew the lease for so many seconds. False while another one holds it.

    On PostgreSQL the time is the database's, which is the same for all hosts.
    """
    now = float(await tx.scalar(_NOW)) if tx.dialect == "postgresql" else clock.now()
    statement = tx.insert(leases).values(name=name, holder=holder, until_at=now + seconds)
    statement = statement.on_conflict_do_update(
        index_elements=[leases.c.name],
        set_={"holder": holder, "until_at": now + seconds},
        where=or_(leases.c.holder == holder, leases.c.until_at < now),
    )
    await tx.execute(statement)
    return bool(await tx.scalar(select(leases.c.holder).where(leases.c.name == name)) == holder)


async def release(tx: Tx, name: str, holder: str) -> None:
    """Give it to whoever asks next."""
    await tx.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))
