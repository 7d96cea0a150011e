"""Runs in a child process: imports one plugin, asks what it brings, and writes down what it saw.

Nothing the plugin does here can harm the caller: it may end the process, hang or write where it should not print.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from medianest_core.base.finding import Finding, ok, problem, warning
from medianest_core.cli.author.facts import facts_of
from medianest_core.cli.author.purity import Watch
from medianest_core.cli.author.shapes import payloads_kept, settings_kept
from medianest_core.host import onefile
from medianest_core.host.compat import manifest_of
from medianest_core.host.declarations import Declarations
from medianest_core.host.discovery import Found
from medianest_core.host.errors import Incompatible, Invalid
from medianest_core.host.hookcaller import Hooks
from medianest_core.host.validate import collect
from medianest_core.sdk.deprecation import PluginDeprecation
from medianest_core.sdk.storage import TableSet
from medianest_core.store.rehearse import rehearse
from medianest_core.store.steps import tidy

T = TypeVar("T")
SLOW = 0.5
"""Seconds of one core that importing a plugin may take before it is told to be slow."""


class Look:
    """What is learnt of one plugin. findings: in order. facts: see `facts_of`. calls: (hook, seconds, answers) as they were made."""

    def __init__(self, found: Found) -> None:
        self.found = found
        self.findings: list[Finding] = []
        self.facts: dict[str, Any] = {}
        self.calls: list[tuple[str, float, list[str]]] = []
        self.import_seconds = 0.0
        self.trace = ""

    def take(self, watch: Watch | None, *, thorough: bool) -> None:
        """thorough: also try forms, payloads and migrations."""
        module = self._imported(watch)
        if module is None:
            return
        declared = self._declared(module, watch)
        if declared is None:
            return
        self.facts = facts_of(declared)
        if not thorough:
            return
        self.findings += settings_kept(declared)
        self.findings += payloads_kept(declared)
        for item in declared.contributions:
            if isinstance(item, TableSet):
                wrong = rehearse(declared.plugin, item)
                self.findings += [
                    problem("migrations", text, "Run them on an empty database, up and down.")
                    for text in wrong
                ] or [ok("migrations", f"They went {_ways(item)}, and make the tables it declares.")]

    def _imported(self, watch: Watch | None) -> ModuleType | None:
        started = time.process_time()
        try:
            module = self._watched(
                watch, lambda: importlib.import_module(self.found.module.partition(":")[0])
            )
        except BaseException as error:
            self.trace = "".join(traceback.format_exception(error))[-8000:]
            how = (
                "It ends the process"
                if isinstance(error, SystemExit)
                else f"It raises {type(error).__name__}: {error}"
            )
            self.findings.append(problem("import", f"{how}.", "Importing a plugin must only define things."))
            return None
        self.import_seconds = time.process_time() - started
        assert isinstance(module, ModuleType)
        return module

    def _timed(self) -> None:
        told = f"Importing and asking it takes {self.import_seconds * 1000:.0f} ms beside what the portal has loaded anyway"
        if self.import_seconds > SLOW:
            self.findings.append(
                warning("import", f"{told}.", "Import heavy libraries inside the functions that use them.")
            )
        else:
            self.findings.append(ok("import", f"{told}."))

    def _declared(self, module: ModuleType, watch: Watch | None) -> Declarations | None:
        hooks = Hooks()

        def ask(hook: str) -> Any:
            started = time.perf_counter()
            answer = hooks.collect(self.found.name, hook)
            if answer is not None:
                names = [_name(one) for one in answer] if isinstance(answer, list | tuple) else [repr(answer)]
                self.calls.append((hook, time.perf_counter() - started, names))
            return answer

        try:
            manifest = manifest_of(module, self.found)
            hooks.register(self.found.name, module)
            started = time.process_time()
            first = self._watched(watch, lambda: collect(manifest, module, ask))
            self.import_seconds += time.process_time() - started
            once = list(self.calls)
            second = collect(manifest, module, ask)
            self.calls = once
        except (Invalid, Incompatible) as error:
            texts = error.problems if isinstance(error, Invalid) else (str(error),)
            self.findings += [problem("declarations", text, "See docs/reference/hooks.md.") for text in texts]
            return None
        except BaseException as error:
            self.trace = "".join(traceback.format_exception(error))[-8000:]
            self.findings.append(
                problem(
                    "declarations",
                    f"Asking it raised {type(error).__name__}: {error}.",
                    "A register_* hook only returns what was defined at import.",
                )
            )
            return None
        self.findings.append(ok("declarations", "Hooks, colours, names, prefixes and policies are right."))
        self._timed()
        self._same(first, second)
        if watch is not None:
            self.findings += [
                problem(
                    "purity", f"Importing or asking it {deed}.", "Do that in on_startup, a job or a provider."
                )
                for deed in watch.deeds
            ] or [ok("purity", "Importing and asking it does nothing but define things.")]
        return first

    def _same(self, first: Declarations, second: Declarations) -> None:
        differing = [
            name
            for name in ("manifest", "services", "providers", "contributions")
            if getattr(first, name) != getattr(second, name)
        ]
        if differing:
            self.findings.append(
                problem(
                    "declarations",
                    f"Asked twice, it brings other {' and '.join(differing)}.",
                    "Define classes, models and handlers at the top of a module, not inside the hook.",
                )
            )
        else:
            self.findings.append(ok("declarations", "Asked twice, it brings the same."))

    def _watched(self, watch: Watch | None, work: Callable[[], T]) -> T:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", PluginDeprecation)
            try:
                if watch is None:
                    return work()
                with watch.watching():
                    return work()
            finally:
                self.findings += [
                    warning(
                        "deprecated",
                        f"{Path(one.filename).name}:{one.lineno}: {one.message}",
                        "It still works.",
                    )
                    for one in caught
                    if issubclass(one.category, PluginDeprecation)
                ]


def _ways(tables: TableSet) -> str:
    return "up, down and up again" if isinstance(tables.migrations, str) else "up"


def _name(item: object) -> str:
    name = getattr(item, "name", None) or getattr(item, "title", None) or getattr(item, "__name__", None)
    kind = type(item).__name__ if not isinstance(item, type) else item.__mro__[1].__name__
    path = f"{getattr(item, 'method', 'GET')} /{item.path}" if hasattr(item, "path") else ""
    if isinstance(item, type):
        return f"{kind} {item.__name__}"
    return f"{kind} {path or name or ''}".strip()


def main() -> None:
    """The one argument is a JSON object; the report goes to the file it names."""
    job = json.loads(sys.argv[1])
    sys.path[:] = job["path"]
    for folder in job["files"]:
        onefile.install(folder)
    given: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in job["found"].items()
    }
    look = Look(Found(**given))
    look.take(Watch(), thorough=job["thorough"])
    report = {
        "findings": [asdict(one) for one in look.findings],
        "facts": look.facts,
        "calls": look.calls,
        "import_seconds": look.import_seconds,
        "trace": look.trace,
    }
    Path(job["report"]).write_text(json.dumps(report, default=repr), "utf-8")
    tidy()
    # Threads that the plugin has started must not hold the process up.
    os._exit(0)


if __name__ == "__main__":
    main()
