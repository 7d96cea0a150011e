"""Imports plugins and asks for their declarations, guarded: in a daemon thread, under one shared deadline.

What a plugin may do at import (raise anything, exit, hang) ends in an outcome for that plugin and touches no other. A hang
that holds the interpreter lock cannot be contained here; `probe` learns of it in a child process first.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from queue import Empty, Queue
from types import ModuleType
from typing import Any

from stevedore.extension import Extension, ExtensionManager

from medianest_core.base.texts import N_
from medianest_core.host import onefile
from medianest_core.host.discovery import Found
from medianest_core.sdk.markers import ENTRY_POINT_GROUP


@dataclass(frozen=True, slots=True)
class Loaded:
    """value: what `work` returned. error: what went wrong, None where nothing did. trace: for the admin page."""

    found: Found
    value: Any = None
    error: BaseException | None = None
    trace: str = ""


class TookTooLong(Exception):
    """The plugin was still at it when the deadline passed."""


Work = Callable[[Found, ModuleType], Any]


class _Guarded(ExtensionManager[Any]):
    """A stevedore manager over given entry points. Nothing that loading raises leaves it, and nothing is cached on disk."""

    def __init__(
        self,
        plugins: Sequence[Found],
        work: Work,
        before: Callable[[Found], None],
        done: Callable[[Loaded], None],
    ) -> None:
        self._plugins = {(found.name, found.module): found for found in plugins}
        self._work = work
        self._before = before
        self._done = done
        super().__init__(ENTRY_POINT_GROUP, on_load_failure_callback=lambda *_: None)

    def list_entry_points(self) -> list[EntryPoint]:
        return [EntryPoint(name, module, ENTRY_POINT_GROUP) for name, module in self._plugins]

    def _load_one_plugin(self, ep: EntryPoint, *args: Any, **kwargs: Any) -> Extension[Any] | None:
        found = self._plugins[(ep.name, ep.value)]
        self._before(found)
        if found.file:
            # It may have been edited since: a file is changed in place, where a distribution is installed anew.
            onefile.fresh(ep.value)
        try:
            extension: Extension[Any] | None = super()._load_one_plugin(ep, *args, **kwargs)
            assert extension is not None
            if not isinstance(extension.plugin, ModuleType):
                raise TypeError(f"{ep.value} is no module; the entry point must name one.")
            value = self._work(found, extension.plugin)
        except BaseException as error:
            trace = "".join(traceback.format_exception(error))[-8000:]
            self._done(Loaded(found, error=error, trace=trace))
            return None
        self._done(Loaded(found, value=value))
        return extension


def load(
    plugins: Sequence[Found],
    work: Work,
    *,
    deadline: float = 15.0,
    before: Callable[[Found], None] = lambda _: None,
) -> list[Loaded]:
    """Import each and hand it to `work`, in order. Blocks the calling thread for at most `deadline` seconds in all.

    A plugin that does not come back is given up; those behind it go on in another thread with the time that is left, at
    least a fifth of the deadline. before: called in the loading thread just before each import.
    """
    outcomes: dict[str, Loaded] = {}
    waiting = list(plugins)
    ends = time.monotonic() + deadline
    while waiting:
        results: Queue[Loaded] = Queue()
        given_up = threading.Event()
        thread = threading.Thread(
            target=_Guarded,
            args=(tuple(waiting), work, _unless(given_up, before), results.put),
            daemon=True,
            name="plugin-loader",
        )
        thread.start()
        # Those behind a hanging plugin must not pay for it, so each round waits for a share and keeps the rest.
        for found in list(waiting):
            share = max(deadline / 5, (ends - time.monotonic()) / 2)
            try:
                outcome = results.get(timeout=share)
            except Empty:
                given_up.set()
                outcome = Loaded(found, error=TookTooLong(N_("Importing it took too long.")))
            outcomes[outcome.found.name] = outcome
            waiting.remove(found)
            if isinstance(outcome.error, TookTooLong):
                break
        else:
            break
    return [outcomes[found.name] for found in plugins]


def _unless(given_up: threading.Event, before: Callable[[Found], None]) -> Callable[[Found], None]:
    def check(found: Found) -> None:
        if given_up.is_set():
            # A thread that was given up and comes back late must not go on beside its successor.
            raise SystemExit
        before(found)

    return check
