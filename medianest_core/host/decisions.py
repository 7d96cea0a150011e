"""Hooks that decide something: all running plugins are asked, and each kind of question has its own rule for answers and failures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medianest_core.base.logging import get_logger
from medianest_core.base.texts import N_
from medianest_core.host.hookcaller import Hooks
from medianest_core.host.registry import Registry
from medianest_core.sdk.fields import TitleKey
from medianest_core.sdk.markers import PROJECT
from medianest_core.sdk.media import MediaChoice
from medianest_core.sdk.permissions import Attempt, Denial
from medianest_core.sdk.requests import BackendChoice, RequestItem, Review, ReviewVerdict
from medianest_core.sdk.routes import Viewer

DEADLINE = 10.0
MAY = 5.0
"""Seconds that a plugin has to say whether somebody may; a page waits for it."""
_STRICTNESS = {ReviewVerdict.PASS: 0, ReviewVerdict.HOLD: 1, ReviewVerdict.DECLINE: 2}
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The strictest answer. plugin: whose; empty where nobody had anything against it."""

    verdict: ReviewVerdict = ReviewVerdict.PASS
    reason: str = ""
    plugin: str = ""


class Decisions:
    """context: of a plugin by its name. deadline: seconds that each plugin has."""

    def __init__(
        self, hooks: Hooks, registry: Registry, context: Callable[[str], Any], deadline: float = DEADLINE
    ) -> None:
        self._hooks = hooks
        self._registry = registry
        self._context = context
        self._deadline = deadline

    async def review_request(self, item: RequestItem, user: str) -> Reviewed:
        """The strictest verdict of all plugins; a plugin that fails holds. Never raises."""
        strictest = Reviewed()
        for outcome in await self._ask("review_request", {"item": item, "user": user}, self._deadline):
            if outcome.error is not None or not isinstance(outcome.value, Review | None):
                answer = Review(
                    ReviewVerdict.HOLD,
                    N_("{plugin} could not check this request.").format(plugin=outcome.plugin),
                )
            elif outcome.value is None:
                continue
            else:
                answer = outcome.value
            if _STRICTNESS[answer.verdict] > _STRICTNESS[strictest.verdict]:
                strictest = Reviewed(answer.verdict, str(answer.reason), outcome.plugin)
        return strictest

    async def choose_backend(self, item: RequestItem, candidates: Sequence[BackendChoice]) -> str | None:
        """The first usable answer, or None. Never raises."""
        if len(candidates) < 2:
            return candidates[0].instance if candidates else None
        return await self._first("choose_backend", {"item": item}, candidates)

    async def resolve_media(self, title: TitleKey, candidates: Sequence[MediaChoice]) -> str | None:
        """The same, for the instance that opens a title; None where nobody has a wish. Never raises."""
        return (
            await self._first("resolve_media", {"title": title}, candidates) if len(candidates) > 1 else None
        )

    def guarded(self) -> bool:
        """Whether any plugin wants to be asked by `authorize`: most portals have none, and then no page is any slower."""
        return any(
            hasattr(getattr(one.module, "authorize", None), f"{PROJECT}_impl")
            for one in self._registry.active()
        )

    async def authorize(self, viewer: Viewer, attempt: Attempt) -> Denial | None:
        """The first no of any plugin; one that fails says no. Never raises."""
        asked = {"viewer": viewer, "attempt": attempt}
        for outcome in await self._ask("authorize", asked, min(MAY, self._deadline)):
            if outcome.error is not None or not isinstance(outcome.value, Denial | None):
                return Denial(N_("{plugin} could not check this request.").format(plugin=outcome.plugin))
            if outcome.value is not None:
                return outcome.value
        return None

    async def _first(
        self, hook: str, values: Mapping[str, Any], candidates: Sequence[BackendChoice | MediaChoice]
    ) -> str | None:
        known = {one.instance for one in candidates}
        for outcome in await self._ask(hook, {**values, "candidates": tuple(candidates)}, self._deadline):
            if outcome.error is not None or outcome.value is None:
                continue
            if outcome.value in known:
                return str(outcome.value)
            _log.warning("a plugin chose what is no candidate", plugin=outcome.plugin, hook=hook)
        return None

    async def _ask(self, hook: str, values: Mapping[str, Any], deadline: float) -> Sequence[Any]:
        arguments = {
            declared.plugin: {"context": self._context(declared.plugin), **values}
            for declared in self._registry.active()
        }
        return await self._hooks.call(hook, arguments, deadline=deadline)
