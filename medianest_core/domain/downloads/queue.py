"""Which items run next. Items wait in their own table, in their downloads' order; a job is made only for those that start, so
that order, pauses and limits are one decision in one transaction.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from pydantic import BaseModel
from sqlalchemy import case, delete, exists, func, literal, select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.logging import get_logger
from medianest_core.base.texts import N_
from medianest_core.bus.events import DownloadChanged, DownloadRemoved
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.downloads.places import Places
from medianest_core.host.instances import Instances
from medianest_core.ledger.enqueue import Ledger
from medianest_core.ledger.states import FINISHED as JOB_FINISHED
from medianest_core.ledger.states import JobState
from medianest_core.sdk.downloads import Downloader, Limits
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.events import Audience
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.downloads import download_items, download_queues, downloads
from medianest_core.store.tables.ledger import jobs
from medianest_core.store.transaction import alone

ITEM_JOB = "downloads.item"
FILING_JOB = "downloads.file_into_library"
NO_ROOM = N_("The disk is nearly full. This goes on by itself once there is room.")
_LOOK_AHEAD = 50
"""Waiting items of each person that are looked at."""
_CRASHES = 5
_LOST = 4
"""How often a filing is begun anew after its job has ended without a word."""
_log = get_logger(__name__)


class ItemArgs(BaseModel):
    item_id: str


class FilingArgs(BaseModel):
    download_id: str


class Queue:
    def __init__(
        self,
        db: Database,
        ledger: Ledger,
        bus: EventBus,
        instances: Instances,
        places: Places,
        clock: Clock,
    ) -> None:
        self._db = db
        self._ledger = ledger
        self._bus = bus
        self._instances = instances
        self._places = places
        self._clock = clock

    async def tick(self) -> None:
        """Start whatever may start; put right what a crash left behind. Cheap when nothing is open."""
        async with self._db.read() as tx:
            open_items = await tx.all(
                select(download_items.c.instance_id, jobs.c.state, download_items.c.job_id)
                .outerjoin(jobs, jobs.c.id == download_items.c.job_id)
                .where(download_items.c.status.in_(("queued", "running")))
                .group_by(download_items.c.instance_id, jobs.c.state, download_items.c.job_id)
            )
        await self._file_again()
        if not open_items:
            return
        for instance_id in sorted({row["instance_id"] for row in open_items}):
            async with self._db.begin() as tx:
                await alone(tx, "downloads")
                await self._recover(tx, instance_id)
                await self.fill(tx, instance_id)

    async def _file_again(self) -> None:
        """Downloads that are to be filed and whose job is over without their saying so: it was killed once too often, or cancelled
        from the jobs page."""
        in_hand = exists().where(
            jobs.c.name == FILING_JOB,
            jobs.c.state.not_in(list(JOB_FINISHED)),
            jobs.c.unique_text == literal(f"{FILING_JOB}\n").concat(downloads.c.id),
        )
        forgotten = select(downloads).where(downloads.c.status == "filing", ~in_hand)
        async with self._db.read() as reading:
            if await reading.first(forgotten.limit(1)) is None:
                return
        async with self._db.begin() as tx:
            await alone(tx, "downloads")
            for row in await tx.all(forgotten):
                filing = dict(row["filing"])
                lost = int(filing.get("lost", 0)) + 1
                if lost < _LOST:
                    await tx.execute(
                        update(downloads)
                        .where(downloads.c.id == row["id"])
                        .values(filing={**filing, "lost": lost})
                    )
                    await self._file(tx, row)
                    continue
                counts = await self.counts(tx, row["id"])
                reason = N_("It was tried several times, and the portal stopped each time.")
                await self.put_status(
                    tx,
                    row,
                    "partial" if counts.get("failed") else "done",
                    reason=reason,
                    filing={**filing, "stage": "failed", "reason": reason},
                )

    async def fill(self, tx: Tx, instance_id: str) -> None:
        """Start items of this downloader up to its limit: the person with the fewest running first, then in order."""
        limits = self.limits(instance_id)
        if limits is None:
            return
        await tx.execute(
            tx.insert(download_queues)
            .values(instance_id=instance_id, turn=1)
            .on_conflict_do_update(index_elements=["instance_id"], set_={"turn": download_queues.c.turn + 1})
        )
        running = await tx.all(
            select(download_items.c.user_id, download_items.c.key, download_items.c.form).where(
                download_items.c.instance_id == instance_id, download_items.c.status == "running"
            )
        )
        places_left = limits.concurrent - len(running)
        if places_left <= 0:
            return
        waiting = await self._waiting(tx, instance_id)
        busy = Counter(row["user_id"] for row in running)
        taken = {(row["user_id"], row["key"], row["form"]) for row in running}
        while places_left > 0 and waiting:
            chosen = min(waiting, key=lambda row: (busy[row["user_id"]], waiting.index(row)))
            waiting.remove(chosen)
            mark = (chosen["user_id"], chosen["key"], chosen["form"])
            if mark in taken:
                # The same item is on its way for the same person; then it will be linked.
                continue
            if self._places.short_of(chosen["size"]):
                await self._hold(tx, instance_id)
                return
            await self._start(tx, chosen)
            taken.add(mark)
            busy[chosen["user_id"]] += 1
            places_left -= 1

    def limits(self, instance_id: str) -> Limits | None:
        """None while the downloader is not available."""
        try:
            return self._instances.get(Downloader, instance_id).api.limits()  # type: ignore[type-abstract]  # a key, not made
        except MediaNestError:
            return None

    async def settle(self, tx: Tx, download_id: str) -> str:
        """Derive the download's status from its items; begins filing where that is due. Returns the status."""
        row = await tx.one(select(downloads).where(downloads.c.id == download_id))
        counts = await self.counts(tx, download_id)
        status = status_of(row, counts)
        unfiled = False
        if status in ("done", "partial") and row["target_instance"]:
            unfiled = bool(
                await tx.scalar(
                    select(func.count()).where(
                        download_items.c.download_id == download_id,
                        download_items.c.status == "done",
                        download_items.c.media_key.is_(None),
                    )
                )
            )
        filing = dict(row["filing"])
        if unfiled:
            status = "filing"
            if row["status"] != "filing":
                filing = {
                    "stage": "waiting",
                    "reason": "",
                    "steps": {"waiting": self._clock.now()},
                    "tries": 0,
                }
                await self._file(tx, row)
        await self.put_status(tx, row, status, filing=filing)
        return status

    async def back(self, instance_id: str) -> None:
        """A service is back: what waited for it need not wait any longer."""
        async with self._db.begin() as tx:
            await alone(tx, "downloads")
            await tx.execute(
                update(download_items)
                .where(
                    download_items.c.instance_id == instance_id,
                    download_items.c.status == "queued",
                    download_items.c.tries == 0,
                    download_items.c.due_at > self._clock.now(),
                )
                .values(due_at=0.0)
            )
            for row in await tx.all(
                select(downloads).where(
                    downloads.c.status == "filing", downloads.c.target_instance == instance_id
                )
            ):
                await self._file(tx, row)
        await self.tick()

    async def _file(self, tx: Tx, row: RowMapping) -> None:
        """Make the filing job, or bring the waiting one forward."""
        await self._ledger.enqueue(
            tx,
            FILING_JOB,
            FilingArgs(download_id=row["id"]),
            owner=row["user_id"],
            unique=row["id"],
            title=N_("File {title} into the library").format(title=row["title"]),
        )

    async def put_status(
        self, tx: Tx, row: RowMapping, status: str, *, reason: str | None = None, **values: Any
    ) -> None:
        """Write a download's status, and tell its owner if it is another one."""
        ended = status in ("done", "partial", "failed", "cancelled")
        changes = {
            "status": status,
            "reason": (row["reason"] if status == row["status"] else "") if reason is None else reason,
            "finished_at": (row["finished_at"] or self._clock.now()) if ended else None,
            **values,
        }
        if all(row[name] == value for name, value in changes.items()):
            return
        await tx.execute(
            update(downloads)
            .where(downloads.c.id == row["id"])
            .values(**changes, version=downloads.c.version + 1)
        )
        if (
            status != row["status"]
            or changes["reason"] != row["reason"]
            or changes.get("filing", row["filing"]) != row["filing"]
        ):
            await self.tell(tx, row, status, str(changes["reason"]))

    async def tell(
        self, tx: Tx, download: RowMapping, status: str, reason: str, item: RowMapping | None = None
    ) -> None:
        event = DownloadChanged(
            download_id=download["id"],
            item_id=item["id"] if item is not None else None,
            user_id=download["user_id"],
            title=item["title"] if item is not None else download["title"],
            status=status,
            reason=reason,
        )
        await self._bus.publish(tx, event, Audience.downloads(download["user_id"]))

    async def forget(self, tx: Tx, download: RowMapping) -> None:
        """Take a download that has no items any more out of the list, and tell."""
        await tx.execute(delete(downloads).where(downloads.c.id == download["id"]))
        event = DownloadRemoved(
            download_id=download["id"], user_id=download["user_id"], title=download["title"]
        )
        await self._bus.publish(tx, event, Audience.downloads(download["user_id"]))

    async def put_item(
        self, tx: Tx, download: RowMapping, item: RowMapping, status: str, reason: str = "", **values: Any
    ) -> bool:
        """Write an item's status if it is still as `item` says; False where someone else was faster."""
        result = await tx.execute(
            update(download_items)
            .where(
                download_items.c.id == item["id"],
                download_items.c.status == item["status"],
                download_items.c.job_id.is_(None)
                if item["job_id"] is None
                else download_items.c.job_id == item["job_id"],
            )
            .values(status=status, reason=reason, **values)
        )
        if result.rowcount != 1:
            return False
        await self.tell(tx, download, status, reason, item)
        return True

    async def counts(self, tx: Tx, download_id: str) -> dict[str, int]:
        rows = await tx.execute(
            select(download_items.c.status, func.count())
            .where(download_items.c.download_id == download_id)
            .group_by(download_items.c.status)
        )
        return {row[0]: row[1] for row in rows}

    async def _waiting(self, tx: Tx, instance_id: str) -> list[RowMapping]:
        """The next items of each person, in order: a long list of one does not hide what others wait for."""
        order = (downloads.c.position, downloads.c.created_at, download_items.c.number)
        place = func.row_number().over(partition_by=download_items.c.user_id, order_by=order)
        open_items = (
            select(download_items.c.id, place.label("place"))
            .join(downloads, downloads.c.id == download_items.c.download_id)
            .where(
                download_items.c.instance_id == instance_id,
                download_items.c.status == "queued",
                download_items.c.due_at <= self._clock.now(),
                downloads.c.status.in_(("queued", "running")),
            )
            .subquery()
        )
        return await tx.all(
            select(download_items, downloads.c.position)
            .join(downloads, downloads.c.id == download_items.c.download_id)
            .join(open_items, open_items.c.id == download_items.c.id)
            .where(open_items.c.place <= _LOOK_AHEAD)
            .order_by(*order)
        )

    async def _start(self, tx: Tx, item: RowMapping) -> None:
        download = await tx.one(select(downloads).where(downloads.c.id == item["download_id"]))
        job_id = await self._ledger.enqueue(
            tx,
            ITEM_JOB,
            ItemArgs(item_id=item["id"]),
            owner=item["user_id"],
            title=item["title"],
            max_attempts=_CRASHES,
        )
        if await self.put_item(tx, download, item, "running", job_id=job_id):
            await self.put_status(tx, download, "running")

    async def _hold(self, tx: Tx, instance_id: str) -> None:
        rows = await tx.all(
            select(downloads).where(
                downloads.c.instance_id == instance_id,
                downloads.c.status.in_(("queued", "running")),
                downloads.c.reason != NO_ROOM,
            )
        )
        for row in rows:
            counts = await self.counts(tx, row["id"])
            if not counts.get("running"):
                await self.put_status(tx, row, "queued", reason=NO_ROOM)

    async def _recover(self, tx: Tx, instance_id: str) -> None:
        """Items whose job is over without their saying so: it was killed once too often, or cancelled from the jobs page."""
        rows = await tx.all(
            select(download_items, jobs.c.state.label("job_state"), jobs.c.error.label("job_error"))
            .outerjoin(jobs, jobs.c.id == download_items.c.job_id)
            .where(
                download_items.c.instance_id == instance_id,
                download_items.c.status == "running",
                case((jobs.c.state.is_(None), True), else_=jobs.c.state.in_(list(JOB_FINISHED))),
            )
        )
        for row in rows:
            download = await tx.one(select(downloads).where(downloads.c.id == row["download_id"]))
            now = self._clock.now()
            if row["job_state"] == JobState.CANCELLED:
                await self.put_item(tx, download, row, "cancelled", finished_at=now, job_id=None)
            elif row["job_state"] == JobState.FAILED:
                reason = N_("It was tried several times, and the downloader stopped each time.")
                await self.put_item(tx, download, row, "failed", reason, finished_at=now, job_id=None)
            else:
                await self.put_item(tx, download, row, "queued", job_id=None)
            await self.settle(tx, row["download_id"])


def status_of(row: RowMapping, counts: dict[str, int]) -> str:
    """A download's status by its items. counts: items by status."""
    if row["status"] == "paused" and counts.get("queued"):
        return "paused"
    if counts.get("running"):
        return "running"
    if counts.get("queued"):
        return "queued"
    if counts.get("failed"):
        return "partial" if counts.get("done") else "failed"
    if counts.get("done"):
        return "done"
    return "cancelled" if counts.get("cancelled") else "failed"
