"""Child processes for work that must be killable: yt-dlp, ffmpeg and the like.

A child runs a script with `python -I` in a session of its own and holds our pipe as stdin: when we die, however suddenly, the
pipe ends and the script's watchdog (see `WATCHDOG`) kills its whole process group. It reads one JSON job line from stdin and
writes one JSON object a line to stdout. Its network goes through `Http.child_proxy()`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

WATCHDOG = """
import os, signal, threading
def _mn_watch():
    while os.read(0, 65536):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)
def start_watchdog():
    threading.Thread(target=_mn_watch, daemon=True).start()
"""
"""Source for scripts that run isolated and cannot import this package: call `start_watchdog()` after reading the job line."""

_MAX_LINE = 8 * 1024 * 1024


class Child:
    """A running child; use as `async with Child(…) as child: async for message in child.messages(): …`.

    Leaving the block, also by cancellation, kills the child's whole process group.
    """

    def __init__(
        self,
        script: Path,
        job: Mapping[str, Any],
        *,
        work_dir: Path,
        env: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
        python: str | None = None,
    ) -> None:
        """python: the interpreter to run it with; the portal's own where None."""
        self._command = [python or sys.executable, "-I", str(script), *arguments]
        self._job = job
        self._work_dir = work_dir
        self._env = dict(env or {})
        self._process: asyncio.subprocess.Process | None = None
        self._errors: deque[str] = deque(maxlen=200)
        self._drain: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("the child has not been started")
        return self._process.pid

    @property
    def error_text(self) -> str:
        """The last lines of what the child wrote to stderr."""
        return "\n".join(self._errors)

    async def __aenter__(self) -> Self:
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self._work_dir),
            "LANG": "C.UTF-8",
            **self._env,
        }
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self._work_dir,
            env=environment,
            start_new_session=True,
            limit=_MAX_LINE,
        )
        self._drain = asyncio.create_task(self._collect_errors(self._process))
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._process.stdin.write(json.dumps(self._job).encode() + b"\n")
            await self._process.stdin.drain()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()

    async def messages(self) -> AsyncIterator[dict[str, Any]]:
        """The child's messages until it closes its output; lines that are not JSON objects are kept as error text."""
        assert self._process is not None and self._process.stdout is not None
        while line := await self._process.stdout.readline():
            try:
                message = json.loads(line)
            except ValueError:
                message = None
            if isinstance(message, dict):
                yield message
            else:
                self._errors.append(line.decode("utf-8", "replace").rstrip())

    async def wait(self) -> int:
        """The exit code; negative for a signal."""
        assert self._process is not None
        return await self._process.wait()

    async def kill(self) -> None:
        """Kill the child and everything it started; does nothing when all are gone."""
        process = self._process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        if process.stdin is not None:
            process.stdin.close()
        if self._drain is not None:
            self._drain.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._drain

    async def _collect_errors(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        while line := await process.stderr.readline():
            self._errors.append(line.decode("utf-8", "replace").rstrip())
