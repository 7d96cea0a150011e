"""Downloads as pages and the API use them. Everything is scoped by the viewer: what is not theirs answers None."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.logging import get_logger
from medianest_core.base.tasks import TaskKeeper
from medianest_core.base.texts import N_
from medianest_core.bus.events import InstanceChanged
from medianest_core.bus.outbox import EventBus
from medianest_core.cache.cached import Caches
from medianest_core.cache.values import Cache
from medianest_core.domain.downloads.entries import (
    FINISHED,
    Download,
    DownloadPage,
    Item,
    Preview,
    Quota,
    ServedFile,
    Target,
)
from medianest_core.domain.downloads.filing import PATIENCE, Filing
from medianest_core.domain.downloads.following import Following
from medianest_core.domain.downloads.item import ItemRunner
from medianest_core.domain.downloads.keeping import Keeping, remember
from medianest_core.domain.downloads.meter import Meter
from medianest_core.domain.downloads.places import Places
from medianest_core.domain.downloads.queue import FILING_JOB, ITEM_JOB, FilingArgs, ItemArgs, Queue
from medianest_core.domain.downloads.reading import Reading, visible
from medianest_core.domain.downloads.submission import Submission, Wish
from medianest_core.domain.downloads.sweeping import Sweeper, remove_files
from medianest_core.domain.downloads.thumbnails import Thumbnails
from medianest_core.domain.library.pictures.image_store import ImageStore, ServedImage
from medianest_core.domain.library.service import Library
from medianest_core.host.instances import Instances
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.jobs import Job, Retry
from medianest_core.sdk.permissions import OWNER
from medianest_core.sdk.routes import Viewer
from medianest_core.store.engine import Database, Tx
from medianest_core.store.errors import DatabaseAway, Stale
from medianest_core.store.repos.audit import record
from medianest_core.store.tables.downloads import (
    download_archive,
    download_files,
    download_items,
    downloads,
)
from medianest_core.store.transaction import alone

_log = get_logger(__name__)
TICK = 3.0
_SWEEP_EVERY = 100


class Downloads:
    """Facade; `jobs()` go into the job registry, `start()` and `stop()` frame the process's life. root: the downloads folder.
    pictures, cache: for thumbnails. caches: for what is behind addresses."""

    def __init__(
        self,
        *,
        db: Database,
        bus: EventBus,
        ledger: Ledger,
        instances: Instances,
        library: Library,
        clock: Clock,
        root: Path,
        pictures: ImageStore,
        cache: Cache,
        caches: Caches | None = None,
        places: Places | None = None,
        tick: float = TICK,
        patience: float = PATIENCE,
    ) -> None:
        self._db = db
        self._bus = bus
        self._ledger = ledger
        self._instances = instances
        self._clock = clock
        self._tick = tick
        self.places = places or Places(root)
        self.meter = Meter(bus)
        self.queue = Queue(db, ledger, bus, instances, self.places, clock)
        self._runner = ItemRunner(db, self.queue, instances, self.places, self.meter, clock)
        self._filing = Filing(db, self.queue, instances, library, clock, patience=patience)
        self._thumbnails = Thumbnails(db, instances, self.places, pictures, cache)
        self._submission = Submission(
            db,
            self.queue,
            instances,
            library,
            self.places,
            self._thumbnails,
            clock,
            caches or Caches(cache, clock),
        )
        self._keeping = Keeping(
            db, self.queue, instances, library, self.places, self._submission.targets, clock
        )
        self.following = Following(db, ledger, self._submission, self._keeping, clock)
        self._reading = Reading(db, self.places, self.meter, library)
        self._sweeper = Sweeper(db, self.places)
        self._tasks = TaskKeeper()
        self._end_listening: list[Any] = []

    def jobs(self) -> list[Job[Any]]:
        # An item's failures are its own status; an attempt is only spent when the process dies.
        return [
            Job(
                ITEM_JOB,
                self._runner.run,
                ItemArgs,
                title=N_("Download"),
                retry=Retry(attempts=5, delay=1.0),
                policy=OWNER,
            ),
            Job(
                FILING_JOB,
                self._filing.run,
                FilingArgs,
                title=N_("File into the library"),
                retry=Retry(attempts=8, delay=5.0),
                unique_by=lambda args: args.download_id,
                policy=OWNER,
            ),
            *self.following.jobs(),
        ]

    async def start(self) -> None:
        """Make the folder, sweep away orphaned half files, and keep the queue moving."""
        try:
            await asyncio.to_thread(self.places.prepare)
            await self._sweeper.sweep()
        except OSError as error:
            _log.error("the downloads folder cannot be used", reason=error.strerror)
        self._end_listening.append(
            self._bus.subscribe(InstanceChanged, self._instance_changed, name="downloads")
        )
        self._tasks.spawn(self._keep_moving(), "downloads queue")

    async def stop(self) -> None:
        for end in self._end_listening:
            end()
        self._end_listening.clear()
        await self._tasks.close()

    # Submitting

    async def inspect(self, viewer: Viewer, url: str, instance_id: str | None = None) -> Preview:
        """What is behind an address. Raises UserError, NotReady and other ProviderErrors."""
        return await self._submission.inspect(viewer, url, instance_id)

    async def submit(
        self, viewer: Viewer, url: str, wish: Wish | None = None, instance_id: str | None = None
    ) -> str:
        """Id of the new download. Raises TooManySubmissions, UserError, ProviderErrors."""
        made = await self._submission.submit(viewer, url, wish or Wish(), instance_id)
        assert made is not None, "only a subscription can ask for nothing new"
        return made

    async def quota(self, viewer: Viewer, instance_id: str) -> Quota:
        return await self._submission.quota(viewer, instance_id)

    async def targets(self) -> list[Target]:
        """Libraries that finished files can be filed into; the likeliest first."""
        return await self._submission.targets()

    # Reading

    async def list(
        self,
        viewer: Viewer,
        *,
        everyone: bool = False,
        statuses: Sequence[str] = (),
        cursor: str | None = None,
        limit: int = 30,
    ) -> DownloadPage:
        """Newest first; `everyone` has effect for admins only."""
        return await self._reading.page(
            viewer, everyone=everyone, statuses=statuses, cursor=cursor, limit=limit
        )

    async def get(self, viewer: Viewer, download_id: str) -> Download | None:
        return await self._reading.get(viewer, download_id)

    async def items(
        self, viewer: Viewer, download_id: str, *, after: int = 0, limit: int = 200
    ) -> Sequence[Item] | None:
        return await self._reading.items(viewer, download_id, after=after, limit=limit)

    async def file(self, viewer: Viewer, file_id: str) -> ServedFile | None:
        return await self._reading.file(viewer, file_id)

    async def picture(self, viewer: Viewer, image_id: str, width: int, accept: str = "") -> ServedImage:
        """A picture by an id of `Item.image` and its like. Raises NotFound for one that is not the viewer's, ProviderErrors."""
        return await self._thumbnails.serve(viewer, image_id, width, accept)

    # Steering; each answers the download as it is then, None where it does not exist for the viewer

    async def cancel(self, viewer: Viewer, download_id: str) -> Download | None:
        """End it; finished items stay."""

        async def change(tx: Tx, row: RowMapping) -> None:
            if row["status"] in FINISHED:
                return
            for item in await _open_items(tx, row["id"]):
                await self._take_back(tx, row, item, "cancelled", finished_at=self._clock.now())
            counts = await self.queue.counts(tx, row["id"])
            lacking = counts.get("cancelled") or counts.get("failed")
            status = ("partial" if lacking else "done") if counts.get("done") else "cancelled"
            filing = {**row["filing"], "stage": "failed", "reason": N_("Cancelled.")} if row["filing"] else {}
            await self.queue.put_status(tx, row, status, filing=filing)

        found = await self._change(viewer, download_id, "downloads.cancelled", change)
        await self._sweep_soon()
        return found

    async def cancel_item(self, viewer: Viewer, download_id: str, item_id: str) -> Download | None:
        async def change(tx: Tx, row: RowMapping) -> None:
            for item in await _open_items(tx, row["id"]):
                if item["id"] == item_id:
                    await self._take_back(tx, row, item, "cancelled", finished_at=self._clock.now())
            await self.queue.settle(tx, row["id"])

        found = await self._change(viewer, download_id, "downloads.item_cancelled", change)
        await self._sweep_soon()
        return found

    async def pause(self, viewer: Viewer, download_id: str, reason: str = "") -> Download | None:
        """Stop what runs, keeping half files, and start nothing until `resume`."""

        async def change(tx: Tx, row: RowMapping) -> None:
            if row["status"] not in ("queued", "running"):
                return
            for item in await _open_items(tx, row["id"]):
                if item["status"] == "running":
                    await self._take_back(tx, row, item, "queued")
            why = reason or (N_("Paused by an admin.") if viewer.id != row["user_id"] else N_("Paused."))
            await self.queue.put_status(tx, row, "paused", reason=why)

        return await self._change(viewer, download_id, "downloads.paused", change)

    async def resume(self, viewer: Viewer, download_id: str) -> Download | None:
        async def change(tx: Tx, row: RowMapping) -> None:
            if row["status"] != "paused":
                return
            await self.queue.put_status(tx, row, "queued", reason="")
            await tx.execute(
                update(download_items)
                .where(download_items.c.download_id == row["id"], download_items.c.status == "queued")
                .values(due_at=0.0)
            )
            await self.queue.settle(tx, row["id"])

        return await self._change(viewer, download_id, "downloads.resumed", change)

    async def retry_failed(
        self, viewer: Viewer, download_id: str, item_id: str | None = None
    ) -> Download | None:
        """Fetch failed and cancelled items again (or one of them), and file again what could not be filed."""

        async def change(tx: Tx, row: RowMapping) -> None:
            statement = (
                update(download_items)
                .where(
                    download_items.c.download_id == row["id"],
                    download_items.c.status.in_(("failed", "cancelled")),
                )
                .values(status="queued", reason="", tries=0, due_at=0.0, job_id=None, finished_at=None)
            )
            if item_id is not None:
                statement = statement.where(download_items.c.id == item_id)
            changed = await tx.execute(statement)
            if changed.rowcount and row["status"] in FINISHED:
                await self.queue.put_status(tx, row, "queued", reason="")
            await self.queue.settle(tx, row["id"])

        return await self._change(viewer, download_id, "downloads.retried", change)

    async def reorder(
        self, viewer: Viewer, download_id: str, before: str | None, *, version: int | None = None
    ) -> Download | None:
        """Let it run before another unfinished download of the same owner; None: after all of them.

        version: of the download as the person saw it; raises Stale where it is another by now. UserError for an unknown `before`.
        """

        async def change(tx: Tx, row: RowMapping) -> None:
            if version is not None and row["version"] != version:
                raise Stale({"version": row["version"], "position": row["position"]})
            rows = await tx.all(
                select(downloads.c.id, downloads.c.position)
                .where(downloads.c.user_id == row["user_id"], downloads.c.status.not_in(FINISHED))
                .order_by(downloads.c.position, downloads.c.created_at)
            )
            order = [one["id"] for one in rows if one["id"] != row["id"]]
            if before is not None and before not in order:
                raise UserError("That download is not waiting any more.", "before")
            order.insert(order.index(before) if before is not None else len(order), row["id"])
            # The same places in the whole queue, in another order: other people's downloads do not move.
            places = sorted(one["position"] for one in rows)
            for place, one in zip(places, order, strict=False):
                await tx.execute(update(downloads).where(downloads.c.id == one).values(position=place))
            await tx.execute(
                update(downloads).where(downloads.c.id == row["id"]).values(version=downloads.c.version + 1)
            )

        return await self._change(viewer, download_id, "downloads.reordered", change)

    async def remove(self, viewer: Viewer, download_id: str, *, files: bool = False) -> bool:
        """Forget a finished download and that its items are had; with `files`, delete those that no other download holds. False
        where it does not exist for the viewer or has not ended."""
        async with self._db.begin() as tx:
            await alone(tx, "downloads")
            row = await self._row(tx, viewer, download_id)
            if row is None or row["status"] not in FINISHED:
                return False
            mine = select(download_items.c.id).where(download_items.c.download_id == download_id)
            paths = {
                found[0]
                for found in await tx.execute(
                    select(download_files.c.path).where(download_files.c.item_id.in_(mine))
                )
            }
            if files:
                shared = {
                    found[0]
                    for found in await tx.execute(
                        select(download_files.c.path).where(
                            download_files.c.path.in_(paths), download_files.c.item_id.not_in(mine)
                        )
                    )
                }
                paths -= shared
            else:
                paths = set()
            if row["subscription_id"]:
                keys = select(download_items.c.key).where(download_items.c.download_id == download_id)
                await remember(tx, row["subscription_id"], [found[0] for found in await tx.execute(keys)])
            await tx.execute(delete(download_archive).where(download_archive.c.item_id.in_(mine)))
            await self._note(tx, viewer, row, "downloads.removed")
            await tx.execute(delete(download_files).where(download_files.c.item_id.in_(mine)))
            await tx.execute(delete(download_items).where(download_items.c.download_id == download_id))
            await self.queue.forget(tx, row)
        await asyncio.to_thread(remove_files, self.places, paths)
        return True

    async def usage(self) -> Mapping[str, int]:
        """user id → bytes of finished files, each file once."""
        once = (
            select(
                download_files.c.user_id, download_files.c.path, func.max(download_files.c.size).label("size")
            )
            .group_by(download_files.c.user_id, download_files.c.path)
            .subquery()
        )
        async with self._db.read() as tx:
            rows = await tx.execute(select(once.c.user_id, func.sum(once.c.size)).group_by(once.c.user_id))
            return {row[0]: int(row[1]) for row in rows}

    # Inside

    async def _change(self, viewer: Viewer, download_id: str, action: str, change: Any) -> Download | None:
        async with self._db.begin() as tx:
            await alone(tx, "downloads")
            row = await self._row(tx, viewer, download_id)
            if row is None:
                return None
            await change(tx, row)
            await self._note(tx, viewer, row, action)
            await self.queue.fill(tx, row["instance_id"])
        return await self.get(viewer, download_id)

    async def _row(self, tx: Tx, viewer: Viewer, download_id: str) -> RowMapping | None:
        return await tx.first(select(downloads).where(downloads.c.id == download_id, visible(viewer)))

    async def _note(self, tx: Tx, viewer: Viewer, row: RowMapping, action: str) -> None:
        """What admins do with other people's downloads is written down."""
        if viewer.id != row["user_id"]:
            await record(
                tx, actor=viewer.id, action=action, target=row["id"], details={"owner": row["user_id"]}
            )

    async def _take_back(
        self, tx: Tx, download: RowMapping, item: RowMapping, status: str, **values: Any
    ) -> None:
        """Out of the hands of its job, if it has one."""
        if await self.queue.put_item(tx, download, item, status, job_id=None, **values) and item["job_id"]:
            await self._ledger.cancel(tx, item["job_id"])

    async def _keep_moving(self) -> None:
        turn = 0
        while True:
            await asyncio.sleep(self._tick)
            turn += 1
            try:
                await self.queue.tick()
                if turn % _SWEEP_EVERY == 0:
                    await self._sweeper.sweep()
            except DatabaseAway:
                continue
            except Exception:
                _log.exception("the downloads queue stumbled; it goes on")

    async def _instance_changed(self, event: InstanceChanged) -> None:
        if event.state == "ready":
            await self.queue.back(event.instance_id)

    async def _sweep_soon(self) -> None:
        self._tasks.spawn(self._sweep_later(), "half files")

    async def _sweep_later(self) -> None:
        # The cancelled jobs need a moment to let go of their folders.
        await asyncio.sleep(self._tick)
        await self._sweeper.sweep()


async def _open_items(tx: Tx, download_id: str) -> Sequence[RowMapping]:
    return await tx.all(
        select(download_items).where(
            download_items.c.download_id == download_id,
            download_items.c.status.in_(("queued", "running")),
        )
    )
