"""Imports plugins that were never seen before in a child process, so that exits, crashes and hangs are learnt there.

What was learnt is kept in `plugins-probe.json` in the data folder until the plugin, the interpreter or anything installed
changes.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from medianest_core.base.texts import N_
from medianest_core.host import onefile
from medianest_core.host.discovery import Found

PER_PLUGIN = 10.0

# Runs in the child: says before each import what it is about to do, so that silence afterwards names the culprit.
_CHILD = """
import importlib, json, sys, traceback
job = json.loads(sys.argv[1])
sys.path[:] = job["path"]
if job["files"]:
    from medianest_core.host import onefile
    for folder in job["files"]:
        onefile.install(folder)
report = open(job["report"], "w", encoding="utf-8")
def say(**facts):
    report.write(json.dumps(facts) + "\\n")
    report.flush()
for module in job["modules"]:
    say(module=module, result="importing")
    try:
        importlib.import_module(module.partition(":")[0])
    except BaseException as error:
        text = "".join(traceback.format_exception(error))
        say(module=module, result="raised", kind=type(error).__name__, message=str(error)[:500], trace=text[-8000:])
    else:
        say(module=module, result="imported")
say(module="", result="finished")
report.close()
import os
os._exit(0)
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """reason empty: it can be imported. trace: for the admin page. raised: an exception, which may be another's fault."""

    reason: str = ""
    trace: str = ""
    raised: bool = False


class ProbeCache:
    """Verdicts by probe key, in one small file. A damaged file only costs another probe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._verdicts: dict[str, Verdict] = {}
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            self._verdicts = {
                key: Verdict(**value) for key, value in json.loads(path.read_text("utf-8")).items()
            }

    def get(self, key: str) -> Verdict | None:
        return self._verdicts.get(key)

    def put(self, verdicts: dict[str, Verdict], keep: Sequence[str]) -> None:
        """Add `verdicts`; forget everything that is neither in them nor in `keep`."""
        self._verdicts = {key: value for key, value in self._verdicts.items() if key in keep} | verdicts
        partial = self._path.with_suffix(f".{os.getpid()}.part")
        partial.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps({k: asdict(v) for k, v in self._verdicts.items()}), "utf-8")
        partial.replace(self._path)

    def forget(self, key: str) -> None:
        if key in self._verdicts:
            self.put({}, [other for other in self._verdicts if other != key])


def probe(plugins: Sequence[Found], *, per_plugin: float = PER_PLUGIN) -> dict[str, Verdict]:
    """Import each in a child process; name → verdict. Blocks for at most `per_plugin` seconds for each that hangs.

    One child takes all of them. Whoever raises in company is tried again alone before it is blamed.
    """
    verdicts: dict[str, Verdict] = {}
    waiting = list(plugins)
    while waiting:
        results = _run(waiting, per_plugin)
        first = waiting[0].name
        progressed = False
        for plugin in list(waiting):
            verdict = results.get(plugin.name)
            if verdict is None:
                continue
            if verdict.raised and plugin.name != first:
                results_alone = _run([plugin], per_plugin)
                verdict = results_alone.get(plugin.name, verdict)
            verdicts[plugin.name] = verdict
            waiting.remove(plugin)
            progressed = True
        if not progressed:
            verdicts[first] = Verdict(N_("Importing it in a test process gave no answer."))
            waiting.pop(0)
    return verdicts


def _run(plugins: Sequence[Found], per_plugin: float) -> dict[str, Verdict]:
    names: dict[str, list[str]] = {}
    for plugin in plugins:
        names.setdefault(plugin.module, []).append(plugin.name)
    verdicts: dict[str, Verdict] = {}
    with tempfile.TemporaryDirectory(prefix="medianest-probe-") as folder:
        report = Path(folder) / "report"
        output = Path(folder) / "output"
        report.touch()
        job = {
            "path": sys.path,
            "files": onefile.installed(),
            "report": str(report),
            "modules": list(names),
        }
        # Files, not pipes: a grandchild that keeps a pipe open would look like a hang.
        with output.open("wb") as sink:
            child = subprocess.Popen(
                [sys.executable, "-c", _CHILD, json.dumps(job)],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                cwd=folder,
                start_new_session=True,
            )
        try:
            hung = _watch(child, report, per_plugin)
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            code = child.wait()
        for line in _lines(report):
            for name in names.get(line.get("module", ""), ()):
                verdicts[name] = _verdict(line, hung, code, per_plugin, output)
    return verdicts


def _watch(child: subprocess.Popen[bytes], report: Path, per_plugin: float) -> bool:
    """Wait for the child; True where it stood still for `per_plugin` seconds."""
    size, since = -1, time.monotonic()
    while child.poll() is None:
        if (now_size := report.stat().st_size) != size:
            size, since = now_size, time.monotonic()
        elif time.monotonic() - since > per_plugin:
            return True
        time.sleep(0.005)
    return False


def _lines(report: Path) -> Sequence[dict[str, Any]]:
    lines = []
    for line in report.read_text("utf-8", "replace").splitlines():
        with contextlib.suppress(ValueError):
            lines.append(json.loads(line))
    return lines


def _verdict(line: dict[str, Any], hung: bool, code: int, per_plugin: float, output: Path) -> Verdict:
    if line["result"] == "imported":
        return Verdict()
    if line["result"] == "raised":
        if line["kind"] == "SystemExit":
            return Verdict(N_("It tried to end the process while it was imported."), line["trace"], True)
        return Verdict(
            N_("Importing it failed: {kind}: {message}").format(kind=line["kind"], message=line["message"]),
            line["trace"],
            True,
        )
    said = output.read_text("utf-8", "replace")[-4000:]
    if hung:
        return Verdict(
            N_("Importing it did not end within {seconds} seconds.").format(seconds=f"{per_plugin:g}"), said
        )
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    return Verdict(N_("Importing it ended the process ({how}).").format(how=how), said)
