"""The job `library.verify`: holds the library against what its servers list now, and writes down what differs.

It changes nothing in the library. All servers are read at once, page by page; one that fails is named in the report.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pydantic import BaseModel, ConfigDict
from sqlalchemy import delete, select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.logging import get_logger
from medianest_core.base.texts import N_
from medianest_core.domain.library.checking.findings import CATEGORIES, EXAMPLES, Reader, Stored, percent
from medianest_core.domain.library.stored.bulk import select_rows
from medianest_core.domain.library.syncing.gather import NO_MEDIA, decode_all
from medianest_core.domain.library.syncing.progress import InstanceProgress, RunProgress
from medianest_core.host.instances import Handle, Instances
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.errors import NotReady, ProviderError
from medianest_core.sdk.jobs import Job, JobContext, Retry
from medianest_core.sdk.media import Library, MediaSource, RecordPage
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.library import library_sources, record_data, records, titles
from medianest_core.store.tables.verification import library_reports

JOB = "library.verify"
TITLE = N_("Compare the library with its servers")
ATTEMPTS = 2
KEPT = 20
"""Reports that are kept."""
_PART = 5000
_log = get_logger(__name__)


class VerifyArgs(BaseModel):
    """instance_ids: None for all servers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    instance_ids: tuple[str, ...] | None = None

    @property
    def scope(self) -> str:
        """Equal for those that ask for the same."""
        return " ".join(sorted(self.instance_ids)) if self.instance_ids else "all"


@dataclass(frozen=True, slots=True)
class Report:
    """servers: instance id → {"title", "state", "message", "listed", "stored", "affected", "percent", "categories": {name: {"count",
    "percent", "examples"}}, "groups": {name: count}}. A server's state: "done", "partial" (a listing broke off) or "failed".

    The report's state: "running", "done", "failed" or "cancelled". Times: epoch seconds.
    """

    id: int
    job_id: str
    state: str
    requested_by: str | None
    started_at: float
    ended_at: float | None
    servers: Mapping[str, Any]

    @property
    def totals(self) -> dict[str, Any]:
        """Over all servers: listed, stored, affected, percent, and the count of each category."""
        told = list(self.servers.values())
        listed, stored, affected = (
            sum(one[name] for one in told) for name in ("listed", "stored", "affected")
        )
        counts = {
            name: sum(one["categories"].get(name, {}).get("count", 0) for one in told) for name in CATEGORIES
        }
        of = sum(max(one["listed"], one["stored"]) for one in told)
        return {
            "listed": listed,
            "stored": stored,
            "affected": affected,
            "percent": percent(affected, of),
            "categories": {name: count for name, count in counts.items() if count},
        }


class Reports:
    """Asks for reports, and reads the last of them. Needs no more than the database."""

    def __init__(self, db: Database, ledger: Ledger) -> None:
        self._db = db
        self._ledger = ledger

    async def request(self, instance_ids: Sequence[str] | None = None, actor: str | None = None) -> str:
        """Job id of the report to come; of one that waits already where it asks for the same."""
        args = VerifyArgs(instance_ids=tuple(instance_ids) if instance_ids else None)
        async with self._db.begin() as tx:
            return await self._ledger.enqueue(
                tx, JOB, args, owner=actor, unique=args.scope, title=TITLE, max_attempts=ATTEMPTS
            )

    async def latest(self, limit: int = KEPT) -> list[Report]:
        """Newest first."""
        async with self._db.read() as tx:
            rows = await tx.all(select(library_reports).order_by(library_reports.c.id.desc()).limit(limit))
        return [_report(row) for row in rows]

    async def report(self, report_id: int) -> Report | None:
        """None where there is no such report, or no more."""
        async with self._db.read() as tx:
            row = await tx.first(select(library_reports).where(library_reports.c.id == report_id))
        return _report(row) if row else None

    async def of_job(self, job_id: str) -> Report | None:
        """None as long as the job has not begun."""
        async with self._db.read() as tx:
            row = await tx.first(select(library_reports).where(library_reports.c.job_id == job_id))
        return _report(row) if row else None


