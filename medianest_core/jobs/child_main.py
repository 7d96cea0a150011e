"""Runs one function in a child process; started by `medianest_core.jobs.process`, never imported.

Standard input holds one JSON job line and stays open as long as the parent lives. The answer is one JSON line on what was
standard output; anything the function prints goes to standard error.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import signal
import sys
import threading
import traceback
from typing import Any


def _die_with_parent() -> None:
    while os.read(0, 65536):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _named(place: list[str]) -> Any:
    module, name = place
    return functools.reduce(getattr, name.split("."), importlib.import_module(module))


def main() -> None:
    """Answers {"result": …}, {"error": sentence, "foreseen": true} or {"error": "Type: text"}."""
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, 1)
        if not piece:
            return
        line += piece
    threading.Thread(target=_die_with_parent, daemon=True).start()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    job = json.loads(line)
    sys.path[:0] = [entry for entry in job["path"] if entry not in sys.path]
    try:
        if job.get("files"):
            from medianest_core.host import onefile

            for folder in job["files"]:
                onefile.install(folder)
        from pydantic_core import to_jsonable_python

        args = _named(job["model"]).model_validate(job["args"])
        answer: dict[str, Any] = {"result": to_jsonable_python(_named(job["function"])(args))}
    except Exception as error:
        from medianest_core.sdk.errors import MediaNestError

        if isinstance(error, MediaNestError):
            answer = {"error": str(error), "foreseen": True}
        else:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
