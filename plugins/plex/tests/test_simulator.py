"""The simulator's own honesty: forms, errors, paging, access, changes, and what it remembers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any
from xml.etree import ElementTree

import httpx
import orjson
import pytest

from medianest_core.testing.simulators import RunningSimulator
from medianest_plex.simulation.encoding import to_xml, xml_tag
from medianest_plex.simulator import PlexSimulator

JSON = {"Accept": "application/json"}
CLIENT = {"X-Plex-Client-Identifier": "test-device", "X-Plex-Product": "MediaNest"}


@pytest.fixture
def sim(served: RunningSimulator) -> PlexSimulator:
    assert isinstance(served.simulator, PlexSimulator)
    return served.simulator


@pytest.fixture
async def anyone(served: RunningSimulator) -> AsyncIterator[httpx.AsyncClient]:
    """Without any token."""
    async with httpx.AsyncClient(base_url=served.url, trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture
async def owner(served: RunningSimulator) -> AsyncIterator[httpx.AsyncClient]:
    """The owner at the media server, speaking JSON."""
    headers = {**JSON, "X-Plex-Token": str(served.simulator.facts()["owner_token"])}
    async with httpx.AsyncClient(base_url=served.url, headers=headers, trust_env=False, timeout=60) as client:
        yield client


def as_json(element: ElementTree.Element) -> dict[str, Any]:
    """An element as the JSON form would hold it, all scalars as text."""
    out: dict[str, Any] = dict(element.attrib)
    for child in element:
        inner = as_json(child)
        if child.tag in ("Meta",):
            out[child.tag] = inner
        else:
            name = "Metadata" if child.tag in ("Video", "Track") or "ratingKey" in inner else child.tag
            out.setdefault(name, []).append(inner)
    return out


def as_text(value: Any) -> Any:
    """JSON with scalars as XML writes them."""
    if isinstance(value, dict):
        return {name: as_text(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [as_text(inner) for inner in value]
    return str(int(value)) if isinstance(value, bool) else str(value)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/identity",
        "/library/sections",
        "/library/sections/1/all?includeGuids=1&includeMeta=1",
        "/library/sections/1/all?X-Plex-Container-Start=3&X-Plex-Container-Size=2",
        "/library/sections/2/all?type=4&X-Plex-Container-Size=9",
        "/library/metadata/1001",
        "/library/metadata/1001,1002",
        "/library/recentlyAdded",
        "/library/onDeck",
        "/library/sections/1/genre",
        "/hubs/search?query=the&limit=5",
    ],
)
async def test_xml_and_json_say_the_same(owner: httpx.AsyncClient, path: str) -> None:
    spoken = (await owner.get(path)).json()["MediaContainer"]
    reply = await owner.get(path, headers={"Accept": "*/*"})
    assert reply.headers["content-type"].startswith("text/xml")
    assert as_json(ElementTree.fromstring(reply.text)) == as_text(spoken)


async def test_no_empty_arrays_and_text_keys(owner: httpx.AsyncClient) -> None:
    for path in (
        "/library/sections/1/all?includeGuids=1",
        "/library/metadata/1001",
        "/library/sections/3/all",
    ):
        body = (await owner.get(path)).json()["MediaContainer"]
        assert "[]" not in json.dumps(body)
        assert all(isinstance(row["ratingKey"], str) for row in body.get("Metadata", []))
    assert "Metadata" not in (await owner.get("/library/sections/3/all")).json()["MediaContainer"]


async def test_guids_only_when_asked_and_lists_are_trimmed(owner: httpx.AsyncClient) -> None:
    plain = (await owner.get("/library/sections/1/all")).json()["MediaContainer"]["Metadata"][0]
    asked = (await owner.get("/library/sections/1/all?includeGuids=1")).json()["MediaContainer"]["Metadata"][
        0
    ]
    full = (await owner.get(plain["key"])).json()["MediaContainer"]["Metadata"][0]
    assert "Guid" not in plain
    assert asked["Guid"] == full["Guid"]
    assert len(plain["Role"]) == 3 < len(full["Role"])
    assert "Stream" not in plain["Media"][0]["Part"][0]
    assert full["Media"][0]["Part"][0]["Stream"][0]["streamType"] == 1


async def test_paging_by_header_and_by_query(owner: httpx.AsyncClient) -> None:
    keys = [
        m["ratingKey"]
        for m in (await owner.get("/library/sections/1/all")).json()["MediaContainer"]["Metadata"]
    ]
    assert "totalSize" not in (await owner.get("/library/sections/1/all")).json()["MediaContainer"]
    asked = {"X-Plex-Container-Start": "10", "X-Plex-Container-Size": "5"}
    for reply in (
        await owner.get("/library/sections/1/all", headers=asked),
        await owner.get("/library/sections/1/all", params=asked),
    ):
        body = reply.json()["MediaContainer"]
        assert (body["size"], body["offset"], body["totalSize"]) == (5, 10, len(keys))
        assert [m["ratingKey"] for m in body["Metadata"]] == keys[10:15]
        assert reply.headers["x-plex-container-total-size"] == str(len(keys))
    count = (await owner.get("/library/sections/1/all?X-Plex-Container-Size=0")).json()["MediaContainer"]
    assert (count["size"], count["totalSize"], "Metadata" in count) == (0, len(keys), False)
    capped = (await owner.get("/library/sections/1/all?limit=7&X-Plex-Container-Size=0")).json()[
        "MediaContainer"
    ]
    assert capped["totalSize"] == 7


async def test_a_server_that_ignores_paging(owner: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    await anyone.put("/_sim/options", json={"ignore_paging": True})
    body = (await owner.get("/library/sections/1/all?X-Plex-Container-Size=5")).json()["MediaContainer"]
    assert body["size"] == len(body["Metadata"]) == 45
    assert "totalSize" not in body


async def test_media_server_errors_are_html(owner: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    for client, path, status in (
        (anyone, "/library/sections", 401),
        (owner, "/library/metadata/999999", 404),
        (owner, "/library/sections/77/all", 404),
        (owner, "/nowhere", 404),
        (owner, "/library/metadata/x", 404),
    ):
        reply = await client.get(path, headers=JSON)
        assert (reply.status_code, reply.headers["content-type"]) == (status, "text/html; charset=utf-8")
        assert f"{status} " in reply.text
    assert (await anyone.get("/identity")).status_code == 200


async def test_account_errors_are_arrays(anyone: httpx.AsyncClient) -> None:
    missing = await anyone.post("/api/v2/pins", headers=JSON)
    assert (missing.status_code, missing.json()["errors"][0]["code"]) == (400, 1000)
    unknown = await anyone.get("/api/v2/user", headers={**JSON, **CLIENT, "X-Plex-Token": "x"})
    assert unknown.json() == {
        "errors": [{"code": 1001, "message": "User could not be authenticated", "status": 401}]
    }
    spoken = await anyone.get("/api/v2/user", headers=CLIENT)
    error = ElementTree.fromstring(spoken.text)[0]
    assert (spoken.status_code, error.tag, error.get("code")) == (401, "error", "1001")
    assert (await anyone.get("/api/v2/wobble", headers={**JSON, **CLIENT})).json()["errors"][0][
        "code"
    ] == 1002


async def test_pins_belong_to_their_device_and_end(anyone: httpx.AsyncClient, sim: PlexSimulator) -> None:
    made = await anyone.post("/api/v2/pins", headers={**JSON, **CLIENT})
    pin = made.json()
    assert made.status_code == 201
    assert (len(pin["code"]), pin["expiresIn"], pin["authToken"], pin["product"]) == (
        4,
        900,
        None,
        "MediaNest",
    )
    strong = (await anyone.post("/api/v2/pins?strong=True", headers={**JSON, **CLIENT})).json()
    assert (len(strong["code"]), strong["expiresIn"]) == (25, 1800)
    read = f"/api/v2/pins/{pin['id']}"
    assert (await anyone.get(read, headers={**JSON, "X-Plex-Client-Identifier": "other"})).status_code == 404
    assert (await anyone.post("/_sim/approve", json={"code": "0000", "user": "casey"})).status_code == 404
    assert (
        await anyone.post("/_sim/approve", json={"code": pin["code"], "user": "nobody"})
    ).status_code == 404
    await anyone.post("/_sim/approve", json={"code": pin["code"].lower(), "user": "casey"})
    token = (await anyone.get(read, headers={**JSON, **CLIENT})).json()["authToken"]
    headers = {**JSON, **CLIENT, "X-Plex-Token": token}
    assert (await anyone.get("/api/v2/user", headers=headers)).json()["id"] == 1000002
    shape = ElementTree.fromstring((await anyone.get(read, headers=CLIENT)).text)
    assert (shape.tag, shape.get("authToken")) == ("pin", token)

    sim.world.options.update({"pin_lifetime": 0})
    late = (await anyone.post("/api/v2/pins", headers={**JSON, **CLIENT})).json()
    gone = await anyone.get(f"/api/v2/pins/{late['id']}", headers={**JSON, **CLIENT})
    assert (gone.status_code, gone.json()["errors"][0]["code"]) == (404, 1020)
    assert (
        await anyone.post("/_sim/approve", json={"code": late["code"], "user": "casey"})
    ).status_code == 404
    sim.world.options.update({"expired_pin_as_null": True})
    null = await anyone.get(f"/api/v2/pins/{late['id']}", headers={**JSON, **CLIENT})
    assert (null.status_code, null.json()["authToken"]) == (200, None)


async def test_tokens_survive_a_restart_but_not_another_seed(sim: PlexSimulator) -> None:
    casey = sim.world.accounts.find("casey")
    again = PlexSimulator(items=0, data_dir=sim.data_dir).world.accounts
    other = PlexSimulator(items=0, seed=8, data_dir=sim.data_dir).world.accounts
    token = sim.world.accounts.account_token(casey, "phone")
    assert again.by_account_token(token) is again.find("casey")
    assert other.by_account_token(token) is None
    assert other.machine != again.machine


async def test_people_see_what_is_shared_with_them(served: RunningSimulator, sim: PlexSimulator) -> None:
    accounts = sim.world.accounts
    seen: dict[str, set[str]] = {}
    async with httpx.AsyncClient(base_url=served.url, headers=JSON, trust_env=False, timeout=60) as client:
        for name in ("owner", "casey", "robin", "kid", "stranger"):
            headers = {"X-Plex-Token": accounts.server_token(accounts.find(name))}
            reply = await client.get("/library/sections", headers=headers)
            rows = reply.json()["MediaContainer"]["Directory"] if reply.status_code == 200 else []
            seen[name] = {row["title"] for row in rows}
        robin = {"X-Plex-Token": accounts.server_token(accounts.find("robin"))}
        show = sim.world.library.sections[2].keys[0]
        assert (await client.get(f"/library/metadata/{show}", headers=robin)).status_code == 404
        assert (await client.get("/library", headers=robin)).status_code == 403
    everything = {"Movies", "TV Shows", "Videos"}
    assert seen == {
        "owner": everything,
        "casey": everything,
        "robin": {"Movies"},
        "kid": everything,
        "stranger": set(),
    }


async def test_items_change_at_a_tests_command(owner: httpx.AsyncClient, sim: PlexSimulator) -> None:
    made = await owner.post(
        "/_sim/items", json={"title": "Brand New Film", "genres": ["Drama"], "year": 2025}
    )
    assert made.status_code == 201
    key = made.json()["ratingKey"]
    newest = (await owner.get("/library/sections/1/all?sort=addedAt:desc&X-Plex-Container-Size=1")).json()
    assert newest["MediaContainer"]["Metadata"][0]["ratingKey"] == key
    before = (await owner.get(f"/library/metadata/{key}")).json()["MediaContainer"]["Metadata"][0]
    await owner.patch(f"/_sim/items/{key}", json={"title": "Renamed Film", "cast": [["Ada Quill", "Ada"]]})
    after = (await owner.get(f"/library/metadata/{key}")).json()["MediaContainer"]["Metadata"][0]
    assert (after["title"], after["Role"][0]["tag"]) == ("Renamed Film", "Ada Quill")
    assert after["updatedAt"] > before["updatedAt"]
    changed = (await owner.get(f"/library/sections/1/all?updatedAt>>={before['updatedAt']}")).json()
    assert [m["title"] for m in changed["MediaContainer"]["Metadata"]] == ["Renamed Film"]
    assert (await owner.delete(f"/_sim/items/{key}")).status_code == 204
    assert (await owner.get(f"/library/metadata/{key}")).status_code == 404
    assert (await owner.patch(f"/_sim/items/{key}", json={"title": "x"})).status_code == 404
    wrong: list[object] = [{"title": ""}, {"title": "x", "wobble": 1}, {"title": "x", "section": 2}, []]
    for body in wrong:
        assert (await owner.post("/_sim/items", json=body)).status_code == 400


async def test_a_changed_episode_shows_in_its_show(owner: httpx.AsyncClient, sim: PlexSimulator) -> None:
    show = sim.world.library.items[sim.world.library.sections[2].keys[-1]]
    leaves = sim.world.library.leaves(show)
    listing = "/library/sections/2/all"
    before = next(
        m
        for m in (await owner.get(listing)).json()["MediaContainer"]["Metadata"]
        if m["ratingKey"] == str(show.key)
    )
    await owner.delete(f"/_sim/items/{leaves[0].key}")
    after = next(
        m
        for m in (await owner.get(listing)).json()["MediaContainer"]["Metadata"]
        if m["ratingKey"] == str(show.key)
    )
    assert after["leafCount"] == before["leafCount"] - 1


async def test_scale_and_equal_seeds(owner: httpx.AsyncClient, sim: PlexSimulator) -> None:
    assert (await owner.post("/_sim/scale", json={"items": 4000})).json()["items"] == 4000
    seen: set[str] = set()
    start = 0
    while True:
        page = (
            await owner.get(
                f"/library/sections/1/all?X-Plex-Container-Start={start}&X-Plex-Container-Size=1000"
            )
        ).json()
        rows = page["MediaContainer"].get("Metadata", [])
        seen.update(row["ratingKey"] for row in rows)
        start += len(rows)
        if not rows:
            break
    assert len(seen) == start == page["MediaContainer"]["totalSize"] == 3400
    twin = PlexSimulator(items=4000, data_dir=sim.data_dir)
    await asyncio.to_thread(twin.world.populate)
    assert [i.title for i in twin.world.library.items.values()] == [
        i.title for i in sim.world.library.items.values()
    ]
    assert (await owner.post("/_sim/scale", json={"items": -1})).status_code == 400


async def test_collections_refuse_what_plex_refuses(owner: httpx.AsyncClient, sim: PlexSimulator) -> None:
    movies, shows = (sim.world.library.sections[key].keys for key in (1, 2))
    root = f"server://{sim.world.accounts.machine}/com.plexapp.plugins.library/library/metadata"

    async def create(**params: Any) -> httpx.Response:
        asked = {"type": 1, "title": "C", "smart": 0, "sectionId": 1, "uri": f"{root}/{movies[0]}", **params}
        return await owner.post("/library/collections", params=asked)

    assert (await create()).status_code == 200
    for wrong in (
        {"uri": f"{root}/{shows[0]}"},
        {"uri": f"server://other/com.plexapp.plugins.library/library/metadata/{movies[0]}"},
        {"uri": f"{root}/99999999"},
        {"title": " "},
        {"sectionId": 9},
        {"type": 99},
    ):
        assert (await create(**wrong)).status_code == 400, wrong
    smart = (await create(smart=1, title="Smart")).json()["MediaContainer"]["Metadata"][0]
    path = f"/library/collections/{smart['ratingKey']}"
    assert smart["smart"] == "1"
    assert (await owner.put(f"{path}/items", params={"uri": f"{root}/{movies[1]}"})).status_code == 400
    assert (await owner.delete(f"{path}/items/{movies[1]}")).status_code == 400
    listed = (await owner.get("/library/sections/1/collections")).json()["MediaContainer"]["Metadata"]
    assert [(row["title"], row["childCount"]) for row in listed] == [("C", "1"), ("Smart", "0")]
    assert listed[0]["key"].endswith("/children")
    assert len(sim.ledger.entries("collection.created")) == 2
    assert (await owner.delete(f"/library/metadata/{movies[0]}")).status_code == 403


async def test_collections_follow_deleted_items(owner: httpx.AsyncClient, sim: PlexSimulator) -> None:
    one, two = sim.world.library.sections[1].keys[:2]
    uri = f"/library/metadata/{one},{two}"
    made = await owner.post(
        "/library/collections", params={"type": 1, "title": "C", "sectionId": 1, "uri": uri}
    )
    key = made.json()["MediaContainer"]["Metadata"][0]["ratingKey"]
    await owner.delete(f"/_sim/items/{one}")
    members = (await owner.get(f"/library/collections/{key}/children")).json()["MediaContainer"]
    assert [row["ratingKey"] for row in members["Metadata"]] == [str(two)]
    edited = {"type": 18, "id": key, "title.value": "Renamed", "summary.value": "Why"}
    await owner.put("/library/sections/1/all", params=edited)
    await owner.put(f"/library/collections/{key}/prefs", params={"collectionMode": 2})
    row = (await owner.get(f"/library/collections/{key}")).json()["MediaContainer"]["Metadata"][0]
    assert (row["title"], row["summary"], row["collectionMode"]) == ("Renamed", "Why", "2")


async def test_requests_are_remembered_without_tokens(owner: httpx.AsyncClient, sim: PlexSimulator) -> None:
    token = str(sim.facts()["owner_token"])
    await owner.get("/library/sections")
    await owner.get("/identity", params={"X-Plex-Token": token})
    rows = (await owner.get("/_sim/requests", params={"prefix": "/library"})).json()
    assert [(row["path"], row["user"], row["token"]) for row in rows] == [
        ("/library/sections", "owner", "server")
    ]
    everything = await owner.get("/_sim/requests")
    assert token not in everything.text
    assert everything.json()[-1]["token_in_url"] is True
    assert (await owner.delete("/_sim/requests")).json() == []


async def test_injected_errors_are_worded_as_each_service_does(owner: httpx.AsyncClient) -> None:
    await owner.put("/_sim/faults", json={"mode": "429", "seconds": 9})
    ours = await owner.get("/library/sections")
    theirs = await owner.get("/api/v2/user", headers=CLIENT)
    assert (ours.status_code, ours.headers["content-type"], ours.headers["retry-after"]) == (
        429,
        "text/html",
        "9",
    )
    assert theirs.json()["errors"][0]["code"] == 1003


@pytest.mark.parametrize(
    "values", [{"wobble": 1}, {"ignore_paging": "yes"}, {"pin_lifetime": True}, {"library_dir": 3}, [], None]
)
async def test_wrong_options_change_nothing(owner: httpx.AsyncClient, values: object) -> None:
    before = (await owner.get("/_sim/options")).json()
    reply = await owner.put("/_sim/options", content=orjson.dumps(values))
    assert reply.status_code == 400
    assert (await owner.get("/_sim/options")).json() == before


async def test_facts_and_instances(owner: httpx.AsyncClient, served: RunningSimulator) -> None:
    facts: Mapping[str, Any] = (await owner.get("/_sim/facts")).json()
    instance = (await owner.get("/_sim/instances")).json()[0]
    assert (facts["plex_username"], facts["owner"]) == ("casey", "owner")
    assert instance["service"] == "plex"
    assert instance["settings"] == {
        "url": served.url,
        "token": facts["owner_token"],
        "account_url": served.url,
        "link_url": served.url + "/link",
        "auth_url": served.url + "/auth",
        "discover_url": served.url + "/discover",
    }
    people = (await owner.get("/_sim/people")).json()
    assert {person["username"]: person["access"] for person in people}["stranger"] is False


def test_xml_escapes_what_attributes_cannot_hold() -> None:
    hostile = {"title": 'a"<b>&\n\t\rü', "flag": True, "none": None, "empty": [], "Genre": [{"tag": "x"}]}
    element = ElementTree.fromstring(to_xml("Video", hostile))
    assert element.get("title") == hostile["title"]
    assert element.attrib.keys() == {"title", "flag"}
    assert xml_tag("Metadata", {"type": "episode"}) == "Video"
    assert xml_tag("Metadata", {"type": "season"}) == "Directory"
    with pytest.raises(TypeError):
        to_xml("Video", {"Genre": ["x"]})