class Verification(Reports):
    """With the job that makes them."""

    def __init__(self, db: Database, ledger: Ledger, instances: Instances, clock: Clock) -> None:
        super().__init__(db, ledger)
        self._instances = instances
        self._clock = clock

    def jobs(self) -> list[Job[Any]]:
        return [
            Job(
                JOB,
                self.run,
                VerifyArgs,
                title=TITLE,
                limit=1,
                retry=Retry(attempts=ATTEMPTS, delay=20.0),
                unique_by=lambda args: args.scope,
            )
        ]

    async def run(self, ctx: JobContext, args: VerifyArgs) -> dict[str, Any]:
        """Returns the report's totals. Raises the first error where no server could be read."""
        handles = [
            handle
            for handle in self._instances.any(MediaSource)  # type: ignore[type-abstract]  # a key, not made
            if args.instance_ids is None or handle.instance.id in args.instance_ids
        ]
        report_id = await self._begin(ctx)
        state, servers = "failed", dict[str, Any]()
        try:
            progress = RunProgress()
            found = await asyncio.gather(*(_Server(self._db, ctx, one, progress).read() for one in handles))
            servers = {handle.instance.id: told for handle, (told, _) in zip(handles, found, strict=True)}
            errors = [error for _, error in found if error is not None]
            for info in self._instances.all():
                if info.id in (args.instance_ids or ()) and info.id not in servers:
                    errors.append(NotReady(NO_MEDIA))
                    none = Reader({}).findings.as_json(0)
                    servers[info.id] = {
                        "title": info.title,
                        "state": "failed",
                        "message": NO_MEDIA,
                        **none,
                    }
            if errors and len(errors) == len(servers):
                raise errors[0]
            state = "done"
        except asyncio.CancelledError:
            state = "cancelled"
            raise
        finally:
            await self._end(ctx, report_id, state, servers)
        async with self._db.read() as tx:
            row = await tx.one(select(library_reports).where(library_reports.c.id == report_id))
        return {"report": report_id, **_report(row).totals}

    async def _begin(self, ctx: JobContext) -> int:
        values: dict[str, Any] = {
            "state": "running",
            "requested_by": ctx.owner,
            "started_at": self._clock.now(),
            "ended_at": None,
            "servers": {},
        }
        async with ctx.begin() as transaction:
            tx = cast(Tx, transaction)
            # A second attempt writes the report that the first had begun.
            await tx.execute(
                tx.insert(library_reports)
                .values(job_id=ctx.job_id, **values)
                .on_conflict_do_update(index_elements=["job_id"], set_=values)
            )
            newest = select(library_reports.c.id).order_by(library_reports.c.id.desc()).limit(KEPT)
            await tx.execute(delete(library_reports).where(library_reports.c.id.not_in(newest)))
            number = await tx.scalar(
                select(library_reports.c.id).where(library_reports.c.job_id == ctx.job_id)
            )
        return int(number)

    async def _end(self, ctx: JobContext, report_id: int, state: str, servers: Mapping[str, Any]) -> None:
        async with ctx.begin() as tx:
            await tx.execute(
                update(library_reports)
                .where(library_reports.c.id == report_id)
                .values(state=state, ended_at=self._clock.now(), servers=dict(servers))
            )


