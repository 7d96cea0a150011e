"""Asks the services again, every quarter of an hour, whether the people they vouched for still belong.

Fail-static: a service that cannot be asked changes nothing for a day; after that the sessions it signed in end, and people sign
in again once it is back.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.logging import get_logger
from medianest_core.base.texts import N_
from medianest_core.bus.events import SystemAlert
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.accounts.identities import Identities
from medianest_core.domain.accounts.sessions import DAY, Sessions
from medianest_core.host.instances import Handle, Instances
from medianest_core.sdk.auth import AuthCapability, AuthProvider, Standing
from medianest_core.sdk.errors import AuthFailed, ProviderError
from medianest_core.sdk.events import Audience
from medianest_core.sdk.jobs import Job, JobContext, Schedule
from medianest_core.sdk.settings import Secret
from medianest_core.store.engine import Database

EVERY = 900.0
GRACE = DAY
_WARN_AFTER = 3600.0
_log = get_logger(__name__)
_Handle = Handle[AuthProvider[Any, Any]]


class RevalidateArgs(BaseModel):
    """Nothing to choose: everyone is checked."""


class Revalidation:
    def __init__(
        self,
        db: Database,
        bus: EventBus,
        instances: Instances,
        identities: Identities,
        sessions: Sessions,
        clock: Clock,
    ) -> None:
        self._db = db
        self._bus = bus
        self._instances = instances
        self._identities = identities
        self._sessions = sessions
        self._clock = clock
        self._told: set[str] = set()
        """Providers that this process has told admins about."""
        self.job = Job(
            "accounts.revalidate",
            self.run,
            RevalidateArgs,
            title=N_("Check that people still have access"),
            limit=1,
            schedule=Schedule(every=EVERY),
            unique_by=lambda args: "all",
        )

    async def run(self, context: JobContext, args: RevalidateArgs) -> dict[str, int]:
        """Counts of what was found: confirmed, revoked, unknown."""
        found = {"confirmed": 0, "revoked": 0, "unknown": 0}
        rows = await self._identities.to_check()
        unasked: dict[str, float] = {}
        before: dict[str, float] = {}
        for done, row in enumerate(rows, start=1):
            context.check_cancelled()
            age, provider = self._clock.now() - row["checked_at"], row["provider"]
            before[provider] = max(age, before.get(provider, 0.0))
            outcome = await self._one(row)
            found[outcome] += 1
            if outcome == "unknown":
                unasked[provider] = max(age, unasked.get(provider, 0.0))
            await context.progress(done, len(rows), facts=found)
        for provider in sorted(before.keys() | self._told):
            await self._alert(provider, unasked.get(provider, 0.0), before.get(provider, 0.0))
        return found

    async def _one(self, row: RowMapping) -> str:
        standings: list[Standing] = []
        for handle in self._handles(row):
            try:
                standing = await handle.api.revalidate(row["subject"], await self._token(handle, row))
            except ProviderError as error:
                _log.info("a person's access could not be checked", reason=str(error))
                continue
            standings.append(standing)
            if standing is Standing.VALID:
                async with self._db.begin() as tx:
                    await self._identities.confirmed(tx, row["id"])
                return "confirmed"
        if standings and len(standings) == self._expected(row):
            async with self._db.begin() as tx:
                await self._identities.revoke(tx, row, "access ended")
            return "revoked"
        if self._clock.now() - row["checked_at"] > GRACE:
            async with self._db.begin() as tx:
                await self._sessions.end_all(
                    tx, row["user_id"], "access unknown for a day", identity_id=row["id"]
                )
        return "unknown"

    async def _token(self, handle: _Handle, row: RowMapping) -> Secret | None:
        """The identity's token, a fresh one where the service that it is from renews them. Raises ProviderError."""
        token = self._identities.token_of(row)
        mine = handle.instance.id == row["instance_id"]
        if token is None or not mine or not handle.can(AuthCapability.REFRESH):
            return token
        try:
            fresh = await handle.api.refresh(token)
        except AuthFailed:
            # What that means for the person is the answer to the question that follows.
            return token
        if fresh != token:
            await self._identities.renewed(row, fresh)
        return fresh

    def _handles(self, row: RowMapping) -> list[_Handle]:
        """Services that can be asked about the identity; the one it was proven at first."""
        return sorted(
            (handle for handle in self._of_provider(row) if handle.instance.ready),
            key=lambda handle: handle.instance.id != row["instance_id"],
        )

    def _expected(self, row: RowMapping) -> int:
        """How many services must say no before the answer is no: someone who lost one server may still have another."""
        return len(self._of_provider(row))

    def _of_provider(self, row: RowMapping) -> list[_Handle]:
        return [
            handle
            for handle in self._instances.any(AuthProvider)  # type: ignore[type-abstract]  # a key, not made
            if handle.instance.plugin == row["provider"] and handle.can(AuthCapability.REVALIDATE)
        ]

    async def _alert(self, provider: str, age: float, before: float) -> None:
        """Tell admins once that people live on what was known before, and when that is over. age, before: seconds since the longest
        unchecked was checked, after and before this round."""
        active = age > _WARN_AFTER
        if active == (provider in self._told) and (active or before <= _WARN_AFTER):
            return
        hours = int(age // 3600)
        async with self._db.begin() as tx:
            await self._bus.publish(
                tx,
                SystemAlert(
                    key=f"accounts.unconfirmed.{provider}",
                    title=N_("People's access cannot be checked"),
                    message=(
                        N_(
                            "{provider} could not be asked for {hours} h who may come in. People stay signed in for 24 hours after the last check, then have to sign in again."
                        ).format(provider=provider, hours=hours)
                    )
                    if active
                    else "",
                    link="/admin/services",
                    active=active,
                ),
                Audience.admins(),
            )
        (self._told.add if active else self._told.discard)(provider)
