"""A service that watches others, in memory, and just enough of the host around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from medianest_core.host.errors import UnknownInstance
from medianest_core.host.handle import Handle
from medianest_core.host.instance import InstanceInfo
from medianest_core.host.states import InstanceState
from medianest_core.sdk.capabilities import capabilities_of
from medianest_core.sdk.errors import NotReady
from medianest_core.sdk.status import Beat, Incident, Item, Snapshot, StatusProvider
from medianest_core.store.engine import Database
from medianest_core.store.tables.plugins import instances


@dataclass
class FakeWatch:
    """What the service says. fail: raised by every call. asked: how often for a snapshot."""

    items: dict[str, Item] = field(default_factory=dict)
    beats: list[Beat] = field(default_factory=list)
    announced: list[Incident] = field(default_factory=list)
    fail: Exception | None = None
    asked: int = 0
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def say(self, *items: Item) -> None:
        """These are so from now on."""
        async with self.news:
            self.items |= {item.key or item.name: item for item in items}
            self.news.notify_all()

    async def end(self, error: Exception | None) -> None:
        """The connection breaks, and nothing answers; None: it answers again."""
        async with self.news:
            self.fail = error
            self.news.notify_all()


class Polled(StatusProvider[Any, Any]):
    """Only the required method."""

    def __init__(self, fake: FakeWatch) -> None:
        self.fake = fake

    async def snapshot(self) -> Snapshot:
        self.fake.asked += 1
        if self.fake.fail is not None:
            raise self.fake.fail
        return Snapshot(list(self.fake.items.values()))


class Watching(Polled):
    """Everything there is."""

    async def watch(self) -> AsyncIterator[Snapshot]:
        while True:
            yield await self.snapshot()
            async with self.fake.news:
                await self.fake.news.wait()

    async def history(self, since: float) -> Sequence[Beat]:
        return [beat for beat in self.fake.beats if beat.at >= since]

    async def incidents(self) -> Sequence[Incident]:
        if self.fake.fail is not None:
            raise self.fake.fail
        return list(self.fake.announced)


class FakeHost:
    """The part of `Instances` that the status domain uses."""

    def __init__(self) -> None:
        self.infos: dict[str, InstanceInfo] = {}
        self._providers: dict[str, Polled] = {}

    async def add(
        self, db: Database, instance_id: str, provider: Polled | None = None, title: str = ""
    ) -> InstanceInfo:
        """A configured service that is ready."""
        title = title or instance_id.capitalize()
        async with db.begin() as tx:
            await tx.execute(
                instances.insert().values(
                    id=instance_id,
                    plugin="fake",
                    service="fake",
                    name=instance_id,
                    title=title,
                    settings_json={},
                    created_at=0.0,
                    updated_at=0.0,
                )
            )
        self.infos[instance_id] = InstanceInfo(
            id=instance_id,
            plugin="fake",
            service="fake",
            name=instance_id,
            title=title,
            enabled=True,
            state=InstanceState.READY,
            reason="",
            since=1000.0,
            next_at=None,
            version=1,
        )
        if provider is not None:
            self._providers[instance_id] = provider
        return self.infos[instance_id]

    def become(self, instance_id: str, state: InstanceState, reason: str = "", since: float = 2000.0) -> None:
        self.infos[instance_id] = replace(self.infos[instance_id], state=state, reason=reason, since=since)

    def all(self) -> list[InstanceInfo]:
        return list(self.infos.values())

    def info(self, instance_id: str) -> InstanceInfo:
        if instance_id not in self.infos:
            raise UnknownInstance("There is no such service.")
        return self.infos[instance_id]

    def any(self, kind: Any) -> list[Handle[Any]]:
        return [
            Handle(self.infos[one], provider, capabilities_of(type(provider)))
            for one, provider in self._providers.items()
            if one in self.infos and self.infos[one].enabled
        ]

    def ready(self, kind: Any) -> list[Handle[Any]]:
        return [handle for handle in self.any(kind) if handle.instance.ready]

    def provider_class(self, kind: Any, instance_id: str) -> type[Polled] | None:
        provider = self._providers.get(instance_id)
        return type(provider) if provider is not None else None


AWAY = NotReady("The service cannot be reached.")
