"""Reports of something wrong with a title that is here: to the admins, and to the backend that knows about such things."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from pydantic import BaseModel
from sqlalchemy import Select, select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.ids import new_id
from medianest_core.base.logging import get_logger
from medianest_core.base.texts import N_
from medianest_core.bus.events import IssueChanged
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.requests.backends import Backends
from medianest_core.domain.requests.entries import IssuePage, IssueReport, Person
from medianest_core.domain.requests.errors import Denied
from medianest_core.domain.requests.holdings import Sought, held
from medianest_core.domain.requests.kinds import MediaTypes
from medianest_core.domain.requests.wishes import Wish, checked
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.errors import NotReady, ProviderError, RateLimited, RetryLater, UserError
from medianest_core.sdk.events import Audience
from medianest_core.sdk.jobs import JobContext
from medianest_core.sdk.requests import Issue, RequestCapability, RequestItem
from medianest_core.sdk.routes import Viewer
from medianest_core.store.engine import Database, Tx
from medianest_core.store.errors import Stale
from medianest_core.store.paging import mark, past
from medianest_core.store.repos.audit import record
from medianest_core.store.tables.accounts import users
from medianest_core.store.tables.requests import request_issues, requests

ISSUE_JOB = "requests.issue"
PROBLEMS = ("video", "audio", "subtitles", "other")
MAX_LIMIT = 200
_FIELDS = tuple(name for name in IssueReport.__dataclass_fields__ if name in request_issues.c)
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with what. kind, ids, seasons, episodes: as in a wish. problem: video, audio, subtitles or other."""

    kind: str
    ids: Mapping[str, str]
    title: str
    problem: str
    message: str
    year: int | None = None
    seasons: Sequence[int] = ()
    episodes: Sequence[tuple[int, int]] = field(default_factory=tuple)


class IssueArgs(BaseModel):
    issue_id: str


