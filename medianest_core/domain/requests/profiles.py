"""Named profiles: which instance takes a request, and with which options of its backend."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy import delete, select, update

from medianest_core.base.ids import new_id
from medianest_core.base.texts import N_
from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.requests.entries import Profile
from medianest_core.host.errors import UnknownInstance
from medianest_core.host.instances import Instances
from medianest_core.sdk.errors import UserError
from medianest_core.store.engine import Database, Tx
from medianest_core.store.errors import Stale
from medianest_core.store.repos.audit import record
from medianest_core.store.tables.requests import request_profiles

_ORDER = (request_profiles.c.position, request_profiles.c.name, request_profiles.c.id)


def preferred(profiles: Iterable[Profile], kind: str, root_kind: str, variant: str) -> Profile | None:
    """The one that is taken where nobody chooses."""
    return next((one for one in profiles if one.preferred and _fits(one, kind, root_kind, variant)), None)


def _fits(profile: Profile, kind: str, root_kind: str, variant: str) -> bool:
    return profile.variant == variant and (
        not profile.kinds or kind in profile.kinds or root_kind in profile.kinds
    )


class Profiles:
    def __init__(self, db: Database, instances: Instances) -> None:
        self._db = db
        self._instances = instances

    async def all(self) -> list[Profile]:
        """In their order."""
        async with self._db.read() as tx:
            return await self.read(tx)

    async def read(self, tx: Tx) -> list[Profile]:
        return [Profile(**row) for row in await tx.all(select(request_profiles).order_by(*_ORDER))]

    async def choose(
        self, tx: Tx, profile_id: str | None, *, kind: str, root_kind: str, variant: str, admin: bool
    ) -> Profile | None:
        """The one asked for, else the preferred one for this kind and variant, else None. Raises UserError for one that does not fit."""
        profiles = await self.read(tx)
        if profile_id is None:
            return preferred(profiles, kind, root_kind, variant)
        fitting = [one for one in profiles if _fits(one, kind, root_kind, variant)]
        found = next((one for one in fitting if one.id == profile_id), None)
        if found is None or (found.admins_only and not admin):
            raise UserError(N_("This profile cannot be used here."), "profile_id")
        return found

    async def put(self, profile: Profile, actor: str) -> Profile:
        """Add a profile (id empty) or change one. Raises UserError, Stale, Missing."""
        if not profile.name.strip() or len(profile.name) > 100:
            raise UserError(N_("A name is needed."), "name")
        if profile.instance_id is not None:
            try:
                self._instances.info(profile.instance_id)
            except UnknownInstance as error:
                raise UserError(str(error), "instance_id") from error
        values: dict[str, Any] = {
            name: getattr(profile, name)
            for name in Profile.__dataclass_fields__
            if name not in ("id", "version")
        } | {"kinds": list(profile.kinds), "options": dict(profile.options)}
        async with self._db.begin() as tx:
            if profile.id:
                changed = await tx.execute(
                    update(request_profiles)
                    .where(request_profiles.c.id == profile.id, request_profiles.c.version == profile.version)
                    .values(**values, version=profile.version + 1)
                )
                if changed.rowcount != 1:
                    row = await tx.first(select(request_profiles).where(request_profiles.c.id == profile.id))
                    if row is None:
                        raise Missing(N_("There is no such profile."))
                    raise Stale({str(name): value for name, value in row.items()})
                made = replace(profile, version=profile.version + 1)
            else:
                made = replace(profile, id=new_id(), version=1)
                await tx.execute(request_profiles.insert().values(id=made.id, version=1, **values))
            await record(tx, actor=actor, action="requests.profile", target=made.id, details=values)
        return made

    async def move(self, profile_id: str, by: int, actor: str) -> bool:
        """Put it so many places further down (up where negative). False where it stands at the end already. Raises Missing."""
        async with self._db.begin() as tx:
            order = [one.id for one in await self.read(tx)]
            if profile_id not in order:
                raise Missing(N_("There is no such profile."))
            before = order.index(profile_id)
            after = min(max(before + by, 0), len(order) - 1)
            if after == before:
                return False
            order.insert(after, order.pop(before))
            # Their versions stay: who edits one of them meanwhile does not contradict the order.
            for position, one in enumerate(order):
                await tx.execute(
                    update(request_profiles).where(request_profiles.c.id == one).values(position=position)
                )
            details = {"position": after}
            await record(tx, actor=actor, action="requests.profile_moved", target=profile_id, details=details)
        return True

    async def remove(self, profile_id: str, actor: str) -> None:
        """Requests that were made with it keep what it chose for them. Raises Missing."""
        async with self._db.begin() as tx:
            gone = await tx.execute(delete(request_profiles).where(request_profiles.c.id == profile_id))
            if not gone.rowcount:
                raise Missing(N_("There is no such profile."))
            await record(tx, actor=actor, action="requests.profile_removed", target=profile_id)
