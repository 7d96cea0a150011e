"""Jobs that run in a child process: killed on cancel, and dead when we are."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from medianest_core.base.texts import N_
from medianest_core.host import onefile
from medianest_core.ledger.wording import MISTAKE
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.process import Child

_SCRIPT = Path(__file__).with_name("child_main.py")


class ChildFailed(MediaNestError):
    """The function raised in its child process, or the process died. The text names the error."""


async def run_in_process(function: Callable[[Any], Any], args: BaseModel) -> Any:
    """The JSON result of `function(args)`, a plain function of an importable module. Raises ChildFailed."""
    job = {
        "function": [function.__module__, function.__qualname__],
        "model": [type(args).__module__, type(args).__qualname__],
        "args": args.model_dump(mode="json"),
        "path": [entry for entry in sys.path if entry],
        "files": onefile.installed(),
    }
    answer: dict[str, Any] | None = None
    with tempfile.TemporaryDirectory(prefix="medianest-job-") as folder:
        async with Child(_SCRIPT, job, work_dir=Path(folder)) as child:
            async for message in child.messages():
                answer = message
            code = await child.wait()
            errors = child.error_text
    if answer is None:
        if not errors.strip():
            raise ChildFailed(N_("The job's process ended with code {code}.").format(code=code))
        raise ChildFailed(
            N_("The job's process ended with code {code}. {message}").format(
                code=code, message=errors[-500:].strip()
            )
        )
    if "error" in answer:
        text = str(answer["error"])
        raise ChildFailed(text if answer.get("foreseen") else f"{MISTAKE}\n{text}")
    return answer.get("result")
