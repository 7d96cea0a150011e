"""What a plugin does while it is imported and asked what it brings, beyond declaring: seen through Python's audit events."""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

_GRAVE = {
    "socket.connect": "connects to the network",
    "socket.bind": "listens on the network",
    "socket.getaddrinfo": "looks up names on the network",
    "socket.gethostbyname": "looks up names on the network",
    "urllib.Request": "connects to the network",
    "http.client.connect": "connects to the network",
    "subprocess.Popen": "starts another process",
    "os.system": "starts another process",
    "os.posix_spawn": "starts another process",
    "os.exec": "replaces the process",
    "os.fork": "forks the process",
    "sqlite3.connect": "opens a database",
    "os.remove": "removes files",
    "os.rename": "renames files",
    "os.rmdir": "removes folders",
    "shutil.rmtree": "removes folders",
    "os.mkdir": "makes folders",
    "signal.pthread_kill": "sends signals",
    "os.kill": "sends signals",
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC


class Watch:
    """deeds: what was done, once each, in order. hidden: nothing is noted outside `watching`."""

    def __init__(self) -> None:
        self.deeds: list[str] = []
        self._on = False
        # An audit hook stays for the life of the process: this is for child processes.
        sys.addaudithook(self._hear)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note what happens in the block."""
        environment, folder, path = dict(os.environ), Path.cwd(), list(sys.path)
        threads = set(threading.enumerate())
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        logs = logging.getLogger().handlers[:]
        said = io.StringIO()
        self._on = True
        try:
            with redirect_stdout(said), redirect_stderr(said):
                yield
        finally:
            self._on = False
            self._note(dict(os.environ) != environment, "changes environment variables")
            self._note(Path.cwd() != folder, "changes the working folder")
            self._note(sys.path != path, "changes the path of modules")
            started = [one.name for one in threading.enumerate() if one not in threads]
            self._note(bool(started), f"starts threads ({', '.join(started)})")
            changed = any(signal.getsignal(number) is not before for number, before in handlers.items())
            self._note(changed, "handles signals")
            self._note(logging.getLogger().handlers != logs, "sets up logging")
            self._note(bool(said.getvalue().strip()), f"prints: {said.getvalue().strip()[:80]}")

    def _note(self, done: bool, deed: str) -> None:
        if done and deed not in self.deeds:
            self.deeds.append(deed)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._on or _compiles(arguments):
            return
        if event in _GRAVE:
            self._note(True, _GRAVE[event])
        elif event == "open":
            path, _, flags = arguments
            writes = isinstance(flags, int) and flags & _WRITING
            text = os.fsdecode(path) if isinstance(path, str | bytes) else ""
            if writes and text and text != os.devnull:
                self._note(True, f"writes {text}")


def _compiles(arguments: tuple[Any, ...]) -> bool:
    """Python itself, at the first import of a module: it makes a folder beside its source, writes there and renames."""
    path = arguments[0] if arguments else None
    return isinstance(path, str | bytes) and "__pycache__" in Path(os.fsdecode(path)).parts
