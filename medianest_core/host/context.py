"""The PluginContext that plugins are given."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import BaseModel

from medianest_core.base.logging import correlation_id, get_logger
from medianest_core.bus.outbox import EventBus
from medianest_core.cache.cached import Cached, Caches
from medianest_core.host.declarations import KINDS
from medianest_core.host.instances import Instances
from medianest_core.host.registry import Registry
from medianest_core.ledger.enqueue import Ledger
from medianest_core.sdk.context import PluginContext
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.events import Audience, Event
from medianest_core.sdk.jobs import Job
from medianest_core.sdk.service import Provider
from medianest_core.sdk.storage import Transaction
from medianest_core.store.engine import Database, Tx

if TYPE_CHECKING:
    import structlog

P = TypeVar("P", bound=Provider[Any, Any])
T = TypeVar("T")
Translate = Callable[[str, str], str]
"""(plugin, message) → the message in the present reader's language."""


class Context(PluginContext):
    """Bound to one plugin; reaches only what belongs to it."""

    plugin: str
    data_dir: Path
    log: structlog.stdlib.BoundLogger

    def __init__(
        self,
        plugin: str,
        data_dir: Path,
        *,
        db: Database,
        bus: EventBus,
        ledger: Ledger,
        registry: Registry,
        instances: Instances,
        caches: Caches,
        translate: Translate,
    ) -> None:
        self.plugin = plugin
        self.data_dir = data_dir
        self.log = get_logger(f"plugin.{plugin}").bind(plugin=plugin)
        self._db = db
        self._bus = bus
        self._ledger = ledger
        self._registry = registry
        self._instances = instances
        self._caches = caches
        self._own_caches: dict[str, Cached[Any]] = {}
        self._translate = translate

    def begin(self) -> AbstractAsyncContextManager[Transaction]:
        return self._db.begin()

    def read(self) -> AbstractAsyncContextManager[Transaction]:
        return self._db.read()

    def instances(self, provider: type[P]) -> Sequence[P]:
        kind = next((kind for kind in KINDS.values() if issubclass(provider, kind)), None)
        if kind is None:
            raise TypeError(f"{provider.__name__} is no provider class")
        return [
            cast(P, handle.api)
            for handle in self._instances.ready(kind)
            if handle.instance.plugin == self.plugin
            and issubclass(self._instances.provider_class(kind, handle.instance.id) or object, provider)
        ]

    async def enqueue(
        self,
        job: Job[Any] | str,
        args: BaseModel,
        *,
        tx: Transaction | None = None,
        owner: str | None = None,
        delay: float = 0.0,
    ) -> str:
        name = job if isinstance(job, str) else job.name
        name = name if name.startswith(f"{self.plugin}.") else f"{self.plugin}.{name}"
        found = next((one for plugin, one in self._registry.contributions(Job) if one.name == name), None)
        if found is None:
            raise MediaNestError(f"The plugin {self.plugin} has no job {name}.")
        if not isinstance(args, found.args):
            raise TypeError(f"{name} takes {found.args.__name__}, not {type(args).__name__}")
        options: dict[str, Any] = {
            "owner": owner,
            "correlation_id": correlation_id.get() or None,
            "delay": delay,
            "unique": found.unique_by(args) if found.unique_by else None,
            "queue": found.queue,
            "max_attempts": found.retry.attempts,
            "plugin": self.plugin,
            "title": found.title,
        }
        if tx is None:
            return await self._ledger.submit(name, args, **options)
        async with self._own(tx) as transaction:
            return await self._ledger.enqueue(transaction, name, args, **options)

    async def emit(self, event: Event, to: Audience, *, tx: Transaction | None = None) -> None:
        if not any(item is type(event) for item in self._events()):
            raise MediaNestError(
                f"The plugin {self.plugin} has not contributed the event {type(event).__name__}."
            )
        if event.transient and tx is None:
            await self._bus.send(event, to)
            return
        async with self._own(tx) as transaction:
            await self._bus.publish(transaction, event, to)

    def gettext(self, message: str) -> str:
        return self._translate(self.plugin, message)

    def cache(self, name: str, kind: type[T], *, fresh: float = 300.0, stale: float = 0.0) -> Cached[T]:
        if name not in self._own_caches:
            self._own_caches[name] = self._caches.add(
                f"plugin.{self.plugin}.{name}", kind, fresh=fresh, stale=stale
            )
        return self._own_caches[name]

    def _events(self) -> Sequence[Any]:
        declared = self._registry.declarations(self.plugin)
        return declared.contributions if declared else ()

    @contextlib.asynccontextmanager
    async def _own(self, tx: Transaction | None) -> AsyncIterator[Tx]:
        if tx is not None:
            yield cast(Tx, tx)
            return
        async with self._db.begin() as transaction:
            yield transaction
