"""Reading requests: always within what the viewer may see. What is not theirs does not exist."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal, or_, select
from sqlalchemy.engine import RowMapping

from medianest_core.domain.requests.entries import (
    Comment,
    Decision,
    Person,
    Request,
    RequestDetail,
    RequestPage,
    Wanted,
)
from medianest_core.domain.requests.moves import needs_decision
from medianest_core.domain.requests.states import State
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.routes import Viewer
from medianest_core.store.engine import Database, Tx
from medianest_core.store.paging import mark, past
from medianest_core.store.tables.accounts import users
from medianest_core.store.tables.requests import (
    request_comments,
    request_decisions,
    request_ids,
    request_participants,
    requests,
)

MAX_LIMIT = 200
_owner = users.alias("owner")
_enterer = users.alias("enterer")
_FIELDS = tuple(name for name in Request.__dataclass_fields__ if name in requests.c and name != "created_by")


def visible(viewer: Viewer) -> ColumnElement[bool]:
    """The condition that every read and write of requests carries."""
    if viewer.is_admin:
        return literal(True)
    return follows(viewer.id)


def follows(user_id: str) -> ColumnElement[bool]:
    return exists().where(
        request_participants.c.request_id == requests.c.id, request_participants.c.user_id == user_id
    )


class Reading:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def page(
        self,
        viewer: Viewer,
        *,
        everyone: bool = False,
        states: Sequence[str] = (),
        kinds: Sequence[str] = (),
        user_id: str | None = None,
        undecided: bool = False,
        cursor: str | None = None,
        limit: int = 30,
    ) -> RequestPage:
        """Newest first. everyone, user_id: for admins; else those that the viewer follows. undecided: those that wait for an admin.
        Raises UserError for a cursor or state that is not ours."""
        limit = max(1, min(limit, MAX_LIMIT))
        if any(one not in set(State) for one in states):
            raise UserError("There is no such state.", "state")
        whose = user_id if viewer.is_admin and user_id else viewer.id
        statement = _selected(viewer.id)
        place: tuple[ColumnElement[Any], ColumnElement[Any]] = (requests.c.created_at, requests.c.id)
        if not (everyone and viewer.is_admin) or user_id:
            mine = request_participants.alias("mine")
            statement = statement.join(
                mine, and_(mine.c.request_id == requests.c.id, mine.c.user_id == whose)
            )
            place = (mine.c.created_at, mine.c.request_id)
        if undecided:
            statement = statement.where(
                or_(
                    requests.c.state == State.PENDING.value,
                    and_(requests.c.state == State.HELD.value, requests.c.held_by == "review"),
                )
            )
        if states:
            statement = statement.where(requests.c.state.in_(states))
        if kinds:
            statement = statement.where(or_(requests.c.kind.in_(kinds), requests.c.root_kind.in_(kinds)))
        if cursor:
            statement = statement.where(past(cursor, *place))
        async with self._db.read() as tx:
            rows = await tx.all(statement.order_by(*(one.desc() for one in place)).limit(limit + 1))
        found = [request_of(row) for row in rows[:limit]]
        more = len(rows) > limit
        return RequestPage(found, mark(found[-1].created_at, found[-1].id) if more else None)

    async def counts(self, viewer: Viewer, *, everyone: bool = False) -> dict[str, int]:
        """state → how many, and "undecided"; everyone: for admins."""
        statement = select(requests.c.state, requests.c.held_by, func.count()).group_by(
            requests.c.state, requests.c.held_by
        )
        if not (everyone and viewer.is_admin):
            mine = select(request_participants.c.request_id).where(
                request_participants.c.user_id == viewer.id
            )
            statement = statement.where(requests.c.id.in_(mine))
        found = {state.value: 0 for state in State} | {"undecided": 0}
        async with self._db.read() as tx:
            for state, held_by, count in await tx.execute(statement):
                found[state] += count
                if state == State.PENDING or (state == State.HELD and held_by == "review"):
                    found["undecided"] += count
        return found

    async def get(self, viewer: Viewer, request_id: str) -> Request | None:
        async with self._db.read() as tx:
            return await self.one(tx, viewer, request_id)

    async def one(self, tx: Tx, viewer: Viewer, request_id: str) -> Request | None:
        row = await tx.first(_selected(viewer.id).where(requests.c.id == request_id, visible(viewer)))
        return request_of(row) if row is not None else None

    async def detail(self, viewer: Viewer, request_id: str) -> RequestDetail | None:
        """With its people, thread and timeline."""
        async with self._db.read() as tx:
            found = await self.one(tx, viewer, request_id)
            if found is None:
                return None
            people = await tx.all(
                select(users.c.id, users.c.username, users.c.display_name)
                .join(request_participants, request_participants.c.user_id == users.c.id)
                .where(request_participants.c.request_id == request_id)
                .order_by(request_participants.c.joined_at, users.c.id)
            )
            comments = await tx.all(
                select(request_comments, users.c.username, users.c.display_name)
                .outerjoin(users, users.c.id == request_comments.c.user_id)
                .where(request_comments.c.request_id == request_id)
                .order_by(request_comments.c.at, request_comments.c.id)
            )
            decisions = await tx.all(
                select(request_decisions, users.c.username, users.c.display_name)
                .outerjoin(users, users.c.id == request_decisions.c.actor)
                .where(request_decisions.c.request_id == request_id)
                .order_by(request_decisions.c.id)
            )
        return RequestDetail(
            found,
            [
                person
                for row in people
                if (viewer.is_admin or row["id"] == viewer.id) and (person := _person(row, row["id"]))
            ],
            [Comment(row["id"], _person(row, row["user_id"]), row["text"], row["at"]) for row in comments],
            [
                Decision(
                    row["at"],
                    row["before"],
                    row["after"],
                    _person(row, row["actor"]),
                    row["rule"],
                    row["reason"],
                )
                for row in decisions
            ],
        )

    async def wanted(
        self, viewer: Viewer, titles: Sequence[tuple[str, Mapping[str, str]]]
    ) -> list[list[Wanted]]:
        """For each (root kind, ids): how far the household's wishes for it are, newest first; cancelled and declined ones only where the
        viewer follows them."""
        marks: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        for number, (kind, ids) in enumerate(titles):
            for name, value in ids.items():
                marks[kind, name, value].append(number)
        found: list[dict[str, Wanted]] = [{} for _ in titles]
        if not marks:
            return [[] for _ in titles]
        # A part for each kind and provider, so that the statement stays the same however long the page is.
        values: dict[tuple[str, str], list[str]] = defaultdict(list)
        for kind, name, value in marks:
            values[kind, name].append(value)
        ended = (State.CANCELLED.value, State.DECLINED.value)
        async with self._db.read() as tx:
            rows = await tx.all(
                select(
                    request_ids,
                    requests.c.state,
                    requests.c.variant,
                    requests.c.seasons,
                    requests.c.created_at,
                    follows(viewer.id).label("mine"),
                )
                .join(requests, requests.c.id == request_ids.c.request_id)
                .where(
                    or_(
                        *(
                            and_(
                                request_ids.c.root_kind == kind,
                                request_ids.c.provider == name,
                                request_ids.c.value.in_(sorted(some)),
                            )
                            for (kind, name), some in sorted(values.items())
                        )
                    )
                )
            )
        for row in sorted(rows, key=lambda one: one["created_at"], reverse=True):
            if row["state"] in ended and not row["mine"]:
                continue
            for number in marks[row["root_kind"], row["provider"], row["value"]]:
                found[number].setdefault(
                    row["request_id"],
                    Wanted(
                        row["state"],
                        row["variant"],
                        row["seasons"],
                        row["request_id"] if row["mine"] or viewer.is_admin else None,
                        bool(row["mine"]),
                    ),
                )
        return [list(one.values()) for one in found]


@lru_cache(maxsize=256)
def _selected(viewer_id: str) -> Select[Any]:
    """Requests with what is shown of them to this person; which of them they may see is for the asker to add. Kept, because making the
    statement takes longer than asking it."""
    count = (
        select(func.count())
        .select_from(request_participants)
        .where(request_participants.c.request_id == requests.c.id)
        .scalar_subquery()
    )
    return (
        select(
            *(requests.c[name] for name in _FIELDS),
            requests.c.user_id,
            requests.c.created_by.label("created_by_id"),
            _owner.c.username.label("owner_username"),
            _owner.c.display_name.label("owner_name"),
            _enterer.c.username.label("enterer_username"),
            _enterer.c.display_name.label("enterer_name"),
            count.label("participants"),
            follows(viewer_id).label("mine"),
        )
        .select_from(requests)
        .outerjoin(_owner, _owner.c.id == requests.c.user_id)
        .outerjoin(_enterer, _enterer.c.id == requests.c.created_by)
    )


def request_of(row: RowMapping) -> Request:
    values: dict[str, Any] = {name: row[name] for name in _FIELDS}
    values |= {
        "episodes": [(one[0], one[1]) for one in row["episodes"]],
        "user": _named(row["user_id"], row["owner_name"], row["owner_username"]),
        "created_by": _named(row["created_by_id"], row["enterer_name"], row["enterer_username"]),
        "participants": row["participants"],
        "mine": bool(row["mine"]),
        "needs_decision": needs_decision(row),
    }
    return Request(**values)


def _person(row: RowMapping, user_id: str | None) -> Person | None:
    return _named(user_id, row["display_name"], row["username"])


def _named(user_id: str | None, name: str | None, username: str | None) -> Person | None:
    return Person(user_id, name or username) if user_id and username else None
