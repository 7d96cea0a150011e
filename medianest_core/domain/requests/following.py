"""What became of requests that a backend has: its own word for each, and what the library shows by itself."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.texts import N_
from medianest_core.domain.requests.backends import Backends
from medianest_core.domain.requests.holdings import Holding, Sought, held
from medianest_core.domain.requests.moves import LOCK, Moves
from medianest_core.domain.requests.quotas import give_back
from medianest_core.domain.requests.states import OPEN, State
from medianest_core.domain.requests.wishes import Parts, parts_of
from medianest_core.sdk.requests import RequestState, RequestStatus
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.requests import requests
from medianest_core.store.transaction import alone

STATES: Mapping[RequestStatus, State] = {
    RequestStatus.PENDING: State.PROCESSING,
    RequestStatus.APPROVED: State.PROCESSING,
    RequestStatus.PROCESSING: State.PROCESSING,
    RequestStatus.PARTIALLY_AVAILABLE: State.PARTIALLY_AVAILABLE,
    RequestStatus.AVAILABLE: State.AVAILABLE,
    RequestStatus.DECLINED: State.DECLINED,
    RequestStatus.FAILED: State.FAILED,
    RequestStatus.GONE: State.FAILED,
}
LINKED_WITHIN = 7 * 86_400.0
"""Seconds in which a title that only the backend called available is still looked for in the library."""
FOLLOWED = (State.SUBMITTING, State.PROCESSING, State.PARTIALLY_AVAILABLE)


class Following:
    def __init__(self, db: Database, moves: Moves, backends: Backends, clock: Clock) -> None:
        self._db = db
        self._moves = moves
        self._backends = backends
        self._clock = clock

    async def apply(self, tx: Tx, row: RowMapping, told: RequestState, instance_id: str) -> RowMapping:
        """Write down what the backend says. Only for requests that are on their way, and those that wait there; others stay as they are."""
        if not followed(row):
            return row
        await tx.execute(
            update(requests).where(requests.c.id == row["id"]).values(checked_at=self._clock.now())
        )
        holding = (await self._held(tx, [row])).get(row["id"])
        state = STATES[told.status]
        if State(row["state"]) is State.PENDING:
            if told.status is RequestStatus.PENDING:
                return row
            if told.status is RequestStatus.GONE:
                state = State.CANCELLED
            elif state in FOLLOWED:
                # Somebody decided there.
                rule = f"backend:{instance_id}"
                row = await self._moves.to(tx, row, State.APPROVED, rule=rule)
                row = await self._moves.to(tx, row, State.SUBMITTING, rule="system")
        if told.status is RequestStatus.GONE and holding is not None and _complete(row, holding):
            state = State.AVAILABLE
        if state is State.PROCESSING and row["state"] == State.PARTIALLY_AVAILABLE:
            # The library has a part of it already, whatever the backend calls the rest.
            state = State.PARTIALLY_AVAILABLE
        if state in (State.DECLINED, State.CANCELLED):
            await give_back(tx, row["id"])
        return await self._moves.to(
            tx,
            row,
            state,
            rule=f"backend:{instance_id}",
            reason=self.reason(told, instance_id),
            instance_id=instance_id,
            reference=told.reference or row["reference"],
            parts={str(number): status.value for number, status in sorted(told.seasons.items())}
            or row["parts"],
            title_id=holding.title_id if holding is not None else row["title_id"],
        )

    def reason(self, told: RequestState, instance_id: str) -> str:
        """Why it stands where it does, in plain words; may be empty."""
        if told.message:
            return told.message
        service = self._backends.title(instance_id)
        if told.status is RequestStatus.PENDING:
            return N_("{service} waits for an approval of its own.").format(service=service)
        if told.status is RequestStatus.DECLINED:
            return N_("It was declined at {service}.").format(service=service)
        if told.status is RequestStatus.GONE:
            return N_("Someone deleted it at {service}.").format(service=service)
        if told.status is RequestStatus.FAILED:
            return N_("{service} could not do it.").format(service=service)
        return ""

    def unlinked(self) -> ColumnElement[bool]:
        """Requests that are done by the backend's word, and whose title the library has not shown yet."""
        return and_(
            requests.c.state == State.AVAILABLE.value,
            requests.c.title_id.is_(None),
            requests.c.created_at > self._clock.now() - 30 * LINKED_WITHIN,
            requests.c.finished_at > self._clock.now() - LINKED_WITHIN,
        )

    async def waits(self, tx: Tx) -> bool:
        """Whether there is any request that the library could say something about."""
        for condition in (requests.c.open_key.is_not(None), self.unlinked()):
            if await tx.scalar(select(requests.c.id).where(condition).limit(1)) is not None:
                return True
        return False

    async def look(self) -> int:
        """Compare all open requests with the library, and link those that are done; returns how many changed."""
        async with self._db.read() as tx:
            rows = [
                *await tx.all(select(requests).where(requests.c.open_key.is_not(None))),
                *await tx.all(select(requests).where(self.unlinked())),
            ]
            there = await self._held(tx, rows)
            wanted = [row["id"] for row in rows if _changes(row, there.get(row["id"]))]
        if not wanted:
            return 0
        changed = 0
        async with self._db.begin() as tx:
            await alone(tx, LOCK)
            rows = await tx.all(select(requests).where(requests.c.id.in_(wanted)))
            there = await self._held(tx, rows)
            for row in rows:
                holding = there.get(row["id"])
                if holding is None or not _changes(row, holding):
                    continue
                changed += 1
                state = _state_for(row, holding)
                if state is not None:
                    await self._moves.to(tx, row, state, rule="library", title_id=holding.title_id)
                    continue
                await self._moves.to(
                    tx,
                    row,
                    State(row["state"]),
                    rule="library",
                    reason=row["reason"],
                    title_id=holding.title_id,
                )
        return changed

    async def _held(self, tx: Tx, rows: list[RowMapping]) -> dict[str, Holding]:
        return await held(
            tx, [Sought(row["id"], row["root_kind"], row["ids"], row["variant"]) for row in rows]
        )


def followed(row: RowMapping) -> bool:
    """Whether a backend has it and says where it stands: it was sent there, or made there."""
    state = State(row["state"])
    return state in FOLLOWED or (state is State.PENDING and row["reference"] is not None)


def _wanted(row: RowMapping) -> Parts:
    return parts_of(row["seasons"], row["episodes"])


def _sizes(row: RowMapping) -> dict[int, int]:
    return {int(season): count for season, count in row["sizes"].items()}


def _complete(row: RowMapping, holding: Holding) -> bool:
    """Whether all of it is there, as far as that can be told without asking anyone."""
    wanted, sizes = _wanted(row), _sizes(row)
    if row["root_kind"] == "show":
        # Without the length of its seasons nobody knows whether a show is there in full.
        known = any(one > 0 for one in sizes) if wanted.whole else wanted.seasons <= sizes.keys()
        if not known:
            return False
    has = holding.has(wanted, sizes)
    return has is not None and wanted.without([has]) is None


def _changes(row: RowMapping, holding: Holding | None) -> bool:
    if holding is None:
        return False
    if State(row["state"]) is State.AVAILABLE:
        return row["title_id"] is None
    return _state_for(row, holding) is not None


def _state_for(row: RowMapping, holding: Holding | None) -> State | None:
    """What the library makes of an open request; None: nothing new."""
    state = State(row["state"])
    if holding is None or state not in OPEN:
        return None
    if _complete(row, holding):
        return State.AVAILABLE
    if state is State.PROCESSING and holding.begun(_wanted(row)):
        return State.PARTIALLY_AVAILABLE
    return None
