"""Jobs: work that outlives a request, kept in the ledger until it is done.

A handler may run more than once (a killed worker, a lost lease), so it looks before it acts; what it writes through
`JobContext.begin()` is refused when another worker has taken over.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic

from pydantic import BaseModel
from typing_extensions import TypeVar

from medianest_core.sdk.permissions import ADMIN, Policy

if TYPE_CHECKING:
    import structlog

    from medianest_core.sdk.context import PluginContext
    from medianest_core.sdk.storage import Transaction

A = TypeVar("A", bound=BaseModel)


class Isolation(StrEnum):
    LOOP = "loop"
    """An async handler on the process's event loop."""
    THREAD = "thread"
    """A plain function in a thread; it cannot be interrupted."""
    PROCESS = "process"
    """A plain function in a child process that is killed on cancel; its module must be importable and it gets only its args."""


@dataclass(frozen=True, slots=True)
class Retry:
    """attempts: in all. delay, factor, longest: seconds of back-off between them."""

    attempts: int = 3
    delay: float = 2.0
    factor: float = 3.0
    longest: float = 300.0

    def after(self, attempt: int) -> float:
        """Seconds to wait after the `attempt`-th (1-based) failure."""
        return min(self.longest, self.delay * self.factor ** (attempt - 1))


class JobContext(ABC):
    """What a handler is given. Shape of `progress`: see the method."""

    job_id: str
    attempt: int
    owner: str | None
    """User id of the person it works for."""
    correlation_id: str
    log: structlog.stdlib.BoundLogger
    plugin: PluginContext | None
    """The context of the plugin that contributed the job; None for the core's own jobs."""

    @abstractmethod
    async def progress(
        self,
        done: float,
        total: float | None = None,
        message: str = "",
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """Say how far the job is; throttled, shown live. facts: JSON values, e.g. counters by name."""

    @abstractmethod
    def check_cancelled(self) -> None:
        """Raises Cancelled if someone cancelled the job. Loop jobs are also cancelled at their next await."""

    @abstractmethod
    def begin(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that commits only while this attempt still holds its lease; else raises and rolls back."""

    @abstractmethod
    async def enqueue(
        self,
        tx: Transaction,
        job: Job[Any] | str,
        args: BaseModel,
        *,
        child: bool = False,
        delay: float = 0.0,
    ) -> str:
        """Put another job into the ledger, in `tx`. child: this job counts as done only when its children are. Returns its id."""


@dataclass(frozen=True)
class Schedule:
    """When a job runs by itself: `cron` ("0 4 * * *", in `timezone`) or `every` seconds. at_start: also once when the portal starts.

    timezone: as "Europe/Berlin". A time of day that a change of clocks leaves out comes at once after it; one that comes twice
    is taken once. Admins can pause a schedule and choose other times.
    """

    cron: str | None = None
    every: float | None = None
    at_start: bool = False
    timezone: str = "UTC"


@dataclass(frozen=True)
class Job(Generic[A]):
    """Contribution: a kind of job.

    name: of a plugin's job starts with "<plugin>." (added where it is missing). args: pydantic model, stored as JSON; holds no
    secrets. limit: how many run at once over all processes. unique_by: jobs with the same text are one while queued.
    queue: jobs of one queue compete for workers. schedule needs `args` whose fields all have defaults. deadline: seconds that one
    attempt may take, after which it is ended and counts as failed; None for no end.
    """

    name: str
    handler: Callable[[JobContext, A], Awaitable[Any]] | Callable[[A], Any]
    args: type[A]
    title: str = ""
    isolation: Isolation = Isolation.LOOP
    limit: int | None = None
    retry: Retry = field(default_factory=Retry)
    schedule: Schedule | None = None
    unique_by: Callable[[A], str] | None = None
    queue: str = "default"
    policy: Policy = ADMIN
    deadline: float | None = 86_400.0
