"""PluginContext: everything a plugin may do to the portal. It is given, never imported: there is no global application."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from typing_extensions import TypeVar

if TYPE_CHECKING:
    import structlog
    from pydantic import BaseModel

    from medianest_core.sdk.events import Audience, Event
    from medianest_core.sdk.jobs import Job
    from medianest_core.sdk.service import Provider
    from medianest_core.sdk.storage import Transaction

P = TypeVar("P", bound="Provider[Any, Any]")
T = TypeVar("T")


class PluginCache(Protocol[T]):
    """Values that are kept for a while, by key; see `PluginContext.cache`."""

    async def get(self, key: str, make: Callable[[], Awaitable[T]]) -> T:
        """The value of `key`, asked for with `make` where none is fresh: once, however many want it. Raises what `make` raises."""

    async def forget(self, key: str) -> None:
        """Ask anew for `key` next time."""

    async def clear(self) -> None:
        """Ask anew for everything."""


class PluginContext(ABC):
    plugin: str
    """The plugin's name."""
    data_dir: Path
    """A folder of the plugin's own; it exists."""
    log: structlog.stdlib.BoundLogger

    @abstractmethod
    def begin(self) -> AbstractAsyncContextManager[Transaction]:
        """A writing transaction: commits at the end of the block, rolls back on any exception."""

    @abstractmethod
    def read(self) -> AbstractAsyncContextManager[Transaction]:
        """A reading one; writes raise."""

    @abstractmethod
    def instances(self, provider: type[P]) -> Sequence[P]:
        """This plugin's ready providers of that class, one per instance. Calls to them go through the guard."""

    @abstractmethod
    async def enqueue(
        self,
        job: Job[Any] | str,
        args: BaseModel,
        *,
        tx: Transaction | None = None,
        owner: str | None = None,
        delay: float = 0.0,
    ) -> str:
        """Put one of this plugin's jobs into the ledger; in `tx`, or in a transaction of its own. Returns the job's id."""

    @abstractmethod
    async def emit(self, event: Event, to: Audience, *, tx: Transaction | None = None) -> None:
        """Publish one of this plugin's events; delivered after `tx` (or its own transaction) has committed."""

    @abstractmethod
    def gettext(self, message: str) -> str:
        """Translate with the plugin's catalogue for the present reader."""

    @abstractmethod
    def cache(self, name: str, kind: type[T], *, fresh: float = 300.0, stale: float = 0.0) -> PluginCache[T]:
        """This plugin's cache of that name, apart from those of others; all processes share it, and admins see how it fares.

        kind: what pydantic can read and write. fresh: seconds an entry is good. stale: seconds it is still given afterwards where
        `make` raises NotReady, RateLimited or InvalidResponse.
        """
