"""Changes of state: each writes the request, exactly one decision, and tells those whom it concerns, in one transaction."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.bus.events import RequestUpdate
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.requests.states import OPEN, TERMINAL, UNDECIDED, State, step
from medianest_core.sdk.events import Audience
from medianest_core.store.engine import Tx
from medianest_core.store.tables.requests import request_decisions, request_participants, requests

LOCK = "requests"
"""Every transaction that decides about requests takes this first (`alone`)."""
BY_REVIEW, BY_BACKEND = "review", "backend"
_SHOWN = ("reason", "parts", "title_id")
"""People are told of these too."""


class Moves:
    def __init__(self, bus: EventBus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock

    async def begin(self, tx: Tx, values: dict[str, Any], *, rule: str, actor: str | None) -> RowMapping:
        """Insert a request in its first state. The people who follow it must be there before `tell` is called."""
        await tx.execute(requests.insert().values(**values))
        await self._decided(tx, values["id"], "", values["state"], rule, actor, values["reason"])
        return await tx.one(select(requests).where(requests.c.id == values["id"]))

    async def to(
        self,
        tx: Tx,
        row: RowMapping,
        state: State,
        *,
        rule: str,
        actor: str | None = None,
        reason: str = "",
        held_by: str = "",
        **values: Any,
    ) -> RowMapping:
        """The row as it is then. Where it is in that state already, only reason and values are written. Raises NotPossible."""
        before = State(row["state"])
        moves = step(before, state)
        now = self._clock.now()
        changes = {"state": state.value, "reason": reason, "held_by": held_by, **values}
        if state not in OPEN:
            changes |= {"open_key": None, "finished_at": row["finished_at"] or now}
        else:
            changes["finished_at"] = None
        if all(row[name] == value for name, value in changes.items()):
            return row
        await tx.execute(
            update(requests)
            .where(requests.c.id == row["id"])
            .values(**changes, changed_at=now, version=requests.c.version + 1)
        )
        if moves:
            await self._decided(tx, row["id"], before.value, state.value, rule, actor, reason)
        after = await tx.one(select(requests).where(requests.c.id == row["id"]))
        if moves or any(after[name] != row[name] for name in _SHOWN):
            await self.tell(tx, after, before.value, actor)
        return after

    async def note(self, tx: Tx, row: RowMapping, *, actor: str, reason: str) -> None:
        """Write down that somebody changed it while it stays in its state, and tell those whom it concerns."""
        await self._decided(tx, row["id"], row["state"], row["state"], "person", actor, reason)
        await self.tell(tx, row, row["state"], actor)

    async def tell(self, tx: Tx, row: RowMapping, before: str = "", actor: str | None = None) -> None:
        """Say where the request stands: to admins, and to each who follows it."""
        people = await tx.execute(
            select(request_participants.c.user_id).where(request_participants.c.request_id == row["id"])
        )
        for user_id in ("", *sorted(people.scalars())):
            event = RequestUpdate(
                request_id=row["id"],
                status=row["state"],
                user_id=user_id,
                title=row["title"],
                reason=row["reason"],
                previous=before,
                actor=actor or "",
                undecided=needs_decision(row),
                version=row["version"],
            )
            await self._bus.publish(tx, event, Audience.user(user_id) if user_id else Audience.admins())

    async def _decided(
        self, tx: Tx, request_id: str, before: str, after: str, rule: str, actor: str | None, reason: str
    ) -> None:
        await tx.execute(
            request_decisions.insert().values(
                request_id=request_id,
                at=self._clock.now(),
                before=before,
                after=after,
                actor=actor,
                rule=rule[:80],
                reason=reason,
            )
        )


def needs_decision(row: RowMapping) -> bool:
    """Whether it waits for an admin."""
    state = State(row["state"])
    return state is State.PENDING or (state is State.HELD and row["held_by"] == BY_REVIEW)


def over(row: RowMapping) -> bool:
    """Whether nothing can change it any more."""
    return State(row["state"]) in TERMINAL


def undecided(row: RowMapping) -> bool:
    return State(row["state"]) in UNDECIDED
