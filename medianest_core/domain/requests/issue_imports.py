"""Reports that people made at a backend itself, taken over once each; and those of ours that were solved there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.ids import new_id
from medianest_core.domain.requests.backends import Backend, Backends
from medianest_core.domain.requests.holdings import Sought, held
from medianest_core.domain.requests.issues import PROBLEMS, Issues
from medianest_core.domain.requests.kinds import MediaTypes
from medianest_core.domain.requests.lookup import Lookup
from medianest_core.domain.requests.wishes import Wish, checked
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.jobs import JobContext
from medianest_core.sdk.requests import Issue
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.library import titles
from medianest_core.store.tables.requests import request_issues, requests

_NAMELESS = "…"


class IssueImports:
    def __init__(
        self,
        db: Database,
        issues: Issues,
        backends: Backends,
        types: MediaTypes,
        lookup: Lookup,
        clock: Clock,
    ) -> None:
        self._db = db
        self._issues = issues
        self._backends = backends
        self._types = types
        self._lookup = lookup
        self._clock = clock

    async def take(self, ctx: JobContext, handle: Backend, told: Sequence[Issue], *, first: bool) -> int:
        """Returns how many came or changed. first: the backend was never read before; nobody is told of what has stood there for long."""
        instance_id = handle.instance.id
        changed = 0
        async with self._db.read() as tx:
            rows = await tx.all(select(request_issues).where(request_issues.c.instance_id == instance_id))
        known = {row["reference"]: row for row in rows if row["reference"]}
        solved = {one.reference for one in told if not one.open}
        for reference, row in known.items():
            if reference in solved and row["state"] == "open":
                changed += await self._solve(ctx, row)
        under_way = [row for row in rows if not row["reference"] and row["state"] == "open"]
        new = [
            one
            for one in told
            if one.open
            and one.created_at is not None
            and one.reference not in known
            and not any(_same(row, one) for row in under_way)
        ]
        people = await self._backends.known_as(handle, {one.user for one in new if one.user})
        for one in new:
            changed += await self._add(ctx, handle, one, people.get(one.user), first=first)
        return changed

    async def _solve(self, ctx: JobContext, row: RowMapping) -> bool:
        async with ctx.begin() as writing:
            tx = cast(Tx, writing)
            found = await tx.first(
                update(request_issues)
                .where(
                    request_issues.c.id == row["id"],
                    request_issues.c.state == "open",
                    request_issues.c.reference == row["reference"],
                )
                .values(
                    state="resolved",
                    resolved_at=self._clock.now(),
                    resolved_by=None,
                    version=request_issues.c.version + 1,
                )
                .returning(request_issues.c.id)
            )
            if found is None:
                return False
            fresh = await tx.one(select(request_issues).where(request_issues.c.id == row["id"]))
            await self._issues.tell(tx, fresh, "")
        return True

    async def _add(
        self, ctx: JobContext, handle: Backend, one: Issue, user_id: str | None, *, first: bool
    ) -> bool:
        item = one.item
        try:
            wish = checked(
                Wish(
                    item.kind,
                    item.ids,
                    item.title or _NAMELESS,
                    item.year,
                    seasons=() if item.episodes else item.seasons,
                    episodes=item.episodes,
                ),
                self._types,
            )
        except UserError:
            return False
        root = self._types.root(wish.kind)
        wish = await self._lookup.completed(wish, root)
        async with ctx.begin() as writing:
            tx = cast(Tx, writing)
            if await _is_known(tx, handle.instance.id, one.reference):
                return False
            there = (await held(tx, [Sought("it", root, wish.ids)])).get("it")
            title = wish.title if wish.title != _NAMELESS else " ".join(min(wish.ids.items()))
            request_id: str | None = None
            if there is not None:
                title = str(await tx.scalar(select(titles.c.title).where(titles.c.id == there.title_id)))
                request_id = await tx.scalar(
                    select(requests.c.id)
                    .where(requests.c.title_id == there.title_id)
                    .order_by(requests.c.created_at.desc())
                    .limit(1)
                )
            identifier = new_id()
            values: dict[str, Any] = {
                "id": identifier,
                "user_id": user_id,
                "title_id": there.title_id if there is not None else None,
                "request_id": request_id,
                "kind": wish.kind,
                "ids": dict(wish.ids),
                "title": title,
                "year": wish.year,
                "seasons": list(wish.seasons),
                "episodes": [list(each) for each in wish.episodes],
                "problem": one.kind if one.kind in PROBLEMS else "other",
                "message": one.message[:2000],
                "answer": "",
                "state": "open",
                "instance_id": handle.instance.id,
                "reference": one.reference,
                "origin_name": "" if user_id is not None else one.user_name[:200],
                "version": 1,
                "created_at": min(one.created_at or 0.0, self._clock.now()),
                "resolved_at": None,
                "resolved_by": None,
            }
            await tx.execute(request_issues.insert().values(**values))
            if not first:
                row = await tx.one(select(request_issues).where(request_issues.c.id == identifier))
                await self._issues.tell(tx, row, user_id or "")
        return True


async def _is_known(tx: Tx, instance_id: str, reference: str) -> bool:
    found = await tx.scalar(
        select(request_issues.c.id).where(
            request_issues.c.instance_id == instance_id, request_issues.c.reference == reference
        )
    )
    return found is not None


def _same(row: RowMapping, one: Issue) -> bool:
    """Whether this is a report of ours that is on its way there."""
    return bool(row["message"] == one.message and row["ids"].items() & dict(one.item.ids).items())
