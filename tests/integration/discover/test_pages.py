"""The discover pages over catalogs in memory: shelves, search, the sheet of a title and its request form, without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest

from medianest_core.cache.cached import Caches
from medianest_core.cache.memory import MemoryCache
from medianest_core.domain.discover.entries import Entry, RequestMark
from medianest_core.domain.discover.service import Discover
from medianest_core.domain.library.pictures.image_store import ImageStore
from medianest_core.domain.requests.entries import Policy
from medianest_core.host.instances import Instances
from medianest_core.sdk.catalog import Catalog, CatalogPerson, CatalogSeason, Feed
from medianest_core.sdk.errors import NotReady
from medianest_core.sdk.routes import Viewer
from medianest_core.web.portal.app import Portal
from tests.fakes.catalog import FakeCatalog, FakeShelf, film
from tests.fakes.late import Late
from tests.fakes.media import FakeInstances

HTML = {"accept": "text/html"}
EMBER = film(
    1,
    "Ember Index",
    year=2024,
    summary="A librarian finds a burning catalogue.",
    runtime=6300.0,
    genres=("Mystery",),
    image="poster:/e.jpg",
    backdrop="backdrop:/e.jpg",
    people=(CatalogPerson("Ada Vale", "Mira", None),),
    fields={
        "tagline": "Every page a spark.",
        "videos": [{"title": "First look", "url": "https://v.example/1"}],
    },
)
HARBOUR = film(
    7,
    "Harbour Lights",
    kind="show",
    year=2020,
    seasons=(CatalogSeason(0, "Specials", 2), CatalogSeason(1, "", 8, "2020-01-01"), CatalogSeason(2, "", 8)),
)


@dataclass
class House:
    gate: Any
    instances: FakeInstances
    discover: Discover

    def catalog(self, instance_id: str = "atlas") -> FakeShelf:
        made = FakeShelf(entries=[EMBER, HARBOUR])
        made.details = {"movie tmdb 1": EMBER, "show tmdb 7": HARBOUR}
        self.instances.add(instance_id, Catalog, FakeCatalog(instance_id, made))
        return made

    async def rule(self, **values: Any) -> None:
        given = {"id": "", "subject": "role", "subject_id": "user", "kind": "*", **values}
        await self.gate.services.requests.put_policy(Policy(**given), None)


@pytest.fixture
def house(gate: Any, tmp_path: Path) -> House:
    instances, services = FakeInstances(), gate.services
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
    gate.serve(Portal(gate.services).routes())
    return House(gate, instances, discover)


async def read(person: Any, path: str, **headers: str) -> str:
    answer = await person.client.get(path, headers={**HTML, **headers})
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def posters(page: str) -> list[str]:
    return re.findall(r'<a class="poster" href="([^"]+)"', page)


def boxes(page: str) -> dict[int, str]:
    """season → what follows its box: "checked", "disabled" or nothing."""
    found = re.findall(r'name="season" value="(\d+)"( disabled| checked)?', page)
    return {int(number): state.strip() for number, state in found}


async def test_without_a_catalog_the_page_says_what_to_add(house: House) -> None:
    ann, boss = await house.gate.person("Ann"), await house.gate.person("Boss", role="admin")
    page = await read(ann, "/discover")
    assert "An admin still has to connect a catalog" in page
    assert "discover-search" not in page
    page = await read(boss, "/discover")
    assert "No catalog is connected yet" in page
    assert 'href="/admin/services"' in page
    assert (await ann.client.get("/discover/movie:tmdb:1", headers=HTML)).status_code == 404
    async with house.gate.client() as nobody:
        assert (await nobody.get("/discover", headers=HTML)).status_code in (302, 303, 401)


async def test_shelves_come_at_once_or_when_they_are_seen(house: House) -> None:
    shelf = house.catalog()
    shelf.feeds = [Feed(f"list{n}", f"List {n}", ("movie",)) for n in range(4)]
    ann = await house.gate.person("Ann")
    page = await read(ann, "/discover")
    assert re.findall(r'id="shelf-feed-(\w+)-title"', page) == ["list0", "list1", "list2", "list3"]
    assert posters(page) == ["/discover/movie:tmdb:1", "/discover/show:tmdb:7"] * 2
    assert page.count('hx-trigger="intersect once, live"') == 2
    assert [one for one in shelf.asked if one[0] == "discover"] == [
        ("discover", "list0", 1, "en"),
        ("discover", "list1", 1, "en"),
    ]
    assert page.count("Told by the fake catalog.") == 1
    late = await read(ann, "/fragments/discover/shelf/list3")
    assert (len(posters(late)), 'hx-trigger="live"' in late) == (2, True)
    assert (await ann.client.get("/fragments/discover/shelf/none", headers=HTML)).status_code == 404
    whole = await read(ann, "/discover?list=list3")
    assert ("List 3" in whole, len(posters(whole))) == (True, 2)


async def test_a_search_is_in_the_address_and_goes_on(house: House) -> None:
    shelf = house.catalog()
    shelf.pages = 3
    ann = await house.gate.person("Ann")
    page = await read(ann, "/discover?q=ember++index")
    assert posters(page) == ["/discover/movie:tmdb:1"]
    assert 'value="ember index"' in page
    assert 'hx-get="/fragments/discover?q=ember+index&amp;page=2"' in page
    assert 'href="/discover?q=ember+index&amp;page=2"' in page, "the way without JavaScript"
    assert "Told by the fake catalog." in page
    part = await ann.client.get("/fragments/discover?q=ember", headers={"hx-request": "true"})
    assert part.headers["hx-replace-url"] == "/discover?q=ember"
    assert part.text.lstrip().startswith("<div") and posters(part.text) == ["/discover/movie:tmdb:1"]
    again = await read(ann, "/fragments/discover?q=ember+index&page=2")
    assert posters(again) == [], "what the page before showed is not shown twice"
    assert "page=3" in again
    third = await read(ann, "/discover?q=ember+index&page=3")
    assert 'href="/discover?q=ember+index"' in third and "page=4" not in third
    assert "Nothing found" in await read(ann, "/discover?q=zzz")
    assert "shelf-feed-trending" in await read(ann, "/fragments/discover?q=")


async def test_a_poster_says_what_the_household_has_or_wants(house: House) -> None:
    house.catalog().entries = [film(1, "Here"), film(2, "Asked"), film(3, "Theirs"), film(4, "Free")]

    async def marks(viewer: Viewer, entries: Sequence[Entry]) -> Mapping[str, RequestMark]:
        return {
            "movie:tmdb:2": RequestMark("r2", "processing", mine=True),
            "movie:tmdb:3": RequestMark("", "pending"),
        }

    house.discover.requests = marks
    ann = await house.gate.person("Ann")
    page = await read(ann, "/discover?list=trending")
    assert posters(page) == [
        "/discover/movie:tmdb:1",
        "/requests/r2",
        "/discover/movie:tmdb:3",
        "/discover/movie:tmdb:4",
    ]
    assert re.findall(r'class="art-badge[^"]*">([^<]+)<', page) == ["On its way", "Requested"]


async def test_catalogs_that_are_away_or_late_are_named_beside_the_others(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.catalog()
    house.catalog("gazette").fail = NotReady("No connection to gazette.")
    slow = house.catalog("snail")
    slow.gate = Late(monkeypatch, 30.0)
    house.discover.patience = 20.0
    ann = await house.gate.person("Ann")
    page = await read(ann, "/discover?q=ember")
    assert posters(page) == ["/discover/movie:tmdb:1"]
    assert "No connection to gazette." in page
    assert "is slow to answer" in page
    slow.gate.set()


async def test_when_nobody_answers_the_page_says_so_and_can_be_tried_again(house: House) -> None:
    house.catalog().fail = NotReady("No connection to atlas.")
    ann = await house.gate.person("Ann")
    for path in ("/discover", "/discover?q=ember", "/discover?list=trending"):
        page = await read(ann, path)
        assert "No catalog could be asked" in page and "No connection to atlas." in page, path
    answer = await ann.client.get("/discover/movie:tmdb:1", headers=HTML)
    assert (answer.status_code, "No connection to atlas." in answer.text) == (503, True)


async def test_a_film_is_asked_for_from_its_sheet(house: House) -> None:
    house.catalog()
    ann, ben = await house.gate.person("Ann"), await house.gate.person("Ben")
    page = await read(ann, "/discover/movie:tmdb:1")
    for words in (
        "Ember Index",
        "A librarian finds",
        "Every page a spark.",
        "Ada Vale",
        "Mystery",
        "First look",
    ):
        assert words in page, words
    assert "Told by the fake catalog." in page
    assert 'action="/discover/movie:tmdb:1/request"' in page
    assert 'name="variant"' not in page, "one quality is no choice"
    answer = await ann.client.post(
        "/discover/movie:tmdb:1/request", data={"comment": "Please!"}, headers=HTML
    )
    assert answer.status_code == 303
    path = answer.headers["location"]
    [made] = (await house.gate.services.requests.list(_viewer(ann))).items
    assert path == f"/requests/{made.id}"
    assert (made.title, made.year, made.kind, dict(made.ids)) == (
        "Ember Index",
        2024,
        "movie",
        {"tmdb": "1"},
    )
    assert made.image and made.image.startswith("catalog/")
    page = await read(ann, "/discover/movie:tmdb:1")
    assert f'href="{path}"' in page and "request-form" not in page
    theirs = await read(ben, "/discover/movie:tmdb:1")
    assert path not in theirs, "whose request it is stays with them"
    assert "Follow this request" in theirs
    joined = await ben.client.post("/discover/movie:tmdb:1/request", headers=HTML)
    assert joined.headers["location"] == path


async def test_seasons_are_chosen_and_those_asked_for_are_not_offered_again(house: House) -> None:
    house.catalog()
    ann = await house.gate.person("Ann")
    path = "/discover/show:tmdb:7"
    assert boxes(await read(ann, path)) == {0: "", 1: "checked", 2: "checked"}
    none = await ann.client.post(f"{path}/request", headers=HTML)
    assert none.status_code == 422
    assert "Choose at least one season." in none.text
    assert boxes(none.text) == {0: "", 1: "", 2: ""}, "the choice stays as it was sent"
    first = await ann.client.post(f"{path}/request", data={"season": ["1", "99"]}, headers=HTML)
    assert first.status_code == 303
    [made] = (await house.gate.services.requests.list(_viewer(ann))).items
    assert (made.kind, list(made.seasons)) == ("season", [1])
    assert boxes(await read(ann, path)) == {0: "", 1: "disabled", 2: "checked"}
    await ann.client.post(f"{path}/request", data={"season": ["0", "2"]}, headers=HTML)
    done = await read(ann, path)
    assert boxes(done) == {} and "Every season is there or asked for." in done


async def test_a_refusal_stands_beside_the_form(house: House) -> None:
    house.catalog()
    requests = house.gate.services.requests
    ann, boss = await house.gate.person("Ann"), await house.gate.person("Boss", role="admin")
    await requests.block("movie", {"tmdb": "1"}, "Ember Index", 2024, "No sequels.", boss.user.id)
    answer = await ann.client.post("/discover/movie:tmdb:1/request", headers=HTML)
    assert (answer.status_code, "No sequels." in answer.text) == (409, True)
    assert 'id="request-form"' in answer.text
    await house.rule(quota=1.0, window_days=7)
    await ann.client.post("/discover/show:tmdb:7/request", data={"season": "1"}, headers=HTML)
    page = await read(ann, "/discover/show:tmdb:7")
    assert "You have used up your requests." in page
    answer = await ann.client.post("/discover/show:tmdb:7/request", data={"season": "2"}, headers=HTML)
    assert answer.status_code == 429
    assert "The next one is possible at" in answer.text
    assert (await requests.counts(_viewer(ann))).get("pending") == 1


async def test_who_may_not_ask_is_told_and_who_may_choose_the_quality_can(house: House) -> None:
    house.catalog()
    ann, boss = await house.gate.person("Ann"), await house.gate.person("Boss", role="admin")
    page = await read(boss, "/discover/movie:tmdb:1")
    assert 'name="variant" value="4k"' in page
    done = await boss.client.post("/discover/movie:tmdb:1/request", data={"variant": "4k"}, headers=HTML)
    assert done.status_code == 303
    [made] = (await house.gate.services.requests.list(_viewer(boss, "admin"))).items
    assert made.variant == "4k"
    await house.rule(allowed=False)
    page = await read(ann, "/discover/movie:tmdb:1")
    assert "Your account may not ask for titles of this kind." in page and "request-form" not in page
    denied = await ann.client.post("/discover/movie:tmdb:1/request", headers=HTML)
    assert denied.status_code == 403


async def test_german(house: House) -> None:
    house.catalog()
    ann = await house.gate.person("Ann")
    page = await read(ann, "/discover/movie:tmdb:1", **{"accept-language": "de"})
    assert "Anfrage" in page and "Entdecken" in page


def _viewer(person: Any, role: str = "user") -> Viewer:
    return Viewer(person.user.id, person.user.username, role, frozenset())


async def test_an_admin_asks_for_someone_else(house: House) -> None:
    house.catalog()
    ann, root = await house.gate.person("Ann"), await house.gate.person("Root", role="admin")
    path = "/discover/movie:tmdb:1"
    assert f'<option value="{ann.user.id}"' in await read(root, path)
    assert "for_user" not in await read(ann, path)
    sent = await root.client.post(f"{path}/request", data={"for_user": ann.user.id}, headers=HTML)
    assert sent.status_code == 303, sent.text
    [made] = (await house.gate.services.requests.list(_viewer(ann, "user"))).items
    assert made.title == "Ember Index" and made.user is not None and made.created_by is not None
    assert (made.user.name, made.created_by.name) == ("Ann", "Root")


async def test_the_seasons_of_a_request_are_boxes_until_somebody_decides(house: House) -> None:
    shelf = house.catalog()
    ann = await house.gate.person("Ann")
    asked = await ann.client.post("/discover/show:tmdb:7/request", data={"season": "1"}, headers=HTML)
    assert asked.status_code == 303
    requests = house.gate.services.requests
    [made] = (await requests.list(_viewer(ann))).items
    path = f"/requests/{made.id}/edit"
    page = await read(ann, path)
    assert boxes(page) == {0: "", 1: "checked", 2: ""} and "8 episodes" in page
    sent = {"picks": "1", "version": str(made.version)}
    none = await ann.client.post(path, data=sent, headers=HTML)
    assert none.status_code == 422 and "Choose at least one season." in none.text
    assert boxes(none.text) == {0: "", 1: "", 2: ""}
    done = await ann.client.post(path, data={**sent, "season": ["2"]}, headers=HTML)
    assert done.status_code == 303
    [made] = (await requests.list(_viewer(ann))).items
    assert list(made.seasons) == [2]
    again = {"picks": "1", "version": str(made.version)}
    await ann.client.post(path, data={**again, "season": ["1", "2"]}, headers=HTML)
    [made] = (await requests.list(_viewer(ann))).items
    assert list(made.seasons) == [], "all of the show"
    shelf.fail = NotReady("Away.")
    assert boxes(await read(ann, path)) == {0: "", 1: "checked", 2: "checked"}, "as it was told last"
