"""Tells everyone's pages what a long job changed in the library: now and then on the way, and at its end."""

from __future__ import annotations

from typing import cast

from medianest_core.bus.events import LibraryChanged
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.library.writing.finalize import Applied
from medianest_core.domain.library.writing.pace import Pace
from medianest_core.sdk.events import Audience
from medianest_core.sdk.jobs import JobContext
from medianest_core.store.engine import Tx
from medianest_core.store.transaction import alone

_EVERY = 3.0


class News:
    """Of one job."""

    def __init__(self, bus: EventBus, ctx: JobContext) -> None:
        self._bus = bus
        self._ctx = ctx
        self._untold = Applied()
        self._pace = Pace(_EVERY)

    async def add(self, tx: Tx, applied: Applied) -> None:
        """Told with `tx`, unless something was told a moment ago."""
        self._untold += applied
        if self._pace.due():
            await self._tell(tx)

    async def close(self) -> None:
        """Tell what has not been told yet."""
        if self._untold.changed:
            async with self._ctx.begin() as tx:
                await alone(tx, "library")
                await self._tell(cast(Tx, tx))

    async def _tell(self, tx: Tx) -> None:
        news, self._untold = self._untold, Applied()
        if news.changed:
            await self._bus.publish(
                tx,
                LibraryChanged(changed=news.changed, title_ids=[str(title) for title in news.titles]),
                Audience.library(),
            )
