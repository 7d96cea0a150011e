"""Shared answers: the same for everyone, never older than the last change, never for those who may not see them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from medianest_core.bus.events import LibraryChanged
from medianest_core.sdk.events import Audience
from medianest_core.sdk.routes import Viewer
from medianest_core.web.rest import shared
from medianest_core.web.rest.mount import RestApi
from medianest_core.web.rest.shared import KEPT, MOST_BYTES, SharedAnswers


async def test_a_list_is_made_once_and_again_after_a_change(
    gate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Only a change makes it anew, however long this takes.
    monkeypatch.setattr(shared, "KEPT", 600.0)
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
    # A tag is one reader's alone.
    assert second.headers["etag"] != first.headers["etag"]
    assert second.headers["x-ratelimit-limit"] == "100"
    known = {"if-none-match": second.headers["etag"]}
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


async def test_own_requests_are_kept_for_their_owner_until_something_is_written(
    gate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "KEPT", 600.0)
    asked = 0
    requests = gate.services.requests
    original = requests.list

    async def counted(*arguments: Any, **options: Any) -> Any:
        nonlocal asked
        asked += 1
        return await original(*arguments, **options)

    requests.list = counted
    gate.serve(RestApi(gate.services).routes())
    ann, bob, ada = await gate.person("Ann"), await gate.person("Bob"), await gate.person("Ada", "admin")
    wish = {"kind": "movie", "ids": {"tmdb": "27205"}, "title": "Inception", "year": 2010}

    async def seen(person: Any, query: str = "") -> list[str]:
        items = (await person.client.get(f"/api/v1/requests{query}")).json()["items"]
        return [item["title"] for item in items]

    assert await seen(ann) == await seen(ann) == await seen(bob) == [] and asked == 2
    made = await ann.client.post("/api/v1/requests", json=wish)
    assert made.status_code == 201
    assert await seen(ann) == ["Inception"] and await seen(bob) == [] and asked == 4
    assert await seen(ada, "?everyone=true") == ["Inception"] and await seen(ann, "?everyone=true") == [
        "Inception"
    ]
    # Nothing is told of who follows; it is read all the same.
    number = made.json()["request"]["id"]
    assert (
        await ada.client.put(f"/api/v1/requests/{number}/participants", json={"user_id": bob.user.id})
    ).is_success
    assert await seen(bob) == ["Inception"]
    before = asked
    assert await seen(bob) == ["Inception"] and asked == before
    async with gate.client() as nobody:
        assert (await nobody.get("/api/v1/requests")).status_code == 401


async def test_what_may_be_kept_and_for_whom() -> None:
    ann, ada = (Viewer("1", "ann", role, frozenset()) for role in ("user", "admin"))

    def key(path: str, query: bytes) -> Any:
        return SharedAnswers.key(path, query, ann)

    assert (
        key("/library/titles", b"x=1") and key("/library/titles/12/seasons", b"") and key("/collections", b"")
    )
    # Who becomes an admin sees what admins see.
    assert key("/requests", b"") != SharedAnswers.key("/requests", b"", ada)
    assert SharedAnswers.key("/requests", b"", None) is None
    for path in (
        "/me",
        "/downloads",
        "/notifications",
        "/library/titles/12/link",
        "/library/titles/12/changes",
        "/users",
        "/requests/1",
    ):
        assert key(path, b"") is None, path


async def test_answers_are_bounded_in_time_and_size(gate: Any) -> None:
    now = [0.0]
    written: Counter[str] = Counter()
    shared = SharedAnswers(gate.services.bus, written, timer=lambda: now[0])
    for number in range(100):
        shared.put(("/x", str(number).encode(), ""), 0, [], b"x" * 400_000)
    assert sum(len(answer.body) for answer in shared._answers.values()) <= MOST_BYTES
    last = ("/x", b"99", "")
    assert shared.get(last) is not None
    now[0] = KEPT
    assert shared.get(last) is None
    own = ("/requests", b"", "user 1")
    before = shared.generation(own)
    written["requests"] += 1
    shared.put(own, before, [], b"made before the change")
    assert shared.get(own) is None
    shared.put(own, shared.generation(own), [], b"made after it")
    assert shared.get(own) is not None
    written["users"] += 1
    assert shared.get(own) is None
