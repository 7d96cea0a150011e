"""The search box, the library's filters, kept searches and the title page's ways to ask, over a library and catalogs in memory."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest

from medianest_core.cache.cached import Caches
from medianest_core.cache.memory import MemoryCache
from medianest_core.domain.discover.service import Discover
from medianest_core.domain.library.pictures.image_store import ImageStore
from medianest_core.domain.requests.entries import Policy
from medianest_core.host.instances import Instances
from medianest_core.sdk.catalog import Catalog
from medianest_core.sdk.errors import NotReady
from medianest_core.web.portal.app import Portal
from medianest_core.web.rest.mount import RestApi
from tests.fakes.catalog import FakeCatalog, FakeShelf, film
from tests.fakes.media import FakeInstances
from tests.integration import crowd

HTML = {"accept": "text/html"}


@dataclass
class House:
    gate: Any
    shelf: FakeShelf
    ann: Any
    boss: Any

    async def read(self, path: str, who: Any = None, **headers: str) -> str:
        answer = await (who or self.ann).client.get(path, headers={**HTML, **headers})
        assert answer.status_code == 200, answer.text
        return str(answer.text)


@pytest.fixture
async def house(gate: Any, tmp_path: Path) -> House:
    instances, services, shelf = FakeInstances(), gate.services, FakeShelf()
    instances.add("atlas", Catalog, FakeCatalog("atlas", shelf))
    discover = Discover(
        db=services.db,
        instances=cast(Instances, instances),
        library=services.library,
        pictures=ImageStore(tmp_path / "posters"),
        signing_key=services.keyring.signing_key,
        caches=Caches(MemoryCache()),
        clock=services.clock,
    )
    gate.services = replace(services, discover=discover)
    gate.serve([*RestApi(gate.services).routes(), *Portal(gate.services).routes()])
    ann, boss = await gate.person("Ann"), await gate.person("Boss", role="admin")
    await crowd.fill(services.db, 30, boss.user.id)
    return House(gate, shelf, ann, boss)


def options(page: str) -> list[str]:
    """What the list box offers, as its words."""
    found = re.findall(r'role="option"[^>]*>(.*?)</(?:a|button)>', page, re.S)
    return [" ".join(re.sub(r"<[^>]+>", " ", one).split()) for one in found]


async def test_the_box_knows_titles_people_pages_settings_and_actions(house: House) -> None:
    assert any(
        one.startswith("Story 00007") for one in options(await house.read("/fragments/search?q=00007"))
    )
    assert "Actor 7 in 1 title" in options(await house.read("/fragments/search?q=actor+7"))
    found = options(await house.read("/fragments/search?q=series"))
    assert any(one.startswith("The Series") for one in found)
    assert any(one == "Password Account" for one in options(await house.read("/fragments/search?q=passw")))
    assert "Calendar" in options(await house.read("/fragments/search?q=calen"))
    out = await house.read("/fragments/search?q=sign+out")
    assert options(out) == ["Sign out"] and 'action="/sign-out"' in out
    for words in ("sync+now", "add+a+service", "boss", "jobs"):
        assert options(await house.read(f"/fragments/search?q={words}")) == [], "only for admins"
        assert options(await house.read(f"/fragments/search?q={words}", house.boss)), words
    link = await house.read("/fragments/search?q=https://v.example/watch?a")
    assert "Download this link" in options(link) and "/downloads?url=https%3A%2F%2Fv.example" in link


async def test_catalogs_come_in_a_second_step(house: House) -> None:
    house.shelf.entries = [film(900, "Story of Tomorrow", year=2031)]
    first = await house.read("/fragments/search?q=tomorrow")
    assert house.shelf.asked == [], "the box does not wait for them"
    [more] = re.findall(r'hx-get="(/fragments/search/catalogs[^"]*)"', first)
    assert options(await house.read(more)) == ["Request “Story of Tomorrow” Movie · 2031"]
    page = await house.read("/search?q=tomorrow")
    assert 'href="/discover/movie:tmdb:900#request"' in page, "without a script it is one page"
    assert 'role="option"' not in page
    house.shelf.fail = NotReady("It is away.")
    away = await house.read("/fragments/search/catalogs?q=other+words")
    assert options(away) == [] and "could not be asked" in away
    assert "/fragments/search/catalogs" not in await house.read("/fragments/search?q=t"), (
        "one letter is too little"
    )


async def test_what_may_not_be_asked_for_is_only_shown(house: House) -> None:
    house.shelf.entries = [film(900, "Story of Tomorrow")]
    rule = Policy(id="", subject="role", subject_id="user", kind="*", allowed=False)
    await house.gate.services.requests.put_policy(rule, None)
    assert options(await house.read("/fragments/search/catalogs?q=tomorrow")) == ["Story of Tomorrow Movie"]


async def test_only_admins_sync(house: House) -> None:
    assert (await house.ann.client.post("/admin/sync", headers=HTML)).status_code == 403
    assert (await house.boss.client.post("/admin/sync", headers=HTML)).status_code == 303


def counts(page: str, name: str) -> dict[str, int]:
    """value → count of one filter."""
    group = re.search(rf'id="filter-{name}">(.*?)</fieldset>', page, re.S)
    assert group, name
    found = re.findall(r'value="([^"]*)"[^>]*><span>[^<]*</span><span class="count">(\d+)</span>', group[1])
    return {value: int(number) for value, number in found}


async def test_each_filter_is_counted_beside_the_others(house: House) -> None:
    whole = await house.read("/library/movie")
    genres = counts(whole, "genre")
    genre = max(genres, key=lambda one: genres[one])
    narrowed = await house.read(f"/library/movie?genre={genre}")
    assert counts(narrowed, "genre") == genres, "other genres stay as they could be chosen beside it"
    decades = counts(narrowed, "decade")
    assert sum(decades.values()) == genres[genre]
    decade = next(iter(decades))
    both = await house.read(f"/library/movie?genre={genre}&decade={decade}")
    assert f">{decades[decade]} title" in both
    assert 'name="decade"' in both and "checked" in both
    years = await house.read("/library/movie?year_from=1955&year_to=1956")
    assert len(re.findall('class="poster"', years)) == 2 and "from 1955" in years
    for strange in (
        "decade=x",
        "year_from=99999999999999999999",
        "availability=nowhere",
        "quality=-1",
        "server=%25",
    ):
        await house.read(f"/library?{strange}")


async def test_a_change_of_filters_brings_all_that_stands_around_the_grid(house: House) -> None:
    asked = {"hx-request": "true", "hx-current-url": "http://portal.test/library"}
    answer = await house.ann.client.get("/fragments/library?decade=1950", headers=asked)
    assert answer.headers["hx-push-url"] == "/library?decade=1950", "back takes it away again"
    for part in ("filter-panel", "filter-count", "kinds", "saved"):
        assert re.search(rf'id="{part}"[^>]* hx-swap-oob="morph"', answer.text), part
    typed = await house.ann.client.get(
        "/fragments/library?decade=1950&q=st",
        headers={**asked, "hx-current-url": "http://portal.test/library?decade=1950&q=s"},
    )
    assert typed.headers["hx-replace-url"] == "/library?decade=1950&q=st", "but not every letter"


async def test_searches_are_kept(house: House) -> None:
    page = await house.read("/library?decade=1950&sort=title")
    assert "Save this search" in page
    sent = {"place": "library", "query": "decade=1950", "name": "The fifties"}
    made = await house.ann.client.post("/searches", data=sent, headers=HTML)
    assert (made.status_code, made.headers["location"]) == (303, "/library?decade=1950")
    page = await house.read("/library?sort=title&decade=1950")
    assert "The fifties" in page and "Save this search" not in page
    assert "The fifties" not in await house.read("/library", house.boss)
    [forget] = re.findall(r'action="(/searches/[^"]+/forget)"', page)
    assert (await house.boss.client.post(forget, headers=HTML)).status_code == 404
    assert (await house.ann.client.post(forget, headers=HTML)).status_code == 303
    assert "The fifties" not in await house.read("/library")
    refused = await house.ann.client.post(
        "/searches", data={**sent, "query": "", "place": "//evil"}, headers=HTML
    )
    assert refused.headers["location"].startswith("/library")
    await house.ann.client.post(
        "/searches", data={"place": "discover", "query": "q=zoo", "name": "Zoo"}, headers=HTML
    )
    assert 'href="/discover?q=zoo"' in await house.read("/discover")
    listed = (await house.ann.client.get("/api/v1/searches")).json()
    assert [(one["name"], one["query"]) for one in listed] == [("Zoo", "q=zoo")]
    gone = await house.ann.client.delete(f"/api/v1/searches/{listed[0]['id']}")
    assert gone.status_code == 204


async def test_a_title_can_be_reported_and_more_of_it_asked_for(house: House) -> None:
    found = await house.gate.services.library.search("the series")
    show = found[0].id
    page = await house.read(f"/title/{show}")
    assert "Request missing seasons" in page and "/discover/show:tvdb:1#request" in page
    form = await house.read(f"/title/{show}/report")
    assert 'name="season"' in form and 'name="problem"' in form
    wrong = await house.ann.client.post(
        f"/title/{show}/report", data={"problem": "audio", "episode": "2"}, headers=HTML
    )
    assert wrong.status_code == 422 and "Choose the season" in wrong.text
    sent = {"problem": "audio", "season": "1", "episode": "2", "message": "No sound."}
    made = await house.ann.client.post(f"/title/{show}/report", data=sent, headers=HTML)
    assert made.status_code == 303
    report = await house.read(made.headers["location"])
    assert "No sound." in report and "The sound" in report
    assert (await house.ann.client.get("/title/999999/report", headers=HTML)).status_code == 404
