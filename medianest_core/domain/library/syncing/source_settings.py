"""How each source is read: how often by itself, how long a run bears with it, and how many titles are asked for at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.texts import N_
from medianest_core.domain.library.syncing.scope import SyncArgs
from medianest_core.host.instances import Instances
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.media import MediaSource
from medianest_core.store.engine import Database, Tx
from medianest_core.store.errors import Stale
from medianest_core.store.repos import audit
from medianest_core.store.tables.library import source_settings as table
from medianest_core.store.transaction import alone

LIMITS: dict[str, tuple[float, float]] = {
    "every": (0.0, 30 * 86400.0),
    "patience": (2.0, 600.0),
    "longest": (10.0, 86400.0),
    "at_once": (1, 8),
}
"""The least and the most of each."""
LEAST_EVERY = 60.0
_MARGIN = 5.0
"""So that the run gives a source up, and not the call."""


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """every: seconds between two syncs, 0: never by itself. next_at: when the next one is due, None before that is known. patience,
    longest: seconds without progress, and in all, after which a run gives it up. at_once: titles asked for at the same time."""

    instance_id: str
    every: float = 6 * 3600.0
    next_at: float | None = None
    patience: float = 60.0
    longest: float = 4 * 3600.0
    at_once: int = 4
    version: int = 0

    @property
    def borne(self) -> float:
        """Seconds for which its calls may be silent although that is longer than usual: where an admin was more patient than the
        core is by itself, else 0."""
        return self.patience + _MARGIN if self.patience > SourceSettings("").patience else 0.0


class SourceSchedule:
    """The settings of all sources, and what is due. Which process finds that out first moves the time on, in the database."""

    def __init__(self, db: Database, instances: Instances, clock: Clock) -> None:
        self._db = db
        self._instances = instances
        self._clock = clock

    async def all(self) -> dict[str, SourceSettings]:
        """Of every source that is configured."""
        async with self._db.read() as tx:
            rows = {row["instance_id"]: _settings(row) for row in await tx.all(select(table))}
        return {one: rows.get(one) or SourceSettings(one) for one in self._sources()}

    async def of(self, instance_id: str) -> SourceSettings:
        async with self._db.read() as tx:
            row = await tx.first(select(table).where(table.c.instance_id == instance_id))
        return _settings(row) if row is not None else SourceSettings(instance_id)

    async def change(
        self, instance_id: str, values: dict[str, float], version: int, actor: str | None
    ) -> SourceSettings:
        """values: some of `LIMITS`. Raises UserError for one that is out of bounds, Stale where it was changed meanwhile."""
        for name, value in values.items():
            least, most = LIMITS[name]
            off = name == "every" and value == 0
            if not (off or max(least, LEAST_EVERY if name == "every" else least) <= value <= most):
                raise UserError(
                    N_("Between {least} and {most}.").format(
                        least=f"{max(least, LEAST_EVERY) if name == 'every' else least:.0f}",
                        most=f"{most:.0f}",
                    ),
                    name,
                )
        async with self._db.begin() as tx:
            await alone(tx, "library")
            row = await tx.first(select(table).where(table.c.instance_id == instance_id).with_for_update())
            present = _settings(row) if row is not None else SourceSettings(instance_id)
            if present.version != version:
                raise Stale(asdict(present))
            kept = {name: getattr(present, name) for name in LIMITS} | values
            every = float(kept["every"])
            stored = {
                **kept,
                "at_once": int(kept["at_once"]),
                "next_at": self._clock.now() + every if every else None,
                "version": version + 1,
            }
            if every == present.every and present.next_at is not None:
                stored["next_at"] = present.next_at
            await tx.execute(
                tx.insert(table)
                .values(instance_id=instance_id, **stored)
                .on_conflict_do_update(index_elements=["instance_id"], set_=stored)
            )
            await audit.record(
                tx, actor=actor, action="library.source_settings", target=instance_id, details=values
            )
        return await self.of(instance_id)

    async def tick(self, request: Callable[[Tx, SyncArgs], Awaitable[object]]) -> bool:
        """Ask for what is due by now, as one request in the transaction that moves the times on. False where nothing is."""
        now = self._clock.now()
        present = await self.all()
        new = [one for one in present.values() if one.every > 0 and one.next_at is None]
        due = [one for one in present.values() if one.every > 0 and one.next_at and one.next_at <= now]
        if not new and not due:
            return False
        async with self._db.begin() as tx:
            await alone(tx, "library")
            for one in new:
                await self._remember(tx, one, now + one.every)
            moved = [one.instance_id for one in due if await self._moved(tx, one, now + one.every)]
            if moved:
                every = len(moved) == len(present)
                await request(tx, SyncArgs() if every else SyncArgs(instance_ids=tuple(sorted(moved))))
        return bool(moved)

    async def forget(self, instance_id: str) -> None:
        """It was removed."""
        async with self._db.begin() as tx:
            await alone(tx, "library")
            await tx.execute(delete(table).where(table.c.instance_id == instance_id))

    async def _moved(self, tx: Tx, one: SourceSettings, upcoming: float) -> bool:
        """False where another process was first."""
        result = await tx.execute(
            update(table)
            .where(table.c.instance_id == one.instance_id, table.c.next_at == one.next_at)
            .values(next_at=upcoming)
        )
        return bool(result.rowcount)

    async def _remember(self, tx: Tx, settings: SourceSettings, next_at: float) -> None:
        values: dict[str, Any] = {**asdict(settings), "next_at": next_at}
        await tx.execute(
            tx.insert(table)
            .values(**values)
            .on_conflict_do_update(index_elements=["instance_id"], set_={"next_at": next_at})
        )

    def _sources(self) -> Sequence[str]:
        kind: type[MediaSource] = MediaSource  # type: ignore[type-abstract]  # a key, not made
        return [handle.instance.id for handle in self._instances.any(kind)]


def _settings(row: RowMapping) -> SourceSettings:
    return SourceSettings(**{name: row[name] for name in SourceSettings.__dataclass_fields__})
