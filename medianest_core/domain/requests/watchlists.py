"""The job `requests.watchlists`: asks for what people put on their lists at services, as they would themselves.

Only for who wants that, and once for each title: what became of it is remembered, also where it was declined or cancelled since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel
from sqlalchemy import select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.logging import get_logger
from medianest_core.base.texts import N_
from medianest_core.domain.requests.errors import Blocked, Denied, QuotaUsed, TooManyRequests
from medianest_core.domain.requests.kinds import MediaTypes
from medianest_core.domain.requests.policies import Policies, governing
from medianest_core.domain.requests.states import State
from medianest_core.domain.requests.submission import WATCHLIST, Submission, for_ids
from medianest_core.domain.requests.wishes import Wish, checked
from medianest_core.host.instances import Handle, Instances
from medianest_core.sdk.auth import AuthCapability, AuthProvider, WatchlistTitle
from medianest_core.sdk.errors import AuthFailed, MediaNestError, UserError
from medianest_core.sdk.jobs import JobContext
from medianest_core.sdk.routes import Viewer
from medianest_core.sdk.settings import Secret
from medianest_core.store.engine import Database, Tx
from medianest_core.store.errors import Stale
from medianest_core.store.tables.accounts import identities, users
from medianest_core.store.tables.requests import request_watched, request_watchers, requests

WATCHLISTS_JOB = "requests.watchlists"
EVERY = 900.0
SHOWN = 50
DECLINED = "declined"
_AGAIN = ("denied",)
"""What is tried again each time: a rule may have changed."""
_log = get_logger(__name__)
_Handle = Handle[AuthProvider[Any, Any]]


class Tokens(Protocol):
    """Who keeps people's tokens; see `accounts.identities`."""

    def token_of(self, row: RowMapping) -> Secret | None: ...


class WatchlistArgs(BaseModel):
    """user_id: one person; None: everyone who wants it."""

    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """What became of a title on somebody's list. outcome: created, joined, available, declined, denied, blocked or refused."""

    title: str
    outcome: str
    reason: str
    request_id: str | None
    at: float


@dataclass(frozen=True, slots=True)
class Watching:
    """sources: names of services whose list of this person can be read. allowed: some rule lets lists ask for something. problem: why the
    last reading came to nothing. titles: the last first. checked_at: epoch seconds, None where it was never read."""

    enabled: bool
    sources: Sequence[str]
    allowed: bool
    checked_at: float | None
    problem: str
    titles: Sequence[Watched]
    version: int


