"""FieldOwner of the kitchen sink, with every ability."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from medianest_core.sdk import MOVIE, FieldOwner, FieldReport, Http, TitleKey
from tests.kitchen_sink.service import Facet, SinkSettings

FIELDS = ("tagline", "rating", "genres")


class SinkFields(Facet, FieldOwner[SinkSettings, Http]):
    def fields(self) -> Mapping[str, Sequence[str]]:
        return {MOVIE: FIELDS}

    async def report(self, keys: Sequence[TitleKey]) -> FieldReport:
        if not keys:
            return FieldReport({}, frozenset(), True)
        said = await self.ask("facts", ids=[one.ids["imdb"] for one in keys])
        values = {one.id: said[one.ids["imdb"]] for one in keys if one.ids["imdb"] in said}
        return FieldReport(values, frozenset(one.id for one in keys), True)

    async def changes(self, since: float) -> AsyncIterator[Mapping[str, str]]:
        for one in await self.ask("changed_facts", since=since):
            yield {"imdb": one}

    async def write_back(self, key: TitleKey, values: Mapping[str, Any]) -> None:
        await self.ask("write_facts", id=key.ids["imdb"], values=dict(values))
