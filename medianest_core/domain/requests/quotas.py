"""Quotas: what a request takes by each meter, and what people have used within the windows of their rules."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace

from sqlalchemy import delete, func, select
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.logging import get_logger
from medianest_core.base.tasks import bounded
from medianest_core.base.texts import N_
from medianest_core.domain.requests.entries import Allowance, Policy
from medianest_core.domain.requests.errors import QuotaUsed, TooManyRequests
from medianest_core.domain.requests.policies import ANY
from medianest_core.domain.requests.wishes import Wish
from medianest_core.sdk.errors import NotReady
from medianest_core.sdk.pipeline import QuotaMeter
from medianest_core.sdk.requests import RequestItem
from medianest_core.store.engine import Tx
from medianest_core.store.repos.portal_settings import PortalSettings
from medianest_core.store.tables.requests import request_usage, requests

DAY = 86_400.0
HOUR = 3600.0
_DEADLINE = 10.0
_log = get_logger(__name__)


def _counted(item: RequestItem) -> float:
    """A film counts once, a show once for each season, single episodes once each."""
    return float(max(1, len(item.seasons) + len(item.episodes)))


async def _measure(item: RequestItem) -> float:
    return _counted(item)


REQUESTS = QuotaMeter("requests", N_("Requests"), "requests", _measure)


def count(wish: Wish) -> dict[str, float]:
    """What the wish takes by the core's own meter."""
    return {REQUESTS.name: _counted(_spelt_out(wish))}


def _spelt_out(wish: Wish) -> RequestItem:
    """A whole show with the seasons it has, where they are known."""
    item = wish.item()
    if item.seasons or item.episodes:
        return item
    return replace(item, seasons=tuple(one for one in wish.sizes if one > 0))


async def usual_settings() -> PortalSettings:
    return PortalSettings()


class Quotas:
    """contributed: meters of plugins; the core's own is never replaced. settings: the portal's."""

    def __init__(
        self,
        clock: Clock,
        contributed: Callable[[], Iterable[QuotaMeter]] = lambda: (),
        settings: Callable[[], Awaitable[PortalSettings]] = usual_settings,
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._contributed = contributed

    def meters(self) -> Mapping[str, QuotaMeter]:
        """name → meter."""
        known = {REQUESTS.name: REQUESTS}
        for one in self._contributed():
            known.setdefault(one.name, one)
        return known

    async def measure(self, wish: Wish, policy: Policy | None) -> dict[str, float]:
        """meter → how much of it the wish takes. Raises NotReady where the meter that counts for the person fails."""
        found = count(wish)
        if policy is None or policy.quota is None or policy.meter in found:
            return found
        meter = self.meters().get(policy.meter)
        try:
            if meter is None:
                raise LookupError(policy.meter)
            found[policy.meter] = max(0.0, float(await bounded(meter.measure(_spelt_out(wish)), _DEADLINE)))
        except Exception as error:
            _log.warning("a quota meter failed", meter=policy.meter, exc_info=error)
            raise NotReady(N_("How much this takes of your quota cannot be told now.")) from error
        return found

    async def allowance(
        self, tx: Tx, user_id: str, policy: Policy | None, *, kind: str, variant: str
    ) -> Allowance:
        if policy is None or not policy.allowed:
            return Allowance(kind, variant, allowed=False, auto_approve=False)
        found = Allowance(
            kind,
            variant,
            True,
            policy.auto_approve,
            policy.meter,
            limit=policy.quota,
            window_days=policy.window_days,
        )
        if policy.quota is None:
            return found
        since = self._clock.now() - policy.window_days * DAY
        window = select(
            func.sum(request_usage.c.amount).label("used"), func.min(request_usage.c.at).label("first")
        )
        window = window.where(
            request_usage.c.user_id == user_id,
            request_usage.c.meter == policy.meter,
            request_usage.c.at > since,
        )
        if policy.kind != ANY:
            window = window.where(request_usage.c.kind == kind)
        row = await tx.one(window)
        first = row["first"]
        used = float(row["used"] or 0.0)
        return replace(
            found,
            used=used,
            left=max(0.0, policy.quota - used),
            next_at=float(first) + policy.window_days * DAY if first is not None else None,
        )

    async def admit(self, tx: Tx, user_id: str, policy: Policy, *, kind: str, amount: float) -> None:
        """Raises QuotaUsed where the amount does not fit in any more."""
        found = await self.allowance(tx, user_id, policy, kind=kind, variant=policy.variant)
        if found.limit is not None and found.used + amount > found.limit:
            retry_at = found.next_at or self._clock.now() + policy.window_days * DAY
            raise QuotaUsed(found.limit, policy.window_days, retry_at)

    async def allowed_per_hour(self) -> int:
        """As the portal's settings say."""
        return (await self._settings()).requests_per_hour

    async def brake(self, tx: Tx, user_id: str, per_hour: int) -> None:
        """Raises TooManyRequests for more than so many an hour. What was taken over from a backend has nobody here who entered it."""
        rows = await tx.all(
            select(requests.c.created_at)
            .where(requests.c.created_by == user_id, requests.c.created_at > self._clock.now() - HOUR)
            .order_by(requests.c.created_at.desc())
            .limit(per_hour)
        )
        if len(rows) >= per_hour:
            raise TooManyRequests(per_hour, float(rows[-1]["created_at"]) + HOUR)

    async def charge(self, tx: Tx, row: RowMapping, amounts: Mapping[str, float]) -> None:
        """Count a new request for the person it is for."""
        if row["user_id"] is None:
            return
        await tx.execute(
            request_usage.insert(),
            [
                {
                    "request_id": row["id"],
                    "meter": meter,
                    "user_id": row["user_id"],
                    "kind": row["root_kind"],
                    "amount": amount,
                    "at": row["created_at"],
                }
                for meter, amount in amounts.items()
            ],
        )

    async def give_back(self, tx: Tx, request_id: str) -> None:
        """What came to nothing does not count."""
        await give_back(tx, request_id)


async def give_back(tx: Tx, request_id: str) -> None:
    """Forget what a request took of somebody's quota."""
    await tx.execute(delete(request_usage).where(request_usage.c.request_id == request_id))
