"""What catalogs know of a wished title: all its ids, so that one title is one however it is named, and how long its seasons are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from medianest_core.base.logging import get_logger
from medianest_core.domain.requests.wishes import Wish
from medianest_core.host.instances import Instances
from medianest_core.sdk.catalog import Catalog, CatalogEntry
from medianest_core.sdk.errors import MediaNestError

PATIENCE = 4.0
"""Seconds that someone who asks waits for catalogs; without them the wish stands as it was typed."""
_log = get_logger(__name__)


class Lookup:
    """picture: (instance id, its own name of a picture) → id for the portal's image route."""

    def __init__(
        self,
        instances: Instances,
        patience: float = PATIENCE,
        picture: Callable[[str, str], str] | None = None,
    ) -> None:
        self._instances = instances
        self._patience = patience
        self._picture = picture

    async def completed(self, wish: Wish, root_kind: str) -> Wish:
        """The wish with what the first catalog that knows the title says: its name, year, further ids, sizes of seasons. Never raises."""
        try:
            async with asyncio.timeout(self._patience):
                found = await self._entry(wish, root_kind)
        except TimeoutError:
            return wish
        if found is None:
            return wish
        instance_id, entry = found
        sizes = {one.number: one.episodes for one in entry.seasons if one.episodes}
        return replace(
            wish,
            # Ids that were asked with win: they are what the person chose.
            ids={**{name: str(value) for name, value in entry.ids.items() if value}, **wish.ids},
            title=entry.title.strip()[:500] or wish.title,
            year=entry.year or wish.year,
            image=wish.image
            or (self._picture(instance_id, entry.image) if self._picture and entry.image else None),
            sizes=sizes or wish.sizes,
        )

    async def _entry(self, wish: Wish, root_kind: str) -> tuple[str, CatalogEntry] | None:
        handles: list[Any] = self._instances.ready(Catalog)
        for handle in handles:
            try:
                entry: CatalogEntry = await handle.api.details(root_kind, wish.ids)
            except MediaNestError as error:
                _log.info("a catalog does not know", instance=handle.instance.id, reason=str(error))
                continue
            if any(entry.ids.get(name) == value for name, value in wish.ids.items()):
                return handle.instance.id, entry
        return None
