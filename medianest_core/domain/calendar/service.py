"""The calendar: asks every service that knows when titles appear, and makes one list of what they say."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from medianest_core.base.logging import get_logger
from medianest_core.base.texts import N_
from medianest_core.cache.cached import Caches, Held
from medianest_core.domain.calendar.entries import Agenda, Appearance, Silent
from medianest_core.domain.library.reading.known import Named, titles_of
from medianest_core.host.calls import CallRule
from medianest_core.host.instance import InstanceInfo
from medianest_core.sdk.calendar import CalendarEntry, CalendarSource
from medianest_core.sdk.errors import InvalidResponse, MediaNestError, NotReady
from medianest_core.sdk.media import EPISODE, MOVIE, SEASON, SHOW
from medianest_core.store.engine import Database

DAY = 86_400.0
LONGEST = 190 * DAY
"""Seconds between the first and the last day that are asked for at once."""
PATIENCE = 4.0
"""Seconds that a page waits for a service. Its answer is kept also when it comes later."""
_FRESH, _STALE = 600.0, 3 * DAY
_RULE = CallRule(repeat=True, deadline=20.0)
_MOST = 2_000
_WEEK = timedelta(days=7)
_ANSWER = TypeAdapter(list[CalendarEntry], config=ConfigDict(defer_build=True))
_log = get_logger(__name__)
Sources = Callable[[], Iterable[tuple[str, CalendarSource]]]


class Clients(Protocol):
    """What is needed of `host.instances`."""

    def all(self) -> list[InstanceInfo]: ...

    async def use(
        self, instance_id: str, what: str, function: Callable[[Any], Awaitable[Any]], rule: CallRule
    ) -> Any: ...


@dataclass(frozen=True, slots=True)
class _Question:
    """One month of one instance. start, end: epoch seconds."""

    plugin: str
    source: CalendarSource
    instance: InstanceInfo
    start: float
    end: float

    @property
    def place(self) -> str:
        return f"{self.instance.id} {self.source.name} {self.start:.0f}"


class Calendar:
    """sources: (plugin, contribution) of all that plugins contribute."""

    def __init__(
        self,
        *,
        db: Database,
        instances: Clients,
        sources: Sources,
        caches: Caches,
        patience: float = PATIENCE,
    ) -> None:
        self._db = db
        self._instances = instances
        self._sources = sources
        self._patience = patience
        self._kept = caches.add("calendar", list[CalendarEntry], fresh=_FRESH, stale=_STALE)

    def known(self) -> bool:
        """Whether any configured service knows when titles appear."""
        return bool(self._askable())

    async def agenda(self, start: float, end: float, patience: float | None = None) -> Agenda:
        """What appears from `start` until before `end`, epoch seconds, at most `LONGEST` of it. Never raises for a service's sake."""
        end = min(end, start + LONGEST)
        questions = [
            _Question(plugin, source, instance, first, last)
            for plugin, source, instance in self._askable()
            for first, last in months(start, end)
        ]
        answers, silent = await self._ask(questions, self._patience if patience is None else patience)
        found: dict[tuple[object, ...], Appearance] = {}
        for plugin, entries in answers:
            for one in entries:
                if not start <= one.at < end:
                    continue
                key = (one.kind, one.title.casefold(), one.how, one.detail, one.at // DAY)
                if key not in found or (one.available and not found[key].available):
                    found[key] = _appearance(plugin, one)
        rows = sorted(found.values(), key=lambda one: (one.at, one.title.casefold(), one.detail))[:_MOST]
        asked = len({one.instance.id for one in questions})
        return Agenda(start, end, await self._placed(rows), silent, asked)

    def _askable(self) -> list[tuple[str, CalendarSource, InstanceInfo]]:
        instances = [one for one in self._instances.all() if one.enabled]
        return [
            (plugin, source, one)
            for plugin, source in self._sources()
            for one in instances
            if (one.plugin, one.service) == (plugin, source.service)
        ]

    async def _ask(
        self, questions: Sequence[_Question], patience: float
    ) -> tuple[list[tuple[str, Sequence[CalendarEntry]]], list[Silent]]:
        running = [asyncio.create_task(self._one(one), name="calendar") for one in questions]
        if running:
            try:
                await asyncio.wait(running, timeout=patience)
            except asyncio.CancelledError:
                for task in running:
                    task.cancel()
                raise
        answers: list[tuple[str, Sequence[CalendarEntry]]] = []
        silent: dict[str, Silent] = {}
        for question, task in zip(questions, running, strict=True):
            info = question.instance
            try:
                held = task.result() if task.done() else await self._older(question, task)
            except MediaNestError as error:
                silent[info.id] = Silent(info.id, info.title, str(error))
                continue
            answers.append((question.plugin, held.value))
            if held.stale:
                reason = N_("{title} is not answering.").format(title=info.title)
                silent.setdefault(info.id, Silent(info.id, info.title, reason, held.at))
        return answers, list(silent.values())

    async def _one(self, question: _Question) -> Held[list[CalendarEntry]]:
        async def asked() -> list[CalendarEntry]:
            said = await self._instances.use(
                question.instance.id,
                f"calendar {question.source.name}",
                lambda client: question.source.look(client, question.start, question.end),
                _RULE,
            )
            try:
                # What is kept is read again by whoever asks next; a plugin's mistake must show here, not in their page.
                return _ANSWER.validate_json(_ANSWER.dump_json(list(said)[:_MOST], warnings="none"))
            except (ValidationError, PydanticSerializationError, TypeError, AttributeError) as error:
                _log.error("a calendar is unusable", instance=question.instance.name, exc_info=error)
                raise InvalidResponse(
                    N_("{title} answered with something that is not understood.").format(
                        title=question.instance.title
                    )
                ) from error

        return await self._kept.held(question.place, asked)

    async def _older(
        self, question: _Question, task: asyncio.Task[Held[list[CalendarEntry]]]
    ) -> Held[list[CalendarEntry]]:
        # Only our waiting ends: the answer itself is on its way into the cache.
        task.cancel()
        known = await self._kept.known(question.place)
        if known is None:
            raise NotReady(N_("{title} did not answer in time.").format(title=question.instance.title))
        return Held(known.value, known.at, stale=True)

    async def _placed(self, rows: Sequence[Appearance]) -> list[Appearance]:
        """With the titles of the library that they are."""
        wanted = [
            Named(SHOW if one.kind in (EPISODE, SEASON) else one.kind, one.ids, (one.title,)) for one in rows
        ]
        places = await titles_of(self._db, wanted)
        return [
            one
            if place is None
            else replace(one, title_id=place.id, available=one.available or one.kind == MOVIE)
            for one, place in zip(rows, places, strict=True)
        ]


def months(start: float, end: float) -> list[tuple[float, float]]:
    """The months of UTC that cover this time, each as its first second and the first of the next."""
    found = []
    at = datetime.fromtimestamp(start, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while at.timestamp() < end:
        following = (at.replace(day=28) + _WEEK).replace(day=1)
        found.append((at.timestamp(), following.timestamp()))
        at = following
    return found


def _appearance(plugin: str, one: CalendarEntry) -> Appearance:
    return Appearance(
        at=one.at,
        kind=one.kind,
        title=one.title,
        ids=dict(one.ids),
        detail=one.detail,
        how=one.how,
        available=one.available,
        duration=one.duration,
        day_only=one.day_only,
        plugin=plugin,
    )
