"""What services posted: checked, kept with its job in one transaction, followed, listed, and followed again on request.

What a delivery says is never believed: it only tells where to look again.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, cast

from pydantic import BaseModel
from sqlalchemy import Select, and_, delete, func, or_, select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import Clock
from medianest_core.base.crypto import CannotOpen, Keyring
from medianest_core.base.ids import new_id, token_hash
from medianest_core.base.redact import redact
from medianest_core.base.texts import N_
from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.webhooks.addresses import Addresses
from medianest_core.domain.webhooks.entries import Accepted, Content, DeliveryInfo, NotFromThem
from medianest_core.host.hints import Follower, Followers, Told
from medianest_core.host.instances import Handle, Instances
from medianest_core.ledger.enqueue import Ledger
from medianest_core.ledger.states import JobState
from medianest_core.sdk.errors import InvalidResponse, UserError
from medianest_core.sdk.jobs import Job, JobContext
from medianest_core.sdk.webhooks import Delivery, Hint, WebhookReceiver
from medianest_core.store.engine import Database, Tx
from medianest_core.store.paging import mark, past
from medianest_core.store.repos import audit
from medianest_core.store.reseal import Sealed
from medianest_core.store.tables.ledger import jobs
from medianest_core.store.tables.webhooks import webhook_deliveries as deliveries

SETTLE = 1.0
"""Seconds to wait for more of the same before a hint is followed."""
KEPT = 14 * 86_400.0
"""Deliveries are forgotten after two weeks, with the next one that comes."""
MOST_KEYS = 500
KEEP_BYTES = 128 * 1024
"""Larger bodies are not kept; then only what was understood of them can be followed again."""
STATUSES = ("received", "processed", "ignored", "failed")
ANYONE = "*"
_HEADERS = ("content-type", "user-agent", "x-")
_PRIVATE = ("secret", "token", "auth", "key", "signature", "forwarded", "real-ip")
_FAILED = (JobState.FAILED.value, JobState.CANCELLED.value)


Again = Callable[[str, Delivery | None, str, str | None], Awaitable[str]]
"""(instance id, what came in, id of the delivery, actor) → id of the new delivery."""


class ProcessArgs(BaseModel):
    """delivery_id: the first of the equal deliveries that the job stands for."""

    delivery_id: str


class Deliveries:
    """followers: of each domain."""

    def __init__(
        self,
        db: Database,
        instances: Instances,
        keyring: Keyring,
        ledger: Ledger,
        clock: Clock,
        addresses: Addresses,
        followers: Iterable[Followers],
    ) -> None:
        self._db = db
        self._instances = instances
        self._keyring = keyring
        self._ledger = ledger
        self._clock = clock
        self._addresses = addresses
        self.again: dict[str, Again] = {}
        """By topic: who follows deliveries once more that no receiver reads."""
        self._followers: dict[str, list[Follower]] = {}
        for some in followers:
            for topic, follower in some.items():
                self._followers.setdefault(topic, []).append(follower)
        self.job = Job(
            "webhooks.process",
            self.process,
            ProcessArgs,
            title=N_("Follow up a service's message"),
            limit=4,
        )

    async def accept(self, handle: Handle[WebhookReceiver[Any, Any]], delivery: Delivery) -> Accepted:
        """Check and keep a delivery, and its job with it, in one transaction.

        Raises NotFromThem, UserError for what cannot be understood, ProviderError where the plugin fails.
        """
        receiver, instance_id = handle.api, handle.instance.id
        if not receiver.verify(delivery):
            raise NotFromThem
        key = receiver.delivery_id(delivery)
        try:
            hint = receiver.parse(delivery)
        except InvalidResponse as error:
            raise UserError(N_("This message cannot be understood: {reason}").format(reason=error)) from error
        identifier = new_id()
        async with self._db.begin() as tx:
            stored = await self._store(
                tx,
                identifier,
                instance_id,
                hint,
                key=(key or identifier)[:200],
                size=len(delivery.body),
                content=self._sealed(identifier, delivery),
            )
            if not stored:
                return Accepted(None, "duplicate")
            if hint is not None:
                # Equal hints that arrive within a moment are one job.
                await self._enqueue(tx, identifier, unique=_same(instance_id, hint), delay=SETTLE)
        return Accepted(identifier, "received" if hint is not None else "ignored")

    async def note(
        self,
        tx: Tx,
        identifier: str,
        instance_id: str,
        hint: Hint,
        delivery: Delivery,
        *,
        key: str,
        job_id: str | None,
        result: str,
        replay_of: str | None = None,
    ) -> bool:
        """Keep a delivery that was followed at once. False where it came before."""
        stored = await self._store(
            tx,
            identifier,
            instance_id,
            hint,
            key=key[:200],
            size=len(delivery.body),
            content=self._sealed(identifier, delivery),
            replay_of=replay_of,
        )
        if stored:
            await tx.execute(
                update(deliveries)
                .where(deliveries.c.id == identifier)
                .values(status="processed", processed_at=self._clock.now(), result=result, job_id=job_id)
            )
        return stored

    async def process(self, context: JobContext, args: ProcessArgs) -> str:
        """Follow the hint; returns what was done."""
        async with self._db.read() as tx:
            row = await tx.first(select(deliveries).where(deliveries.c.id == args.delivery_id))
        if row is None:
            return "gone"
        async with context.begin() as tx:
            done: list[str] = []
            for told in self._told(row):
                for follow in self._followers.get(told.topic, ()):
                    if (what := await follow(tx, told)) and what not in done:
                        done.append(what)
            result = ", ".join(done) or "nothing to do"
            await tx.execute(
                update(deliveries)
                .where(deliveries.c.job_id == context.job_id, deliveries.c.status == "received")
                .values(status="processed", processed_at=self._clock.now(), result=result)
            )
        return result

    async def replay(self, delivery_id: str, actor: str | None) -> str:
        """Follow a delivery once more, as a new one: read again by the receiver as it is now, where it was kept. Returns the new id.

        Raises Missing, UserError.
        """
        async with self._db.read() as tx:
            row = await tx.first(select(deliveries).where(deliveries.c.id == delivery_id))
        if row is None:
            raise Missing(N_("There is no such delivery."))
        if (again := self.again.get(row["topic"])) is not None:
            return await again(row["instance_id"], self._opened(row), delivery_id, actor)
        handle = self._addresses.receiver(row["instance_id"])
        if handle is None:
            raise UserError(N_("The service is switched off."))
        hint: Hint | None = Hint(row["topic"], tuple(row["keys"]), row["summary"], about=row["about"] or "")
        if (kept := self._opened(row)) is not None:
            try:
                hint = handle.api.parse(kept)
            except InvalidResponse as error:
                raise UserError(
                    N_("This message cannot be understood: {reason}").format(reason=error)
                ) from error
        elif not row["topic"]:
            hint = None
        identifier = new_id()
        async with self._db.begin() as tx:
            await self._store(
                tx,
                identifier,
                row["instance_id"],
                hint,
                key=identifier,
                size=row["size"],
                content=self._sealed(identifier, kept) if kept is not None else None,
                replay_of=delivery_id,
            )
            if hint is not None:
                await self._enqueue(tx, identifier)
            await audit.record(
                tx, actor=actor, action="webhook.replayed", target=delivery_id, details={"as": identifier}
            )
        return identifier

    async def log(
        self,
        *,
        instance_id: str | None = None,
        status: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> tuple[list[DeliveryInfo], str | None]:
        """(deliveries, newest first; mark of the next page). status: one of STATUSES. Raises UserError."""
        wanted = _listed().order_by(deliveries.c.received_at.desc(), deliveries.c.id.desc())
        if instance_id is not None:
            wanted = wanted.where(deliveries.c.instance_id == instance_id)
        if status is not None:
            wanted = wanted.where(_has_status(status))
        if cursor:
            wanted = wanted.where(past(cursor, deliveries.c.received_at, deliveries.c.id))
        async with self._db.read() as tx:
            rows = await tx.all(wanted.limit(limit + 1))
        found = [_info(row) for row in rows[:limit]]
        more = mark(found[-1].received_at, found[-1].id) if len(rows) > limit else None
        return found, more

    async def get(self, delivery_id: str) -> tuple[DeliveryInfo, Content | None]:
        """One delivery with what came in, where that was kept. Raises Missing."""
        async with self._db.read() as tx:
            row = await tx.first(_listed().where(deliveries.c.id == delivery_id))
        if row is None:
            raise Missing(N_("There is no such delivery."))
        kept = self._opened(row)
        if kept is None:
            return _info(row), None
        headers = {
            name: redact(value)
            for name, value in kept.headers.items()
            if not any(word in name for word in _PRIVATE)
        }
        return _info(row), Content(headers, redact(_readable(kept.body)))

    async def counts(self) -> dict[str, int]:
        """How many deliveries are kept, by status."""
        failed = and_(deliveries.c.status == "received", jobs.c.state.in_(_FAILED))
        wanted = (
            select(deliveries.c.status, failed.label("failed"), func.count())
            .select_from(deliveries.outerjoin(jobs, jobs.c.id == deliveries.c.job_id))
            .group_by(deliveries.c.status, failed)
        )
        found = dict.fromkeys(STATUSES, 0)
        async with self._db.read() as tx:
            for status, failing, count in await tx.execute(wanted):
                name = "failed" if failing else str(status)
                found[name] = found.get(name, 0) + int(count)
        return found

    async def _store(
        self,
        tx: Tx,
        identifier: str,
        instance_id: str,
        hint: Hint | None,
        *,
        key: str,
        size: int,
        content: str | None,
        replay_of: str | None = None,
    ) -> bool:
        # With whichever comes next, also where it is followed by nothing: some services only send what is passed over.
        await tx.execute(delete(deliveries).where(deliveries.c.received_at < self._clock.now() - KEPT))
        result = await tx.execute(
            tx.insert(deliveries)
            .values(
                id=identifier,
                instance_id=instance_id,
                delivery_key=key,
                received_at=self._clock.now(),
                size=size,
                status="received" if hint is not None else "ignored",
                topic=hint.topic[:80] if hint else "",
                keys=_shown(hint),
                summary=hint.summary[:500] if hint else "",
                about=(hint.about[:100] or None) if hint else None,
                content_sealed=content,
                replay_of=replay_of,
            )
            .on_conflict_do_nothing()
        )
        return bool(result.rowcount)

    async def _enqueue(
        self, tx: Tx, identifier: str, *, unique: str | None = None, delay: float = 0.0
    ) -> None:
        job_id = await self._ledger.enqueue(
            tx, self.job, ProcessArgs(delivery_id=identifier), unique=unique, delay=delay
        )
        await tx.execute(update(deliveries).where(deliveries.c.id == identifier).values(job_id=job_id))

    def _told(self, row: RowMapping) -> list[Told]:
        """Whom the delivery is about: mostly its sender."""
        about, keys = row["about"], tuple(row["keys"])
        if not about:
            return [Told(row["instance_id"], row["topic"], keys)]
        infos = [info for info in self._instances.all() if info.enabled]
        if about == ANYONE:
            return [Told(info.id, row["topic"]) for info in infos if info.id != row["instance_id"]]
        name = about.casefold()
        meant = [info for info in infos if name in (info.id, info.name.casefold(), info.title.casefold())]
        return [Told(info.id, row["topic"], keys) for info in meant]

    def _sealed(self, identifier: str, delivery: Delivery) -> str | None:
        if len(delivery.body) > KEEP_BYTES:
            return None
        headers = {
            name: value[:1000] for name, value in delivery.headers.items() if name.startswith(_HEADERS)
        }
        text = json.dumps({"headers": headers, "body": base64.b64encode(delivery.body).decode()})
        return self._keyring.seal(text, _context(identifier))

    def _opened(self, row: Mapping[str, Any] | RowMapping) -> Delivery | None:
        if row["content_sealed"] is None:
            return None
        try:
            kept = json.loads(self._keyring.open(row["content_sealed"], _context(row["id"])))
        except CannotOpen:
            return None
        return Delivery(kept["headers"], base64.b64decode(kept["body"]))


def _listed() -> Select[Any]:
    return select(deliveries, jobs.c.state.label("job_state")).select_from(
        deliveries.outerjoin(jobs, jobs.c.id == deliveries.c.job_id)
    )


def _has_status(status: str) -> Any:
    if status not in STATUSES:
        raise UserError(N_("There is no such status."), "status")
    if status == "failed":
        return and_(deliveries.c.status == "received", jobs.c.state.in_(_FAILED))
    if status == "received":
        running = or_(jobs.c.state.is_(None), jobs.c.state.not_in(_FAILED))
        return and_(deliveries.c.status == status, running)
    return deliveries.c.status == status


def _info(row: RowMapping) -> DeliveryInfo:
    values = {name: row[name] for name in DeliveryInfo.__dataclass_fields__ if name != "kept"}
    if values["status"] == "received" and row["job_state"] in _FAILED:
        values["status"] = "failed"
    return DeliveryInfo(**values, kept=row["content_sealed"] is not None)


def _readable(body: bytes) -> str:
    """JSON with a line for each value, before anything in it is masked; else as it came."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")


def _context(identifier: str) -> str:
    return f"webhook-delivery:{identifier}"


def _shown(hint: Hint | None) -> list[str]:
    return [str(key)[:200] for key in hint.keys][:MOST_KEYS] if hint is not None else []


def _same(instance_id: str, hint: Hint) -> str:
    return token_hash("\n".join([instance_id, hint.topic, hint.about, *sorted(_shown(hint))]))


SEALED = (Sealed(deliveries, "content_sealed", lambda row, _: _context(cast(str, row["id"]))),)
