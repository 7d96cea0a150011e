"""One process for one simulator: prints where it answers, ends on a signal or with its parent."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

import orjson

from medianest_core.testing.server import running
from medianest_core.testing.simulators import load_simulator


def main(
    name: str,
    port: int = 0,
    items: int = 300,
    seed: int = 7,
    data_dir: Path | None = None,
    json_line: bool = False,
    *,
    host: str = "127.0.0.1",
    die_with_parent: bool = False,
    options: Mapping[str, str] | None = None,
) -> None:
    """Serve the simulator `name` until SIGTERM or SIGINT, or with `die_with_parent` until stdin reaches EOF.

    Prints one line when it answers: with `json_line` the object {"name","url","facts"}, else words for people. Without
    `data_dir` a temporary folder is used and removed at the end. `options` are further keyword arguments of the
    simulator's class. LookupError for an unknown name, OSError when the port is taken.
    """
    with contextlib.ExitStack() as stack:
        folder = data_dir or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix=f"medianest-{name}-"))
        )
        folder.mkdir(parents=True, exist_ok=True)
        run = _serve(name, host, port, items, seed, folder, json_line, die_with_parent, dict(options or {}))
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(run)


async def _serve(
    name: str,
    host: str,
    port: int,
    items: int,
    seed: int,
    data_dir: Path,
    json_line: bool,
    die_with_parent: bool,
    options: dict[str, str],
) -> None:
    simulator = load_simulator(name)(items=items, seed=seed, data_dir=data_dir, **options)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    if die_with_parent:
        threading.Thread(target=_watch_stdin, args=(loop, stop), daemon=True).start()
    async with running(simulator, host, port) as served:
        if json_line:
            line = orjson.dumps({"name": name, "url": served.url, "facts": simulator.facts()}).decode()
        else:
            facts = "".join(f"\n  {key}: {value}" for key, value in simulator.facts().items())
            line = f"{name} simulator at {served.url}{facts}\nPress Ctrl+C to end it."
        print(line, flush=True)  # noqa: T201  # the line is this command's result
        await stop.wait()


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    # Not through sys.stdin: a thread that holds its lock when the interpreter ends is a fatal error.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(stop.set)


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.Loop
