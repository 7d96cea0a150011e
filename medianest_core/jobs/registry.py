"""The kinds of jobs that this process can run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from medianest_core.host.faults import Noting
from medianest_core.ledger.enqueue import Ledger
from medianest_core.ledger.states import JobKind
from medianest_core.sdk.context import PluginContext
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.jobs import Job


class JobRefused(MediaNestError):
    """The job cannot be run as it is declared."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A declared job. name: with the plugin's prefix. context: of the plugin that brought it; None for the core's own."""

    name: str
    job: Job[Any]
    context: PluginContext | None

    def kind(self) -> JobKind:
        return JobKind(
            name=self.name,
            title=self.job.title or self.name,
            queue=self.job.queue,
            plugin=self.context.plugin if self.context is not None else None,
            limit=self.job.limit,
            retry=self.job.retry,
            unique_by=self.job.unique_by,
        )


class JobRegistry:
    """Jobs of the core and of plugins; also while the worker runs, as plugins come and go."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._jobs: dict[str, Registered] = {}
        self.on_add: list[Callable[[Registered], None]] = []
        self.on_remove: list[Callable[[Registered], None]] = []
        self.on_fault: Noting = lambda *_: None
        """Told of what jobs of plugins did wrong."""

    def add(self, job: Job[Any], plugin_context: PluginContext | None = None) -> Registered:
        """Declare a job. Raises JobRefused for a name that is taken or a schedule whose arguments have no defaults."""
        name = job.name
        if plugin_context is not None and not name.startswith(f"{plugin_context.plugin}."):
            name = f"{plugin_context.plugin}.{name}"
        if name in self._jobs:
            raise JobRefused(f"There are two jobs named {name}.")
        if job.schedule is not None:
            try:
                job.args()
            except ValueError as error:
                raise JobRefused(
                    f"The job {name} has a schedule, so all its arguments need defaults."
                ) from error
        entry = Registered(name, job, plugin_context)
        self._jobs[name] = entry
        self._ledger.declare(entry.kind())
        for callback in self.on_add:
            callback(entry)
        return entry

    def remove_plugin(self, plugin: str) -> None:
        """Withdraw all jobs of a plugin; those in the ledger wait until it is back."""
        for entry in [e for e in self if e.context is not None and e.context.plugin == plugin]:
            del self._jobs[entry.name]
            self._ledger.withdraw(entry.name)
            for callback in self.on_remove:
                callback(entry)

    def get(self, name: str) -> Registered | None:
        return self._jobs.get(name)

    def __iter__(self) -> Iterator[Registered]:
        return iter(list(self._jobs.values()))
