"""The job `downloads.file_into_library`: has the media server look at the folder, waits for the items, keeps them in a collection.

Everything is looked up before it is done, so a crash between any two steps leaves no second collection and no item twice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, cast

from sqlalchemy import select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.failpoints import failpoint
from medianest_core.base.logging import get_logger
from medianest_core.base.texts import N_
from medianest_core.domain.downloads.collections import Collections, Taken
from medianest_core.domain.downloads.places import server_path
from medianest_core.domain.downloads.queue import FilingArgs, Queue
from medianest_core.domain.library.service import Library
from medianest_core.host.errors import UnknownInstance
from medianest_core.host.instances import Handle, Instances
from medianest_core.ledger.states import JobState
from medianest_core.sdk.errors import (
    NotReady,
    ProviderError,
    Rejected,
    RetryLater,
    Unsupported,
)
from medianest_core.sdk.jobs import JobContext
from medianest_core.sdk.media import MediaCapability, MediaSource
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.downloads import download_files, download_items, downloads
from medianest_core.store.tables.ledger import jobs
from medianest_core.store.transaction import alone

_log = get_logger(__name__)
PATIENCE = 300.0
GIVE_UP_AFTER = 24
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 20.0
_RESCAN_EVERY = 45.0
_TURN = 2.0
"""Seconds until a job asks again whether the other of the same download has ended."""


class Filing:
    """patience: seconds that one attempt waits for the server to find the items. sleep, timer: for tests."""

    def __init__(
        self,
        db: Database,
        queue: Queue,
        instances: Instances,
        library: Library,
        clock: Clock,
        *,
        patience: float = PATIENCE,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._queue = queue
        self._instances = instances
        self._library = library
        self._clock = clock
        self._collections = Collections(db, clock)
        self._patience = patience
        self._sleep = sleep
        self._timer = timer

    async def run(self, ctx: JobContext, args: FilingArgs) -> dict[str, Any]:
        """Files all finished items that are not yet filed. Raises RetryLater while the server has not found them all."""
        download = await self._begin(ctx, args.download_id)
        if download is None:
            return {"superseded": True}
        async with self._db.read() as tx:
            paths = await self._paths(tx, download)
        try:
            handle = self._handle(download)
            found = await self._find(ctx, download, handle, paths)
            note = await self._collect(ctx, download, handle, found)
        except NotReady as error:
            await self._later(ctx, args.download_id, str(error))
            return {"failed": str(error)}
        except ProviderError as error:
            await self._give_up(ctx, args.download_id, str(error))
            return {"failed": str(error)}
        missing = paths.keys() - found.keys()
        if missing:
            reason = N_("{title}: the server has not found {missing} of {count} items yet.").format(
                title=download["title"], missing=len(missing), count=len(paths)
            )
            await self._later(ctx, args.download_id, reason)
            return {"found": len(found), "missing": len(missing)}
        await self._end(ctx, args.download_id, "done", note)
        await self._show(download, sorted(set(found.values())))
        return {"found": len(found)}

    async def _begin(self, ctx: JobContext, download_id: str) -> RowMapping | None:
        """The download, which from now on is this job's alone; None where there is nothing to file. Raises RetryLater while another
        job files it: both would look, find no collection and make one."""
        async with ctx.begin() as transaction:
            await alone(transaction, "downloads")
            tx = cast(Tx, transaction)
            download = await tx.first(select(downloads).where(downloads.c.id == download_id))
            if download is None or download["status"] != "filing":
                return None
            holder = download["filing"].get("job")
            if holder == ctx.job_id:
                return download
            running = select(jobs.c.id).where(jobs.c.id == holder, jobs.c.state == JobState.LEASED)
            if holder is not None and await tx.scalar(running) is not None:
                raise RetryLater(N_("Waits for the present job of the same download to end."), _TURN)
            await tx.execute(
                update(downloads)
                .where(downloads.c.id == download_id)
                .values(filing={**download["filing"], "job": ctx.job_id})
            )
        return download

    async def _show(self, download: RowMapping, keys: Sequence[str]) -> None:
        """Let the library know at once what the next sync would find; a server that fails now has everything already."""
        await self._library.request_titles(download["target_instance"], keys)
        async with self._db.read() as tx:
            key = await tx.scalar(select(downloads.c.collection_key).where(downloads.c.id == download["id"]))
        if key is not None:
            try:
                await self._library.reread_collection(
                    download["target_instance"], download["target_library"], key
                )
            except ProviderError as error:
                _log.info("the collection will be read with the next sync", reason=str(error))

    def _handle(self, download: RowMapping) -> Handle[MediaSource]:
        try:
            handle = self._instances.get(MediaSource, download["target_instance"])  # type: ignore[type-abstract]  # a key, not made
        except UnknownInstance as error:
            raise Rejected("The media server is no longer configured.") from error
        if not handle.can(MediaCapability.RESCAN):
            raise Unsupported(
                N_("{title} cannot be told to look at a folder.").format(title=handle.instance.title)
            )
        return handle

    async def _paths(self, tx: Tx, download: RowMapping) -> dict[str, list[str]]:
        """The server's path → ids of the items whose file it is. A file may belong to several, where it was linked."""
        rows = await tx.all(
            select(download_files.c.path, download_files.c.item_id)
            .join(download_items, download_items.c.id == download_files.c.item_id)
            .where(
                download_items.c.download_id == download["id"],
                download_items.c.status == "done",
                download_files.c.kind == "media",
            )
            .order_by(download_items.c.number)
        )
        found: dict[str, list[str]] = {}
        for row in rows:
            found.setdefault(server_path(download["server_folder"] or "", row["path"]), []).append(
                row["item_id"]
            )
        return found

    async def _find(
        self,
        ctx: JobContext,
        download: RowMapping,
        handle: Handle[MediaSource],
        paths: Mapping[str, Sequence[str]],
    ) -> dict[str, str]:
        """path → key at the server, of those it has; waits for the rest within the patience."""
        library = str(download["target_library"])
        found = dict(await handle.api.locate(library, list(paths)))
        ends = self._timer() + self._patience
        scanned = float("-inf")
        pause = _FIRST_PAUSE
        while len(found) < len(paths):
            missing = [path for path in paths if path not in found]
            if self._timer() - scanned >= _RESCAN_EVERY:
                await self._stage(ctx, download["id"], "rescanning")
                for folder in sorted({_parent(path) for path in missing}):
                    await handle.api.rescan(library, folder)
                scanned = self._timer()
                await self._stage(ctx, download["id"], "locating")
            ctx.check_cancelled()
            await ctx.progress(len(found), len(paths), N_("Waiting for the server to find the files"))
            if self._timer() + pause > ends:
                break
            await self._sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 1.6)
            found |= await handle.api.locate(library, missing)
        return {path: key for path, key in found.items() if path in paths}

    async def _collect(
        self,
        ctx: JobContext,
        download: RowMapping,
        handle: Handle[MediaSource],
        found: Mapping[str, str],
    ) -> str:
        """Keep what was found in the collection. → why there is none, if there ought to be one."""
        keys = list(dict.fromkeys(found.values()))
        collection_key, note = None, ""
        wanted = download["collection"]
        if wanted and keys and handle.can(MediaCapability.COLLECTIONS):
            await self._stage(ctx, download["id"], "collecting")
            try:
                collection_key = await self._collections.keep(handle.api, download, wanted, keys)
            except Taken as error:
                # The titles are in the library all the same.
                note = str(error)
            failpoint("downloads.collection_created")
        async with ctx.begin() as tx:
            await alone(tx, "downloads")
            if collection_key is not None:
                await tx.execute(
                    update(downloads)
                    .where(downloads.c.id == download["id"])
                    .values(collection_key=collection_key)
                )
            async with self._db.read() as reading:
                paths = await self._paths(reading, download)
            for path, key in found.items():
                await tx.execute(
                    update(download_items)
                    .where(download_items.c.id.in_(paths.get(path, [])))
                    .values(media_key=key)
                )
        return note

    async def _stage(self, ctx: JobContext, download_id: str, stage: str, reason: str = "") -> None:
        async with ctx.begin() as transaction:
            await alone(transaction, "downloads")
            tx = cast(Tx, transaction)
            row = await tx.one(select(downloads).where(downloads.c.id == download_id))
            filing = dict(row["filing"])
            if filing.get("stage") == stage and filing.get("reason", "") == reason:
                return
            steps = {**filing.get("steps", {}), stage: self._clock.now()}
            await self._queue.put_status(
                tx, row, row["status"], filing={**filing, "stage": stage, "reason": reason, "steps": steps}
            )

    async def _later(self, ctx: JobContext, download_id: str, reason: str) -> None:
        """Note why it waits and ask to be run again; after a day, give up until someone asks again."""
        async with ctx.begin() as transaction:
            await alone(transaction, "downloads")
            tx = cast(Tx, transaction)
            row = await tx.one(select(downloads).where(downloads.c.id == download_id))
            filing = dict(row["filing"])
            tries = int(filing.get("tries", 0)) + 1
            if tries < GIVE_UP_AFTER:
                await self._queue.put_status(
                    tx, row, row["status"], filing={**filing, "reason": reason, "tries": tries}
                )
        if tries >= GIVE_UP_AFTER:
            await self._give_up(ctx, download_id, reason)
            return
        raise RetryLater(reason, min(3600.0, 5.0 * 2 ** (tries - 1)))

    async def _give_up(self, ctx: JobContext, download_id: str, reason: str) -> None:
        await self._end(ctx, download_id, "failed", reason)

    async def _end(self, ctx: JobContext, download_id: str, stage: str, reason: str) -> None:
        async with ctx.begin() as transaction:
            await alone(transaction, "downloads")
            tx = cast(Tx, transaction)
            row = await tx.one(select(downloads).where(downloads.c.id == download_id))
            if row["status"] != "filing":
                # Items are being fetched again; filing begins anew after them.
                return
            counts = await self._queue.counts(tx, download_id)
            steps = {**row["filing"].get("steps", {}), stage: self._clock.now()}
            await self._queue.put_status(
                tx,
                row,
                "partial" if counts.get("failed") else "done",
                reason=reason,
                filing={**row["filing"], "stage": stage, "reason": reason, "steps": steps},
            )


def _parent(path: str) -> str:
    if "\\" in path:
        return path.rpartition("\\")[0]
    return str(PurePosixPath(path).parent)
