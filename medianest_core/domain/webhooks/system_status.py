"""How busy a media server's machine is, as something there says by posting to the server's address.

While it is more than normal admins are told, once for each server: what comes later takes the place of what came before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from medianest_core.base.ids import new_id
from medianest_core.base.texts import N_
from medianest_core.bus.events import SystemAlert
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.webhooks.deliveries import Deliveries
from medianest_core.domain.webhooks.posted import read_posted, to_keep
from medianest_core.host.instances import Instances
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.events import Audience
from medianest_core.sdk.webhooks import Delivery, Hint
from medianest_core.store.engine import Database

TOPIC = "system.status"
_SHOWN = 6
_LEVELS = {"normal": "info", "elevated": "info", "heavy": "warning", "critical": "error"}
_TITLES = {
    "normal": N_("{title}: the machine is as busy as it should be"),
    "elevated": N_("{title}: the machine is busier than usual"),
    "heavy": N_("{title}: the machine is very busy"),
    "critical": N_("{title}: the machine can take no more"),
}
Short = Annotated[str, Field(max_length=500)]


class Incident(BaseModel):
    """What happened, where the server knows."""

    model_config = ConfigDict(extra="ignore")

    title: Short = Field("", validation_alias=AliasChoices("title", "name"))
    description: Short = Field("", validation_alias=AliasChoices("description", "message"))


class StatusMessage(BaseModel):
    """status: "normal" ends what was told before. metrics: such as {"cpu": 91.5}, in the server's own units."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    status: Literal["normal", "elevated", "heavy", "critical"] = Field(
        validation_alias=AliasChoices("status", "level")
    )
    message: Short = ""
    metrics: dict[Annotated[str, Field(max_length=60)], float | Short] = Field(
        default_factory=dict, max_length=50
    )
    incident: Incident | None = None

    def told(self) -> str:
        """In one line: what is said of it, then the first of the metrics."""
        said: list[str] = [self.message]
        if self.incident is not None:
            said += [self.incident.title, self.incident.description]
        shown = [f"{name} {_number(value)}" for name, value in list(self.metrics.items())[:_SHOWN]]
        return " · ".join(part for part in dict.fromkeys([*said, ", ".join(shown)]) if part)


@dataclass(frozen=True, slots=True)
class Noted:
    """status: "received", or "duplicate" where the same message came before."""

    status: str
    delivery_id: str | None = None


class SystemStatus:
    def __init__(self, db: Database, bus: EventBus, instances: Instances, deliveries: Deliveries) -> None:
        self._db = db
        self._bus = bus
        self._instances = instances
        self._deliveries = deliveries
        deliveries.again[TOPIC] = self._again

    async def accept(self, instance_id: str, delivery: Delivery, *, replay_of: str | None = None) -> Noted:
        """instance_id: of the media server that the address belongs to. Raises UserError."""
        message = read_posted(StatusMessage, delivery.body)
        kept = to_keep(delivery)
        identifier = new_id()
        key = identifier if replay_of else delivery.headers.get("webhook-id") or identifier
        info = self._instances.info(instance_id)
        async with self._db.begin() as tx:
            stored = await self._deliveries.note(
                tx,
                identifier,
                instance_id,
                Hint(TOPIC, (), " · ".join(part for part in (message.status, message.told()) if part)),
                kept,
                key=key,
                job_id=None,
                result=message.status,
                replay_of=replay_of,
            )
            if not stored:
                return Noted("duplicate")
            alert = SystemAlert(
                key=f"{TOPIC}:{instance_id}",
                level=_LEVELS[message.status],
                title=_TITLES[message.status].format(title=info.title if info else instance_id),
                message=message.told(),
                link="/status",
                active=message.status != "normal",
                inbox=message.status == "critical",
            )
            await self._bus.publish(tx, alert, Audience.admins())
        return Noted("received", identifier)

    async def _again(
        self, instance_id: str, delivery: Delivery | None, replay_of: str, _actor: str | None
    ) -> str:
        if delivery is None:
            raise UserError(N_("What came in was too large to be kept."))
        done = await self.accept(instance_id, delivery, replay_of=replay_of)
        return done.delivery_id or replay_of


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"
