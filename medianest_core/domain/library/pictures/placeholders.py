"""The job `library.placeholders`: finds for each poster what is shown while it loads.

Where its server says a BlurHash of it, that one counts; else it is made from the picture, once for each picture. Newest titles first;
each is stored when it is made, so that a job that is stopped goes on where it was.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import delete, func, select

from medianest_core.base.logging import get_logger
from medianest_core.base.texts import N_
from medianest_core.domain.library.document import parse
from medianest_core.domain.library.pictures.blurs import hash_of, preview_of
from medianest_core.domain.library.pictures.images import Images
from medianest_core.domain.library.reading.query import TOP, poster_id
from medianest_core.sdk.errors import InvalidResponse, NotFound, NotReady, ProviderError, RetryLater
from medianest_core.sdk.jobs import Job, JobContext, Retry, Schedule
from medianest_core.store.engine import Database
from medianest_core.store.tables.library import picture_blurs, title_docs, titles

JOB = "library.placeholders"
EVERY = 600.0
PAUSE = 0.05
"""Seconds between two pictures, so that servers have time for their viewers."""
_BATCH = 50
_KNOWN = 20_000
_AGAIN = 60.0
_WIDTH = 96
_FAILURES = 5
_PAUSE_AWAY = 300.0
_log = get_logger(__name__)


class PlaceholderArgs(BaseModel):
    """All posters."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Placeholders:
    """pause: seconds between two pictures."""

    def __init__(self, db: Database, images: Images, *, pause: float = PAUSE) -> None:
        self._db = db
        self._images = images
        self.pause = pause
        self._known: OrderedDict[str, str] = OrderedDict()
        self._unknown: dict[str, float] = {}

    def jobs(self) -> list[Job[Any]]:
        return [
            Job(
                JOB,
                self.run,
                PlaceholderArgs,
                title=N_("Prepare posters for loading"),
                limit=1,
                retry=Retry(attempts=2, delay=60.0),
                schedule=Schedule(every=EVERY),
                unique_by=lambda args: "all",
                queue="background",
            )
        ]

    async def of(self, posters: Iterable[str | None]) -> Mapping[str, str]:
        """Image id → `data:` address, of those posters that have one already."""
        wanted = {one.rpartition("-")[2]: one for one in posters if one}
        now = time.monotonic()
        found = {one: self._known[version] for version, one in wanted.items() if version in self._known}
        missing = [
            version
            for version in wanted
            if version not in self._known and now - self._unknown.get(version, -_AGAIN) >= _AGAIN
        ]
        if missing:
            statement = select(picture_blurs.c.version, picture_blurs.c.preview).where(
                picture_blurs.c.version.in_(missing)
            )
            async with self._db.glance() as tx:
                rows = (await tx.execute(statement)).all()
            if len(self._unknown) > _KNOWN:
                self._unknown.clear()
            self._unknown.update(dict.fromkeys(missing, now))
            for version, preview in rows:
                self._known[version] = found[wanted[version]] = preview
                self._unknown.pop(version, None)
            while len(self._known) > _KNOWN:
                self._known.popitem(last=False)
        return {one: preview for one, preview in found.items() if preview}

    async def run(self, ctx: JobContext, args: PlaceholderArgs) -> dict[str, int]:
        """Returns {"made": placeholders, "failed": pictures that cannot be had now}."""
        made = failed = in_row = 0
        after = (float("inf"), 0)
        total = await self._missing()
        while batch := await self._next(after):
            for title_id, added_at, image_id in batch:
                after = added_at, title_id
                ctx.check_cancelled()
                try:
                    await self._make(title_id, image_id)
                    made, in_row = made + 1, 0
                except ProviderError as error:
                    failed, in_row = failed + 1, in_row + isinstance(error, NotReady)
                    _log.debug("a placeholder cannot be made now", image=image_id, reason=str(error)[:200])
                if in_row >= _FAILURES:
                    raise RetryLater(N_("The pictures cannot be had now."), _PAUSE_AWAY)
                await asyncio.sleep(self.pause)
            await ctx.progress(made + failed, max(total, made + failed))
        await self._tidy(ctx)
        return {"made": made, "failed": failed}

    async def _missing(self) -> int:
        statement = select(func.count()).select_from(_lacking()).where(*_CONDITIONS)
        async with self._db.read() as tx:
            return int(await tx.scalar(statement) or 0)

    async def _next(self, after: tuple[float, int]) -> list[tuple[int, float, str]]:
        """The next titles, newest first, as (title id, when it was added, image id of its poster)."""
        added_at, title_id = after
        statement = (
            select(titles.c.id, titles.c.added_at, titles.c.poster)
            .select_from(_lacking())
            .where(
                *_CONDITIONS,
                (titles.c.added_at < added_at) | ((titles.c.added_at == added_at) & (titles.c.id > title_id)),
            )
            .order_by(titles.c.added_at.desc(), titles.c.id)
            .limit(_BATCH)
        )
        async with self._db.read() as tx:
            rows = (await tx.execute(statement)).all()
        return [(row[0], row[1], poster_id(row[0], row[2])) for row in rows]

    async def _make(self, title_id: int, image_id: str) -> None:
        version, asset = image_id.rpartition("-")[2], image_id.split("-")[1]
        wide = asset == "thumb"
        found = await self._said(title_id, asset)
        preview = await asyncio.to_thread(preview_of, found, wide=wide) if found else ""
        if not preview:
            try:
                content = await self._images.small(image_id, _WIDTH)
                found = await asyncio.to_thread(hash_of, content)
                preview = await asyncio.to_thread(preview_of, found, wide=wide)
            except (NotFound, InvalidResponse):
                # The server has no picture there: nothing to wait for until it gives another one.
                found = preview = ""
        async with self._db.begin() as tx:
            await tx.execute(
                tx.insert(picture_blurs)
                .values(version=version, blurhash=found, preview=preview)
                .on_conflict_do_nothing(index_elements=["version"])
            )
        self._unknown.pop(version, None)

    async def _said(self, title_id: int, asset: str) -> str:
        """The BlurHash that the server of this picture says of it."""
        async with self._db.read() as tx:
            data = await tx.scalar(select(title_docs.c.doc).where(title_docs.c.id == title_id))
        if data is None:
            return ""
        doc = parse(data)
        said = (doc.values.get("blurhash") or {}).get(asset)
        same = doc.source_of("blurhash", asset) == doc.source_of("assets", asset)
        return said if isinstance(said, str) and same else ""

    async def _tidy(self, ctx: JobContext) -> None:
        """Forget pictures that no title shows any more."""
        shown = select(func.substr(titles.c.poster, 2)).where(titles.c.poster.is_not(None))
        async with ctx.begin() as tx:
            await tx.execute(delete(picture_blurs).where(picture_blurs.c.version.not_in(shown)))


_CONDITIONS = (TOP, titles.c.poster.is_not(None), picture_blurs.c.version.is_(None))


def _lacking() -> Any:
    return titles.outerjoin(picture_blurs, picture_blurs.c.version == func.substr(titles.c.poster, 2))
