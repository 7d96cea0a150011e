"""A log file for each day, written by any number of processes, and forgotten after so many days.

The standard library's rotating handlers rename the file, which loses lines when several processes write to it. Here every process
appends to the file of the day, so nothing has to be renamed.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from medianest_core.base.clock import Clock, SystemClock


class DailyFile(logging.Handler):
    """`folder/NAME-YYYY-MM-DD.log`, days in UTC. keep_days: files of earlier days are removed when a new day begins."""

    def __init__(self, folder: Path, name: str, *, keep_days: int, clock: Clock | None = None) -> None:
        super().__init__()
        self._folder, self._name, self._keep = folder, name, keep_days
        self._clock = clock or SystemClock()
        self._day = ""
        self._file: logging.FileHandler | None = None
        self._closed = False
        """Whether the file could not be opened the last time."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._today().emit(record)
            self._closed = False
        except OSError as error:
            # Said once: the library's own way is a page of traceback for each line.
            if not self._closed:
                sys.stderr.write(f"No log can be written in {self._folder}: {error.strerror}.\n")
            self._closed = True
        except Exception:
            self.handleError(record)

    def setFormatter(self, fmt: logging.Formatter | None) -> None:  # the standard library's name
        super().setFormatter(fmt)
        if self._file is not None:
            self._file.setFormatter(fmt)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        super().close()

    def _today(self) -> logging.FileHandler:
        day = datetime.fromtimestamp(self._clock.now(), UTC).date()
        if self._file is None or self._day != day.isoformat():
            if self._file is not None:
                self._file.close()
            self._day = day.isoformat()
            self._file = logging.FileHandler(self._folder / f"{self._name}-{self._day}.log", encoding="utf-8")
            self._file.setFormatter(self.formatter)
            oldest = f"{self._name}-{(day - timedelta(days=self._keep)).isoformat()}.log"
            for old in self._folder.glob(f"{self._name}-????-??-??.log"):
                if old.name < oldest:
                    old.unlink(missing_ok=True)
        return self._file
