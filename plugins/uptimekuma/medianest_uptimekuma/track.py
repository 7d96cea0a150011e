"""The last checks of one monitor, kept small: a thousand monitors tell a hundred thousand of them at once."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from medianest_core.sdk import Beat
from medianest_uptimekuma.models import PENDING, number, ping
from medianest_uptimekuma.pages import beat
from medianest_uptimekuma.times import utc

KEPT = 150
_NONE = 255


class Track:
    """Oldest first. texts: shared by all tracks, because most checks say the same."""

    __slots__ = ("_at", "_kept", "_ping", "_said", "_status", "_texts")

    def __init__(self, texts: dict[str, str], kept: int = KEPT) -> None:
        self._texts = texts
        self._kept = kept
        self._clear()

    def _clear(self) -> None:
        self._at, self._ping = array("d"), array("f")
        self._status = bytearray()
        self._said: list[str] = []

    def __len__(self) -> int:
        return len(self._at)

    def replace(self, rows: Sequence[Any]) -> None:
        """Everything anew."""
        self._clear()
        for row in rows[-self._kept :]:
            if isinstance(row, dict):
                self.add(row)

    def add(self, row: Mapping[str, Any]) -> bool:
        """One more, in either of the shapes that Uptime Kuma writes; one that is known already is left out."""
        at, status = utc(row.get("time")), number(row.get("status"))
        # Not by time alone: a server's clock may be put back.
        if at is None or (self._at and at == self._at[-1] and status == self.status):
            return False
        took, said = ping(row.get("ping")), row.get("msg")
        text = said if isinstance(said, str) else ""
        if len(self._texts) > 20_000:
            self._texts.clear()
        self._at.append(at)
        self._status.append(_NONE if status is None else status)
        self._ping.append(math.nan if took is None else took)
        self._said.append(self._texts.setdefault(text, text))
        if len(self._at) > 2 * self._kept:
            for kept in (self._at, self._ping, self._status, self._said):
                del kept[: -self._kept]
        return True

    @property
    def first_at(self) -> float | None:
        """Epoch seconds of the oldest."""
        return self._at[0] if self._at else None

    @property
    def status(self) -> int | None:
        """Of the newest."""
        return _told(self._status[-1]) if self._status else None

    @property
    def before(self) -> int | None:
        """The newest that was no new attempt."""
        return next((_told(value) for value in reversed(self._status) if value != PENDING), None)

    @property
    def ping_ms(self) -> float | None:
        return _took(self._ping[-1]) if self._ping else None

    @property
    def message(self) -> str:
        return self._said[-1] if self._said else ""

    def beats(self, key: str, since: float) -> Iterator[Beat]:
        """Those since then, oldest first."""
        for at, status, took, said in zip(self._at, self._status, self._ping, self._said, strict=True):
            if at >= since:
                yield beat(key, at, _told(status), _took(took), said)


def _told(value: int) -> int | None:
    return None if value == _NONE else value


def _took(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 1)
