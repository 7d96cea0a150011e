"""Looks at plugins from outside: each in a child process of its own, which may end as it likes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from medianest_core.base.finding import Finding, Level, problem
from medianest_core.host import onefile
from medianest_core.host.discovery import Discovery, Found, discover
from medianest_core.sdk.errors import MediaNestError

NOT_INSTALLED = (
    "No plugin called {name} is installed here. If it is one of yours, install it from its folder (pip install -e .), or name its "
    ".py file; medianest plugins list shows what is here."
)
PATIENCE = 60.0
"""Seconds that looking at one plugin may take."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the child saw; see `inside.Look`. Without facts the plugin cannot be used."""

    findings: Sequence[Finding]
    facts: dict[str, Any] = field(default_factory=dict)
    calls: Sequence[tuple[str, float, list[str]]] = ()
    import_seconds: float = 0.0
    trace: str = ""


def look_at(
    found: Found, *, thorough: bool, patience: float = PATIENCE, path: Sequence[str] | None = None
) -> Seen:
    """Blocking. path: where modules are looked for; default: as in this process."""
    with tempfile.TemporaryDirectory(prefix="medianest-look-") as folder:
        report, output = Path(folder) / "report", Path(folder) / "output"
        job: dict[str, Any] = {
            "found": asdict(found),
            "path": [entry for entry in (sys.path if path is None else path) if entry],
            "files": onefile.installed(),
            "thorough": thorough,
            "report": str(report),
        }
        with output.open("wb") as sink:
            child = subprocess.Popen(
                [sys.executable, "-m", "medianest_core.cli.author.inside", json.dumps(job)],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                cwd=folder,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(job["path"])},
                start_new_session=True,
            )
        hung = False
        try:
            code = child.wait(patience)
        except subprocess.TimeoutExpired:
            hung, code = True, 0
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        if report.exists() and (text := report.read_text("utf-8")):
            return _seen(json.loads(text))
        said = output.read_text("utf-8", "replace")[-4000:]
        text = (
            f"Looking at it did not end within {patience:g} seconds."
            if hung
            else f"Looking at it ended the process ({_how(code)})."
        )
        return Seen([problem("import", text, "Importing a plugin must only define things.")], trace=said)


def targets(name: str | None, folder: Path) -> tuple[list[Found], Discovery]:
    """The plugins that are meant: one by its name or by the path of its file, else all that are not the core's own.

    folder: of plugins of one file. Raises MediaNestError where there is none of that name.
    """
    if name is not None and name.endswith(".py"):
        path = Path(name)
        if not path.is_file():
            raise MediaNestError(f"There is no file {name}.")
        alone = discover([], folder=path.parent.absolute())
        wanted = str(path.absolute())
        found = [one for one in alone.found if one.file == wanted]
        if not found:
            reasons = [one.reason for one in alone.unreadable if one.distribution.endswith(f"/{path.name}")]
            raise MediaNestError(reasons[0] if reasons else f"{name} is no plugin.")
        return found, alone
    everything = discover(folder=folder)
    if name is None:
        return [one for one in everything.found if not one.builtin], everything
    named = [one for one in everything.found if one.name == name] or list(everything.conflicts.get(name, ()))[
        :1
    ]
    if not named:
        raise MediaNestError(NOT_INSTALLED.format(name=name))
    return named, everything


def sources_of(found: Found) -> tuple[list[Path], Path]:
    """(source files of a plugin, the folder that their names are told from). Nothing of it is imported."""
    if found.file:
        return [Path(found.file)], Path(found.file).parent
    import importlib.util

    module = found.module.partition(":")[0]
    # Those that come with the core are packages inside it; of all others the whole top-level package is the plugin.
    spec = importlib.util.find_spec(module if found.builtin else module.partition(".")[0])
    if spec is None:
        return [], Path(found.location)
    if spec.submodule_search_locations:
        home = Path(next(iter(spec.submodule_search_locations)))
        return sorted(path for path in home.rglob("*.py") if "__pycache__" not in path.parts), home.parent
    return ([Path(spec.origin)], Path(spec.origin).parent) if spec.origin else ([], Path(found.location))


def _seen(report: dict[str, Any]) -> Seen:
    findings = [
        Finding(one["check"], Level(one["level"]), one["text"], one["remedy"]) for one in report["findings"]
    ]
    calls = [(hook, seconds, names) for hook, seconds, names in report["calls"]]
    return Seen(findings, report["facts"], calls, report["import_seconds"], report["trace"])


def _how(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
