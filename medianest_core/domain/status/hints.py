"""What the status page does when a service tells that something it watches went up or down: it is asked at once."""

from __future__ import annotations

from medianest_core.bus.events import StatusHint
from medianest_core.bus.outbox import EventBus
from medianest_core.host.hints import Followers, Told
from medianest_core.host.instances import Instances
from medianest_core.sdk.events import Audience
from medianest_core.sdk.status import StatusProvider
from medianest_core.sdk.storage import Transaction


def followers(instances: Instances, bus: EventBus) -> Followers:
    async def look(tx: Transaction, told: Told) -> str:
        if not instances.has(StatusProvider, told.instance_id):
            return ""
        # Whoever collects may be another process than the one that was told.
        await bus.publish(tx, StatusHint(instance_id=told.instance_id), Audience.nobody())
        return StatusHint.name

    return {"status.changed": look}
