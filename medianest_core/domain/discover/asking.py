"""Asks all catalogs the same thing at once: each within its time, each answer kept for a while, none able to spoil the others'."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from medianest_core.base.logging import get_logger
from medianest_core.base.texts import N_
from medianest_core.cache.cached import Caches, Held
from medianest_core.domain.discover.entries import Trouble
from medianest_core.host.instances import Handle
from medianest_core.sdk.catalog import Catalog
from medianest_core.sdk.errors import InvalidResponse, MediaNestError, NotFound, NotReady, Unsupported

T = TypeVar("T")
_log = get_logger(__name__)
PATIENCE = 4.0
"""Seconds that a list waits for a catalog. Its answer is kept also when it comes later."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    handle: Handle[Catalog]
    value: T


@dataclass(frozen=True, slots=True)
class Answers(Generic[T]):
    """found: in the order of the catalogs. unknown: catalogs that say there is no such thing."""

    found: Sequence[Answer[T]]
    troubles: Sequence[Trouble]
    unknown: int = 0


class Questions(Generic[T]):
    """Questions that have answers of one kind, kept for a while. fresh, stale: seconds, see `cache.cached.Facts`."""

    def __init__(self, caches: Caches, name: str, kind: type[T], *, fresh: float, stale: float) -> None:
        self._kept = caches.add(name, kind, fresh=fresh, stale=stale)
        self._of = kind

    @cached_property
    def _shape(self) -> TypeAdapter[T]:
        # Made by the first answer, not by every start.
        return TypeAdapter(self._of)

    async def ask(
        self,
        handles: Sequence[Handle[Catalog]],
        what: str,
        make: Callable[[Catalog], Awaitable[T]],
        patience: float = PATIENCE,
    ) -> Answers[T]:
        """What each catalog says. what: names the question, the same for the same answer. Raises nothing that a catalog did."""
        running = {
            handle.instance.id: asyncio.create_task(self._one(handle, what, make), name="catalog")
            for handle in handles
        }
        try:
            if running:
                await asyncio.wait(running.values(), timeout=patience)
        except asyncio.CancelledError:
            for task in running.values():
                task.cancel()
            raise
        found: list[Answer[T]] = []
        troubles: list[Trouble] = []
        unknown = 0
        for handle in handles:
            task = running[handle.instance.id]
            late = not task.done()
            try:
                held = await self._older(handle, what, task) if late else task.result()
            except (NotFound, Unsupported):
                unknown += 1
            except MediaNestError as error:
                troubles.append(Trouble(handle.instance.id, handle.instance.title, str(error), late))
            else:
                found.append(Answer(handle, held.value))
                if held.stale:
                    troubles.append(_old(handle, held.at, late=late))
        return Answers(found, troubles, unknown)

    async def _one(
        self, handle: Handle[Catalog], what: str, make: Callable[[Catalog], Awaitable[T]]
    ) -> Held[T]:
        async def asked() -> T:
            if not handle.instance.ready:
                raise NotReady(
                    handle.instance.reason
                    or N_("{title} is not set up yet.").format(title=handle.instance.title)
                )
            return self._checked(handle, await make(handle.api))

        return await self._kept.held(_place(handle, what), asked)

    def _checked(self, handle: Handle[Catalog], value: T) -> T:
        """What is kept is read again by whoever asks next; a plugin's mistake must show here, not in their page."""
        try:
            return self._shape.validate_json(self._shape.dump_json(value, warnings="none"))
        except (ValidationError, PydanticSerializationError, TypeError, AttributeError) as error:
            _log.error("a catalog's answer is unusable", instance=handle.instance.name, exc_info=error)
            raise InvalidResponse(
                N_("{title} answered with something that is not understood.").format(
                    title=handle.instance.title
                )
            ) from error

    async def _older(self, handle: Handle[Catalog], what: str, task: asyncio.Task[Held[T]]) -> Held[T]:
        # Only our waiting ends: the answer itself is on its way into the cache.
        task.cancel()
        known = await self._kept.known(_place(handle, what))
        if known is None:
            raise NotReady(N_("{title} did not answer in time.").format(title=handle.instance.title))
        return Held(known.value, known.at, stale=True)


def _place(handle: Handle[Catalog], what: str) -> str:
    # Other settings, other answers.
    return f"{handle.instance.id} {handle.instance.version} {what}"


def _old(handle: Handle[Catalog], at: float, *, late: bool) -> Trouble:
    reason = (
        N_("{title} did not answer in time.").format(title=handle.instance.title)
        if late
        else handle.instance.reason or N_("{title} does not answer now.").format(title=handle.instance.title)
    )
    return Trouble(handle.instance.id, handle.instance.title, reason, late, shown_from=at)
