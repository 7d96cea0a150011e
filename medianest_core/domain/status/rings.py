"""How a thing fared, in a fixed number of buckets: seconds in each state and response times, for a day, a week and a month.

A ring never grows: what is older than its span makes room for what comes. So a thing that is watched for years costs as many
bytes as one that is watched since yesterday.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from medianest_core.domain.status.states import State

_HEAD = struct.Struct("<q")
_UP, _DOWN, _MAINTENANCE, _SUM, _COUNT = range(5)
_PARTS = 5
_PLACE: Mapping[State, int] = {State.UP: _UP, State.DOWN: _DOWN, State.MAINTENANCE: _MAINTENANCE}


class Span(StrEnum):
    """What a ring covers."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


SHAPES: Mapping[Span, tuple[float, int]] = {
    Span.DAY: (1800.0, 48),
    Span.WEEK: (14_400.0, 42),
    Span.MONTH: (86_400.0, 30),
}
"""Span → (seconds of a bucket, how many there are)."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """at: when it begins, epoch seconds. up, down, maintenance: seconds in each; the rest is not known.

    response_ms: the average of what was measured in it.
    """

    at: float
    up: float
    down: float
    maintenance: float
    response_ms: float | None


class Ring:
    """One span of one thing."""

    __slots__ = ("_last", "_values", "count", "width")

    def __init__(self, span: Span, stored: bytes = b"") -> None:
        """stored: what `stored()` gave; anything else begins anew."""
        self.width, self.count = SHAPES[span]
        values = array("f")
        if len(stored) == _HEAD.size + self.count * _PARTS * values.itemsize:
            self._last: int | None = _HEAD.unpack_from(stored)[0]
            values.frombytes(stored[_HEAD.size :])
            if sys.byteorder == "big":
                values.byteswap()
        else:
            self._last = None
            values = array("f", bytes(self.count * _PARTS * values.itemsize))
        self._values = values

    def stored(self) -> bytes:
        """For the database; empty where nothing was counted yet."""
        if self._last is None:
            return b""
        values = self._values
        if sys.byteorder == "big":
            values = array("f", values)
            values.byteswap()
        return _HEAD.pack(self._last) + values.tobytes()

    def count_time(self, state: State, begin: float, end: float) -> None:
        """It was in that state from `begin` to `end`, epoch seconds. What is older than the ring is not counted."""
        place = _PLACE.get(state)
        if place is None or end <= begin:
            return
        self._turn(self._index(end))
        begin = max(begin, (self._index(end) - self.count + 1) * self.width)
        while begin < end:
            index = self._index(begin)
            until = min(end, (index + 1) * self.width)
            if (at := self._offset(index)) is not None:
                self._values[at + place] += until - begin
            begin = until

    def count_response(self, at: float, milliseconds: float) -> None:
        self._turn(self._index(at))
        if (place := self._offset(self._index(at))) is not None:
            self._values[place + _SUM] += milliseconds
            self._values[place + _COUNT] += 1

    def buckets(self, now: float) -> list[Bucket]:
        """All buckets up to the one of `now`, oldest first; always as many."""
        newest = self._index(now)
        found = []
        for index in range(newest - self.count + 1, newest + 1):
            at = self._offset(index)
            up, down, maintenance, total, measured = (
                self._values[at : at + _PARTS] if at is not None else (0.0, 0.0, 0.0, 0.0, 0.0)
            )
            found.append(
                Bucket(index * self.width, up, down, maintenance, total / measured if measured else None)
            )
        return found

    def uptime(self, now: float) -> float | None:
        """The fraction of known time that it was up, 0 to 1; announced maintenance counts for neither. None: nothing is known."""
        if self._last is None or self._index(now) - self._last >= self.count:
            return None
        stale = self._index(now) - self._last
        values = self._values
        if stale > 0:
            # Buckets that have left the span since the last count.
            kept = range(max(0, self._last - self.count + 1 + stale), self._last + 1)
            places = [(index % self.count) * _PARTS for index in kept]
            up, down = sum(values[one + _UP] for one in places), sum(values[one + _DOWN] for one in places)
        else:
            up, down = sum(values[_UP::_PARTS]), sum(values[_DOWN::_PARTS])
        return up / (up + down) if up + down > 0 else None

    def _index(self, at: float) -> int:
        return int(at // self.width)

    def _offset(self, index: int) -> int | None:
        if self._last is None or not self._last - self.count < index <= self._last:
            return None
        return (index % self.count) * _PARTS

    def _turn(self, index: int) -> None:
        """Make room for buckets up to `index`."""
        if self._last is None:
            self._last = index
        for fresh in range(max(self._last + 1, index - self.count + 1), index + 1):
            at = (fresh % self.count) * _PARTS
            for part in range(_PARTS):
                self._values[at + part] = 0.0
        self._last = max(self._last, index)


@dataclass(slots=True)
class History:
    """The three rings of a thing. counted_at: up to when time is counted, epoch seconds."""

    rings: Mapping[Span, Ring]
    counted_at: float

    @classmethod
    def begin(cls, at: float) -> History:
        return cls({span: Ring(span) for span in Span}, at)

    @classmethod
    def load(cls, stored: Mapping[str, bytes], counted_at: float) -> History:
        """stored: span → what `Ring.stored` gave."""
        return cls({span: Ring(span, bytes(stored[span.value])) for span in Span}, counted_at)

    def pass_time(self, state: State, until: float) -> None:
        """It was in that state since what is counted."""
        if until <= self.counted_at:
            return
        for ring in self.rings.values():
            ring.count_time(state, self.counted_at, until)
        self.counted_at = until

    def skip(self, until: float) -> None:
        """Nobody looked until then."""
        self.counted_at = max(self.counted_at, until)

    def measured(self, at: float, milliseconds: float) -> None:
        for ring in self.rings.values():
            ring.count_response(at, milliseconds)

    def uptimes(self, now: float) -> dict[Span, float | None]:
        return {span: ring.uptime(now) for span, ring in self.rings.items()}