class _Server:
    """One server during one report."""

    def __init__(
        self, db: Database, ctx: JobContext, handle: Handle[MediaSource], progress: RunProgress
    ) -> None:
        self._db = db
        self._ctx = ctx
        self._handle = handle
        self._progress = progress
        self._shown: InstanceProgress = progress.of(handle.instance.id, handle.instance.title)
        self._partial: list[str] = []

    async def read(self) -> tuple[dict[str, Any], Exception | None]:
        """What the report says of this server, and why it could not be read."""
        instance = self._handle.instance
        error: Exception | None = None
        reader = Reader(await self._stored())
        try:
            if not instance.ready:
                raise NotReady(
                    instance.reason or N_("{title} is not available.").format(title=instance.title)
                )
            self._shown.state = "listing"
            await self._libraries(reader)
        except (ProviderError, TimeoutError) as failed:
            error = failed
        except Exception as failed:
            _log.exception("a server could not be verified", instance=instance.id)
            error = failed
        message = "" if error is None else str(error) or type(error).__name__
        state = "failed" if error else "partial" if self._partial else "done"
        self._shown.state, self._shown.message = ("failed" if error else "done"), message
        await self._step()
        told = {
            "title": instance.title,
            "state": state,
            "message": message or " ".join(self._partial),
            **reader.findings.as_json(len(reader.stored)),
        }
        return told, error

    async def _libraries(self, reader: Reader) -> None:
        found = list(await self._handle.api.libraries())
        for library in found:
            await self._library(reader, library)
        for key in {one.library for one in reader.stored.values()} - {one.key for one in found}:
            await self._ended(reader, key, complete=True)

    async def _library(self, reader: Reader, library: Library) -> None:
        seen, total = 0, None
        self._shown.before = self._shown.done
        try:
            async for page in self._handle.api.records(library):
                seen += len(page.records)
                if page.total is not None:
                    total = page.total
                    self._shown.expected = self._shown.before + page.total
                await self._page(reader, library, page)
        except ProviderError as error:
            self._partial.append(f"{library.title}: {error}")
            await self._ended(reader, library.key, complete=False)
            return
        complete = total is None or seen >= total
        if not complete:
            self._partial.append(
                N_("The listing broke off: {seen} of {count} titles came.").format(seen=seen, count=total)
            )
        await self._ended(reader, library.key, complete=complete)

    async def _page(self, reader: Reader, library: Library, page: RecordPage) -> None:
        instance = self._handle.instance.id
        incoming, unreadable = await asyncio.to_thread(decode_all, instance, library.key, page.records)
        keys = [one.record.key for one in incoming if one.record.key in reader.stored]
        async with self._db.read() as tx:
            statement = (
                select(record_data.c.key, record_data.c.data)
                .join(library_sources, library_sources.c.id == record_data.c.source)
                .where(library_sources.c.instance_id == instance)
            )
            data = dict(tuple(row) for row in await select_rows(tx, statement, record_data.c.key, keys))
        await asyncio.to_thread(reader.page, incoming, data)
        reader.unreadable(unreadable, library.key)
        self._shown.done += len(page.records)
        await self._step()

    async def _ended(self, reader: Reader, library: str, *, complete: bool) -> None:
        names: dict[str, str] = {}
        if complete and (absent := reader.absent(library)[:EXAMPLES]):
            wanted = {reader.stored[key].title_id: key for key in absent}
            async with self._db.read() as tx:
                rows = await select_rows(
                    tx,
                    select(titles.c.id, titles.c.title),
                    titles.c.id,
                    [title for title in wanted if title is not None],
                )
            names = {wanted[number]: title for number, title in rows}
        reader.library_ends(library, complete=complete, titles=names)

    async def _stored(self) -> dict[str, Stored]:
        """Read in parts, so that rows and result are not in memory twice."""
        found: dict[str, Stored] = {}
        after = ""
        statement = (
            select(
                records.c.key,
                titles.c.id,
                titles.c.parent_id,
                records.c.parent,
                records.c.library,
                records.c.missing,
            )
            .select_from(
                records.join(library_sources, library_sources.c.id == records.c.source).outerjoin(
                    titles, titles.c.id == records.c.title_id
                )
            )
            .where(library_sources.c.instance_id == self._handle.instance.id)
            .order_by(records.c.key)
            .limit(_PART)
        )
        while True:
            async with self._db.read() as tx:
                rows = (await tx.execute(statement.where(records.c.key > after))).all()
            found |= {row[0]: Stored(*row[1:]) for row in rows}
            if len(rows) < _PART:
                return found
            after = rows[-1][0]

    async def _step(self) -> None:
        self._ctx.check_cancelled()
        done, total, _ = self._progress.totals()
        await self._ctx.progress(done, total, facts={"instances": self._progress.facts()})


def _report(row: RowMapping) -> Report:
    return Report(
        id=row["id"],
        job_id=row["job_id"],
        state=row["state"],
        requested_by=row["requested_by"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        servers=row["servers"],
    )
