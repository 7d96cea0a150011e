"""Home → arrange: everyone has their own order, with nothing but links and buttons."""

from __future__ import annotations

import re
from typing import Any

import pytest

from medianest_core.domain.accounts import home
from medianest_core.store.repos import settings_history
from medianest_core.web.portal.app import Portal

HTML = {"accept": "text/html"}
PATH = "/home/arrange"


@pytest.fixture
def house(toy_gate: Any) -> Any:
    toy_gate.serve(Portal(toy_gate.services).routes())
    return toy_gate


async def cards(person: Any, path: str = PATH) -> list[str]:
    page = (await person.client.get(path, headers=HTML)).text
    return re.findall(r'id="card-([a-z:.-]+)"', page)


async def step(person: Any, card: str, step: str, version: str | None = None) -> Any:
    if version is None:
        page = (await person.client.get(PATH, headers=HTML)).text
        found = re.search(r'name="version" value="(\d+)"', page)
        assert found is not None
        version = found[1]
    form = {"card": card, "step": step, "version": version}
    answer = await person.client.post(PATH, data=form, headers=HTML)
    assert answer.status_code == 303
    return answer


async def test_order_and_hiding_are_kept_for_each_person(house: Any) -> None:
    ann, ben = await house.person("Ann"), await house.person("Ben")
    home = (await ann.client.get("/", headers=HTML)).text
    assert f'href="{PATH}"' in home, "the home page leads there"
    assert (await cards(ann))[:2] == ["services", "downloads"]
    moved = await step(ann, "downloads", "up")
    assert moved.headers["location"] == f"{PATH}#card-downloads"
    assert (await cards(ann))[:2] == ["downloads", "services"]
    assert home_order(await text(ann)) == ["My downloads", "Services"]
    await step(ann, "services", "switch")
    assert home_order(await text(ann)) == ["My downloads"]
    assert (await cards(ann))[:2] == ["downloads", "services"], "a hidden card can be shown again here"
    assert home_order(await text(ben)) == ["Services", "My downloads"]
    await step(ann, "services", "switch")
    assert home_order(await text(ann)) == ["My downloads", "Services"]
    assert (await ann.client.post(f"{PATH}/reset", headers=HTML)).status_code == 303
    assert (await cards(ann))[:2] == ["services", "downloads"]


def earlier(page: str) -> list[str]:
    """What the page says of each earlier arrangement."""
    return [
        " / ".join([title, *re.findall(r'row-note">([^<]*)<', notes)])
        for title, notes in re.findall(
            r'row-title">([^<]*)</span>((?:<p class="row-note">[^<]*</p>)*)</div>', page
        )
        if notes and "Hidden</p>" not in notes
    ]


async def test_how_it_was_before_can_be_brought_back(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, ben = await house.person("Ann"), await house.person("Ben")
    assert "How it was before" not in (await ann.client.get(PATH, headers=HTML)).text
    await step(ann, "downloads", "up")
    await step(ann, "services", "switch")
    # As if an hour had passed.
    monkeypatch.setattr(home, "TOGETHER", -1.0)
    await step(ann, "downloads", "switch")
    page = (await ann.client.get(PATH, headers=HTML)).text
    # What was done in one sitting is one change.
    first, last = earlier(page)[::-1]
    assert first.startswith(
        "At first / Shown then: Services, My downloads / Order then: Services, My downloads"
    )
    assert last.endswith("Shown then: My downloads")
    way = re.findall(rf'action="({PATH}/earlier/\d+)"', page)
    for person, form, answer in ((ben, {"version": "0"}, 404), (ann, {"version": "1"}, 303)):
        assert (await person.client.post(way[0], data=form, headers=HTML)).status_code == answer
    assert (await ann.client.get(PATH, headers=HTML)).text.count("Hidden</p>") == 2, (
        "another window was first"
    )
    assert (await ann.client.post(way[0], data={"version": "3"}, headers=HTML)).status_code == 303
    assert home_order(await text(ann)) == ["My downloads"]
    page = (await ann.client.get(PATH, headers=HTML)).text
    at_first = re.findall(rf'action="({PATH}/earlier/\d+)"', page)[-1]
    assert (await ann.client.post(at_first, headers=HTML)).status_code == 303
    assert home_order(await text(ann)) == ["Services", "My downloads"]
    assert (await ann.client.post(f"{PATH}/earlier/99999", headers=HTML)).status_code == 404


async def test_it_goes_with_the_person(house: Any) -> None:
    ann = await house.person("Ann")
    await step(ann, "downloads", "up")
    assert await states_of(house, ann)
    await house.services.accounts.users.remove(ann.user.id, None, None)
    assert await states_of(house, ann) == []


async def states_of(house: Any, person: Any) -> Any:
    async with house.services.db.read() as tx:
        return await settings_history.states(tx, person.user.id)


async def test_another_window_is_told_and_unknown_cards_change_nothing(house: Any) -> None:
    ann = await house.person("Ann")
    await step(ann, "downloads", "up")
    await step(ann, "services", "switch", version="0")
    page = (await ann.client.get(PATH, headers=HTML)).text
    assert "You arranged your cards in another window." in page and "Hidden" not in page
    before = await house.services.accounts.home.of(ann.user.id)
    for card, what in (("nothing", "up"), ("nothing", "switch"), ("services", "explode"), ("", "")):
        await step(ann, card, what)
    assert await house.services.accounts.home.of(ann.user.id) == before


async def test_it_goes_with_the_account(house: Any) -> None:
    ann, admin = await house.person("Ann"), await house.person("Ada", "admin")
    await step(ann, "downloads", "up")
    await house.services.accounts.users.remove(ann.user.id, None, admin.user.id)
    assert (await house.services.accounts.home.of(ann.user.id)).version == 0


async def text(person: Any) -> str:
    return str((await person.client.get("/", headers=HTML)).text)


def home_order(page: str) -> list[str]:
    """Titles of the two cards of the core, as they stand on the page."""
    section = page[page.index('id="cards-title"') :]
    found = [(section.find(f">{title}<"), title) for title in ("Services", "My downloads")]
    return [title for at, title in sorted(found) if at >= 0]
