"""What a subscription keeps, video by video: the newest so many, or those of so many days. The others go with their files, and the media
servers are told to look again.

Untouched stays what is on its way, what another download holds too, and everything of a download that has not ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from sqlalchemy import delete, func, select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.logging import get_logger
from medianest_core.domain.downloads.entries import FINISHED, Target
from medianest_core.domain.downloads.filters import Wanted, beyond
from medianest_core.domain.downloads.places import Places, server_path
from medianest_core.domain.downloads.queue import Queue, status_of
from medianest_core.domain.downloads.sweeping import remove_files
from medianest_core.domain.library.service import Library
from medianest_core.host.instances import Instances
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.media import MediaSource
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.downloads import (
    download_archive,
    download_files,
    download_items,
    download_subscription_known,
    download_subscriptions,
    downloads,
)
from medianest_core.store.transaction import alone

_OPEN = ("queued", "running")
_AT_ONCE = 400
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Shelf:
    """A library of a media server that holds files which go. paths: as the server names them."""

    instance_id: str
    library: str
    paths: tuple[str, ...]


class Keeping:
    """targets: libraries of media servers, with the downloads folder as each sees it."""

    def __init__(
        self,
        db: Database,
        queue: Queue,
        instances: Instances,
        library: Library,
        places: Places,
        targets: Callable[[], Awaitable[Sequence[Target]]],
        clock: Clock,
    ) -> None:
        self._db = db
        self._queue = queue
        self._instances = instances
        self._library = library
        self._places = places
        self._targets = targets
        self._clock = clock

    async def beyond(self, subscription_id: str, wanted: Wanted) -> Sequence[str]:
        """Titles of what would go now, the newest first."""
        async with self._db.read() as tx:
            return [row["title"] for row in await self._beyond(tx, subscription_id, wanted)]

    async def dates(self, subscription_id: str) -> dict[str, float]:
        """key → epoch seconds, of all that the subscription has now: when it was published, as far as that is known."""
        async with self._db.read() as tx:
            return {row["key"]: row["at"] for row in await self._items(tx, subscription_id)}

    async def take_away(self, subscription_id: str, wanted: Wanted) -> int:
        """Remove what is beyond what the person wants to keep. Returns how many videos. What goes is never new again."""
        removed = 0
        while True:
            async with self._db.read() as tx:
                meant = (await self._beyond(tx, subscription_id, wanted))[:_AT_ONCE]
                shelves = await self._shelves(tx, meant)
            if not meant:
                return removed
            held = {shelf: await self._held(shelf) for shelf in shelves}
            gone = await self._remove(subscription_id, wanted, {row["id"] for row in meant})
            for shelf in shelves:
                await self._tell(shelf, held[shelf])
            removed += gone
            if not gone or len(meant) < _AT_ONCE:
                return removed

    async def _remove(self, subscription_id: str, wanted: Wanted, meant: set[str]) -> int:
        async with self._db.begin() as tx:
            await alone(tx, "downloads")
            rows = [row for row in await self._beyond(tx, subscription_id, wanted) if row["id"] in meant]
            ids = [row["id"] for row in rows]
            paths = {
                found[0]
                for found in await tx.execute(
                    select(download_files.c.path).where(download_files.c.item_id.in_(ids))
                )
            }
            # First the files: a crash leaves rows that the next look takes away, and no files that nobody knows of.
            await asyncio.to_thread(remove_files, self._places, paths)
            await remember(tx, subscription_id, [row["key"] for row in rows])
            await tx.execute(delete(download_archive).where(download_archive.c.item_id.in_(ids)))
            await tx.execute(delete(download_files).where(download_files.c.item_id.in_(ids)))
            await tx.execute(delete(download_items).where(download_items.c.id.in_(ids)))
            for download_id in dict.fromkeys(row["download_id"] for row in rows):
                await self._settle(tx, download_id)
        return len(rows)

    async def _settle(self, tx: Tx, download_id: str) -> None:
        """A download of which everything went is no more; of others the pages learn."""
        counts = await self._queue.counts(tx, download_id)
        row = await tx.one(select(downloads).where(downloads.c.id == download_id))
        if not counts:
            await self._queue.forget(tx, row)
            return
        status = status_of(row, counts)
        await tx.execute(
            update(downloads)
            .where(downloads.c.id == download_id)
            .values(status=status, version=downloads.c.version + 1)
        )
        await self._queue.tell(tx, row, status, row["reason"])

    async def _items(self, tx: Tx, subscription_id: str) -> list[RowMapping]:
        """All of a subscription, the newest first."""
        at = func.coalesce(download_items.c.published_at, downloads.c.created_at)
        return await tx.all(
            select(
                download_items.c.id,
                download_items.c.key,
                download_items.c.title,
                download_items.c.status,
                download_items.c.user_id,
                download_items.c.download_id,
                downloads.c.status.label("download_status"),
                at.label("at"),
            )
            .join(downloads, downloads.c.id == download_items.c.download_id)
            .where(downloads.c.subscription_id == subscription_id)
            .order_by(at.desc(), downloads.c.created_at.desc(), download_items.c.number)
        )

    async def _beyond(self, tx: Tx, subscription_id: str, wanted: Wanted) -> list[RowMapping]:
        """What may go now, the newest first."""
        if wanted.keep is None and wanted.keep_days is None:
            return []
        rows = await self._items(tx, subscription_id)
        found = [
            row
            for row in beyond(wanted, rows, self._clock.now())
            if row["download_status"] in FINISHED and row["status"] not in _OPEN
        ]
        held: set[str] = set()
        for start in range(0, len(found), _AT_ONCE):
            held |= await self._held_elsewhere(
                tx, found[start : start + _AT_ONCE], {row["id"] for row in found}
            )
        return [row for row in found if row["id"] not in held]

    async def _held_elsewhere(self, tx: Tx, rows: Sequence[RowMapping], going: set[str]) -> set[str]:
        """Ids of those whose files are an item's that stays, or that are fetched again just now for the same person."""
        ids = [row["id"] for row in rows]
        other = download_files.alias()
        shared = await tx.execute(
            select(download_files.c.item_id, other.c.item_id)
            .join(other, other.c.path == download_files.c.path)
            .where(download_files.c.item_id.in_(ids), other.c.item_id != download_files.c.item_id)
        )
        held = {row[0] for row in shared if row[1] not in going}
        coming = {
            (row[0], row[1])
            for row in await tx.execute(
                select(download_items.c.user_id, download_items.c.key).where(
                    download_items.c.status.in_(_OPEN), download_items.c.key.in_({row["key"] for row in rows})
                )
            )
        }
        return held | {row["id"] for row in rows if (row["user_id"], row["key"]) in coming}

    async def _shelves(self, tx: Tx, rows: Sequence[RowMapping]) -> list[_Shelf]:
        """Where the media of these may stand: in the library they were filed into, and in those that read the downloads folder itself."""
        files = await tx.all(
            select(
                download_files.c.path,
                downloads.c.target_instance,
                downloads.c.target_library,
                downloads.c.server_folder,
            )
            .join(download_items, download_items.c.id == download_files.c.item_id)
            .join(downloads, downloads.c.id == download_items.c.download_id)
            .where(
                download_files.c.item_id.in_([row["id"] for row in rows]), download_files.c.kind == "media"
            )
        )
        found: dict[tuple[str, str], set[str]] = {}
        own = str(self._places.root)
        reading = [one for one in await self._targets() if one.folder == own] if files else []
        for row in files:
            for one in reading:
                found.setdefault((one.instance_id, one.library), set()).add(server_path(own, row["path"]))
            if row["target_instance"]:
                place = (row["target_instance"], row["target_library"])
                found.setdefault(place, set()).add(server_path(row["server_folder"] or own, row["path"]))
        return [_Shelf(*place, tuple(sorted(paths))) for place, paths in found.items()]

    async def _held(self, shelf: _Shelf) -> Sequence[str]:
        """Keys of the titles at the server; none where it does not answer."""
        try:
            api = self._instances.get(MediaSource, shelf.instance_id).api  # type: ignore[type-abstract]  # a key, not made
            return sorted(set((await api.locate(shelf.library, list(shelf.paths))).values()))
        except MediaNestError as error:
            _log.info("a server does not say which titles go", instance=shelf.instance_id, reason=str(error))
            return []

    async def _tell(self, shelf: _Shelf, keys: Sequence[str]) -> None:
        """Let the server see that files are gone, and the library that titles may be. A sync finds out in any case."""
        try:
            api = self._instances.get(MediaSource, shelf.instance_id).api  # type: ignore[type-abstract]  # a key, not made
            for folder in sorted({_parent(path) for path in shelf.paths}):
                await api.rescan(shelf.library, folder)
            if keys:
                await self._library.request_titles(shelf.instance_id, keys)
        except MediaNestError as error:
            _log.info("a server will see later what is gone", instance=shelf.instance_id, reason=str(error))


async def remember(tx: Tx, subscription_id: str, keys: Sequence[str]) -> None:
    """These are never new for the subscription, if there still is one."""
    there = select(download_subscriptions.c.id).where(download_subscriptions.c.id == subscription_id)
    if await tx.scalar(there) is None:
        return
    for key in dict.fromkeys(keys):
        await tx.execute(
            tx.insert(download_subscription_known)
            .values(subscription_id=subscription_id, key=key)
            .on_conflict_do_nothing(index_elements=["subscription_id", "key"])
        )


def _parent(path: str) -> str:
    return path.rpartition("\\")[0] if "\\" in path else str(PurePosixPath(path).parent)
