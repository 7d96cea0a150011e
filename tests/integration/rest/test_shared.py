"""Shared answers: the same for everyone, never older than the last change, never for those who may not see them."""

from __future__ import annotations

from typing import Any

from medianest_core.bus.events import LibraryChanged
from medianest_core.sdk.events import Audience
from medianest_core.web.rest.mount import RestApi
from medianest_core.web.rest.shared import KEPT, MOST_BYTES, SharedAnswers


async def test_a_list_is_made_once_and_again_after_a_change(gate: Any) -> None:
    asked = 0
    library = gate.services.library
    original = library.list_titles

    async def counted(query: Any) -> Any:
        nonlocal asked
        asked += 1
        return await original(query)

    library.list_titles = counted
    gate.serve(RestApi(gate.services).routes())
    ann, bob = await gate.person("Ann"), await gate.person("Bob")
    first = await ann.client.get("/api/v1/library/titles?sort=year")
    second = await bob.client.get("/api/v1/library/titles?sort=year")
    assert asked == 1 and first.content == second.content
    assert second.headers["etag"] == first.headers["etag"]
    assert second.headers["x-ratelimit-limit"] == "100"
    known = {"if-none-match": first.headers["etag"]}
    third = await bob.client.get("/api/v1/library/titles?sort=year", headers=known)
    assert (third.status_code, third.content, asked) == (304, b"", 1)
    async with gate.client() as nobody:
        assert (await nobody.get("/api/v1/library/titles?sort=year")).status_code == 401
    await bob.client.get("/api/v1/library/titles?sort=title")
    assert asked == 2
    async with gate.services.db.begin() as tx:
        await gate.services.bus.publish(tx, LibraryChanged(changed=1), Audience.library())
    await gate.services.bus.drain()
    await ann.client.get("/api/v1/library/titles?sort=year")
    assert asked == 3


async def test_only_what_is_the_same_for_everyone_is_shared() -> None:
    key = SharedAnswers.key
    assert (
        key("/library/titles", b"x=1") and key("/library/titles/12/seasons", b"") and key("/collections", b"")
    )
    for path in (
        "/me",
        "/downloads",
        "/notifications",
        "/library/titles/12/link",
        "/library/titles/12/changes",
        "/users",
    ):
        assert key(path, b"") is None, path


async def test_answers_are_bounded_in_time_and_size(gate: Any) -> None:
    now = [0.0]
    shared = SharedAnswers(gate.services.bus, timer=lambda: now[0])
    for number in range(100):
        shared.put(("/x", str(number).encode()), 0, [], b"x" * 400_000, b'"e"')
    assert sum(len(answer.body) for answer in shared._answers.values()) <= MOST_BYTES
    assert shared.get(("/x", b"99")) is not None
    now[0] = KEPT
    assert shared.get(("/x", b"99")) is None
    shared.put(("/x", b"1"), 0, [], b"old", b'"e"')
    shared.generation += 1
    shared.put(("/x", b"2"), 0, [], b"made before the change", b'"e"')
    assert shared.get(("/x", b"2")) is None
