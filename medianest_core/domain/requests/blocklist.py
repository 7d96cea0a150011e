"""Titles that nobody may ask for, with the reason that is shown."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.ids import new_id
from medianest_core.base.texts import N_
from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.requests.entries import Block
from medianest_core.sdk.errors import UserError
from medianest_core.store.engine import Database, Tx
from medianest_core.store.repos.audit import record
from medianest_core.store.tables.requests import request_blocked_ids, request_blocklist
from medianest_core.store.transaction import alone

_LOCK = "requests"


class Blocklist:
    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def all(self, limit: int = 500) -> list[Block]:
        """Newest first."""
        async with self._db.read() as tx:
            rows = await tx.all(
                select(request_blocklist).order_by(request_blocklist.c.at.desc()).limit(limit)
            )
        return [Block(**row) for row in rows]

    async def find(self, tx: Tx, root_kind: str, ids: Mapping[str, str]) -> RowMapping | None:
        """The entry that a title with these ids falls under."""
        return await tx.first(
            select(request_blocklist)
            .join(request_blocked_ids, request_blocked_ids.c.block_id == request_blocklist.c.id)
            .where(
                request_blocked_ids.c.root_kind == root_kind,
                or_(
                    *(
                        and_(request_blocked_ids.c.provider == name, request_blocked_ids.c.value == value)
                        for name, value in ids.items()
                    )
                ),
            )
            .limit(1)
        )

    async def add(
        self, root_kind: str, ids: Mapping[str, str], title: str, year: int | None, reason: str, actor: str
    ) -> Block:
        """Block a title; one that is blocked already gets the new reason. Raises UserError."""
        if not ids or not title.strip():
            raise UserError(N_("It must be known by an id of a catalog."), "ids")
        async with self._db.begin() as tx:
            await alone(tx, _LOCK)
            if (known := await self.find(tx, root_kind, ids)) is not None:
                await tx.execute(delete(request_blocklist).where(request_blocklist.c.id == known["id"]))
                ids = {**known["ids"], **ids}
            block = Block(
                new_id(),
                root_kind,
                dict(ids),
                title.strip()[:500],
                year,
                reason.strip()[:500],
                actor,
                self._clock.now(),
            )
            await tx.execute(
                request_blocklist.insert().values(
                    {name: getattr(block, name) for name in Block.__dataclass_fields__}
                )
            )
            for name, value in ids.items():
                await tx.execute(
                    tx.insert(request_blocked_ids)
                    .values(root_kind=root_kind, provider=name, value=value, block_id=block.id)
                    .on_conflict_do_update(
                        index_elements=["root_kind", "provider", "value"], set_={"block_id": block.id}
                    )
                )
            await record(
                tx, actor=actor, action="requests.blocked", target=block.id, details={"title": block.title}
            )
        return block

    async def remove(self, block_id: str, actor: str) -> None:
        """Raises Missing."""
        async with self._db.begin() as tx:
            await alone(tx, _LOCK)
            gone = await tx.execute(delete(request_blocklist).where(request_blocklist.c.id == block_id))
            if not gone.rowcount:
                raise Missing(N_("This title is not blocked."))
            await record(tx, actor=actor, action="requests.unblocked", target=block_id)
