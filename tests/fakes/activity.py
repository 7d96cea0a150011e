"""Services that know how far requests are, behind the real guard."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medianest_core.base.breaker import Breaker
from medianest_core.base.bulkhead import Bulkhead
from medianest_core.base.clock import SystemClock
from medianest_core.base.retry import RetryPlan
from medianest_core.host.calls import CallRule
from medianest_core.host.errors import UnknownInstance
from medianest_core.host.guard import Guard
from medianest_core.host.health import HealthLog
from medianest_core.host.instance import InstanceInfo
from medianest_core.host.states import InstanceState
from medianest_core.sdk.errors import NotReady
from medianest_core.sdk.pipeline import PipelineStage, StageAction, StageReport, Tracked

NAMES = (("searched", 100), ("downloading", 200), ("imported", 300))


@dataclass
class FakeArr:
    """says: stage → the same answer for every request that is asked for; an error is raised, another thing returned as it is. asked: of how many, each time.
    done: actions and the request's title, in order. gate: an action waits for it. late: each answer waits for it."""

    says: dict[str, Any] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    done: list[tuple[str, str]] = field(default_factory=list)
    gate: asyncio.Event | None = None
    late: asyncio.Event | None = None
    knows: Callable[[Tracked], bool] = lambda _: True
    refuses: Exception | None = None


def _stage(name: str, order: int, service: str) -> PipelineStage:
    async def look(client: FakeArr, requests: Sequence[Tracked]) -> Mapping[str, StageReport]:
        client.asked.append(len(requests))
        if client.late is not None:
            await client.late.wait()
        says = client.says.get(name, {})
        if isinstance(says, Exception):
            raise says
        if not isinstance(says, StageReport):
            return says  # type: ignore[no-any-return]  # what it says is the test's choice
        return {one.id: says for one in requests if client.knows(one)}

    async def again(client: FakeArr, request: Tracked) -> str:
        if client.gate is not None:
            await client.gate.wait()
        if client.refuses is not None:
            raise client.refuses
        client.done.append((name, request.item.title))
        return "It looks for it again."

    return PipelineStage(
        name, name.title(), service, look, order, (StageAction("again", "Search again", again),)
    )


class FakeServices:
    """Stands in for `host.instances`: instances of the service types "one" and "two" of the plugin "fake"."""

    def __init__(self) -> None:
        self.clients: dict[str, tuple[str, FakeArr]] = {}
        self.states: dict[str, InstanceState] = {}
        self._guards: dict[str, Guard] = {}

    def add(self, instance_id: str, service: str = "one") -> FakeArr:
        breaker = Breaker(time.monotonic)
        self.clients[instance_id] = (service, FakeArr())
        self._guards[instance_id] = Guard(
            plugin="fake",
            instance=instance_id,
            breaker=breaker,
            bulkhead=Bulkhead(),
            health=HealthLog(SystemClock(), breaker),
            plan=RetryPlan(attempts=1),
        )
        return self.clients[instance_id][1]

    def stages(self) -> list[tuple[str, PipelineStage]]:
        return [("fake", _stage(name, order, service)) for service in ("one", "two") for name, order in NAMES]

    def all(self) -> list[InstanceInfo]:
        return [self.info(one) for one in self.clients]

    def info(self, instance_id: str) -> InstanceInfo:
        if instance_id not in self.clients:
            raise UnknownInstance("There is no such service.")
        state = self.states.get(instance_id, InstanceState.READY)
        return InstanceInfo(
            id=instance_id,
            plugin="fake",
            service=self.clients[instance_id][0],
            name=instance_id,
            title=instance_id.title(),
            enabled=True,
            state=state,
            reason="" if state is InstanceState.READY else "It does not answer.",
            since=1000.0,
            next_at=None,
            version=1,
        )

    async def use(self, instance_id: str, what: str, function: Callable[[Any], Any], rule: CallRule) -> Any:
        info = self.info(instance_id)
        if not info.ready:
            raise NotReady(info.reason)
        return await self._guards[instance_id].call(
            rule, what, lambda: function(self.clients[instance_id][1])
        )
