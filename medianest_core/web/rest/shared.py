"""Answers that are kept for a moment: lists and details of the library, the same for every active account, and each person's own
lists of requests.

A change in this process forgets them at once; one in another process when its event arrives, at the latest when they are too old.
"""

from __future__ import annotations

import re
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.types import Message, Send

from medianest_core.bus.events import LibraryChanged, RequestUpdate
from medianest_core.bus.outbox import EventBus
from medianest_core.cache.cached import Facts
from medianest_core.sdk.routes import Viewer

KEPT = 2.0
MOST_BYTES = 8 * 1024 * 1024
LARGEST = 512 * 1024
_SHARED = re.compile(
    r"/library/(?:titles(?:/\d{1,16}(?:/seasons|/episodes)?)?|facets|recent|search)|/collections"
)
_OWN = re.compile(r"/requests")
_OWN_TABLES = ("requests", "request_participants", "users")
"""What a person's own answers are read from."""
Key = tuple[str, bytes, str]
"""Path, query, and whose answer it is; empty: everyone's."""
Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer with status 200. generation: see `SharedAnswers.generation`."""

    generation: int
    headers: Headers
    body: bytes
    until: float


class SharedAnswers:
    def __init__(
        self, bus: EventBus, written: Counter[str], timer: Callable[[], float] = time.monotonic
    ) -> None:
        """written: `Database.written`."""
        self._written = written
        self._timer = timer
        self._answers: OrderedDict[Key, Answer] = OrderedDict()
        self._bytes = self._hits = self._misses = 0
        self._cleared = 0
        bus.subscribe(LibraryChanged, self._changed, name="api.shared answers", everywhere=True)
        bus.subscribe(RequestUpdate, self._asked, name="api.own answers", everywhere=True)

    @staticmethod
    def key(path: str, query: bytes, viewer: Viewer | None) -> Key | None:
        """Of an answer that may be kept, else None."""
        if len(query) >= 1000:
            return None
        if _SHARED.fullmatch(path):
            return path, query, ""
        if viewer is not None and _OWN.fullmatch(path):
            return path, query, f"{viewer.role} {viewer.id}"
        return None

    def generation(self, key: Key) -> int:
        """Counts changes of what the answer is made from: one that was being made meanwhile is not kept."""
        return self._cleared + (sum(self._written[name] for name in _OWN_TABLES) if key[2] else 0)

    def get(self, key: Key) -> Answer | None:
        answer = self._answers.get(key)
        if answer is not None and (
            answer.until <= self._timer() or answer.generation != self.generation(key)
        ):
            self._drop(key)
            answer = None
        if answer is None:
            self._misses += 1
        else:
            self._hits += 1
        return answer

    def kept(self, key: Key, send: Send) -> Send:
        """`send` that also keeps a whole answer with status 200 under `key`."""
        generation, headers = self.generation(key), None

        async def keeping(message: Message) -> None:
            nonlocal headers
            if message["type"] == "http.response.start":
                headers = list(message["headers"]) if message["status"] == 200 else None
            elif headers is not None and not message.get("more_body"):
                self.put(key, generation, headers, message.get("body", b""))
            else:
                headers = None
            await send(message)

        return keeping

    def put(self, key: Key, generation: int, headers: Headers, body: bytes) -> None:
        """generation: as it was before the answer was made."""
        if generation != self.generation(key) or len(body) > LARGEST:
            return
        self._drop(key)
        self._answers[key] = Answer(generation, headers, body, self._timer() + KEPT)
        self._bytes += len(body)
        while self._bytes > MOST_BYTES:
            self._drop(next(iter(self._answers)))

    async def facts(self) -> Facts:
        for key in [key for key, answer in self._answers.items() if answer.until <= self._timer()]:
            self._drop(key)
        return Facts(
            "answers",
            len(self._answers),
            self._bytes,
            hits=self._hits,
            misses=self._misses,
            fresh=KEPT,
            capacity=MOST_BYTES,
        )

    async def clear(self) -> None:
        self._cleared += 1
        self._answers.clear()
        self._bytes = 0

    def _drop(self, key: Key) -> None:
        answer = self._answers.pop(key, None)
        if answer is not None:
            self._bytes -= len(answer.body)

    async def _changed(self, event: LibraryChanged) -> None:
        await self.clear()

    async def _asked(self, event: RequestUpdate) -> None:
        for key in [key for key in self._answers if key[2]]:
            self._drop(key)
