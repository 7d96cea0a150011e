"""Answers of services that are kept to ask "has it changed?" instead of for the whole of them again.

Only what a service marks with an ETag or a date is kept, and nothing of it is used without asking: the service says 304 first. What
is kept is found only by the same request, credentials included; these and the address go into the key as a digest.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from medianest_core.sdk.http import Response

LARGEST = 1024 * 1024
"""Bytes of a body; larger ones are fetched again each time."""
_CONDITIONS = frozenset({"if-none-match", "if-modified-since", "range"})
_NOT_THE_ANSWERS_OWN = frozenset({"x-correlation-id"})
_OF_THE_TRANSPORT = frozenset({"content-encoding", "content-length", "transfer-encoding", "connection"})
_FORBIDDEN = re.compile(r"(?i)(^|[,\s])no-store($|[,\s;=])")


class Store(Protocol):
    """Where they are kept: a cache that all processes share."""

    async def get(self, key: str) -> bytes | None: ...
    async def set(self, key: str, value: bytes, ttl: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer of status 200 and what to ask the service with."""

    answer: Response

    @property
    def conditions(self) -> dict[str, str]:
        """Headers that ask whether it has changed."""
        asked = {
            "if-none-match": self.answer.headers.get("etag"),
            "if-modified-since": self.answer.headers.get("last-modified"),
        }
        return {name: value for name, value in asked.items() if value}

    def renewed(self, headers: Mapping[str, str]) -> Response:
        """The same answer with the headers of a 304, such as its new date."""
        newer = {name: value for name, value in headers.items() if name not in _OF_THE_TRANSPORT}
        old = self.answer
        return Response(old.status, {**old.headers, **newer}, old.content, old.url)


class Memory:
    """The answers of one service, kept for `seconds` since they were last confirmed."""

    def __init__(self, store: Store, seconds: float) -> None:
        self._store = store
        self._seconds = seconds

    @staticmethod
    def key(url: str, headers: Mapping[str, str]) -> str | None:
        """None where the caller asks with conditions of its own."""
        if _CONDITIONS & headers.keys():
            return None
        same = sorted((name, text) for name, text in headers.items() if name not in _NOT_THE_ANSWERS_OWN)
        return "http:" + hashlib.sha256(json.dumps([url, same]).encode()).hexdigest()

    async def find(self, key: str) -> Kept | None:
        packed = await self._store.get(key)
        if packed is None:
            return None
        head, _, body = packed.partition(b"\n")
        try:
            url, headers = json.loads(head)
            return Kept(Response(200, dict(headers), body, str(url)))
        except (ValueError, TypeError):
            return None

    async def keep(self, key: str, answer: Response) -> None:
        """Where the service gave it a mark and did not forbid it."""
        marked = answer.headers.get("etag") or answer.headers.get("last-modified")
        forbidden = _FORBIDDEN.search(answer.headers.get("cache-control", ""))
        if answer.status != 200 or not marked or forbidden or len(answer.content) > LARGEST:
            return
        headers = {name: text for name, text in answer.headers.items() if name not in _OF_THE_TRANSPORT}
        headers.pop("set-cookie", None)
        head = json.dumps([answer.url, headers]).encode()
        await self._store.set(key, head + b"\n" + answer.content, self._seconds)
