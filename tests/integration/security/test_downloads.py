"""Downloads over pages and the API: what people may name, and whose pictures they see."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from medianest_core.sdk.media import MediaSource
from medianest_youtube.simulation.harness import Site

from .conftest import House, until

pytest_plugins = ("medianest_youtube.simulation.fixtures",)


@pytest.fixture
async def home(full_house: House, site: Site) -> AsyncIterator[House]:
    """With the simulated Plex server and video site."""
    instances = full_house.services.host.instances
    made = await instances.create(
        "youtube", "youtube", "youtube", "Videos", {"site_url": site.url}, full_house.admin.id
    )
    await until(lambda: _ready(full_house, made.id))
    yield full_house


async def _ready(house: House, instance_id: str) -> bool:
    return any(one.id == instance_id and one.ready for one in house.services.host.instances.all())


async def _target(house: House) -> tuple[str, str, str]:
    """(instance, library, title of a collection that somebody made on the server)."""
    target = (await house.services.downloads.targets())[0]
    api = house.services.host.instances.get(MediaSource, target.instance_id).api  # type: ignore[type-abstract]  # a key
    library = next(one for one in await api.libraries() if one.key == target.library)
    pages = [page async for page in api.records(library)]
    made = await api.create_collection(target.library, "Family evenings", [pages[0].records[0].key])
    return target.instance_id, target.library, made.title


def _pictures(page: str) -> list[str]:
    return sorted(set(re.findall(r"/img/downloads/[\w-]+", page)))


async def test_people_name_no_foreign_collection_and_no_folder(home: House, site: Site) -> None:
    instance, library, title = await _target(home)
    _, cookie = await home.plex_person("casey")
    guest, admin = home.client(cookie), home.client((await home.sign_in()).cookie)
    url = site.fact("video_url")
    look = "/fragments/downloads/inspect"
    theirs, all_of_it = [
        (await one.get(look, params={"url": url}, headers={"hx-request": "true"})).text
        for one in (guest, admin)
    ]
    assert 'name="collection"' in theirs and 'name="server_folder"' not in theirs
    assert 'name="collection"' in all_of_it and 'name="server_folder"' in all_of_it
    body = {"url": url, "library": {"instance_id": instance, "library": library}}
    form = {"url": url, "target": f"{instance}/{library}", "quality": "480", "container": "mkv"}
    for field, value in (("collection", title), ("server_folder", "/etc")):
        answer = await guest.post("/api/v1/downloads", json={**body, field: value})
        assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
        page = await guest.post("/downloads", data={**form, field: value})
        assert page.status_code == 422
        assert ("not made for one of your downloads" in page.text) == (field == "collection")
        assert ("Only an admin can say" in page.text) == (field == "server_folder")
        assert re.search(r'<option value="mkv"[^>]* selected', page.text), "what was chosen stays"
    assert not (await guest.get("/api/v1/downloads")).json()["items"]
    taken = await admin.post("/api/v1/downloads", json={**body, "collection": title})
    assert taken.status_code == 201


@pytest.mark.full
async def test_pictures_are_their_owners(home: House, site: Site) -> None:
    _, cookie = await home.plex_person("casey")
    _, other_cookie = await home.plex_person("robin")
    casey, robin, nobody = home.client(cookie), home.client(other_cookie), home.client()
    url = site.fact("video_url")
    page = (await casey.get("/downloads", params={"url": url})).text
    (path,) = _pictures(page)
    assert site.url not in re.sub(r'value="[^"]*"|>[^<]*<', "", page), (
        "nothing is fetched from the site itself"
    )
    made = (await casey.post("/api/v1/downloads", json={"url": url})).json()
    stored = [f"/img/downloads/{made['download']['image']}", f"/img/downloads/{made['items'][0]['image']}"]
    assert _pictures((await casey.get(f"/downloads/{made['download']['id']}")).text) == sorted(stored[1:])
    assert _pictures((await casey.get("/downloads")).text) == sorted(stored[:1])
    for one in (path, *stored):
        answer = await casey.get(one, params={"w": "480"}, headers={"accept": "image/webp"})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "private" in answer.headers["cache-control"]
        again = await casey.get(
            one,
            params={"w": "480"},
            headers={"accept": "image/webp", "if-none-match": answer.headers["etag"]},
        )
        assert again.status_code == 304
        assert (await robin.get(one)).status_code == 404
        assert (await robin.get(one, headers={"if-none-match": answer.headers["etag"]})).status_code == 404
        assert not httpx.codes.is_success((await nobody.get(one)).status_code)