class Issues:
    def __init__(
        self,
        db: Database,
        ledger: Ledger,
        bus: EventBus,
        backends: Backends,
        types: MediaTypes,
        clock: Clock,
    ) -> None:
        self._db = db
        self._ledger = ledger
        self._bus = bus
        self._backends = backends
        self._types = types
        self._clock = clock

    async def report(self, viewer: Viewer, complaint: Complaint) -> str:
        """Id of the new report. Raises UserError, also for a title that the library does not have."""
        if complaint.problem not in PROBLEMS:
            raise UserError(N_("Choose what is wrong."), "problem")
        message = complaint.message.strip()[:2000]
        wish = checked(
            Wish(
                complaint.kind,
                complaint.ids,
                complaint.title,
                complaint.year,
                seasons=complaint.seasons,
                episodes=complaint.episodes,
            ),
            self._types,
        )
        root = self._types.root(wish.kind)
        identifier = new_id()
        async with self._db.begin() as tx:
            there = (await held(tx, [Sought("it", root, wish.ids)])).get("it")
            if there is None:
                raise UserError(N_("The library does not have this title."), "ids")
            request = await tx.first(
                select(requests.c.id, requests.c.instance_id)
                .where(requests.c.title_id == there.title_id, requests.c.reference.is_not(None))
                .order_by(requests.c.created_at.desc())
                .limit(1)
            )
            await tx.execute(
                request_issues.insert().values(
                    id=identifier,
                    user_id=viewer.id,
                    title_id=there.title_id,
                    request_id=request["id"] if request is not None else None,
                    kind=wish.kind,
                    ids=dict(wish.ids),
                    title=wish.title,
                    year=wish.year,
                    seasons=list(wish.seasons),
                    episodes=[list(one) for one in wish.episodes],
                    problem=complaint.problem,
                    message=message,
                    answer="",
                    state="open",
                    instance_id=request["instance_id"] if request is not None else None,
                    reference=None,
                    origin_name="",
                    version=1,
                    created_at=self._clock.now(),
                    resolved_at=None,
                    resolved_by=None,
                )
            )
            row = await tx.one(select(request_issues).where(request_issues.c.id == identifier))
            await self.tell(tx, row, viewer.id)
            if self._backend_for(row) is not None:
                await self._ledger.enqueue(
                    tx, ISSUE_JOB, IssueArgs(issue_id=identifier), owner=viewer.id, unique=identifier
                )
        return identifier

    async def resolve(
        self,
        viewer: Viewer,
        issue_id: str,
        answer: str = "",
        *,
        version: int | None = None,
        again: bool = False,
    ) -> bool:
        """For admins; the reporter may take their own back. again: open it once more. False where it does not exist for the viewer.
        Raises Stale."""
        state = "open" if again else "resolved"
        async with self._db.begin() as tx:
            row = await tx.first(
                select(request_issues)
                .where(request_issues.c.id == issue_id, *_seen(viewer))
                .with_for_update()
            )
            if row is None:
                return False
            if answer and not viewer.is_admin:
                raise Denied(N_("Only admins answer reports."))
            if version is not None and row["version"] != version:
                raise Stale({"version": row["version"], "state": row["state"]})
            if row["state"] == state:
                return True
            done = state == "resolved"
            await tx.execute(
                update(request_issues)
                .where(request_issues.c.id == issue_id)
                .values(
                    state=state,
                    answer=answer.strip()[:2000],
                    resolved_at=self._clock.now() if done else None,
                    resolved_by=viewer.id if done else None,
                    # What is opened once more is told the backend anew; there it is solved.
                    reference=row["reference"] if done else None,
                    version=request_issues.c.version + 1,
                )
            )
            row = await tx.one(select(request_issues).where(request_issues.c.id == issue_id))
            await self.tell(tx, row, viewer.id)
            if viewer.id != row["user_id"]:
                await record(tx, actor=viewer.id, action=f"requests.issue_{state}", target=issue_id)
            if (done and row["reference"]) or (not done and self._backend_for(row) is not None):
                await self._ledger.enqueue(tx, ISSUE_JOB, IssueArgs(issue_id=issue_id), unique=issue_id)
        return True

    async def page(
        self,
        viewer: Viewer,
        *,
        everyone: bool = False,
        state: str | None = None,
        cursor: str | None = None,
        limit: int = 30,
    ) -> IssuePage:
        """Newest first; everyone: for admins."""
        limit = max(1, min(limit, MAX_LIMIT))
        statement = _selected()
        if not (everyone and viewer.is_admin):
            statement = statement.where(request_issues.c.user_id == viewer.id)
        if state:
            statement = statement.where(request_issues.c.state == state)
        if cursor:
            statement = statement.where(past(cursor, request_issues.c.created_at, request_issues.c.id))
        order = (request_issues.c.created_at.desc(), request_issues.c.id.desc())
        async with self._db.read() as tx:
            rows = await tx.all(statement.order_by(*order).limit(limit + 1))
        found = [_report(row) for row in rows[:limit]]
        more = len(rows) > limit
        return IssuePage(found, mark(found[-1].created_at, found[-1].id) if more else None)

    async def open_about(self, viewer: Viewer, title_id: int) -> list[IssueReport]:
        """The open reports about a title of the library that the viewer may see: their own first, then newest first."""
        async with self._db.read() as tx:
            rows = await tx.all(
                _selected()
                .where(
                    request_issues.c.title_id == title_id, request_issues.c.state == "open", *_seen(viewer)
                )
                .order_by(request_issues.c.created_at.desc(), request_issues.c.id.desc())
                .limit(MAX_LIMIT)
            )
        found = [_report(row) for row in rows]
        return sorted(found, key=lambda one: one.by is None or one.by.id != viewer.id)

    async def get(self, viewer: Viewer, issue_id: str) -> IssueReport | None:
        async with self._db.read() as tx:
            row = await tx.first(_selected().where(request_issues.c.id == issue_id, *_seen(viewer)))
        return _report(row) if row is not None else None

    async def run(self, ctx: JobContext, args: IssueArgs) -> dict[str, Any]:
        """The job: tell the backend of a new report, or that one is done with."""
        async with self._db.read() as tx:
            row = await tx.first(select(request_issues).where(request_issues.c.id == args.issue_id))
        handle = self._backend_for(row) if row is not None else None
        if row is None or handle is None:
            return {}
        try:
            if row["state"] == "resolved":
                if row["reference"]:
                    await handle.api.resolve(row["reference"])
                return {"resolved": row["reference"]}
            if row["reference"]:
                return {}
            item = _item(row)
            # Looked for first: an earlier try may have arrived.
            for known in await handle.api.issues():
                if (
                    known.open
                    and known.message == row["message"]
                    and dict(known.item.ids).items() & item.ids.items()
                ):
                    return await self._keep(ctx, row, known.reference)
            user = await self._backends.user_of(handle, row["user_id"])
            issue = Issue(row["problem"], row["message"], item)
            return await self._keep(ctx, row, await handle.api.report(issue, user))
        except (NotReady, RateLimited) as error:
            raise RetryLater(str(error), getattr(error, "retry_after", None) or 60.0) from error
        except ProviderError as error:
            _log.info("a report was not taken", instance=handle.instance.id, reason=str(error))
            return {"refused": str(error)}

    async def _keep(self, ctx: JobContext, row: RowMapping, reference: str) -> dict[str, Any]:
        async with ctx.begin() as writing:
            tx = cast(Tx, writing)
            kept = await tx.first(
                update(request_issues)
                .where(request_issues.c.id == row["id"])
                .values(reference=reference)
                .returning(request_issues.c.state)
            )
            if kept is not None and kept["state"] == "resolved":
                # Settled while it was on its way: whoever settled it did not know yet that it is there.
                await self._ledger.enqueue(tx, ISSUE_JOB, IssueArgs(issue_id=row["id"]), unique=row["id"])
        return {"reference": reference}

    def _backend_for(self, row: RowMapping) -> Any:
        """The backend that has the request this is about and takes reports; None while there is none."""
        if row["instance_id"] is None:
            return None
        try:
            handle = self._backends.get(row["instance_id"])
        except NotReady:
            return None
        return handle if handle.can(RequestCapability.ISSUES) else None

    async def tell(self, tx: Tx, row: RowMapping, actor: str) -> None:
        """Say where the report stands: to admins, and to whose it is."""
        for user_id in ("", row["user_id"]):
            if user_id is None:
                continue
            event = IssueChanged(
                issue_id=row["id"],
                state=row["state"],
                user_id=user_id,
                title=row["title"],
                problem=row["problem"],
                message=row["message"],
                answer=row["answer"],
                actor=actor,
            )
            await self._bus.publish(tx, event, Audience.user(user_id) if user_id else Audience.admins())


def _seen(viewer: Viewer) -> list[Any]:
    return [] if viewer.is_admin else [request_issues.c.user_id == viewer.id]


def _selected() -> Select[Any]:
    return select(
        *(request_issues.c[name] for name in _FIELDS),
        request_issues.c.user_id,
        users.c.username,
        users.c.display_name,
    ).outerjoin(users, users.c.id == request_issues.c.user_id)


def _report(row: RowMapping) -> IssueReport:
    values = {name: row[name] for name in _FIELDS}
    values["episodes"] = [(one[0], one[1]) for one in row["episodes"]]
    by = (
        Person(row["user_id"], row["display_name"] or row["username"])
        if row["user_id"] and row["username"]
        else None
    )
    return IssueReport(by=by, **values)


def _item(row: RowMapping) -> RequestItem:
    return RequestItem(
        row["kind"],
        cast("Mapping[str, str]", row["ids"]),
        row["title"],
        row["year"],
        tuple(row["seasons"]),
        tuple((one[0], one[1]) for one in row["episodes"]),
    )
