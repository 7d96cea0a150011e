"""Admin → sync: matching, what is held, and priorities, as admins see them, and the same over the API."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from medianest_core.store.tables.library import libraries, records
from medianest_core.web.portal.app import Portal
from medianest_core.web.rest.mount import RestApi
from tests.fakes.media import movie
from tests.integration.library.rollbacks import Shelves

API = "/api/v1"


@pytest.fixture
async def house(gate: Any) -> Any:
    gate.serve([*RestApi(gate.services).routes(), *Portal(gate.services).routes()])
    gate.shelves = Shelves(gate.services.db)
    await gate.shelves.run(
        {
            "a": [
                movie("1", "Heat", ids={"imdb": "tt1"}),
                movie("2", "Alien", ids={"imdb": "tt2"}),
                movie("3", "Nameless"),
                movie("4", "Ran", ids={"imdb": "tt4", "tmdb": "4"}),
            ],
            "b": [
                movie("9", "Heat", ids={"imdb": "tt9"}),
                movie("8", "Alien", ids={"imdb": "tt2"}),
                movie("4", "Ran", ids={"imdb": "tt5", "tmdb": "4"}),
                movie("5", "Alien", kind="show", ids={"imdb": "tt2"}),
            ],
        }
    )
    return gate


async def test_what_is_in_doubt_is_counted_and_listed(house: Any) -> None:
    root = await house.person("Root", "admin")
    counts = (await root.client.get(f"{API}/sync/matching")).json()
    assert counts == {
        "no_ids": 1,
        "shared_id": 0,
        "several_ids": 1,
        "same_name": 1,
        "kinds": 1,
        "orphans": 0,
    }
    [bare] = (await root.client.get(f"{API}/sync/matching/no_ids")).json()
    assert [one["row"]["title"] for one in bare["titles"]] == ["Nameless"]
    [several] = (await root.client.get(f"{API}/sync/matching/several_ids")).json()
    assert several["about"] == "imdb:tt4, imdb:tt5"
    [kinds] = (await root.client.get(f"{API}/sync/matching/kinds")).json()
    assert {one["row"]["kind"] for one in kinds["titles"]} == {"movie", "show"}
    for show, text in (
        ("no_ids", "Nameless"),
        ("several_ids", "imdb:tt4, imdb:tt5"),
        ("same_name", "They are one title"),
        ("kinds", "Alien"),
        ("shared_id", "Nothing of this kind"),
    ):
        page = await root.client.get(f"/admin/sync/matching?show={show}")
        assert page.status_code == 200 and text in page.text, show


async def test_titles_are_joined_and_parted_on_the_page_and_it_is_taken_back(house: Any) -> None:
    root = await house.person("Root", "admin")
    [clash] = (await root.client.get(f"{API}/sync/matching/same_name")).json()
    ids = [one["row"]["id"] for one in clash["titles"]]
    done = await root.client.post("/admin/sync/matching/join", data={"title": [str(one) for one in ids]})
    assert (done.status_code, done.headers["location"]) == (303, f"/title/{ids[0]}")
    moved = await root.client.get(f"/title/{ids[1]}")
    assert (moved.status_code, moved.headers["location"]) == (303, f"/title/{ids[0]}")
    for path in ("", "/changes", "/provenance", "/history", "/locks"):
        old, new = [
            (await root.client.get(f"{API}/library/titles/{one}{path}")).json() for one in (ids[1], ids[0])
        ]
        assert old == new and "code" not in old, path
    page = await root.client.get(f"/admin/sync/matching?title={ids[0]}")
    assert page.text.count("Not this title") >= 2
    parted = await root.client.post(
        "/admin/sync/matching/split", data={"title": str(ids[0]), "instance": "b", "key": "9"}
    )
    assert parted.status_code == 303 and parted.headers["location"] != f"/title/{ids[0]}"
    listed = (await root.client.get("/admin/sync/matching?show=decisions")).text
    assert "Taken off" in listed and "Root" in listed
    for one in (await root.client.get(f"{API}/sync/matching/decisions")).json():
        done = await root.client.delete(f"{API}/sync/matching/decisions/{one['id']}")
        assert done.status_code == 204
    assert (await root.client.get(f"{API}/sync/matching")).json()["same_name"] == 1
    [clash] = (await root.client.get(f"{API}/sync/matching/same_name")).json()
    ids = [one["row"]["id"] for one in clash["titles"]]
    by_hand = await root.client.post(
        "/admin/sync/matching/join",
        data={"title": str(ids[0]), "other": f"http://portal/title/{ids[1]}?season=1"},
    )
    assert by_hand.headers["location"] == f"/title/{ids[0]}"
    assert f"/admin/sync/matching?title={ids[0]}" in (await root.client.get(f"/title/{ids[0]}/why")).text
    refused = await root.client.post(f"{API}/sync/matching/join", json={"title_ids": [ids[0], 4711]})
    assert refused.status_code == 404


async def test_what_is_held_stands_in_a_banner_until_an_admin_decides(house: Any) -> None:
    root, ann = await house.person("Root", "admin"), await house.person("Ann")
    async with house.services.db.begin() as tx:
        await tx.execute(
            libraries.insert().values(
                instance_id="a", key="1", title="Movies", kind="movie", locations=[], held=2
            )
        )
        await tx.execute(update(records).where(records.c.key.in_(("1", "3"))).values(missing=1))
    assert "2 titles are gone" in (await root.client.get("/library")).text
    assert "titles are gone" not in (await ann.client.get("/library")).text
    page = (await root.client.get("/admin/sync/matching")).text
    assert "They are gone: remove" in page and "Nameless" in page and "Ran" not in page
    [held] = (await root.client.get(f"{API}/sync/held")).json()
    assert (held["held"], held["kept"]) == (2, 0)
    rows = (await root.client.get(f"{API}/sync/held/a/1")).json()
    assert sorted(one["title"] for one in rows) == ["Heat", "Nameless"]
    kept = await root.client.post(
        "/admin/sync/matching/held", data={"instance": "a", "library": "1", "what": "keep"}
    )
    assert kept.status_code == 303
    [held] = (await root.client.get(f"{API}/sync/held")).json()
    assert (held["held"], held["kept"]) == (0, 2)
    assert "titles are gone" not in (await root.client.get("/library")).text
    assert "Kept" in (await root.client.get("/admin/sync/matching?show=held")).text
    begun = await root.client.post(f"{API}/sync/held/a/1/remove")
    assert begun.status_code == 202
    [held] = (await root.client.get(f"{API}/sync/held")).json()
    assert held["released"] is True
    assert (await ann.client.get(f"{API}/sync/held")).status_code == 403


async def test_priorities_over_the_api_and_on_the_page(house: Any) -> None:
    root = await house.person("Root", "admin")
    now = (await root.client.get(f"{API}/sync/priorities")).json()
    assert (now["version"], now["orders"], now["former"]) == (0, {}, False)
    orders = {"*": [["b"], ["a"]]}
    shown = (await root.client.post(f"{API}/sync/priorities/preview", json={"orders": orders})).json()
    assert (shown["complete"], shown["of"], shown["titles"], shown["fields"]) == (True, 2, 2, 2)
    assert (shown["groups"], shown["servers"]) == ({"artwork": 1, "ids": 1}, {"b": 2})
    saved = await root.client.put(f"{API}/sync/priorities", json={"orders": orders, "version": 0})
    assert saved.status_code == 200 and saved.json()["version"] == 1
    stale = await root.client.put(f"{API}/sync/priorities", json={"orders": {}, "version": 0})
    assert stale.status_code == 409
    wrong = await root.client.put(f"{API}/sync/priorities", json={"orders": {"nonsense": [["a"]]}})
    assert wrong.status_code in (400, 422)
    undone = await root.client.post(f"{API}/sync/priorities/undo", json={"version": 1})
    assert (undone.status_code, undone.json()["orders"]) == (200, {})
    page = await root.client.get("/admin/sync/priorities?group=artwork")
    assert page.status_code == 200 and "There is nothing to order yet" in page.text


async def test_seasons_and_episodes_are_joined_and_parted_on_the_page(house: Any) -> None:
    def show(key: str, *names: str) -> list[Any]:
        return [
            movie(key, "Dark", kind="show", ids={"tvdb": "9"}),
            movie(f"{key}.1", "Season 1", kind="season", parent=key, index=1),
            *(
                movie(f"{key}.1.{n}", name, kind="episode", parent=f"{key}.1", index=n)
                for n, name in enumerate(names, start=1)
            ),
        ]

    await house.shelves.run({"a": show("s", "Secrets", "Lies"), "b": show("t", "Lies", "Secrets")})
    root = await house.person("Root", "admin")
    found = (await root.client.get(f"{API}/library/search?text=dark")).json()[0]["id"]
    whole = (await root.client.get(f"{API}/sync/matching/titles/{found}")).json()
    season = whole["parts"][0]["row"]["id"]
    assert whole["above"] == [] == whole["others"] and len(whole["title"]["records"]) == 2
    page = await root.client.get(f"/admin/sync/matching?title={found}")
    assert f"/admin/sync/matching?title={season}" in page.text and "2 records" in page.text
    inside = (await root.client.get(f"{API}/sync/matching/titles/{season}")).json()
    first, second = (one["row"]["id"] for one in inside["parts"])
    page = await root.client.get(f"/admin/sync/matching?title={first}")
    assert "Not this title" in page.text and "It is the same as" in page.text
    assert f'<option value="{second}">1×2' in page.text and f"?title={season}" in page.text
    parted = await root.client.post(
        "/admin/sync/matching/split", data={"title": str(first), "instance": "b", "key": "t.1.1"}
    )
    place = parted.headers["location"]
    assert place.startswith("/admin/sync/matching?title=")
    odd = place.partition("=")[2].partition("&")[0]
    joined = await root.client.post("/admin/sync/matching/join", data={"title": [str(second), odd]})
    assert joined.headers["location"].startswith(f"/admin/sync/matching?title={second}")
    records = (await root.client.get(f"{API}/sync/matching/titles/{second}")).json()["title"]["records"]
    assert [(one["instance_id"], one["key"]) for one in records] == [
        ("a", "s.1.2"),
        ("b", "t.1.1"),
        ("b", "t.1.2"),
    ]
    assert (await root.client.get(f"{API}/sync/matching/titles/{10**9}")).status_code == 404
    assert f"/admin/sync/matching?title={first}" in (await root.client.get(f"/title/{first}/why")).text
