"""Requests that people made at a backend itself, taken over once each, as requests of those whose they are.

What we sent there is never taken over: a reference that one of our requests has is ours, and while one of ours is on its way
without a known reference, whatever could be it waits for the next round.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from sqlalchemy import and_, or_, select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.logging import get_logger
from medianest_core.domain.requests.backends import Backend, Backends
from medianest_core.domain.requests.following import STATES, Following
from medianest_core.domain.requests.holdings import Sought, held
from medianest_core.domain.requests.kinds import MediaTypes
from medianest_core.domain.requests.lookup import Lookup
from medianest_core.domain.requests.moves import LOCK, Moves, needs_decision
from medianest_core.domain.requests.quotas import Quotas, count
from medianest_core.domain.requests.sending import WITHDRAW_JOB
from medianest_core.domain.requests.states import OPEN, State
from medianest_core.domain.requests.submission import (
    add_participant,
    first_values,
    for_ids,
    insert,
    similar,
)
from medianest_core.domain.requests.wishes import Wish, checked, parts_of
from medianest_core.ledger.states import JobState
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.jobs import JobContext
from medianest_core.sdk.requests import RequestState, RequestStatus
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.ledger import jobs
from medianest_core.store.tables.library import title_ids, titles
from medianest_core.store.tables.requests import request_imports, requests
from medianest_core.store.transaction import alone

BACKEND = "backend"
AT_ONCE = 50
"""Requests that are taken over in one round; the others come in the next."""
_TRIES = 5
"""Rounds in which a title without a name is looked up before it is named by its id."""
_GONE_FOR = 3600.0
_NAMELESS = "…"
_OVER = (RequestStatus.DECLINED, RequestStatus.FAILED, RequestStatus.GONE)
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Told:
    """What a backend said of one, as a wish."""

    state: RequestState
    wish: Wish
    root: str


@dataclass(frozen=True, slots=True)
class Taken:
    """count: requests that came to be. left: some have to wait for the next round."""

    count: int
    left: bool


class Imports:
    def __init__(
        self,
        db: Database,
        moves: Moves,
        backends: Backends,
        following: Following,
        types: MediaTypes,
        lookup: Lookup,
        quotas: Quotas,
        clock: Clock,
    ) -> None:
        self._db = db
        self._moves = moves
        self._backends = backends
        self._following = following
        self._types = types
        self._lookup = lookup
        self._quotas = quotas
        self._clock = clock
        self._tries: Counter[tuple[str, str]] = Counter()

    async def take(
        self, ctx: JobContext, handle: Backend, told: Sequence[RequestState], began: float, *, first: bool
    ) -> Taken:
        """told: what the backend listed at `began`, with items. first: it has never been read before: then what has come to nothing
        there is left alone, and people are told only of what waits for them. Raises ProviderErrors."""
        instance_id = handle.instance.id
        offered = [one for one in told if one.item is not None and one.status is not RequestStatus.GONE]
        if first:
            offered = [one for one in offered if one.status not in _OVER]
        async with self._db.read() as tx:
            known = await _known(tx, instance_id, offered)
        await self._hand_over(ctx, handle, [one for one in offered if one.reference in known])
        # The oldest first, as they were made.
        new = sorted(
            (one for one in offered if one.reference not in known),
            key=lambda one: (one.created_at or one.changed_at or 0.0, one.reference),
        )
        if not new:
            return Taken(0, left=False)
        people = await self._backends.known_as(handle, {one.user for one in new if one.user})
        named, nameless, wrong = await self._named(handle, new[:AT_ONCE])
        async with ctx.begin() as writing:
            tx = cast(Tx, writing)
            await alone(tx, LOCK)
            if await _withdrawing(tx, instance_id, began):
                return Taken(0, left=True)
            # Someone may have been faster while catalogs were asked.
            known = await _known(tx, instance_id, [one.state for one in named])
            for one in wrong:
                await _note(tx, instance_id, one.reference, None, self._clock.now())
            taken, waits = 0, len(new) > AT_ONCE or nameless
            for each in named:
                if each.state.reference in known:
                    continue
                done = await self._one(tx, handle, each, people, first=first)
                taken += done is True
                waits = waits or done is None
        return Taken(taken, waits)

    async def _hand_over(self, ctx: JobContext, handle: Backend, told: Sequence[RequestState]) -> None:
        """Requests of people who have an account here only since: from now on they are theirs."""
        async with self._db.read() as tx:
            rows = await tx.all(
                select(requests.c.id, requests.c.reference).where(
                    requests.c.instance_id == handle.instance.id,
                    requests.c.origin == BACKEND,
                    requests.c.user_id.is_(None),
                )
            )
        nobodys = {row["reference"]: row["id"] for row in rows}
        waiting = [one for one in told if one.user and one.reference in nobodys]
        if not waiting:
            return
        people = await self._backends.known_as(handle, {one.user for one in waiting})
        async with ctx.begin() as writing:
            tx = cast(Tx, writing)
            await alone(tx, LOCK)
            for one in waiting:
                if (user_id := people.get(one.user)) is None:
                    continue
                changed = await tx.first(
                    update(requests)
                    .where(requests.c.id == nobodys[one.reference], requests.c.user_id.is_(None))
                    .values(user_id=user_id, origin_name="", version=requests.c.version + 1)
                    .returning(requests)
                )
                if changed is not None:
                    await add_participant(tx, changed, user_id, self._clock.now())

    async def _named(
        self, handle: Backend, told: Sequence[RequestState]
    ) -> tuple[list[_Told], bool, list[RequestState]]:
        """(with a title, whether some have none yet, those that are nothing we know)."""
        found: list[_Told] = []
        wrong: list[RequestState] = []
        nameless = False
        for one in told:
            item = one.item
            assert item is not None
            wish = Wish(
                item.kind,
                item.ids,
                item.title or _NAMELESS,
                item.year,
                seasons=item.seasons,
                episodes=item.episodes,
                variant=item.variant,
            )
            try:
                wish = checked(wish, self._types)
            except UserError as error:
                _log.info("a request cannot be taken over", instance=handle.instance.id, reason=str(error))
                wrong.append(one)
                continue
            root = self._types.root(wish.kind)
            wish = _whole(await self._lookup.completed(wish, root))
            if wish.title == _NAMELESS:
                async with self._db.read() as tx:
                    title = await _title_here(tx, root, wish.ids)
                key = (handle.instance.id, one.reference)
                self._tries[key] += 1
                if title is None and self._tries[key] < _TRIES:
                    nameless = True
                    continue
                wish = replace(wish, title=title or " ".join(min(wish.ids.items())))
            self._tries.pop((handle.instance.id, one.reference), None)
            found.append(_Told(one, wish, root))
        return found, nameless, wrong

    async def _one(
        self, tx: Tx, handle: Backend, told: _Told, people: Mapping[str, str], *, first: bool
    ) -> bool | None:
        """True: it is a request here now; False: it belongs to one that is; None: it may be one of ours that is on its way."""
        now, instance_id, one = self._clock.now(), handle.instance.id, told.state
        if await self._may_be_ours(tx, told, instance_id):
            return None
        user_id = people.get(one.user)
        wanted = parts_of(told.wish.seasons, told.wish.episodes)
        if one.status not in _OVER:
            for row in await similar(tx, told.root, told.wish, now):
                if State(row["state"]) not in OPEN:
                    continue
                if wanted.without([parts_of(row["seasons"], row["episodes"])]) is None:
                    # The household asks for it already; whoever asked there follows that.
                    await _note(tx, instance_id, one.reference, row["id"], now)
                    if user_id is not None and await add_participant(tx, row, user_id, now):
                        await self._moves.tell(tx, row, row["state"])
                    return False
        row = await self._insert(tx, handle, told, user_id)
        await _note(tx, instance_id, one.reference, row["id"], now)
        if not first or needs_decision(row):
            await self._moves.tell(tx, row)
        return True

    async def _may_be_ours(self, tx: Tx, told: _Told, instance_id: str) -> bool:
        """Whether a request of ours was sent, or is about to be, whose reference is not known yet."""
        found = await tx.all(
            select(requests.c.seasons, requests.c.episodes).where(
                requests.c.id.in_(for_ids(told.root, told.wish.ids)),
                requests.c.variant == told.wish.variant,
                requests.c.reference.is_(None),
                or_(
                    requests.c.state.in_((State.APPROVED.value, State.SUBMITTING.value)),
                    and_(
                        requests.c.instance_id == instance_id,
                        requests.c.sent_at > self._clock.now() - _GONE_FOR,
                    ),
                ),
            )
        )
        wanted = parts_of(told.wish.seasons, told.wish.episodes)
        return any(wanted.meets(parts_of(row["seasons"], row["episodes"])) for row in found)

    async def _insert(self, tx: Tx, handle: Backend, told: _Told, user_id: str | None) -> RowMapping:
        one, now = told.state, self._clock.now()
        state = State.PENDING if one.status is RequestStatus.PENDING else STATES[one.status]
        at = min(one.created_at or one.changed_at or now, now)
        values = first_values(told.wish, told.root, state, at)
        sought = Sought("it", told.root, told.wish.ids, told.wish.variant)
        there = (await held(tx, [sought])).get("it")
        values |= {
            "reason": self._following.reason(one, handle.instance.id),
            "user_id": user_id,
            "instance_id": handle.instance.id,
            "reference": one.reference,
            "sent_at": now,
            "checked_at": now,
            "parts": {str(number): status.value for number, status in sorted(one.seasons.items())},
            "origin": BACKEND,
            "origin_name": "" if user_id is not None else one.user_name[:200],
            "title_id": there.title_id if there is not None and state is State.AVAILABLE else None,
            "changed_at": now,
            "finished_at": None if state in OPEN else min(one.changed_at or now, now),
        }
        row = await insert(tx, self._moves, values, rule=f"backend:{handle.instance.id}", actor=None)
        if user_id is not None:
            await add_participant(tx, row, user_id, now)
            if one.status not in _OVER:
                await self._quotas.charge(tx, row, count(told.wish))
        return row


def _whole(wish: Wish) -> Wish:
    """All seasons that a show has are the show."""
    known = {number for number in wish.sizes if number > 0}
    if known and not wish.episodes and known <= set(wish.seasons):
        return replace(wish, kind="show", seasons=())
    return wish


async def _known(tx: Tx, instance_id: str, told: Sequence[RequestState]) -> set[str]:
    """References that need nothing more. One that belonged to a request here comes again once that one came to nothing, if it goes on."""
    found: set[str] = set()
    going_on = {one.reference for one in told if one.status not in _OVER}
    references = [one.reference for one in told]
    for start in range(0, len(references), 500):
        some = references[start : start + 500]
        ours = await tx.execute(
            select(requests.c.reference).where(
                requests.c.instance_id == instance_id, requests.c.reference.in_(some)
            )
        )
        found |= set(ours.scalars())
        noted = await tx.all(
            select(request_imports.c.reference, requests.c.state)
            .outerjoin(requests, requests.c.id == request_imports.c.request_id)
            .where(request_imports.c.instance_id == instance_id, request_imports.c.reference.in_(some))
        )
        ended = (State.CANCELLED.value, State.DECLINED.value)
        found |= {
            row["reference"] for row in noted if row["state"] not in ended or row["reference"] not in going_on
        }
    return found


async def _withdrawing(tx: Tx, instance_id: str, began: float) -> bool:
    """Whether something of ours is being taken back there, or was since the list was read: it may stand in there still."""
    rows = await tx.all(
        select(jobs.c.args).where(
            jobs.c.name == WITHDRAW_JOB,
            or_(
                jobs.c.state.in_((JobState.QUEUED, JobState.LEASED)),
                jobs.c.finished_at >= began,
            ),
        )
    )
    return any(row["args"].get("instance_id") == instance_id for row in rows)


async def _note(tx: Tx, instance_id: str, reference: str, request_id: str | None, now: float) -> None:
    await tx.execute(
        tx.insert(request_imports)
        .values(instance_id=instance_id, reference=reference, request_id=request_id, at=now)
        .on_conflict_do_update(
            index_elements=["instance_id", "reference"], set_={"request_id": request_id, "at": now}
        )
    )


async def forget(tx: Tx, row: RowMapping, now: float) -> None:
    """A request is being deleted here: its like at the backend shall not come back."""
    if row["instance_id"] is not None and row["reference"] is not None:
        await _note(tx, row["instance_id"], row["reference"], None, now)


async def _title_here(tx: Tx, root: str, ids: Mapping[str, str]) -> str | None:
    """What the library calls it."""
    same: list[Any] = [
        and_(title_ids.c.provider == name, title_ids.c.value == value) for name, value in ids.items()
    ]
    found = await tx.scalar(
        select(titles.c.title)
        .join(title_ids, title_ids.c.title_id == titles.c.id)
        .where(title_ids.c.kind == root, or_(*same))
        .limit(1)
    )
    return str(found) if found else None
