"""Syncs that others order by posting to a media server's address: a script, a download manager, another portal.

The message says what to read again; the run is asked for at once, in the transaction that keeps the delivery.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from medianest_core.base.ids import new_id
from medianest_core.base.texts import N_
from medianest_core.domain.library.syncing.orders import Order, Orders, servers_of
from medianest_core.domain.library.syncing.runs import JOB, Runs
from medianest_core.domain.webhooks.deliveries import Deliveries
from medianest_core.domain.webhooks.posted import read_posted, to_keep
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.webhooks import Delivery, Hint
from medianest_core.store.engine import Database
from medianest_core.store.transaction import alone

TOPIC = "sync.ordered"
MOST_TITLES = 500
_SHOWN = 20


class SyncMessage(BaseModel):
    """What to sync; all of it may be left out. instances: ids or names of servers. titles: our numbers, keys of the server, or names;
    one that nobody knows yet is asked for by its key. operations: such as "captions"; force: compare what seems unchanged too."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    instances: list[str] | None = Field(
        None, max_length=100, validation_alias=AliasChoices("instances", "servers")
    )
    titles: list[Annotated[int, Field(ge=0, le=2**63 - 1)] | str] | None = Field(None, max_length=MOST_TITLES)
    kinds: list[str] | None = Field(None, max_length=20)
    operations: list[str] | None = Field(
        None, max_length=20, validation_alias=AliasChoices("operations", "ops")
    )
    force: bool = False

    def order(self) -> Order:
        return Order(
            instances=self.instances,
            titles=self.titles,
            kinds=self.kinds,
            ops=self.operations,
            force=self.force,
        )


class _CameBefore(Exception):
    """The same message was followed already."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """run_ids, job_ids: of the runs that answer the order. status: "received", or "duplicate" where the same message came before."""

    status: str
    run_ids: Sequence[int] = ()
    job_ids: Sequence[str] = ()
    delivery_id: str | None = None


class SyncOrders:
    def __init__(self, db: Database, orders: Orders, runs: Runs, deliveries: Deliveries) -> None:
        self._db = db
        self._orders = orders
        self._runs = runs
        self._deliveries = deliveries
        deliveries.again[TOPIC] = self._again

    async def accept(
        self,
        instance_id: str,
        delivery: Delivery,
        *,
        replay_of: str | None = None,
        actor: str | None = None,
    ) -> Ordered:
        """instance_id: of the media server that the address belongs to; no other one may be named. Raises UserError."""
        # An empty body asks for everything.
        message = read_posted(SyncMessage, delivery.body) if delivery.body.strip() else SyncMessage()
        order = replace(message.order(), instances=self._bound(instance_id, message))
        kept = to_keep(delivery)
        identifier = new_id()
        key = identifier if replay_of else delivery.headers.get("webhook-id") or identifier
        try:
            async with self._db.begin() as tx:
                await alone(tx, "library")
                job_ids = await self._orders.request_in(tx, order, actor, fresh=True)
                stored = await self._deliveries.note(
                    tx,
                    identifier,
                    instance_id,
                    _hint(message),
                    kept,
                    key=key,
                    job_id=job_ids[0],
                    result=JOB,
                    replay_of=replay_of,
                )
                if not stored:
                    # Nothing of what was just asked for stays.
                    raise _CameBefore
        except _CameBefore:
            return Ordered("duplicate")
        return Ordered("received", await self.runs_of(job_ids), job_ids, identifier)

    async def runs_of(self, job_ids: Sequence[str]) -> list[int]:
        """Numbers of the runs that these jobs do."""
        runs = [await self._runs.of_job(one) for one in job_ids]
        return [run.id for run in runs if run is not None]

    def _bound(self, instance_id: str, message: SyncMessage) -> list[str]:
        servers = self._orders.servers()
        named = servers_of(servers, message.instances)
        if named is not None and set(named) != {instance_id}:
            title = next((one.title for one in servers if one.id == instance_id), instance_id)
            raise UserError(N_("This address is for {title} alone.").format(title=title), "instances")
        return [instance_id]

    async def _again(
        self, instance_id: str, delivery: Delivery | None, replay_of: str, actor: str | None
    ) -> str:
        if delivery is None:
            raise UserError(N_("What came in was too large to be kept."))
        done = await self.accept(instance_id, delivery, replay_of=replay_of, actor=actor)
        return done.delivery_id or replay_of


def _hint(message: SyncMessage) -> Hint:
    titles = [str(one) for one in message.titles or ()]
    said = [f"{len(titles)} titles" if titles else "everything"]
    if message.operations:
        said.append(", ".join(message.operations[:_SHOWN]))
    if message.force:
        said.append("force")
    return Hint(TOPIC, titles[:_SHOWN], " · ".join(said))
