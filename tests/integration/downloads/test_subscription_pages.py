"""Subscriptions on their pages and over the API: one's own, with words that people understand."""

from __future__ import annotations

import time
from typing import Any, ClassVar

import pytest
from sqlalchemy import update

from medianest_core.sdk.routes import Viewer
from medianest_core.store.tables.downloads import download_items, downloads
from medianest_core.web.portal.app import Portal
from medianest_core.web.rest.mount import RestApi
from tests.fakes.downloads import FakeDownloader, FakeSite, found

URL = "https://video.example/@someone"


class Only:
    """A handle on the downloader in memory."""

    class Instance:
        id: ClassVar[str] = "tube"
        plugin: ClassVar[str] = "tube"
        title: ClassVar[str] = "Tube"
        ready: ClassVar[bool] = True
        reason: ClassVar[str] = ""

    instance = Instance

    def __init__(self, site: FakeSite) -> None:
        self.api = FakeDownloader("tube", site)

    def can(self, capability: object) -> bool:
        return True


@pytest.fixture
def site(gate: Any, monkeypatch: pytest.MonkeyPatch) -> FakeSite:
    made = FakeSite()
    made.playlist(URL, "Someone's videos", found("old"), kind="channel")
    submission = gate.services.downloads._submission

    class Instances:
        def any(self, kind: object) -> list[Only]:
            return [Only(made)]

        ready = any

    monkeypatch.setattr(submission, "_instances", Instances())
    gate.serve([*RestApi(gate.services).routes(), *Portal(gate.services).routes()])
    return made


async def test_the_whole_way_on_the_pages(gate: Any, site: FakeSite) -> None:
    ann, bob = await gate.person("Ann"), await gate.person("Bob")
    base = "/downloads/subscriptions"
    assert "No subscriptions yet" in (await ann.client.get(base)).text
    assert base in (await ann.client.get("/downloads")).text
    data = {"url": URL, "every": "3600", "title": "walk", "longest": "30", "keep": "5", "shorts": "false"}
    wrong = await ann.client.post(f"{base}/add", data={**data, "longest": "long"})
    assert wrong.status_code == 422 and "Give a number" in wrong.text
    nothing = await ann.client.post(f"{base}/add", data={**data, "url": "https://video.example/none"})
    assert nothing.status_code == 422 and "Nothing is there." in nothing.text
    assert (await ann.client.post(f"{base}/add", data=data)).status_code == 303
    page = (await ann.client.get(base)).text
    for words in ("Someone&#39;s videos", "every 1 hour", "up to 30 minutes", "keeps the newest 5"):
        assert words in page, words
    (one,) = await gate.services.downloads.following.list(_viewer(ann))
    assert (await bob.client.get(f"{base}/{one.id}")).status_code == 404
    assert (await ann.client.post(f"{base}/{one.id}/pause", data={"version": "1"})).status_code == 303
    assert "Paused" in (await ann.client.get(base)).text
    late = await ann.client.post(f"{base}/{one.id}", data={**data, "version": "1", "title": "harbour"})
    assert late.status_code == 409 and "Someone else changed this" in late.text
    saved = await ann.client.post(f"{base}/{one.id}", data={**data, "version": "2", "title": "harbour"})
    assert saved.status_code == 303
    assert (await ann.client.post(f"{base}/{one.id}/resume", data={"version": "3"})).status_code == 303
    assert (await ann.client.post(f"{base}/{one.id}/look")).status_code == 303
    assert (await bob.client.post(f"{base}/{one.id}/remove")).status_code == 404
    assert (await ann.client.post(f"{base}/{one.id}/remove")).status_code == 303
    assert "No subscriptions yet" in (await ann.client.get(base)).text


async def test_what_would_go_is_shown_before_it_is_saved(
    gate: Any, site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No worker runs here: what a subscription has is written down as if it had been fetched."""
    ann, bob = await gate.person("Ann"), await gate.person("Bob")
    base, now = "/downloads/subscriptions", time.time()
    data = {"url": URL, "every": "3600", "earlier": "true"}
    site.playlist(
        URL,
        "Someone's videos",
        *(found(key, published_at=now - age * 86_400) for age, key in enumerate("abcdefgh")),
    )
    assert (await ann.client.post(f"{base}/add", data={**data, "earlier": "true"})).status_code == 303
    following = gate.services.downloads.following
    monkeypatch.setattr(gate.services.downloads.queue, "limits", lambda _: site.limits)
    (one,) = await following.list(_viewer(ann))
    assert await following._fetch(_viewer(ann), one) == 8
    async with gate.services.db.begin() as tx:
        await tx.execute(update(download_items).values(status="done"))
        await tx.execute(update(downloads).values(status="done"))

    page = f"{base}/{one.id}"
    assert "Remove" not in (await ann.client.get(page)).text.split("<form", 1)[1].split("</form>")[0]
    asked = await ann.client.post(page, data={**data, "version": "1", "keep": "7"})
    assert asked.status_code == 422 and "Remove one video now" in asked.text and "“Video h”" in asked.text
    asked = await ann.client.post(page, data={**data, "version": "1", "keep": "1"})
    for words in ("Remove 7 videos now", "“Video b”", "and 2 more", "Say that they may go"):
        assert words in asked.text, words
    assert (await following.get(_viewer(ann), one.id)).wanted.keep is None
    api = f"/api/v1/subscriptions/{one.id}/beyond"
    assert (await ann.client.get(api, params={"keep_days": 7})).json() == ["Video h"]
    assert (await ann.client.get(api)).json() == []
    assert (await ann.client.get(api, params={"keep": 0})).status_code == 422
    assert (await bob.client.get(api, params={"keep": 1})).status_code == 404
    saved = await ann.client.post(
        page, data={**data, "version": "1", "keep": "1", "remove": ["false", "true"]}
    )
    assert saved.status_code == 303
    assert (await following.get(_viewer(ann), one.id)).wanted.keep == 1
    # Nothing new is asked for: no question either.
    again = await ann.client.post(page, data={**data, "version": "2", "keep": "1", "title": "x"})
    assert again.status_code == 303
    assert "keeps the newest" in (await ann.client.get(base)).text


async def test_the_same_over_the_api(gate: Any, site: FakeSite) -> None:
    ann, bob = await gate.person("Ann"), await gate.person("Bob")
    base = "/api/v1/subscriptions"
    assert (await ann.client.post(base, json={"url": URL, "every": 5})).status_code == 422
    made = (await ann.client.post(base, json={"url": URL, "after": 100.0, "keep": 3})).json()
    assert (made["name"], made["wanted"]["keep"], made["version"]) == ("Someone's videos", 3, 1)
    one = f"{base}/{made['id']}"
    assert (await bob.client.get(one)).status_code == 404
    assert (await bob.client.get(base)).json() == []
    changed = await ann.client.patch(one, json={"wishes": {"title": "x"}, "paused": True, "version": 1})
    assert changed.json()["paused_at"] and changed.json()["wanted"]["title"] == "x"
    assert (await ann.client.patch(one, json={"paused": False, "version": 1})).status_code == 409
    assert (await ann.client.post(f"{one}/look")).status_code == 422
    assert (await ann.client.delete(one)).status_code == 204
    assert (await ann.client.get(one)).status_code == 404


def _viewer(person: Any) -> Viewer:
    return Viewer(person.user.id, person.user.username, "user", frozenset())
