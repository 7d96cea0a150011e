"""Walking a listing: complete, each key once, or an error."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_core.sdk import InvalidResponse, NotReady
from medianest_plex.listing import Entry, Listed, walk


def listed(keys: list[str], total: int | None) -> Listed:
    return Listed([Entry(key, "movie", b"{}", "0") for key in keys], total)


class Server:
    """A list of keys behind the ways in which servers page."""

    def __init__(
        self, keys: list[str], *, counts: bool = True, pages: bool = True, cap: int | None = None
    ) -> None:
        self.keys = keys
        self.counts, self.pages, self.cap = counts, pages, cap
        self.calls = 0
        self.before: Callable[[int], None] = lambda call: None

    async def fetch(self, start: int, size: int) -> Listed:
        self.before(self.calls)
        self.calls += 1
        if not self.pages:
            return listed(list(self.keys), None)
        window = self.keys[start : start + min(size, self.cap or size)]
        return listed(window, len(self.keys) if self.counts else None)


async def keys_of(server: Server, size: int) -> list[str]:
    return [entry.key async for page in walk(server.fetch, size) for entry in page.entries]


@given(
    st.integers(0, 40),
    st.integers(1, 12),
    st.booleans(),
    st.booleans(),
    st.one_of(st.none(), st.integers(2, 9)),
)
async def test_every_kind_of_server_is_read_whole_and_in_order(
    count: int, size: int, counts: bool, pages: bool, cap: int | None
) -> None:
    keys = [str(number) for number in range(count)]
    assert await keys_of(Server(keys, counts=counts, pages=pages, cap=cap), size) == keys


@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 39), st.integers(0, 6))
async def test_nothing_is_missed_when_something_is_removed_meanwhile(
    count: int, size: int, victim: int, call: int
) -> None:
    keys = [str(number) for number in range(count)]
    server = Server(list(keys))

    def remove(now: int) -> None:
        if now == call and str(victim) in server.keys:
            server.keys.remove(str(victim))

    server.before = remove
    found = await keys_of(server, size)
    assert set(server.keys) <= set(found) <= set(keys)
    assert len(found) == len(set(found))


@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 40), st.integers(0, 6))
async def test_nothing_is_missed_when_something_is_added_meanwhile(
    count: int, size: int, place: int, call: int
) -> None:
    keys = [str(number) for number in range(count)]
    server = Server(list(keys))
    server.before = lambda now: server.keys.insert(min(place, count), "new") if now == call else None
    found = await keys_of(server, size)
    assert set(keys) <= set(found)
    assert len(found) == len(set(found))


async def test_a_list_that_never_rests_is_an_error_and_not_half_a_list() -> None:
    server = Server([str(number) for number in range(20)])
    server.before = lambda now: server.keys.insert(0, f"new{now}")
    with pytest.raises(NotReady, match="keeps changing"):
        await keys_of(server, 5)


async def test_less_than_promised_is_an_error() -> None:
    async def short(start: int, size: int) -> Listed:
        return listed(["1", "2"][start : start + size], 3)

    with pytest.raises(InvalidResponse, match="2 of 3"):
        async for _ in walk(short, 5):
            pass


async def test_leaving_early_leaves_nothing_running() -> None:
    import asyncio

    server = Server([str(number) for number in range(20)])
    pages = walk(server.fetch, 5)
    await anext(pages)
    await pages.aclose()
    assert len(asyncio.all_tasks()) == 1
