"""A mark on disk while plugins are being started, so that one which kills the process is known at the next start."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from medianest_core.host.discovery import Found
from medianest_core.host.processes import alive


class BootMark:
    """`plugins-boot.json` in the data folder: there only while a plugin is being imported or asked what it brings, or blocks."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "plugins-boot.json"

    def culprit(self) -> tuple[str, str, bool] | None:
        """(plugin, code stamp, whether it was blocking rather than being started) of the one that was under way when the last
        process died; forgets it."""
        try:
            mark = json.loads(self._path.read_text("utf-8"))
            name, stamp, pid = str(mark["plugin"]), str(mark["stamp"]), int(mark["pid"])
            blocking = bool(mark.get("blocking"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            self.clear()
            return None
        if pid != os.getpid() and alive(pid):
            # Another process on the same folder is starting right now; the mark is its own.
            return None
        self.clear()
        return name, stamp, blocking

    def starting(self, found: Found, stamp: str, *, blocking: bool = False) -> None:
        """Say who is being started. blocking: who runs already and holds up everybody."""
        mark = {"plugin": found.name, "stamp": stamp, "pid": os.getpid(), "blocking": blocking}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_suffix(f".{os.getpid()}.part")
        partial.write_text(json.dumps(mark), "utf-8")
        partial.replace(self._path)

    def clear(self) -> None:
        """All is well, or the end is orderly."""
        with contextlib.suppress(OSError):
            self._path.unlink()
