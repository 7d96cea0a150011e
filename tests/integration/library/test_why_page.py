""" "Why does it look like this?" as admins see it, and the same over the API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from medianest_core.web.portal.app import Portal
from medianest_core.web.rest.mount import RestApi
from tests.fakes.media import movie
from tests.integration.library.rollbacks import Shelves

API = "/api/v1"


@pytest.fixture
async def house(gate: Any) -> Any:
    gate.serve([*RestApi(gate.services).routes(), *Portal(gate.services).routes()])
    shelves = Shelves(gate.services.db)
    said = {"captions": {"en": {"language": "en"}}, "genres": ["Drama"], "summary": "<b>Good.</b>"}
    await shelves.run({"a": [movie("1", "Heat", ids={"imdb": "tt1"}, fields=said)]})
    await shelves.run(
        {
            "a": [movie("1", "Heat", ids={"imdb": "tt1"}, fields={**said, "summary": "Bad."})],
            "b": [movie("9", "Heat", ids={"imdb": "tt1"}, fields={"tagline": "A saga."}, added_at=5.0)],
        }
    )
    gate.shelves = shelves
    gate.title = next(iter(await shelves.state()))
    return gate


async def test_values_are_locked_unlocked_and_rolled_back_on_the_page(house: Any) -> None:
    root = await house.person("Root", "admin")
    why = f"/title/{house.title}/why"
    assert why in (await root.client.get(f"/title/{house.title}")).text
    page = (await root.client.get(why)).text
    assert f'/admin/sync/part?title={house.title}"' in page
    assert "Captions: English" in page and "Write it yourself" in page and "A saga." in page
    sent = {"do": "lock", "path": json.dumps(["tagline"]), "version": "0"}
    done = await root.client.post(why, data={**sent, "text": "My own."})
    assert done.status_code == 303 and "My own." in (await root.client.get(why)).text
    stale = await root.client.post(why, data={**sent, "text": "Too late."})
    assert stale.status_code == 409 and "Root changed this" in stale.text and "My own." in stale.text
    await root.client.post(why, data={"do": "unlock", "path": '["tagline"]', "version": "1"})
    await root.client.post(why, data={"do": "lock", "path": '["genres"]', "text": "Crime, War"})
    [state] = (await house.shelves.state()).values()
    assert state[3]["tagline"] == "A saga." and state[3]["genres"] == ["Crime", "War"]

    past = (await root.client.get(f"{why}/history")).text
    assert "&lt;b&gt;Good.&lt;/b&gt;" in past and "Locked by an admin" in past and "Run 2" in past
    only = (await root.client.get(f"{why}/history?part=summary")).text
    assert "Bad." in only and "Locked by an admin" not in only
    found = (await root.client.get(f"{API}/library/titles/{house.title}/history?path=summary")).json()
    [change] = found["items"]
    undone = await root.client.post(why, data={"do": "rollback", "change": str(change["id"])})
    assert undone.status_code == 303
    page = (await root.client.get(why)).text
    assert "Held since it was rolled back" in page and "&lt;b&gt;Good." in page
    released = {"do": "release", "path": '["summary"]'}
    assert (await root.client.post(why, data=released)).status_code == 303
    [state] = (await house.shelves.state()).values()
    assert state[3]["summary"] == "Bad."
    for wrong in (
        {"do": "dance", "path": "[]"},
        {"do": "lock", "path": "{"},
        {"do": "lock", "path": '["year"]', "text": "soon"},
    ):
        assert (await root.client.post(why, data=wrong)).status_code == 422
    assert (await root.client.get("/title/99/why")).status_code == 404


async def test_one_value_of_the_title_is_synced_from_its_page(house: Any) -> None:
    root = await house.person("Root", "admin")
    page = (await root.client.get(f"/admin/sync/part?title={house.title}")).text
    assert f'name="title" value="{house.title}"' in page and "<textarea" not in page
    asked = await root.client.post("/admin/sync/part", data={"title": str(house.title), "ops": "captions"})
    assert asked.status_code == 303
    run = (await house.services.library.runs.latest())[0]
    assert (run.args.titles, run.args.ops) == ((house.title,), ("captions",))


async def test_it_is_for_admins(house: Any) -> None:
    ann = await house.person("Ann")
    assert f"/title/{house.title}/why" not in (await ann.client.get(f"/title/{house.title}")).text
    assert (await ann.client.get(f"/title/{house.title}/why")).status_code in (403, 404)
    assert (await ann.client.get(f"{API}/library/titles/{house.title}/provenance")).status_code == 403


async def test_the_api_explains_locks_and_rolls_back(house: Any) -> None:
    root = await house.person("Root", "admin")
    base = f"{API}/library/titles/{house.title}"
    found = (await root.client.get(f"{base}/provenance")).json()
    fields = {tuple(one["path"]): one for one in found["fields"]}
    assert (fields[("tagline",)]["origin"], fields[("tagline",)]["why"]) == ("b", "only")
    assert fields[("captions", "en")]["offers"][0]["chosen"] is True
    locked = await root.client.post(f"{base}/locks", json={"path": ["captions", "en"], "version": 0})
    assert [one["path"] for one in locked.json()] == [["captions", "en"]]
    stale = await root.client.post(f"{base}/unlock", json={"path": ["captions", "en"], "version": 0})
    assert stale.status_code == 409 and stale.json()["current"]["version"] == 1
    empty = await root.client.post(f"{base}/locks", json={"path": ["tagline"], "value": None})
    assert empty.status_code == 200 and len((await root.client.get(f"{base}/locks")).json()) == 2
    assert (await root.client.post(f"{base}/locks", json={"path": ["nothing"]})).status_code == 422
    assert (await root.client.post(f"{base}/unlock", json={"path": ["tagline"]})).json()[0]["path"][0] == (
        "captions"
    )
    tried = await root.client.post(f"{base}/rollback", json={"path": ["summary"], "dry_run": True})
    assert tried.json()["run"] is None and tried.json()["rows"][0]["after"] == "<b>Good.</b>"
    assert (await root.client.post(f"{base}/rollback", json={})).status_code == 422
    done = (await root.client.post(f"{base}/rollback", json={"run": 2})).json()
    # PostgreSQL counts the one that was only tried, too.
    assert done["run"] >= 3 and done["counts"]["restored"] >= 2
    released = await root.client.post(f"{base}/release", json={"path": ["summary"]})
    assert released.status_code == 200
    assert (await root.client.get(f"{API}/library/titles/99/locks")).status_code == 404


async def test_a_run_is_tried_and_rolled_back_over_the_api(house: Any) -> None:
    root = await house.person("Root", "admin")
    tried = await root.client.post(f"{API}/sync/runs/2/rollback", json={"dry_run": True})
    assert tried.status_code == 202 and tried.json()["counts"]["restored"] >= 2, tried.text
    assert (await root.client.get(f"{API}/library/titles/{house.title}/history")).json()["items"]
    started = (await root.client.post(f"{API}/sync/runs/2/rollback", json={})).json()
    assert started["run"] == 3 and started["job_id"]
    assert (await root.client.post(f"{API}/sync/runs/99/rollback", json={})).status_code == 404
    assert (await root.client.post(f"{API}/sync/runs/3/rollback", json={})).status_code == 422


async def test_what_rolling_back_a_run_would_do_is_shown_first(house: Any) -> None:
    root = await house.person("Root", "admin")
    page = "/admin/sync/runs/2/rollback"
    assert page in (await root.client.get("/admin/sync/runs/2")).text
    shown = (await root.client.get(page)).text
    assert "Back as it was" in shown and "Description" in shown and "&lt;b&gt;Good." in shown
    started = await root.client.post(page)
    assert started.status_code == 303 and started.headers["location"].endswith("/admin/sync/runs/3")
    waiting = (await root.client.get("/admin/sync/runs/3/rollback")).text
    assert "The run has not ended yet." in waiting
    assert (await root.client.get("/admin/sync/runs/77/rollback")).status_code == 404
