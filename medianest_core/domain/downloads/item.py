"""The job `downloads.item`: has one item fetched into its owner's folder, once."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import orjson
from sqlalchemy import func, select
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.failpoints import failpoint
from medianest_core.base.ids import new_id
from medianest_core.base.logging import get_logger
from medianest_core.base.texts import N_
from medianest_core.domain.downloads.entries import Progress
from medianest_core.domain.downloads.meter import Meter, Sink
from medianest_core.domain.downloads.names import stem_of
from medianest_core.domain.downloads.places import OutsideRoot, Places
from medianest_core.domain.downloads.queue import NO_ROOM, ItemArgs, Queue
from medianest_core.host.errors import UnknownInstance
from medianest_core.host.instances import Handle, Instances
from medianest_core.sdk.downloads import Downloader, DownloadFailed, DownloadTask, FoundItem
from medianest_core.sdk.errors import (
    MediaNestError,
    NotReady,
    ProviderError,
    RateLimited,
    UserError,
)
from medianest_core.sdk.jobs import JobContext
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.downloads import (
    download_archive,
    download_files,
    download_items,
    downloads,
)
from medianest_core.store.transaction import alone

_log = get_logger(__name__)
TRIES = 3
_DELAYS = (10.0, 60.0, 300.0)
_AWAY = 30.0
_FINISHED = "medianest-finished.json"
_MARKS = (25, 50, 99)


@dataclass(frozen=True, slots=True)
class _Stored:
    """A finished file as it goes into the database. path: below the downloads folder."""

    path: str
    kind: str
    size: int
    media_type: str


@dataclass(frozen=True, slots=True)
class _Result:
    files: Sequence[_Stored]
    facts: Mapping[str, str]
    linked: bool = False

    @property
    def size(self) -> int:
        return sum(one.size for one in self.files)


class ItemRunner:
    def __init__(
        self,
        db: Database,
        queue: Queue,
        instances: Instances,
        places: Places,
        meter: Meter,
        clock: Clock,
    ) -> None:
        self._db = db
        self._queue = queue
        self._instances = instances
        self._places = places
        self._meter = meter
        self._clock = clock

    async def run(self, ctx: JobContext, args: ItemArgs) -> dict[str, Any]:
        """Fetches the item, or links it where the owner has it. Failures become the item's status, not the job's."""
        async with self._db.read() as tx:
            item = await tx.first(select(download_items).where(download_items.c.id == args.item_id))
            if item is None or item["job_id"] != ctx.job_id or item["status"] != "running":
                # Paused, cancelled, or given to another job meanwhile.
                return {"superseded": True}
            download = await tx.one(select(downloads).where(downloads.c.id == item["download_id"]))
            finished = await self._finished(tx, download["id"])
        self._meter.begin(download["id"], item["id"], **finished)
        try:
            result = await self._archived(item) or await self._fetch(ctx, download, item)
        except (NotReady, RateLimited) as error:
            delay = getattr(error, "retry_after", None) or _AWAY
            await self._put_back(ctx, download, item, str(error), delay)
        except _NoRoom:
            await self._put_back(ctx, download, item, NO_ROOM, 0.0)
        except _Retry as error:
            await self._put_back(
                ctx, download, item, str(error), _DELAYS[item["tries"]], tries=item["tries"] + 1
            )
        except (DownloadFailed, ProviderError, UserError, OutsideRoot) as error:
            await self._fail(ctx, download, item, str(error))
        except Exception:
            _log.exception("an item failed", item=item["id"])
            await self._fail(ctx, download, item, N_("The downloader made a mistake; the log says more."))
        else:
            failpoint("downloads.renamed")
            await self._done(ctx, download, item, result)
            return {"files": len(result.files), "bytes": result.size, "linked": result.linked}
        finally:
            self._meter.end(download["id"], item["id"])
        return {}

    async def _fetch(self, ctx: JobContext, download: RowMapping, item: RowMapping) -> _Result:
        try:
            await asyncio.to_thread(self._places.prepare)
            target = await asyncio.to_thread(self._places.folder, download["folder"])
            work = await asyncio.to_thread(self._places.work, item["id"])
        except OSError as error:
            raise NotReady(
                N_("The downloads folder cannot be used ({reason}).").format(reason=error.strerror)
            ) from error
        if (recorded := await asyncio.to_thread(self._recorded, work)) is not None:
            return recorded
        handle = self._handle(item)
        task = DownloadTask(
            item=FoundItem(
                key=item["key"],
                url=item["url"],
                title=item["title"],
                duration=item["duration"],
                size=item["size"],
                thumbnail=item["thumbnail"],
                channel=download["channel"],
            ),
            work_dir=work,
            target_dir=target,
            stem=stem_of(item["title"], item["key"]),
            quality=download["quality"],
            container=download["container"],
            subtitles=tuple(download["subtitles"]),
            collection=download["collection"] or "",
            index=item["number"] if download["kind"] != "video" else None,
        )

        async def report(progress: Progress) -> None:
            _pass(progress)
            await self._meter.tell(item["user_id"], download["id"], item["id"], progress)
            await ctx.progress(
                progress.done or 0,
                progress.total,
                progress.stage,
                {"speed": progress.speed, "eta": progress.eta},
            )

        sink = Sink(report, lambda: self._places.short_of() > 0)
        try:
            downloaded = await handle.api.download(task, sink)
        except DownloadFailed as error:
            if sink.disk_full or self._places.short_of():
                raise _NoRoom(NO_ROOM) from error
            if error.retryable and item["tries"] < TRIES:
                raise _Retry(str(error)) from error
            raise
        except Exception as error:
            if sink.disk_full:
                raise _NoRoom(NO_ROOM) from error
            raise
        files = [
            _Stored(
                self._checked(one.path, target),
                one.kind,
                one.path.stat().st_size,
                one.media_type if one.media_type != "application/octet-stream" else _guess(one.path),
            )
            for one in downloaded.files
        ]
        if not any(one.kind == "media" for one in files):
            raise DownloadFailed(N_("The downloader brought no file."))
        result = _Result(files, dict(downloaded.facts))
        await asyncio.to_thread(_record, work, result)
        return result

    def _handle(self, item: RowMapping) -> Handle[Downloader]:
        try:
            return self._instances.get(Downloader, item["instance_id"])  # type: ignore[type-abstract]  # a key, not made
        except UnknownInstance as error:
            raise DownloadFailed(N_("This downloader is no longer configured.")) from error

    def _checked(self, path: Path, target: Path) -> str:
        """A file that the downloader named, if it is one and lies where it should."""
        if path.is_symlink() or not path.is_file() or not path.resolve().is_relative_to(target.resolve()):
            raise OutsideRoot(N_("The downloader named a file that is not its own."))
        return self._places.relative(path)

    def _recorded(self, work: Path) -> _Result | None:
        """What was finished before a crash came between the last rename and the database."""
        try:
            raw = orjson.loads((work / _FINISHED).read_bytes())
            files = [_Stored(*one) for one in raw["files"]]
            if all(self._places.absolute(one.path).stat().st_size == one.size for one in files):
                return _Result(files, raw["facts"])
        except (OSError, ValueError, TypeError, KeyError, OutsideRoot):
            pass
        return None

    async def _archived(self, item: RowMapping) -> _Result | None:
        """The owner's files of an earlier download of the same item, if they are all still there."""
        async with self._db.read() as tx:
            rows = await tx.all(
                select(download_files)
                .join(download_archive, download_archive.c.item_id == download_files.c.item_id)
                .where(
                    download_archive.c.user_id == item["user_id"],
                    download_archive.c.downloader == self.downloader_name(item["instance_id"]),
                    download_archive.c.key == item["key"],
                    download_archive.c.form == item["form"],
                    download_archive.c.item_id != item["id"],
                )
            )
        if not rows:
            return None
        files = [_Stored(row["path"], row["kind"], row["size"], row["media_type"]) for row in rows]
        there = await asyncio.to_thread(
            lambda: all((self._places.root / one.path).is_file() for one in files)
        )
        return _Result(files, {}, linked=True) if there else None

    def downloader_name(self, instance_id: str) -> str:
        """The plugin's name; of an instance that is gone, its id."""
        try:
            return self._instances.info(instance_id).plugin
        except MediaNestError:
            return instance_id

    async def _done(self, ctx: JobContext, download: RowMapping, item: RowMapping, result: _Result) -> None:
        async with ctx.begin() as transaction:
            await alone(transaction, "downloads")
            tx = cast(Tx, transaction)
            now = self._clock.now()
            kept = await self._queue.put_item(
                tx,
                download,
                item,
                "done",
                facts=dict(result.facts),
                linked=result.linked,
                published_at=published(result.facts) or item["published_at"],
                size=next((one.size for one in result.files if one.kind == "media"), None),
                finished_at=now,
                job_id=None,
            )
            if not kept:
                return
            await tx.execute(
                download_files.insert(),
                [
                    {
                        "id": new_id(),
                        "item_id": item["id"],
                        "user_id": item["user_id"],
                        "path": one.path,
                        "kind": one.kind,
                        "size": one.size,
                        "media_type": one.media_type,
                    }
                    for one in result.files
                ],
            )
            if not result.linked:
                row = {
                    "user_id": item["user_id"],
                    "downloader": self.downloader_name(item["instance_id"]),
                    "key": item["key"],
                    "form": item["form"],
                    "item_id": item["id"],
                    "at": now,
                }
                keys = ["user_id", "downloader", "key", "form"]
                await tx.execute(
                    tx.insert(download_archive)
                    .values(**row)
                    .on_conflict_do_update(index_elements=keys, set_={"item_id": item["id"], "at": now})
                )
            self._meter.finished(download["id"], item["id"], result.size)
            await self._queue.settle(tx, download["id"])
            await self._queue.fill(tx, item["instance_id"])
        await asyncio.to_thread(self._places.drop_work, item["id"])

    async def _put_back(
        self,
        ctx: JobContext,
        download: RowMapping,
        item: RowMapping,
        reason: str,
        delay: float,
        **values: Any,
    ) -> None:
        async with ctx.begin() as transaction:
            await alone(transaction, "downloads")
            tx = cast(Tx, transaction)
            due = self._clock.now() + delay
            if await self._queue.put_item(
                tx, download, item, "queued", reason, job_id=None, due_at=due, **values
            ):
                await self._queue.settle(tx, download["id"])
                await self._queue.fill(tx, item["instance_id"])

    async def _fail(self, ctx: JobContext, download: RowMapping, item: RowMapping, reason: str) -> None:
        async with ctx.begin() as transaction:
            await alone(transaction, "downloads")
            tx = cast(Tx, transaction)
            if await self._queue.put_item(
                tx, download, item, "failed", reason, job_id=None, finished_at=self._clock.now()
            ):
                await self._queue.settle(tx, download["id"])
                await self._queue.fill(tx, item["instance_id"])

    async def _finished(self, tx: Tx, download_id: str) -> dict[str, int]:
        rows = await tx.execute(
            select(download_items.c.status, func.count(), func.coalesce(func.sum(download_items.c.size), 0))
            .where(
                download_items.c.download_id == download_id,
                download_items.c.status.not_in(("skipped", "cancelled")),
            )
            .group_by(download_items.c.status)
        )
        counted = {row[0]: (int(row[1]), int(row[2])) for row in rows}
        done, size = counted.get("done", (0, 0))
        return {
            "total_items": sum(count for count, _ in counted.values()),
            "done_items": done,
            "done_bytes": size,
        }


class _NoRoom(MediaNestError):
    """The disk has no room for more."""


class _Retry(MediaNestError):
    """Another try may help."""


def _pass(progress: Progress) -> None:
    if progress.stage == "moving":
        failpoint("downloads.before_rename")
    for mark in _MARKS:
        if progress.total and 100 * (progress.done or 0) >= mark * progress.total:
            failpoint(f"downloads.at_{mark}")


def published(facts: Mapping[str, str]) -> float | None:
    """Epoch seconds of the day that a downloader tells as the fact "published", YYYYMMDD."""
    try:
        return datetime.strptime(facts.get("published", ""), "%Y%m%d").replace(tzinfo=UTC).timestamp()
    except (TypeError, ValueError):
        return None


def _guess(path: Path) -> str:
    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"


def _record(work: Path, result: _Result) -> None:
    partial = work / f"{_FINISHED}.part"
    partial.write_bytes(
        orjson.dumps(
            {
                "files": [[one.path, one.kind, one.size, one.media_type] for one in result.files],
                "facts": dict(result.facts),
            }
        )
    )
    partial.replace(work / _FINISHED)
