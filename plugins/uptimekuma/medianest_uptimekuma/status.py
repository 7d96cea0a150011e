"""What Uptime Kuma watches, as status items."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from medianest_core.sdk import Beat, Incident, NotFound, Snapshot, StatusProvider
from medianest_uptimekuma import announcements
from medianest_uptimekuma.client import KumaClient
from medianest_uptimekuma.models import Reading
from medianest_uptimekuma.service import KUMA
from medianest_uptimekuma.settings import KumaSettings

GATHER = 0.8
"""Seconds for which response times are gathered; a state that changes is told at once."""
_KEY_EVERY, _PAGE_EVERY = 15.0, 30.0
_PAGES = 20


class KumaStatus(StatusProvider[KumaSettings, KumaClient]):
    """Live with a sign-in; else by API key or from a status page, both asked again and again while somebody watches."""

    service = KUMA

    async def snapshot(self) -> Snapshot:
        if self.client.session is not None:
            board = await self.client.session.board()
            return Snapshot(board.items(), board.version)
        return Snapshot([reading.item() for reading in await self._asked()])

    async def history(self, since: float) -> Sequence[Beat]:
        """Observations since then. Signed in: of a day, from the second generation on of a month, and of a few hundred
        monitors; from a status page: the last hundred of each; by API key: none, Uptime Kuma does not tell them that way."""
        if self.client.session is not None:
            from medianest_uptimekuma.past import recorded

            return await recorded(self.client.session, since)
        if self.config.status_page and not self.config.api_key:
            return await self.client.page_beats(self.config.status_page, since)
        return []

    async def watch(self) -> AsyncIterator[Snapshot]:
        """See the class. A connection that is lost is mended; if that takes more than twenty seconds its error is raised."""
        session = self.client.session
        if session is not None:
            async with contextlib.aclosing(session.changes(GATHER)) as boards:
                async for board in boards:
                    yield Snapshot(board.items(), board.version)
        while True:
            yield Snapshot([reading.item() for reading in await self._asked()])
            await asyncio.sleep(_KEY_EVERY if self.config.api_key else _PAGE_EVERY)

    async def incidents(self) -> Sequence[Incident]:
        """Maintenance, and what is posted on status pages: of all pages with a sign-in, else of the one that is entered."""
        slugs = [self.config.status_page] if self.config.status_page else []
        found: list[Incident] = []
        if self.client.session is not None:
            board = await self.client.session.board()
            found += self.client.maintenance(list(board.maintenance.values()))
            slugs = list(dict.fromkeys([*slugs, *board.pages]))[:_PAGES]
        told = await asyncio.gather(*(self._posted(slug) for slug in slugs))
        return announcements.merged([*found, *(one for page in told for one in page)])

    async def _posted(self, slug: str) -> list[Incident]:
        try:
            return await self.client.page_incidents(slug)
        except NotFound:
            if slug == self.config.status_page:
                raise
            # A page that was removed a moment ago.
            return []

    async def _asked(self) -> list[Reading]:
        if self.config.api_key:
            return await self.client.metrics(self.config.api_key)
        assert self.config.status_page is not None
        return await self.client.status_page(self.config.status_page)
