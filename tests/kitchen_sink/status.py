"""StatusProvider of the kitchen sink, with every ability."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from medianest_core.sdk import Beat, Http, Incident, Item, Snapshot, StatusProvider
from tests.kitchen_sink.service import Facet, SinkSettings


class SinkStatus(Facet, StatusProvider[SinkSettings, Http]):
    async def snapshot(self) -> Snapshot:
        said = await self.ask("status")
        return Snapshot([Item(**one) for one in said["items"]], said["version"])

    async def history(self, since: float) -> Sequence[Beat]:
        return [Beat(**one) for one in await self.ask("beats", since=since)]

    async def watch(self) -> AsyncIterator[Snapshot]:
        while True:
            yield await self.snapshot()
            await self.ask("news")

    async def incidents(self) -> Sequence[Incident]:
        return [Incident(**one) for one in await self.ask("incidents")]
