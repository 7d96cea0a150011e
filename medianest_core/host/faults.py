"""What running plugins did wrong: contained where it happened, and kept here so that an admin can see it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from medianest_core.base.clock import Clock
from medianest_core.base.redact import redact
from medianest_core.base.tasks import Exited, Overdue
from medianest_core.base.texts import N_
from medianest_core.host.errors import PluginFault
from medianest_core.sdk.errors import MediaNestError

KEPT = 10
_TRACE, _TEXT = 8000, 500
_MISTAKES = (Overdue, Exited, PluginFault)
Noting = Callable[[str, str, BaseException | str], None]
"""(plugin, where, what): see `Faults.note`."""


@dataclass(frozen=True, slots=True)
class Fault:
    """where: what was running, as in "/p/films/"; empty where the text says it. text: kind and message of the error.

    at: when it happened last. count: how often it happened since `first_at`.
    """

    where: str
    text: str
    at: float
    first_at: float
    trace: str = ""
    count: int = 1

    def sentence(self) -> str:
        """One line for people."""
        if not self.where:
            return self.text
        return N_("It works, but made a mistake ({who}): {reason}").format(who=self.where, reason=self.text)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What another process of the portal tells of a plugin."""

    process: str
    plugin: str
    fault: Fault


class Faults:
    """The newest different mistakes of each plugin in this process. Call it on the event loop.

    told: called with the plugin's name after each.
    """

    def __init__(self, clock: Clock, told: Callable[[str], None] = lambda _: None) -> None:
        self._clock = clock
        self._told = told
        self._faults: dict[str, list[Fault]] = {}

    def note(self, plugin: str, where: str, what: BaseException | str) -> None:
        """Keep a mistake; the same one again only counts. An error that plugins raise on purpose is none."""
        if isinstance(what, MediaNestError) and not isinstance(what, _MISTAKES):
            return
        text, trace = (what, "") if isinstance(what, str) else _described(what)
        now, text = self._clock.now(), redact(text)[:_TEXT]
        several = self._faults.setdefault(plugin, [])
        known = next((one for one in several if (one.where, one.text) == (where, text)), None)
        if known is None:
            several.insert(0, Fault(where, text, now, now, redact(trace)[-_TRACE:]))
            del several[KEPT:]
        else:
            several.remove(known)
            several.insert(0, replace(known, at=now, count=known.count + 1))
        self._told(plugin)

    def of(self, plugin: str) -> Sequence[Fault]:
        """A plugin's mistakes, the newest first."""
        return tuple(self._faults.get(plugin, ()))

    def forget(self, plugin: str) -> None:
        """It starts anew."""
        self._faults.pop(plugin, None)


def _described(error: BaseException) -> tuple[str, str]:
    message, kind = str(error), type(error).__name__
    text = message if isinstance(error, MediaNestError) else f"{kind}: {message}" if message else kind
    return text, "".join(traceback.format_exception(error))
