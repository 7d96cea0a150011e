"""The job `requests.submit`: hands a request to a backend, once, whatever dies in between; and `requests.withdraw`, which takes one back.

Before anything is sent the state is `submitting`, and committed. Whoever finds that state looks at the backend first; it sends again
only where the backend surely has nothing and what was sent before has had time to arrive.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from pydantic import BaseModel
from sqlalchemy import func, select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.failpoints import failpoint
from medianest_core.base.logging import get_logger
from medianest_core.base.texts import N_
from medianest_core.domain.requests.backends import Backend, Backends, item_of, spoken, takes
from medianest_core.domain.requests.following import Following
from medianest_core.domain.requests.moves import BY_BACKEND, LOCK, Moves
from medianest_core.domain.requests.states import State, may
from medianest_core.host.errors import PluginFault
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.errors import (
    AuthFailed,
    EgressDenied,
    MediaNestError,
    NotFound,
    NotReady,
    RateLimited,
    Rejected,
    RetryLater,
    Unsupported,
)
from medianest_core.sdk.jobs import JobContext
from medianest_core.sdk.requests import RequestCapability, RequestItem, RequestState, RequestStatus
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.requests import request_decisions, requests
from medianest_core.store.transaction import alone

SUBMIT_JOB = "requests.submit"
WITHDRAW_JOB = "requests.withdraw"
SETTLE = 15.0
"""Seconds that what was sent without an answer has to arrive, before the backend is asked whether it did."""
AWAY = 30.0
LONGEST_PAUSE = 3600.0
"""Seconds after which a request that no backend took is offered to those that are ready once more."""
_NOTHING_DONE = (AuthFailed, EgressDenied, Unsupported, RateLimited)
"""Errors after which nothing has happened at the backend."""
_THERE = (
    RequestStatus.PENDING,
    RequestStatus.APPROVED,
    RequestStatus.PROCESSING,
    RequestStatus.PARTIALLY_AVAILABLE,
    RequestStatus.AVAILABLE,
)
_NOBODY = N_("No service that takes this is set up, or none of them answers. It goes on by itself.")
_log = get_logger(__name__)


class SubmitArgs(BaseModel):
    request_id: str


class WithdrawArgs(BaseModel):
    """What a request was, because its row may be gone by then. item: fields of RequestItem. declined: it waited for someone's decision
    there, and shall be declined there rather than deleted."""

    instance_id: str
    reference: str | None = None
    user_id: str | None = None
    sent_at: float = 0.0
    declined: bool = False
    item: dict[str, Any]

    def wanted(self) -> RequestItem:
        values = dict(self.item)
        values["seasons"] = tuple(values["seasons"])
        values["episodes"] = tuple((one[0], one[1]) for one in values["episodes"])
        return RequestItem(**values)


async def enqueue_submit(ledger: Ledger, tx: Tx, row: RowMapping, delay: float = 0.0) -> None:
    """Have an approved request sent."""
    await ledger.enqueue(
        tx,
        SUBMIT_JOB,
        SubmitArgs(request_id=row["id"]),
        owner=row["user_id"],
        unique=row["id"],
        delay=delay,
        title=N_("Request {title}").format(title=row["title"]),
    )


async def enqueue_withdraw(ledger: Ledger, tx: Tx, row: RowMapping, *, declined: bool = False) -> None:
    """Take back what a backend was given, or may have been given. Nothing where nothing was sent."""
    if row["instance_id"] is None or row["sent_at"] is None:
        return
    item = item_of(row)
    args = WithdrawArgs(
        instance_id=row["instance_id"],
        reference=row["reference"],
        user_id=row["user_id"],
        sent_at=row["sent_at"],
        declined=declined,
        item={
            "kind": item.kind,
            "ids": dict(item.ids),
            "title": item.title,
            "year": item.year,
            "seasons": list(item.seasons),
            "episodes": [list(one) for one in item.episodes],
            "variant": item.variant,
            "options": dict(item.options),
        },
    )
    await ledger.enqueue(
        tx,
        WITHDRAW_JOB,
        args,
        unique=row["id"],
        title=N_("Withdraw {title}").format(title=row["title"]),
    )


@dataclass(frozen=True, slots=True)
class _Failed:
    """The backend said no. sent: it may have something all the same."""

    reason: str
    sent: bool = False


class _Superseded(Exception):
    """Someone changed the request meanwhile; there is nothing left to do here."""


class Sending:
    def __init__(
        self,
        db: Database,
        ledger: Ledger,
        moves: Moves,
        backends: Backends,
        following: Following,
        clock: Clock,
        *,
        settle: float = SETTLE,
        away: float = AWAY,
    ) -> None:
        self._db = db
        self._ledger = ledger
        self._moves = moves
        self._backends = backends
        self._following = following
        self._clock = clock
        self._settle = settle
        self._away = away

    async def run(self, ctx: JobContext, args: SubmitArgs) -> dict[str, Any]:
        """Failures become the request's state, not the job's."""
        async with self._db.read() as tx:
            row = await tx.first(select(requests).where(requests.c.id == args.request_id))
        if row is None or State(row["state"]) not in (State.APPROVED, State.SUBMITTING):
            return {"superseded": True}
        try:
            return await self._send(ctx, row)
        except _Superseded:
            return {"superseded": True}

    async def _send(self, ctx: JobContext, row: RowMapping) -> dict[str, Any]:
        item = item_of(row)
        # What may have been sent is looked for where it was sent, and nowhere else.
        pinned = row["instance_id"]
        try:
            candidates = await self._backends.candidates(item, pinned)
        except NotReady as error:
            return await self._hold(ctx, row, str(error) or _NOBODY)
        trouble = ""
        for handle in candidates:
            user = await self._backends.user_of(handle, row["user_id"])
            wanted = spoken(handle, item)
            try:
                found = await handle.api.find(wanted, user)
            except MediaNestError as error:
                trouble = self._told(handle, error)
                if row["sent_at"] is not None:
                    break
                continue
            if found is not None and found.status in _THERE:
                return await self._adopt(ctx, row, handle, found)
            await self._wait_for_stragglers(row)
            row = await self._mark(ctx, row, handle)
            failpoint("requests.marked")
            answer = await self._submit(ctx, row, handle, wanted, user)
            if isinstance(answer, RequestState):
                return await self._adopt(ctx, row, handle, answer)
            if isinstance(answer, _Failed):
                return await self._fail(ctx, row, handle, answer, pinned)
            trouble = answer
            row = await self._unmark(ctx, row, pinned)
        return await self._hold(ctx, row, trouble or _NOBODY)

    async def _submit(
        self, ctx: JobContext, row: RowMapping, handle: Backend, item: RequestItem, user: str
    ) -> RequestState | _Failed | str:
        """The backend's answer, or why nothing was done there. Raises RetryLater where nobody knows."""
        try:
            answer = await handle.api.submit(item, user)
        except _NOTHING_DONE as error:
            return self._told(handle, error)
        except Rejected as error:
            return await self._rejected(handle, item, user, error)
        except PluginFault as error:
            return _Failed(str(error), sent=True)
        except MediaNestError as error:
            # It may have arrived. From now on, time is counted until it is looked for.
            async with ctx.begin() as tx:
                await tx.execute(
                    update(requests).where(requests.c.id == row["id"]).values(sent_at=self._clock.now())
                )
            raise RetryLater(
                N_("{service} did not say whether it took it: {reason}").format(
                    service=handle.instance.title, reason=str(error)
                ),
                self._settle,
            ) from error
        failpoint("requests.sent")
        return answer

    async def _rejected(
        self, handle: Backend, item: RequestItem, user: str, error: Rejected
    ) -> RequestState | _Failed:
        """A no may mean that it is there already."""
        try:
            found = await handle.api.find(item, user)
        except MediaNestError:
            found = None
        if found is not None and found.status in _THERE:
            return found
        return _Failed(str(error))

    async def _wait_for_stragglers(self, row: RowMapping) -> None:
        if row["sent_at"] is None:
            return
        left = row["sent_at"] + self._settle - self._clock.now()
        if left > 0:
            raise RetryLater(N_("It is being looked for at the service."), left)

    async def _mark(self, ctx: JobContext, row: RowMapping, handle: Backend) -> RowMapping:
        """Say that it is about to be sent, for good, before it is."""
        async with ctx.begin() as held:
            tx = cast(Tx, held)
            fresh = await self._fresh(tx, row)
            if State(fresh["state"]) is State.SUBMITTING:
                await tx.execute(
                    update(requests)
                    .where(requests.c.id == row["id"])
                    .values(sent_at=self._clock.now(), instance_id=handle.instance.id)
                )
                return await self._fresh(tx, row)
            return await self._moves.to(
                tx,
                fresh,
                State.SUBMITTING,
                rule="system",
                instance_id=handle.instance.id,
                sent_at=self._clock.now(),
            )

    async def _unmark(self, ctx: JobContext, row: RowMapping, pinned: str | None) -> RowMapping:
        """Nothing was done there; another backend may be asked."""
        async with ctx.begin() as held:
            tx = cast(Tx, held)
            await self._fresh(tx, row)
            await tx.execute(
                update(requests).where(requests.c.id == row["id"]).values(sent_at=None, instance_id=pinned)
            )
            return await self._fresh(tx, row)

    async def _adopt(
        self, ctx: JobContext, row: RowMapping, handle: Backend, found: RequestState
    ) -> dict[str, Any]:
        """The backend has it: from now on we follow it there."""
        if found.status is RequestStatus.PENDING and handle.can(RequestCapability.APPROVE):
            try:
                found = await handle.api.approve(found.reference)
            except MediaNestError as error:
                _log.info("not approved at the backend", instance=handle.instance.id, reason=str(error))
        async with ctx.begin() as held:
            tx = cast(Tx, held)
            await alone(tx, LOCK)
            fresh = await tx.first(select(requests).where(requests.c.id == row["id"]))
            if fresh is None or State(fresh["state"]) not in (State.APPROVED, State.SUBMITTING):
                # Cancelled or deleted while it was on its way there.
                gone = dict(fresh if fresh is not None else row)
                gone |= {
                    "instance_id": handle.instance.id,
                    "reference": found.reference or None,
                    "sent_at": self._clock.now(),
                }
                if fresh is None or State(fresh["state"]) in (State.CANCELLED, State.DECLINED):
                    await enqueue_withdraw(self._ledger, tx, cast(RowMapping, gone))
                return {"superseded": True}
            if State(fresh["state"]) is State.APPROVED:
                fresh = await self._moves.to(
                    tx,
                    fresh,
                    State.SUBMITTING,
                    rule="system",
                    instance_id=handle.instance.id,
                    sent_at=self._clock.now(),
                )
            await self._following.apply(tx, fresh, found, handle.instance.id)
        return {"instance": handle.instance.id, "reference": found.reference}

    async def _fail(
        self, ctx: JobContext, row: RowMapping, handle: Backend, failed: _Failed, pinned: str | None
    ) -> dict[str, Any]:
        async with ctx.begin() as held:
            tx = cast(Tx, held)
            fresh = await self._fresh(tx, row)
            values: dict[str, Any] = {} if failed.sent else {"sent_at": None, "instance_id": pinned}
            await self._moves.to(
                tx,
                fresh,
                State.FAILED,
                rule=f"backend:{handle.instance.id}",
                reason=failed.reason or self._backends.title(handle.instance.id),
                **values,
            )
        return {"failed": failed.reason}

    async def _hold(self, ctx: JobContext, row: RowMapping, reason: str) -> dict[str, Any]:
        """Wait until a backend is there again."""
        async with ctx.begin() as held:
            tx = cast(Tx, held)
            fresh = await self._fresh(tx, row)
            await self._moves.to(tx, fresh, State.HELD, rule="system", reason=reason, held_by=BY_BACKEND)
        return {"held": reason}

    async def _fresh(self, tx: Tx, row: RowMapping) -> RowMapping:
        await alone(tx, LOCK)
        found = await tx.first(select(requests).where(requests.c.id == row["id"]))
        if found is None or State(found["state"]) not in (State.APPROVED, State.SUBMITTING):
            raise _Superseded
        return found

    async def resume(self, instance_id: str | None = None) -> int:
        """Send on what waits for a backend: for this one, which has just come, or for any that is ready; what was held again and again
        waits longer each time. Returns how many."""
        async with self._db.read() as tx:
            waiting = await tx.all(
                select(requests).where(
                    requests.c.open_key.is_not(None),
                    requests.c.state == State.HELD.value,
                    requests.c.held_by == BY_BACKEND,
                )
            )
            ready = self._backends.ready() if waiting else []
            held = await _times_held(tx) if ready and instance_id is None else {}
        now = self._clock.now()
        wanted = [
            row["id"]
            for row in waiting
            if row["instance_id"] in (None, instance_id or row["instance_id"])
            and any(_takes(one, row) for one in ready)
            and now - row["changed_at"] >= _pause(held.get(row["id"], 0))
        ]
        if not wanted:
            return 0
        async with self._db.begin() as tx:
            await alone(tx, LOCK)
            for row in await tx.all(select(requests).where(requests.c.id.in_(wanted))):
                if row["held_by"] != BY_BACKEND or not may(State(row["state"]), State.APPROVED):
                    continue
                row = await self._moves.to(tx, row, State.APPROVED, rule="system")
                await enqueue_submit(self._ledger, tx, row)
        return len(wanted)

    async def withdraw(self, ctx: JobContext, args: WithdrawArgs) -> dict[str, Any]:
        """Take a request back at its backend."""
        if not self._backends.exists(args.instance_id):
            return {"gone": True}
        try:
            handle = self._backends.get(args.instance_id)
        except NotReady as error:
            raise RetryLater(str(error), self._away) from error
        to_decline = args.reference if args.declined and handle.can(RequestCapability.APPROVE) else None
        if to_decline is None and not handle.can(RequestCapability.CANCEL):
            return {"unsupported": True}
        try:
            if to_decline is not None:
                return {"declined": (await handle.api.decline(to_decline)).reference}
            reference = args.reference or await self._looked_for(handle, args)
            if reference:
                await handle.api.cancel(reference)
        except (NotReady, RateLimited) as error:
            raise RetryLater(str(error), getattr(error, "retry_after", None) or self._away) from error
        except NotFound:
            return {"gone": True}
        return {"withdrawn": reference}

    async def _looked_for(self, handle: Backend, args: WithdrawArgs) -> str:
        user = await self._backends.user_of(handle, args.user_id)
        found = await handle.api.find(spoken(handle, args.wanted()), user)
        if found is not None:
            return found.reference
        left = args.sent_at + self._settle - self._clock.now()
        if left > 0:
            raise RetryLater(N_("It is being looked for at the service."), left)
        return ""

    def _told(self, handle: Backend, error: Exception) -> str:
        return N_("{service} cannot take it now: {reason}").format(
            service=handle.instance.title, reason=str(error)
        )


async def _times_held(tx: Tx) -> dict[str, int]:
    """How often each request that waits for a backend has been held so far."""
    rows = await tx.execute(
        select(request_decisions.c.request_id, func.count())
        .join(requests, requests.c.id == request_decisions.c.request_id)
        .where(
            requests.c.state == State.HELD.value,
            requests.c.held_by == BY_BACKEND,
            request_decisions.c.after == State.HELD.value,
        )
        .group_by(request_decisions.c.request_id)
    )
    return {str(identifier): int(count) for identifier, count in rows}


def _pause(times_held: int) -> float:
    """Seconds; none after the first time."""
    return 0.0 if times_held < 2 else min(60.0 * 2.0 ** min(times_held - 2, 20), LONGEST_PAUSE)


def _takes(handle: Backend, row: RowMapping) -> bool:
    """Whether this backend is one that the request may go to."""
    if row["instance_id"] is not None:
        return bool(handle.instance.id == row["instance_id"])
    return takes(handle, item_of(row))
