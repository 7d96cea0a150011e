"""Asking for a title: the rules, what is there or on its way already, the quota, and what plugins say. One decision in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.failpoints import failpoint
from medianest_core.base.ids import new_id
from medianest_core.base.texts import N_
from medianest_core.domain.requests.backends import Deciders
from medianest_core.domain.requests.blocklist import Blocklist
from medianest_core.domain.requests.entries import Policy, Profile
from medianest_core.domain.requests.errors import Blocked, Denied
from medianest_core.domain.requests.holdings import Sought, held
from medianest_core.domain.requests.kinds import MediaTypes
from medianest_core.domain.requests.lookup import Lookup
from medianest_core.domain.requests.moves import BY_REVIEW, LOCK, Moves
from medianest_core.domain.requests.policies import Policies, governing
from medianest_core.domain.requests.profiles import Profiles
from medianest_core.domain.requests.quotas import Quotas, count
from medianest_core.domain.requests.sending import enqueue_submit
from medianest_core.domain.requests.states import OPEN, State
from medianest_core.domain.requests.wishes import Parts, Wish, checked, narrowed, open_key, parts_of
from medianest_core.host.decisions import Reviewed
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.requests import ReviewVerdict
from medianest_core.sdk.routes import Viewer
from medianest_core.store.engine import Database, Tx
from medianest_core.store.repos.audit import record
from medianest_core.store.tables.accounts import users
from medianest_core.store.tables.requests import (
    request_comments,
    request_ids,
    request_participants,
    requests,
)
from medianest_core.store.transaction import alone

WATCHLIST = "watchlist"
_SCANNED_WITHIN = 6 * 3600.0
"""Seconds for which a backend's word that a title is there stands without the library showing it."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """result: "created", "joined" or "available". request_id: of the new or joined one. also: further ones that are followed now."""

    result: str
    request_id: str | None = None
    also: tuple[str, ...] = ()
    title_id: int | None = None


@dataclass(frozen=True, slots=True)
class _For:
    """Whom it is for, and by whose rules: an admin who asks for someone else asks by their own."""

    user_id: str
    policy: Policy
    limited: bool


