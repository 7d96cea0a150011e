"""Sending the site's films: by range, at a set pace, and with the troubles of real networks."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args

from starlette.types import Receive, Scope, Send

from medianest_core.testing.faults import TRANSPORT
from medianest_core.testing.ledger import Ledger

Mode = Literal["stall", "reset", "403", "404", "429", "503", "redirect", "loop", "type"]
_CHUNK = 16 * 1024


@dataclass
class Trouble:
    """What happens to media requests whose path starts with `prefix`: stall or reset after `after` bytes of the answer,
    a status, a redirect to `to` (or to itself for ever), or a wrong content type. `times` counts down; None: always."""

    mode: Mode
    prefix: str = "/media/"
    after: int = 0
    to: str = ""
    times: int | None = None

    def __post_init__(self) -> None:
        if self.mode not in get_args(Mode):
            raise ValueError(f"unknown mode {self.mode!r}; one of {', '.join(get_args(Mode))}")


@dataclass
class Behaviour:
    """How media is sent now. bytes_per_second: per answer, None = as fast as it goes. ranges: whether Range is honoured.
    lengths: whether the size is told."""

    bytes_per_second: int | None = None
    ranges: bool = True
    lengths: bool = True
    troubles: list[Trouble] = field(default_factory=list)

    def load(self, values: object) -> None:
        """Take over the fields that are given; ValueError for anything else."""
        if not isinstance(values, Mapping) or not values.keys() <= asdict(self).keys():
            raise ValueError(f"an object with some of: {', '.join(asdict(self))}")
        rate = values.get("bytes_per_second", self.bytes_per_second)
        if rate is not None and (not isinstance(rate, int) or rate <= 0):
            raise ValueError("bytes_per_second is a whole number above 0, or null")
        try:
            rows = values.get("troubles", None)
            troubles = (
                self.troubles if rows is None else [Trouble(**cast("dict[str, Any]", row)) for row in rows]
            )
        except TypeError as error:
            raise ValueError(f"not a trouble: {error}") from error
        self.bytes_per_second, self.troubles = rate, troubles
        self.ranges = bool(values.get("ranges", self.ranges))
        self.lengths = bool(values.get("lengths", self.lengths))

    def take(self, path: str) -> Trouble | None:
        """The trouble for this request, counted."""
        for one in self.troubles:
            if path.startswith(one.prefix) and one.times != 0:
                if one.times is not None:
                    one.times -= 1
                return one
        return None


def parse_range(header: str | None, size: int) -> tuple[int, int] | Literal["unsatisfiable"] | None:
    """First and last byte asked for; None where the whole is to be sent."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header or "")
    if not match or not (match[1] or match[2]):
        return None
    if not match[1]:
        return (max(0, size - int(match[2])), size - 1) if int(match[2]) else "unsatisfiable"
    first = int(match[1])
    last = min(int(match[2]), size - 1) if match[2] else size - 1
    return "unsatisfiable" if first >= size or last < first else (first, last)


@dataclass(frozen=True)
class MediaFile:
    """One request's file. `facts` go into the ledger with it."""

    path: Path
    media_type: str
    facts: Mapping[str, object]

    async def send(
        self, scope: Scope, receive: Receive, send: Send, behaviour: Behaviour, ledger: Ledger
    ) -> None:
        """Answer, and write a "media" entry: method, path, range as asked, status, then "sent" with the bytes sent."""
        size = self.path.stat().st_size
        asked = next((value.decode("latin-1") for key, value in scope["headers"] if key == b"range"), None)
        trouble = behaviour.take(scope["path"])
        note = {"method": scope["method"], "path": scope["path"], "range": asked, **self.facts}
        if trouble and (answer := _refusal(trouble, scope)):
            status, headers = answer
            ledger.record("media", **note, status=status)
            await _whole(send, status, headers, b"")
            return
        wanted = parse_range(asked, size) if behaviour.ranges else None
        headers = {"content-type": "text/html" if trouble and trouble.mode == "type" else self.media_type}
        if behaviour.ranges:
            headers["accept-ranges"] = "bytes"
        if wanted == "unsatisfiable":
            ledger.record("media", **note, status=416)
            await _whole(send, 416, {**headers, "content-range": f"bytes */{size}"}, b"")
            return
        first, last = wanted or (0, size - 1)
        if wanted:
            headers["content-range"] = f"bytes {first}-{last}/{size}"
        if behaviour.lengths:
            headers["content-length"] = str(last - first + 1)
        status = 206 if wanted else 200
        ledger.record("media", **note, status=status)
        await send({"type": "http.response.start", "status": status, "headers": _raw(headers)})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        gone = asyncio.ensure_future(_until_gone(receive))
        try:
            sent = await self._body(scope, send, gone, first, last, behaviour, trouble)
        finally:
            gone.cancel()
        ledger.record("sent", path=scope["path"], bytes=sent, of=last - first + 1, **self.facts)

    async def _body(
        self,
        scope: Scope,
        send: Send,
        gone: asyncio.Future[None],
        first: int,
        last: int,
        behaviour: Behaviour,
        trouble: Trouble | None,
    ) -> int:
        bound = trouble.after if trouble and trouble.mode in ("stall", "reset") else None
        sent = 0
        with self.path.open("rb") as file:
            file.seek(first)
            while (left := last - first + 1 - sent) > 0 and not gone.done():
                # Read the pace each time: it may be changed while a film is on its way.
                rate = behaviour.bytes_per_second
                step = min(left, _CHUNK if rate is None else max(1, min(_CHUNK, rate // 10)))
                if bound is not None and sent + step > bound:
                    step = bound - sent
                if step:
                    await send({"type": "http.response.body", "body": file.read(step), "more_body": True})
                    sent += step
                if bound is not None and sent >= bound:
                    if trouble and trouble.mode == "reset":
                        transport = (scope.get("extensions") or {}).get(TRANSPORT)
                        if transport is None:
                            raise ConnectionResetError("the simulated site cut the connection")
                        transport.abort()
                    await gone
                    return sent
                if rate is not None:
                    await asyncio.wait({gone}, timeout=step / rate)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return sent


def _refusal(trouble: Trouble, scope: Scope) -> tuple[int, dict[str, str]] | None:
    if trouble.mode in ("403", "404", "503"):
        return int(trouble.mode), {}
    if trouble.mode == "429":
        return 429, {"retry-after": "60"}
    if trouble.mode == "redirect":
        return 302, {"location": trouble.to}
    if trouble.mode == "loop":
        return 302, {"location": scope["path"]}
    return None


async def _whole(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": _raw({**headers, "content-length": str(len(body))}),
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(key.encode("latin-1"), value.encode("latin-1")) for key, value in headers.items()]


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
