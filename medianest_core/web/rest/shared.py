"""Answers that are the same for every active account, kept for a moment: lists and details of the library.

A change of the library in this process forgets them at once; one in another process is seen when they are too old.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from medianest_core.bus.events import LibraryChanged
from medianest_core.bus.outbox import EventBus

KEPT = 2.0
MOST_BYTES = 8 * 1024 * 1024
LARGEST = 512 * 1024
_SHARED = re.compile(
    r"/library/(?:titles(?:/\d{1,16}(?:/seasons|/episodes)?)?|facets|recent|search)|/collections"
)
Key = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer with status 200. headers include its entity tag."""

    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    etag: bytes
    until: float


class SharedAnswers:
    def __init__(self, bus: EventBus, timer: Callable[[], float] = time.monotonic) -> None:
        self._timer = timer
        self._answers: OrderedDict[Key, Answer] = OrderedDict()
        self._bytes = 0
        # Counts changes: an answer that was being made while the library changed is not kept.
        self.generation = 0
        bus.subscribe(LibraryChanged, self._changed, name="api.shared answers")

    @staticmethod
    def key(path: str, query: bytes) -> Key | None:
        """Of an answer that may be shared, else None."""
        return (path, query) if len(query) < 1000 and _SHARED.fullmatch(path) else None

    def get(self, key: Key) -> Answer | None:
        answer = self._answers.get(key)
        if answer is not None and answer.until <= self._timer():
            self._drop(key)
            return None
        return answer

    def put(
        self, key: Key, generation: int, headers: Sequence[tuple[bytes, bytes]], body: bytes, etag: bytes
    ) -> None:
        """generation: as it was before the answer was made."""
        if generation != self.generation or len(body) > LARGEST:
            return
        self._drop(key)
        self._answers[key] = Answer(headers, body, etag, self._timer() + KEPT)
        self._bytes += len(body)
        while self._bytes > MOST_BYTES:
            self._drop(next(iter(self._answers)))

    def _drop(self, key: Key) -> None:
        answer = self._answers.pop(key, None)
        if answer is not None:
            self._bytes -= len(answer.body)

    async def _changed(self, event: LibraryChanged) -> None:
        self.generation += 1
        self._answers.clear()
        self._bytes = 0
