"""Changing a request while nobody has decided about it: which seasons, by which profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import IntegrityError

from medianest_core.base.clock import Clock
from medianest_core.base.texts import N_
from medianest_core.domain.requests.backends import item_of
from medianest_core.domain.requests.entries import Policy
from medianest_core.domain.requests.errors import Denied
from medianest_core.domain.requests.kinds import MediaTypes
from medianest_core.domain.requests.moves import Moves, needs_decision
from medianest_core.domain.requests.policies import Policies, governing
from medianest_core.domain.requests.profiles import Profiles
from medianest_core.domain.requests.quotas import Quotas
from medianest_core.domain.requests.reading import visible
from medianest_core.domain.requests.states import NotPossible
from medianest_core.domain.requests.steering import Steering
from medianest_core.domain.requests.submission import routed, similar
from medianest_core.domain.requests.wishes import Wish, checked, open_key, parts_of
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.routes import Viewer
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.accounts import users
from medianest_core.store.tables.requests import requests


class Editing:
    def __init__(
        self,
        db: Database,
        moves: Moves,
        types: MediaTypes,
        policies: Policies,
        profiles: Profiles,
        quotas: Quotas,
        steering: Steering,
        clock: Clock,
    ) -> None:
        self._db = db
        self._moves = moves
        self._types = types
        self._policies = policies
        self._profiles = profiles
        self._quotas = quotas
        self._steering = steering
        self._clock = clock

    async def edit(
        self,
        viewer: Viewer,
        request_id: str,
        *,
        version: int | None = None,
        seasons: Sequence[int] | None = None,
        profile_id: str | None = None,
    ) -> bool:
        """seasons: of a show, instead of those asked for so far; none: all. profile_id: None stays, "" is the usual one. False where it does
        not exist for the viewer. Raises Denied, NotPossible, QuotaUsed, Stale, UserError."""
        async with self._db.read() as tx:
            row = await tx.first(select(requests).where(requests.c.id == request_id, visible(viewer)))
            if row is None:
                return False
            wish = self._wish(row, seasons)
            policy = await self._policy(tx, row, wish)
        amounts = await self._quotas.measure(wish, policy)

        async def change(tx: Tx, row: RowMapping) -> None:
            if not viewer.is_admin and viewer.id not in (row["user_id"], row["created_by"]):
                raise Denied(N_("This is someone else's request."))
            if row["reference"] is not None:
                raise NotPossible(N_("It was made at the service itself; change it there."))
            if not needs_decision(row):
                raise NotPossible(N_("Only what nobody has decided about can be changed."))
            values: dict[str, Any] = {}
            if seasons is not None:
                values |= await self._seasons(tx, row, wish)
                if values:
                    await self._quotas.give_back(tx, row["id"])
                    if policy is not None and row["user_id"] is not None and not viewer.is_admin:
                        amount = amounts.get(policy.meter, 0.0)
                        await self._quotas.admit(
                            tx, row["user_id"], policy, kind=row["root_kind"], amount=amount
                        )
                    await self._quotas.charge(tx, row, amounts)
            if profile_id is not None and profile_id != (row["profile_id"] or ""):
                profile = await self._profiles.choose(
                    tx,
                    profile_id or None,
                    kind=wish.kind,
                    root_kind=row["root_kind"],
                    variant=row["variant"],
                    admin=viewer.is_admin,
                )
                values |= routed(profile, {})
            if not values:
                return
            try:
                await tx.execute(
                    update(requests)
                    .where(requests.c.id == row["id"])
                    .values(**values, changed_at=self._clock.now(), version=requests.c.version + 1)
                )
            except IntegrityError as error:
                raise UserError(N_("Someone has asked for exactly this already."), "seasons") from error
            after = await tx.one(select(requests).where(requests.c.id == row["id"]))
            await self._moves.note(tx, after, actor=viewer.id, reason=N_("What is asked for was changed."))

        return await self._steering.within(viewer, request_id, "requests.edited", version, change)

    def _wish(self, row: RowMapping, seasons: Sequence[int] | None) -> Wish:
        item = item_of(row)
        wish = Wish(
            item.kind, item.ids, item.title, item.year, None, item.seasons, item.episodes, item.variant
        )
        sizes = {int(season): count for season, count in row["sizes"].items()}
        wish = replace(wish, sizes=sizes)
        if seasons is None:
            return wish
        if row["root_kind"] != "show":
            raise UserError(N_("Only shows have seasons and episodes."), "seasons")
        return checked(replace(wish, kind="show", seasons=tuple(seasons), episodes=()), self._types)

    async def _seasons(self, tx: Tx, row: RowMapping, wish: Wish) -> dict[str, Any]:
        if list(wish.seasons) == list(row["seasons"]) and not row["episodes"]:
            return {}
        wanted = parts_of(wish.seasons, ())
        for other in await similar(tx, row["root_kind"], wish, self._clock.now()):
            if other["id"] == row["id"]:
                continue
            if wanted.meets(parts_of(other["seasons"], other["episodes"])):
                raise UserError(N_("Some of these seasons are asked for already."), "seasons")
        return {
            "kind": wish.kind,
            "seasons": list(wish.seasons),
            "episodes": [],
            "open_key": open_key(wish, row["root_kind"]),
        }

    async def _policy(self, tx: Tx, row: RowMapping, wish: Wish) -> Policy | None:
        """The rule for the person whose request it is."""
        if row["user_id"] is None:
            return None
        role = str(await tx.scalar(select(users.c.role).where(users.c.id == row["user_id"])))
        return governing(
            await self._policies.of(tx, row["user_id"], role),
            user_id=row["user_id"],
            role=role,
            kind=wish.kind,
            root_kind=row["root_kind"],
            variant=row["variant"],
        )
