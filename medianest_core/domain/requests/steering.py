"""What people do with a request: approve, decline, cancel, try again, follow, talk about it, forget it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import IntegrityError

from medianest_core.base.clock import Clock
from medianest_core.base.ids import new_id
from medianest_core.base.texts import N_
from medianest_core.bus.events import RequestCommented
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.requests.backends import item_of
from medianest_core.domain.requests.errors import Denied
from medianest_core.domain.requests.imports import forget
from medianest_core.domain.requests.moves import BY_BACKEND, LOCK, Moves
from medianest_core.domain.requests.profiles import Profiles
from medianest_core.domain.requests.quotas import Quotas
from medianest_core.domain.requests.reading import visible
from medianest_core.domain.requests.sending import enqueue_submit, enqueue_withdraw
from medianest_core.domain.requests.states import OPEN, NotPossible, State
from medianest_core.domain.requests.submission import add_participant, routed
from medianest_core.domain.requests.wishes import Wish, open_key
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.events import Audience
from medianest_core.sdk.routes import Viewer
from medianest_core.store.engine import Database, Tx
from medianest_core.store.errors import Stale
from medianest_core.store.repos.audit import record
from medianest_core.store.tables.accounts import users
from medianest_core.store.tables.requests import request_comments, request_participants, requests
from medianest_core.store.transaction import alone

Change = Callable[[Tx, RowMapping], Awaitable[None]]
MAX_TEXT = 2000
_DECISIONS = ("requests.approved", "requests.declined", "requests.cancelled", "requests.retried")
"""What is written down only where it changed something: the same again is no news."""
_SENT = (State.SUBMITTING, State.PROCESSING, State.PARTIALLY_AVAILABLE)


class Steering:
    """Every method answers False where the request does not exist for the viewer; `version` is that of the request as they saw it
    (Stale where it is another by now; None: whatever it is). NotPossible where its state does not allow it."""

    def __init__(
        self,
        db: Database,
        ledger: Ledger,
        bus: EventBus,
        moves: Moves,
        profiles: Profiles,
        quotas: Quotas,
        clock: Clock,
    ) -> None:
        self._db = db
        self._ledger = ledger
        self._bus = bus
        self._moves = moves
        self._profiles = profiles
        self._quotas = quotas
        self._clock = clock

    async def approve(
        self,
        viewer: Viewer,
        request_id: str,
        *,
        version: int | None = None,
        profile_id: str | None = None,
        instance_id: str | None = None,
        options: Mapping[str, str] | None = None,
    ) -> bool:
        """For admins. profile_id, instance_id, options: instead of what was chosen so far. One that is approved already stays so."""
        _admins(viewer)

        async def change(tx: Tx, row: RowMapping) -> None:
            state = State(row["state"])
            if state in (State.APPROVED, *_SENT):
                return
            if state is State.FAILED or (state is State.HELD and row["held_by"] == BY_BACKEND):
                raise NotPossible(N_("This request is approved already."))
            values = await self._route(tx, row, profile_id, instance_id, options)
            after = await self._moves.to(tx, row, State.APPROVED, rule="person", actor=viewer.id, **values)
            await enqueue_submit(self._ledger, tx, after)

        return await self.within(viewer, request_id, "requests.approved", version, change)

    async def decline(
        self, viewer: Viewer, request_id: str, reason: str = "", *, version: int | None = None
    ) -> bool:
        """For admins. reason: shown to the person."""
        _admins(viewer)
        reason = _text(reason)

        async def change(tx: Tx, row: RowMapping) -> None:
            if State(row["state"]) is State.DECLINED:
                return
            after = await self._moves.to(
                tx, row, State.DECLINED, rule="person", actor=viewer.id, reason=reason
            )
            await self._quotas.give_back(tx, row["id"])
            waited_there = State(row["state"]) is State.PENDING and row["reference"] is not None
            if waited_there or State(row["state"]) in (*_SENT, State.HELD, State.FAILED):
                await enqueue_withdraw(self._ledger, tx, after, declined=waited_there)

        return await self.within(viewer, request_id, "requests.declined", version, change)

    async def cancel(
        self, viewer: Viewer, request_id: str, reason: str = "", *, version: int | None = None
    ) -> bool:
        """Withdraw it, also at its backend. Where others follow it too, someone who is no admin only leaves it to them."""
        reason = _text(reason)

        async def change(tx: Tx, row: RowMapping) -> None:
            if not viewer.is_admin and await self._hand_over(tx, viewer, row):
                return
            if not viewer.is_admin and row["user_id"] != viewer.id and row["created_by"] != viewer.id:
                raise Denied(N_("This is someone else's request; you can stop following it."))
            state = State(row["state"])
            if state is State.CANCELLED:
                return
            after = await self._moves.to(
                tx, row, State.CANCELLED, rule="person", actor=viewer.id, reason=reason
            )
            if row["sent_at"] is None or state is State.PENDING:
                await self._quotas.give_back(tx, row["id"])
            if row["sent_at"] is not None and state in (
                *_SENT,
                State.PENDING,
                State.APPROVED,
                State.HELD,
                State.FAILED,
            ):
                await enqueue_withdraw(self._ledger, tx, after)

        return await self.within(viewer, request_id, "requests.cancelled", version, change)

    async def retry(
        self,
        viewer: Viewer,
        request_id: str,
        *,
        version: int | None = None,
        profile_id: str | None = None,
        instance_id: str | None = None,
        options: Mapping[str, str] | None = None,
    ) -> bool:
        """For admins: send a failed one, or one that waits for a service, again. Raises NotPossible where someone asked anew meanwhile."""
        _admins(viewer)

        async def change(tx: Tx, row: RowMapping) -> None:
            state = State(row["state"])
            waits = state is State.HELD and row["held_by"] == BY_BACKEND
            if state is State.APPROVED:
                return
            if state is not State.FAILED and not waits:
                raise NotPossible(N_("Only what failed can be tried again."))
            values = await self._route(tx, row, profile_id, instance_id, options)
            if "instance_id" in values and values["instance_id"] != row["instance_id"]:
                values |= {"sent_at": None, "reference": None}
            elif row["reference"]:
                # What the backend had is gone or failed: whether it is there still is looked up before anything is sent.
                values |= {"reference": None}
            await forget(tx, row, self._clock.now())
            wish = _wish_of(row)
            try:
                after = await self._moves.to(
                    tx,
                    row,
                    State.APPROVED,
                    rule="person",
                    actor=viewer.id,
                    open_key=open_key(wish, row["root_kind"]),
                    **values,
                )
            except IntegrityError as error:
                raise NotPossible(N_("Someone has asked for this anew.")) from error
            await enqueue_submit(self._ledger, tx, after)

        return await self.within(viewer, request_id, "requests.retried", version, change)

    async def remove(self, viewer: Viewer, request_id: str, *, version: int | None = None) -> bool:
        """For admins: forget it, and withdraw it where it is on its way."""
        _admins(viewer)

        async def change(tx: Tx, row: RowMapping) -> None:
            if State(row["state"]) in OPEN:
                row = await self._moves.to(tx, row, State.CANCELLED, rule="person", actor=viewer.id)
                await enqueue_withdraw(self._ledger, tx, row)
            else:
                # No news for anyone, but lists lose a row.
                await self._moves.tell(tx, row, row["state"], viewer.id)
            await forget(tx, row, self._clock.now())
            await tx.execute(delete(requests).where(requests.c.id == row["id"]))

        return await self.within(viewer, request_id, "requests.removed", version, change)

    async def follow(self, viewer: Viewer, request_id: str, user_id: str | None = None) -> bool:
        """Let someone follow it; another person than oneself only for admins. Raises UserError for an unknown account."""
        whom = user_id or viewer.id
        if whom != viewer.id:
            _admins(viewer)

        async def change(tx: Tx, row: RowMapping) -> None:
            known = await tx.scalar(select(users.c.id).where(users.c.id == whom, users.c.status == "active"))
            if known is None:
                raise UserError(N_("There is no such account."), "user_id")
            if await add_participant(tx, row, whom, self._clock.now()):
                await self._moves.tell(tx, row, row["state"], viewer.id)

        return await self.within(viewer, request_id, "requests.followed", None, change)

    async def unfollow(self, viewer: Viewer, request_id: str, user_id: str | None = None) -> bool:
        """Stop following it. Whose wish it is hands it to the next; the last one cannot leave but has to cancel."""
        whom = user_id or viewer.id
        if whom != viewer.id:
            _admins(viewer)

        async def change(tx: Tx, row: RowMapping) -> None:
            alone_with_it = row["user_id"] == whom and not await self._pass_on(tx, row, whom)
            if alone_with_it and State(row["state"]) in OPEN:
                raise NotPossible(N_("Nobody else follows this; cancel it instead."))
            await self._moves.tell(tx, row, row["state"], viewer.id)
            await tx.execute(_participation(row["id"], whom))

        return await self.within(viewer, request_id, "requests.unfollowed", None, change)

    async def comment(self, viewer: Viewer, request_id: str, text: str) -> bool:
        """Add to its thread; those who follow it are told. Raises UserError."""
        text = _text(text)

        async def change(tx: Tx, row: RowMapping) -> None:
            if not text:
                raise UserError(N_("Write something."), "text")
            identifier = new_id()
            await tx.execute(
                request_comments.insert().values(
                    id=identifier,
                    request_id=row["id"],
                    user_id=viewer.id,
                    text=text,
                    at=self._clock.now(),
                )
            )
            people = await tx.execute(
                select(request_participants.c.user_id).where(request_participants.c.request_id == row["id"])
            )
            for user_id in ("", *sorted(people.scalars())):
                event = RequestCommented(
                    request_id=row["id"],
                    comment_id=identifier,
                    user_id=user_id,
                    title=row["title"],
                    actor=viewer.id,
                    by=viewer.username,
                    text=text,
                )
                await self._bus.publish(tx, event, Audience.user(user_id) if user_id else Audience.admins())

        return await self.within(viewer, request_id, "requests.commented", None, change)

    async def remove_comment(self, viewer: Viewer, request_id: str, comment_id: str) -> bool:
        """One's own; admins any."""
        found = False

        async def change(tx: Tx, row: RowMapping) -> None:
            nonlocal found
            gone = delete(request_comments).where(
                request_comments.c.id == comment_id, request_comments.c.request_id == row["id"]
            )
            if not viewer.is_admin:
                gone = gone.where(request_comments.c.user_id == viewer.id)
            found = bool((await tx.execute(gone)).rowcount)

        await self.within(viewer, request_id, "requests.comment_removed", None, change)
        return found

    async def _route(
        self,
        tx: Tx,
        row: RowMapping,
        profile_id: str | None,
        instance_id: str | None,
        options: Mapping[str, str] | None,
    ) -> dict[str, Any]:
        values: dict[str, Any] = {}
        if profile_id is not None:
            profile = await self._profiles.choose(
                tx,
                profile_id,
                kind=row["kind"],
                root_kind=row["root_kind"],
                variant=row["variant"],
                admin=True,
            )
            values = routed(profile, {})
        if instance_id is not None:
            values["instance_id"] = instance_id
        if row["reference"] is not None and State(row["state"]) is State.PENDING:
            # It stands at its backend already; there is no other way for it.
            values["instance_id"] = row["instance_id"]
        if options is not None:
            values["options"] = {**values.get("options", row["options"]), **options}
        return values

    async def _hand_over(self, tx: Tx, viewer: Viewer, row: RowMapping) -> bool:
        """Leave it to the others who follow it; False where there are none."""
        others = await tx.scalar(
            select(func.count())
            .select_from(request_participants)
            .where(
                request_participants.c.request_id == row["id"], request_participants.c.user_id != viewer.id
            )
        )
        if not others:
            return False
        if row["user_id"] == viewer.id:
            await self._pass_on(tx, row, viewer.id)
        await tx.execute(_participation(row["id"], viewer.id))
        return True

    async def _pass_on(self, tx: Tx, row: RowMapping, from_user: str) -> bool:
        """The wish becomes that of who has followed it longest; False where nobody else does."""
        following = await tx.scalar(
            select(request_participants.c.user_id)
            .where(
                request_participants.c.request_id == row["id"], request_participants.c.user_id != from_user
            )
            .order_by(request_participants.c.joined_at, request_participants.c.user_id)
            .limit(1)
        )
        if following is None:
            return False
        await tx.execute(
            update(requests)
            .where(requests.c.id == row["id"])
            .values(user_id=following, version=requests.c.version + 1)
        )
        return True

    async def within(
        self, viewer: Viewer, request_id: str, action: str, version: int | None, change: Change
    ) -> bool:
        """Do it over the request as the viewer saw it, alone; what an admin does with somebody else's is audited."""
        async with self._db.begin() as tx:
            await alone(tx, LOCK)
            row = await tx.first(select(requests).where(requests.c.id == request_id, visible(viewer)))
            if row is None:
                return False
            if version is not None and row["version"] != version:
                raise Stale({"version": row["version"], "state": row["state"], "reason": row["reason"]})
            await change(tx, row)
            now = await tx.scalar(select(requests.c.version).where(requests.c.id == request_id))
            idle = action in _DECISIONS and now == row["version"]
            if viewer.is_admin and viewer.id != row["user_id"] and not idle:
                await record(
                    tx,
                    actor=viewer.id,
                    action=action,
                    target=row["id"],
                    details={"owner": row["user_id"], "title": row["title"]},
                )
        return True


def _participation(request_id: str, user_id: str) -> Any:
    return delete(request_participants).where(
        request_participants.c.request_id == request_id, request_participants.c.user_id == user_id
    )


def _admins(viewer: Viewer) -> None:
    if not viewer.is_admin:
        raise Denied(N_("Only admins do this."))


def _text(text: str) -> str:
    text = text.strip()
    if len(text) > MAX_TEXT:
        raise UserError(N_("Use at most {count} characters.").format(count=MAX_TEXT), "text")
    return text


def _wish_of(row: RowMapping) -> Wish:
    item = item_of(row)
    return Wish(item.kind, item.ids, item.title, item.year, None, item.seasons, item.episodes, item.variant)
