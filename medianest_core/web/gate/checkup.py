"""The check-up that admins ask for: one at a time, and what the last one found."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache

from pydantic import TypeAdapter, ValidationError

from medianest_core.base.clock import Clock, SystemClock
from medianest_core.base.finding import Finding, Level
from medianest_core.base.settings import AppSettings
from medianest_core.cache.values import Cache

Examine = Callable[[AppSettings], Awaitable[Sequence[Finding]]]
_KEY = "checkup:last"
_KEPT = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class Report:
    """findings: in the order in which one would put them right. checked_at: when the last of them was made."""

    checked_at: float
    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """No finding is a problem."""
        return all(one.level is not Level.PROBLEM for one in self.findings)


@cache
def _shape() -> TypeAdapter[Report]:
    # Made by the first check-up, not by every start.
    return TypeAdapter(Report)


class Checkup:
    """`run` looks at everything, `last` remembers; both for all processes that share the cache."""

    def __init__(
        self, examine: Examine, settings: AppSettings, cache: Cache, *, clock: Clock | None = None
    ) -> None:
        """examine: what `medianest doctor` does, and takes seconds."""
        self._examine = examine
        self._settings = settings
        self._cache = cache
        self._clock = clock or SystemClock()
        self._running: asyncio.Task[Report] | None = None

    async def run(self, port: int | None = None) -> Report:
        """Whoever asks while one runs gets its findings. port: that this process serves on, where the settings leave it open."""
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run(port), name="check-up")
        return await asyncio.shield(self._running)

    async def _run(self, port: int | None) -> Report:
        settings = self._settings
        if port and not settings.port:
            settings = settings.model_copy(update={"port": port})
        findings = tuple(await self._examine(settings))
        report = Report(self._clock.now(), findings)
        await self._cache.set(_KEY, _shape().dump_json(report), _KEPT)
        return report

    async def last(self) -> Report | None:
        """What the last one found; None where there was none, or nobody remembers."""
        kept = await self._cache.get(_KEY)
        try:
            return None if kept is None else _shape().validate_json(kept)
        except ValidationError:
            # Of another version.
            return None