class Submission:
    def __init__(
        self,
        db: Database,
        ledger: Ledger,
        moves: Moves,
        types: MediaTypes,
        policies: Policies,
        profiles: Profiles,
        quotas: Quotas,
        blocklist: Blocklist,
        lookup: Lookup,
        deciders: Deciders,
        clock: Clock,
    ) -> None:
        self._db = db
        self._ledger = ledger
        self._moves = moves
        self._types = types
        self._policies = policies
        self._profiles = profiles
        self._quotas = quotas
        self._blocklist = blocklist
        self._lookup = lookup
        self._deciders = deciders
        self._clock = clock

    async def submit(self, viewer: Viewer, wish: Wish, origin: str = "") -> Submitted:
        """origin: "watchlist" where nobody typed it; then the rule must allow that. Raises UserError, Denied, Blocked, QuotaUsed, TooManyRequests, NotReady."""
        wish = checked(wish, self._types)
        if wish.options and not viewer.is_admin:
            raise UserError(N_("Only admins choose this; take a profile."), "options")
        root = self._types.root(wish.kind)
        async with self._db.read() as tx:
            # Said before anyone else is asked; the rules are read again below, where they count.
            whose = await self._whose(tx, viewer, wish, root, origin)
        wish = await self._lookup.completed(wish, root)
        amounts = await self._quotas.measure(wish, whose.policy)
        per_hour = await self._quotas.allowed_per_hour()
        reviewed = await self._deciders.review_request(wish.item(), whose.user_id)
        async with self._db.begin() as tx:
            await alone(tx, LOCK)
            done = await self._settle(tx, viewer, wish, root, amounts, reviewed, origin, per_hour)
        failpoint("requests.committed")
        return done

    async def _settle(
        self,
        tx: Tx,
        viewer: Viewer,
        wish: Wish,
        root: str,
        amounts: Mapping[str, float],
        reviewed: Reviewed,
        origin: str,
        per_hour: int,
    ) -> Submitted:
        whose = await self._whose(tx, viewer, wish, root, origin)
        if (blocked := await self._blocklist.find(tx, root, wish.ids)) is not None:
            raise Blocked(wish.title, blocked["reason"])
        wanted = parts_of(wish.seasons, wish.episodes)
        there = (await held(tx, [Sought("it", root, wish.ids, wish.variant)])).get("it")
        left: Parts | None = wanted
        if there is not None and (has := there.has(wanted, wish.sizes)) is not None:
            left = wanted.without([has])
        title_id = there.title_id if there is not None else None
        if left is None:
            return Submitted("available", title_id=title_id)
        others = await similar(tx, root, wish, self._clock.now())
        done = [
            parts_of(row["seasons"], row["episodes"]) for row in others if row["state"] == State.AVAILABLE
        ]
        left = left.without(done)
        if left is None:
            return Submitted("available", title_id=title_id)
        covering = [
            (row, parts)
            for row in others
            if row["state"] != State.AVAILABLE
            and left.without([parts := parts_of(row["seasons"], row["episodes"])]) != left
        ]
        joined = [str(row["id"]) for row, _ in covering]
        for row, _ in covering:
            await add_participant(tx, row, whose.user_id, self._clock.now())
        left = left.without([parts for _, parts in covering])
        if left is None:
            return Submitted("joined", joined[0], tuple(joined[1:]), title_id)
        if left != wanted:
            wish = narrowed(wish, left)
            amounts = {**amounts, **count(wish)}
        await self._quotas.brake(tx, viewer.id, per_hour)
        if whose.limited:
            amount = amounts.get(whose.policy.meter, 0.0)
            await self._quotas.admit(tx, whose.user_id, whose.policy, kind=root, amount=amount)
        row = await self._insert(tx, viewer, wish, root, whose, reviewed, origin)
        if row["state"] != State.DECLINED:
            await self._quotas.charge(tx, row, amounts)
        if row["state"] == State.APPROVED:
            await enqueue_submit(self._ledger, tx, row)
        return Submitted("created", row["id"], tuple(joined), title_id)

    async def _whose(self, tx: Tx, viewer: Viewer, wish: Wish, root: str, origin: str) -> _For:
        user_id, role, limited = viewer.id, viewer.role, True
        if wish.for_user is not None and wish.for_user != viewer.id:
            if not viewer.is_admin:
                raise Denied(N_("Only admins ask for other people."))
            person = await tx.first(select(users.c.id, users.c.status).where(users.c.id == wish.for_user))
            if person is None or person["status"] != "active":
                raise UserError(N_("There is no such account."), "for_user")
            user_id, limited = wish.for_user, False
        policy = governing(
            await self._policies.of(tx, viewer.id, role),
            user_id=viewer.id,
            role=role,
            kind=wish.kind,
            root_kind=root,
            variant=wish.variant,
        )
        if policy is None or not policy.allowed:
            raise Denied(
                N_("You may not ask for titles in this quality.")
                if wish.variant
                else N_("You may not ask for titles of this kind.")
            )
        if origin == WATCHLIST and not policy.watchlist:
            raise Denied(N_("Lists may not ask for titles of this kind."))
        return _For(user_id, policy, limited)

    async def _insert(
        self,
        tx: Tx,
        viewer: Viewer,
        wish: Wish,
        root: str,
        whose: _For,
        reviewed: Reviewed,
        origin: str,
    ) -> RowMapping:
        profile = await self._profiles.choose(
            tx,
            wish.profile_id,
            kind=wish.kind,
            root_kind=root,
            variant=wish.variant,
            admin=viewer.is_admin,
        )
        state, held_by, rule, reason = _first_state(whose.policy, reviewed)
        now = self._clock.now()
        values = first_values(wish, root, state, now) | routed(profile, wish.options)
        values |= {
            "held_by": held_by,
            "reason": reason,
            "user_id": whose.user_id,
            "created_by": viewer.id,
            "origin": origin,
        }
        row = await insert(tx, self._moves, values, rule=rule, actor=viewer.id)
        identifier = row["id"]
        await add_participant(tx, row, whose.user_id, now)
        if wish.comment.strip():
            await tx.execute(
                request_comments.insert().values(
                    id=new_id(),
                    request_id=identifier,
                    user_id=viewer.id,
                    text=wish.comment.strip()[:2000],
                    at=now,
                )
            )
        if viewer.id != whose.user_id:
            await record(
                tx,
                actor=viewer.id,
                action="requests.made_for",
                target=identifier,
                details={"owner": whose.user_id, "title": wish.title},
            )
        await self._moves.tell(tx, row, "", viewer.id)
        return row


