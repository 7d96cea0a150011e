"""Reading a whole listing page by page, so that it is complete or fails.

Each page begins with the last item of the one before. Where that item is another, the list moved while it was read (something
was added or removed before it): reading starts over and only unseen items are handed on. Servers that ignore paging, cap the
page or do not count are understood.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass

import msgspec

from medianest_core.sdk import N_, InvalidResponse, NotReady

PAGE = 1000
_RESTARTS = 3


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One item of a listing: its key, its type as the server names it, and its digest. held: its JSON, or what gives that for the
    item's place in its answer."""

    key: str
    type: str
    held: bytes | Callable[[int], bytes]
    digest: str
    place: int = 0

    @property
    def raw(self) -> bytes:
        """Its JSON. Raises InvalidResponse."""
        return self.held if isinstance(self.held, bytes) else self.held(self.place)


@dataclass(frozen=True, slots=True)
class Listed:
    """One answer. total: how many there are in all, or None where the server does not count."""

    entries: Sequence[Entry]
    total: int | None


Fetch = Callable[[int, int], Awaitable[Listed]]
"""(start, size) → that part of the listing."""


class _Moved(Exception):
    """The list changed under us."""


async def walk(fetch: Fetch, size: int = PAGE) -> AsyncGenerator[Listed, None]:
    """Pages of entries, each key once. Ending normally means that everything was seen."""
    seen: set[str] = set()
    for _ in range(1 + _RESTARTS):
        try:
            async with aclosing(_once(fetch, size)) as pages:
                async for page in pages:
                    fresh = [entry for entry in page.entries if entry.key not in seen]
                    seen.update(entry.key for entry in fresh)
                    if fresh:
                        yield Listed(fresh, page.total)
            return
        except _Moved:
            continue
    raise NotReady("The library keeps changing while it is read. It will be read again later.")


async def _once(fetch: Fetch, size: int) -> AsyncGenerator[Listed, None]:
    # The next page is fetched while the caller works on this one.
    ahead = asyncio.ensure_future(fetch(0, size))
    asked = size
    first = last = ""
    position = 0
    try:
        while True:
            page = await ahead
            entries = page.entries
            if position:
                if entries and entries[0].key == last:
                    entries = entries[1:]
                elif entries and entries[0].key == first:
                    return  # The server ignores paging and has sent everything before.
                else:
                    raise _Moved
            elif entries:
                first = entries[0].key
            position += len(entries)
            ignored = len(page.entries) > asked
            complete = ignored or not entries or (page.total is not None and position >= page.total)
            if complete and not ignored and page.total is not None and position < page.total:
                raise InvalidResponse(
                    N_("The Plex server listed {position} of {count} titles.").format(
                        position=position, count=page.total
                    )
                )
            if not complete:
                last = entries[-1].key
                asked = size + 1
                ahead = asyncio.ensure_future(fetch(position - 1, asked))
            if entries:
                yield Listed(entries, page.total)
            if complete:
                return
    finally:
        ahead.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await ahead
