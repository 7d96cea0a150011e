"""The inbox and lists like it, asked for anew by themselves."""

from __future__ import annotations

import re
from typing import Any

import pytest

from medianest_core.web.portal.app import Portal
from medianest_core.web.portal.pages import notifications as pages
from medianest_core.web.portal.pages import users

HTMX = {"hx-request": "true"}


async def test_an_inbox_comes_anew_as_long_as_it_is_shown(gate: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "AT_ONCE", 2)
    gate.serve(Portal(gate.services).routes())
    ann, bob = await gate.person("Ann"), await gate.person("Bob")
    async with gate.services.db.begin() as tx:
        for number in range(4):
            await gate.services.notify.notify(
                tx, ann.user.id, "request.available", {"title": f"Film {number}"}, f"/requests/r{number}"
            )

    async def rows(client: Any, path: str) -> list[str]:
        answer = await client.get(path, headers=HTMX)
        assert answer.status_code == 200 and "<html" not in answer.text and 'id="inbox"' in answer.text
        return re.findall(r"Film (\d)", answer.text)

    assert await rows(ann.client, "/notifications?shown=3") == ["3", "2", "1"]
    assert await rows(ann.client, "/notifications?shown=0&tab=unread") == ["3", "2"]
    assert await rows(bob.client, "/notifications?shown=3") == []
    whole = (await ann.client.get("/notifications")).text
    assert 'hx-get="/notifications"' in whole and "Mark all as read" in whole
    more = re.search(r'hx-get="(/notifications\?tab=all&amp;cursor=[^"]+)"', whole)
    assert more is not None
    rest = (await ann.client.get(more[1].replace("&amp;", "&"), headers=HTMX)).text
    assert re.findall(r"Film (\d)", rest) == ["1", "0"] and 'id="inbox"' not in rest


async def test_a_list_of_downloads_comes_anew_without_what_stands_around_it(gate: Any) -> None:
    gate.serve(Portal(gate.services).routes())
    ann = await gate.person("Ann")
    answer = (await ann.client.get("/downloads?shown=0", headers=HTMX)).text
    assert 'id="downloads-list"' in answer and "No downloads yet" in answer and "<form" not in answer


async def test_a_list_of_accounts_goes_on_and_comes_anew(gate: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "AT_ONCE", 2)
    gate.serve(Portal(gate.services).routes())
    root = await gate.person("Root", role="admin")
    for name in ("Ann", "Bob", "Cid"):
        await gate.person(name)

    async def names(path: str) -> list[str]:
        answer = await root.client.get(path, headers=HTMX)
        assert answer.status_code == 200 and "<html" not in answer.text
        return re.findall(r'href="/admin/users/[^"]+">([^<]+)</a>', answer.text)

    whole = (await root.client.get("/admin/users?q=&tab=active")).text
    more = re.search(r'hx-get="(/admin/users\?tab=active&amp;cursor=[^"]+)"', whole)
    assert more is not None
    assert len(await names(more[1].replace("&amp;", "&"))) == 2
    assert sorted(await names("/admin/users?shown=4")) == ["Ann", "Bob", "Cid", "Root"]
    assert await names("/admin/users?shown=4&q=bob") == ["Bob"]