class Watchlists:
    def __init__(
        self,
        db: Database,
        instances: Instances,
        tokens: Tokens | None,
        submission: Submission,
        policies: Policies,
        types: MediaTypes,
        clock: Clock,
    ) -> None:
        self._db = db
        self._instances = instances
        self._tokens = tokens
        self._submission = submission
        self._policies = policies
        self._types = types
        self._clock = clock

    async def of(self, viewer: Viewer) -> Watching:
        """How it stands with this person's list."""
        async with self._db.read() as tx:
            row = await tx.first(select(request_watchers).where(request_watchers.c.user_id == viewer.id))
            found = await tx.all(
                select(request_watched)
                .where(request_watched.c.user_id == viewer.id)
                .order_by(request_watched.c.at.desc(), request_watched.c.key)
                .limit(SHOWN)
            )
            own = await _identities(tx, viewer.id)
            allowed = await self._allowed(tx, viewer)
        sources = sorted({handle.instance.title for one in own for handle in self._handles(one["provider"])})
        return Watching(
            enabled=bool(row and row["enabled"]),
            sources=sources,
            allowed=allowed,
            checked_at=(row["checked_at"] or None) if row else None,
            problem=row["problem"] if row else "",
            titles=[
                Watched(one["title"], one["outcome"], one["reason"], one["request_id"], one["at"])
                for one in found
            ],
            version=row["version"] if row else 0,
        )

    async def switch(self, tx: Tx, viewer: Viewer, enabled: bool, version: int | None = None) -> None:
        """Begin or end reading this person's list. Raises Stale."""
        row = await tx.first(select(request_watchers).where(request_watchers.c.user_id == viewer.id))
        if version is not None and version != (row["version"] if row else 0):
            raise Stale({"enabled": bool(row and row["enabled"]), "version": row["version"] if row else 0})
        await tx.execute(
            tx.insert(request_watchers)
            .values(user_id=viewer.id, enabled=enabled, checked_at=0.0, problem="", version=1)
            .on_conflict_do_update(
                index_elements=["user_id"],
                set_={"enabled": enabled, "problem": "", "version": request_watchers.c.version + 1},
            )
        )

    async def run(self, ctx: JobContext, args: WatchlistArgs) -> dict[str, int]:
        """Counts: people that were looked at, requests that came of it."""
        wanted = (
            select(users.c.id, users.c.username, users.c.role)
            .join(request_watchers, request_watchers.c.user_id == users.c.id)
            .where(request_watchers.c.enabled, users.c.status == "active")
            .order_by(request_watchers.c.checked_at)
        )
        if args.user_id is not None:
            wanted = wanted.where(users.c.id == args.user_id)
        async with self._db.read() as tx:
            people = await tx.all(wanted)
        made = 0
        for done, row in enumerate(people, start=1):
            ctx.check_cancelled()
            viewer = Viewer(row["id"], row["username"], row["role"], frozenset())
            made += await self._person(viewer)
            await ctx.progress(done, len(people))
        return {"people": len(people), "made": made}

    async def _person(self, viewer: Viewer) -> int:
        made, problem = 0, ""
        try:
            titles = await self._titles(viewer)
            made, problem = await self._ask(viewer, titles)
        except AuthFailed:
            problem = N_("The service no longer accepts your sign-in. Sign out, then sign in with it again.")
        except MediaNestError as error:
            problem = str(error)
        async with self._db.begin() as tx:
            await tx.execute(
                update(request_watchers)
                .where(request_watchers.c.user_id == viewer.id)
                .values(checked_at=self._clock.now(), problem=problem)
            )
        return made

    async def _titles(self, viewer: Viewer) -> list[WatchlistTitle]:
        """Of all services that this person signs in with. Raises ProviderErrors."""
        async with self._db.read() as tx:
            own = await _identities(tx, viewer.id)
        found: list[WatchlistTitle] = []
        for row in own:
            token = self._tokens.token_of(row) if self._tokens is not None else None
            handle = next(iter(self._handles(row["provider"])), None)
            if token is not None and handle is not None:
                found += await handle.api.watchlist(row["subject"], token)
        return found

    async def _ask(self, viewer: Viewer, titles: Sequence[WatchlistTitle]) -> tuple[int, str]:
        """(requests that came of it, what stood in the way of more)."""
        made, problem = 0, ""
        # The oldest first, in the order the person thought of them.
        for one in reversed(titles):
            try:
                wish = checked(Wish(one.kind, one.ids, one.title, one.year), self._types)
            except UserError:
                continue
            root = self._types.root(wish.kind)
            async with self._db.read() as tx:
                if await _is_known(tx, viewer.id, root, wish.ids):
                    continue
                ended = await _ended(tx, viewer.id, root, wish.ids)
            if ended is not None:
                await self._keep(viewer.id, root, wish, DECLINED, ended["reason"], ended["id"])
                continue
            try:
                answer = await self._submission.submit(viewer, wish, WATCHLIST)
            except TooManyRequests as error:
                # The rest comes with the next rounds.
                return made, str(error)
            except QuotaUsed as error:
                problem = str(error)
                continue
            except (Denied, Blocked, UserError) as error:
                outcome = {Denied: "denied", Blocked: "blocked"}.get(type(error), "refused")
                await self._keep(viewer.id, root, wish, outcome, str(error), None)
                continue
            made += answer.result == "created"
            await self._keep(viewer.id, root, wish, answer.result, "", answer.request_id)
        return made, problem

    async def _keep(
        self, user_id: str, root: str, wish: Wish, outcome: str, reason: str, request_id: str | None
    ) -> None:
        values = {
            "title": wish.title,
            "outcome": outcome,
            "reason": reason,
            "request_id": request_id,
            "at": self._clock.now(),
        }
        async with self._db.begin() as tx:
            await tx.execute(
                tx.insert(request_watched)
                .values(user_id=user_id, key=min(_keys(root, wish.ids)), **values)
                .on_conflict_do_update(index_elements=["user_id", "key"], set_=values)
            )

    async def _allowed(self, tx: Tx, viewer: Viewer) -> bool:
        policies = await self._policies.of(tx, viewer.id, viewer.role)
        for kind, one in self._types.all().items():
            if not one.requestable:
                continue
            rule = governing(
                policies, user_id=viewer.id, role=viewer.role, kind=kind, root_kind=kind, variant=""
            )
            if rule is not None and rule.allowed and rule.watchlist:
                return True
        return False

    def _handles(self, provider: str) -> list[_Handle]:
        """Instances of this provider that can read lists now; any of them knows the same people."""
        found: list[_Handle] = self._instances.ready(AuthProvider)  # type: ignore[type-abstract]  # a key, not made
        return [one for one in found if one.instance.plugin == provider and one.can(AuthCapability.WATCHLIST)]


async def _identities(tx: Tx, user_id: str) -> list[RowMapping]:
    return await tx.all(
        select(identities)
        .where(
            identities.c.user_id == user_id,
            identities.c.revoked_at.is_(None),
            identities.c.token_sealed.is_not(None),
        )
        .order_by(identities.c.created_at, identities.c.id)
    )


def _keys(root: str, ids: Mapping[str, str]) -> list[str]:
    return [f"{root}|{provider}:{value}"[:240] for provider, value in ids.items()]


async def _is_known(tx: Tx, user_id: str, root: str, ids: Mapping[str, str]) -> bool:
    found = await tx.scalar(
        select(request_watched.c.key)
        .where(
            request_watched.c.user_id == user_id,
            request_watched.c.key.in_(_keys(root, ids)),
            request_watched.c.outcome.not_in(_AGAIN),
        )
        .limit(1)
    )
    return found is not None


async def _ended(tx: Tx, user_id: str, root: str, ids: Mapping[str, str]) -> RowMapping | None:
    """This person's request for it that somebody declined, or that they withdrew: a list does not ask anew."""
    return await tx.first(
        select(requests.c.id, requests.c.reason)
        .where(
            requests.c.id.in_(for_ids(root, ids)),
            requests.c.user_id == user_id,
            requests.c.state.in_((State.DECLINED.value, State.CANCELLED.value)),
        )
        .order_by(requests.c.created_at.desc())
        .limit(1)
    )