def first_values(wish: Wish, root: str, state: State, now: float) -> dict[str, Any]:
    """The row of a new request that nobody has sent anywhere yet."""
    return {
        "id": new_id(),
        "kind": wish.kind,
        "root_kind": root,
        "ids": dict(wish.ids),
        "title": wish.title,
        "year": wish.year,
        "image": wish.image,
        "seasons": list(wish.seasons),
        "episodes": [list(one) for one in wish.episodes],
        "variant": wish.variant,
        "state": state.value,
        "held_by": "",
        "reason": "",
        "open_key": open_key(wish, root) if state in OPEN else None,
        "user_id": None,
        "created_by": None,
        "profile_id": None,
        "options": {},
        "instance_id": None,
        "reference": None,
        "sent_at": None,
        "checked_at": 0.0,
        "parts": {},
        "sizes": {str(season): count for season, count in wish.sizes.items()},
        "origin": "",
        "origin_name": "",
        "title_id": None,
        "version": 1,
        "created_at": now,
        "changed_at": now,
        "finished_at": None if state in OPEN else now,
    }


async def insert(tx: Tx, moves: Moves, values: dict[str, Any], *, rule: str, actor: str | None) -> RowMapping:
    """Write a new request with its first decision and its ids; its people come after it."""
    row = await moves.begin(tx, values, rule=rule, actor=actor)
    await tx.execute(
        request_ids.insert(),
        [
            {"request_id": row["id"], "provider": name, "value": value, "root_kind": row["root_kind"]}
            for name, value in row["ids"].items()
        ],
    )
    return row


async def similar(tx: Tx, root: str, wish: Wish, now: float) -> list[RowMapping]:
    """Requests for the same title and variant that are open, or were just done and are not in the library yet; oldest first."""
    return await tx.all(
        select(requests)
        .where(
            requests.c.id.in_(for_ids(root, wish.ids)),
            requests.c.variant == wish.variant,
            or_(
                requests.c.state.in_([one.value for one in OPEN]),
                and_(
                    requests.c.state == State.AVAILABLE.value,
                    requests.c.title_id.is_(None),
                    requests.c.finished_at > now - _SCANNED_WITHIN,
                ),
            ),
        )
        .order_by(requests.c.created_at, requests.c.id)
    )


def for_ids(root: str, ids: Mapping[str, str]) -> Select[Any]:
    """The ids of requests for a title that any of its external ids names."""
    same = (and_(request_ids.c.provider == name, request_ids.c.value == value) for name, value in ids.items())
    return select(request_ids.c.request_id).where(request_ids.c.root_kind == root, or_(*same))


def _first_state(policy: Policy, reviewed: Reviewed) -> tuple[State, str, str, str]:
    """(state, held by, rule, reason)."""
    if reviewed.verdict is ReviewVerdict.DECLINE:
        return State.DECLINED, "", f"hook:{reviewed.plugin}", reviewed.reason
    if reviewed.verdict is ReviewVerdict.HOLD:
        return State.HELD, BY_REVIEW, f"hook:{reviewed.plugin}", reviewed.reason
    if policy.auto_approve:
        return State.APPROVED, "", "policy", ""
    return State.PENDING, "", "policy", ""


def routed(profile: Profile | None, options: Mapping[str, str]) -> dict[str, Any]:
    """What a profile decides for a request; options that were chosen by hand come before its own."""
    if profile is None:
        return {"profile_id": None, "instance_id": None, "options": dict(options)}
    return {
        "profile_id": profile.id,
        "instance_id": profile.instance_id,
        "options": {**profile.options, **options},
    }


async def add_participant(tx: Tx, row: RowMapping, user_id: str, now: float) -> bool:
    """Let someone follow a request; False where they do already."""
    added = await tx.execute(
        tx.insert(request_participants)
        .values(request_id=row["id"], user_id=user_id, joined_at=now, created_at=row["created_at"])
        .on_conflict_do_nothing()
    )
    return bool(added.rowcount)
