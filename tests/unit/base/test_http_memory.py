"""Answers that were seen are asked for with conditions, and nothing is used that the service has not confirmed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from medianest_core.base import http_memory
from medianest_core.base.egress import EgressPolicy
from medianest_core.base.http import GuardedHttp
from medianest_core.base.http_factory import HttpFactory
from medianest_core.base.logging import correlation_id
from medianest_core.cache.memory import MemoryCache

from .servers import Answer, Server, reply, serving

HOUR = 3600.0
UNCHANGED = reply(b"", status="304 Not Modified", ETag='"1"', X_Seen="again")


@pytest.fixture
async def factory() -> AsyncIterator[HttpFactory]:
    made = HttpFactory()
    made.memory = MemoryCache()
    yield made
    await made.close()


def in_turn(*answers: Answer) -> Answer:
    """One answer after the other."""
    left = list(answers)

    async def answer(head: str, writer: asyncio.StreamWriter) -> None:
        await left.pop(0)(head, writer)

    return answer


class Shelf:
    """A cache whose keys can be seen."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    async def get(self, key: str) -> bytes | None:
        return self.values.get(key)

    async def set(self, key: str, value: bytes, ttl: float) -> None:
        assert ttl == HOUR
        self.values[key] = value


def client(factory: HttpFactory, server: Server) -> GuardedHttp:
    return factory.for_instance(server.url, EgressPolicy([f"127.0.0.1:{server.port}"], allow_private=True))


def conditions(head: str) -> list[str]:
    return sorted(line.lower() for line in head.split("\r\n") if line.lower().startswith("if-"))


async def test_a_second_run_asks_whether_it_has_changed(factory: HttpFactory) -> None:
    date = "Sat, 21 Nov 2026 09:00:00 GMT"
    async with serving(
        in_turn(
            reply(b'{"a": 1}', ETag='"1"', Last_Modified=date, X_Seen="first"),
            UNCHANGED,
            reply(b'{"a": 2}', ETag='"2"'),
            UNCHANGED,
        )
    ) as server:
        http = client(factory, server)
        first = await http.get("/meta", headers={"X-Key": "k"}, remember=HOUR)
        token = correlation_id.set("another-request")
        # Another client of the same instance, as after a restart or in another process.
        second = await client(factory, server).get("/meta", headers={"X-Key": "k"}, remember=HOUR)
        correlation_id.reset(token)
        third = await http.get("/meta", headers={"X-Key": "k"}, remember=HOUR)
        await http.get("/meta", headers={"X-Key": "k"}, remember=HOUR)
    assert (second.status, second.json(), second.url) == (200, {"a": 1}, first.url)
    assert (first.headers["x-seen"], second.headers["x-seen"]) == ("first", "again")
    assert third.json() == {"a": 2}
    assert conditions(server.heads[0]) == []
    assert conditions(server.heads[1]) == [f"if-modified-since: {date.lower()}", 'if-none-match: "1"']
    assert conditions(server.heads[3]) == ['if-none-match: "2"']


async def test_other_credentials_and_addresses_have_answers_of_their_own(factory: HttpFactory) -> None:
    async with serving(reply(b"x", ETag='"1"')) as server:
        http = client(factory, server)
        await http.get("/meta", headers={"X-Key": "mine"}, remember=HOUR)
        await http.get("/meta", headers={"X-Key": "yours"}, remember=HOUR)
        await http.get("/meta", params={"page": 2}, headers={"X-Key": "mine"}, remember=HOUR)
        await http.get("/meta", headers={"X-Key": "mine"})
    assert [conditions(head) for head in server.heads] == [[], [], [], []]


@pytest.mark.parametrize(
    "answer",
    [
        reply(b"no mark"),
        reply(b"forbidden", ETag='"1"', Cache_Control="private, no-store"),
        reply(b"an error", status="500 Oh", ETag='"1"'),
        reply(b"x" * 100, ETag='"1"'),
    ],
    ids=["unmarked", "no-store", "error", "large"],
)
async def test_what_is_not_kept(
    factory: HttpFactory, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_memory, "LARGEST", 50)
    async with serving(answer) as server:
        http = client(factory, server)
        for _ in range(2):
            await http.request("GET", "/meta", remember=HOUR)
    assert conditions(server.heads[1]) == []


async def test_a_write_and_a_callers_own_condition_are_left_alone(factory: HttpFactory) -> None:
    async with serving(in_turn(reply(b"x", ETag='"1"'), reply(b"x", ETag='"1"'), UNCHANGED)) as server:
        http = client(factory, server)
        await http.get("/meta", remember=HOUR)
        await http.post("/meta", remember=HOUR)
        own = await http.request("GET", "/meta", headers={"If-None-Match": '"7"'}, remember=HOUR)
    assert conditions(server.heads[1]) == []
    assert conditions(server.heads[2]) == ['if-none-match: "7"']
    assert own.status == 304


async def test_a_cache_that_lost_or_garbled_everything_only_costs_a_request(factory: HttpFactory) -> None:
    shelf = factory.memory = Shelf()
    async with serving(reply(b"whole", ETag='"1"')) as server:
        http = client(factory, server)
        for garbled in (b"not ours", b"[1]\nnot ours", b""):
            await http.get("/meta", headers={"X-Key": "a-secret"}, remember=HOUR)
            (key,) = shelf.values
            assert "secret" not in key and "meta" not in key
            shelf.values[key] = garbled
            assert (await http.get("/meta", headers={"X-Key": "a-secret"}, remember=HOUR)).content == b"whole"
            shelf.values.clear()
        factory.memory = None
        assert (await http.get("/meta", remember=HOUR)).content == b"whole"
    assert all(conditions(head) == [] for head in server.heads)
