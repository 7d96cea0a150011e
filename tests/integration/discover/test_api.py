"""What exists in the world, over HTTP: lists, details and pictures."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from PIL import Image

from medianest_core.cache.cached import Caches
from medianest_core.cache.memory import MemoryCache
from medianest_core.domain.discover.service import Discover
from medianest_core.domain.library.pictures.image_store import ImageStore
from medianest_core.host.instances import Instances
from medianest_core.sdk.catalog import Catalog
from medianest_core.sdk.errors import NotReady
from medianest_core.web.portal.app import Portal
from medianest_core.web.rest.mount import RestApi
from tests.fakes.catalog import FakeCatalog, FakeShelf, film
from tests.fakes.media import FakeInstances

API = "/api/v1/discover"


async def test_lists_details_and_pictures(gate: Any, tmp_path: Path) -> None:
    instances, shelf = FakeInstances(), FakeShelf()
    instances.add("tmdb", Catalog, FakeCatalog("tmdb", shelf))
    written = io.BytesIO()
    Image.new("RGB", (500, 750), (90, 20, 120)).save(written, "JPEG")
    shelf.image, shelf.entries = written.getvalue(), [film(1, "Ember Index", image="poster:/e.jpg")]
    shelf.details["movie tmdb 1"] = shelf.entries[0]
    services = gate.services
    gate.services = replace(
        services,
        discover=Discover(
            db=services.db,
            instances=cast(Instances, instances),
            library=services.library,
            pictures=ImageStore(tmp_path / "posters"),
            signing_key=services.keyring.signing_key,
            caches=Caches(MemoryCache()),
            clock=services.clock,
        ),
    )
    gate.serve([*RestApi(gate.services).routes(), *Portal(gate.services).routes()])
    ann = await gate.person("Ann")
    async with gate.client() as nobody:
        for path in ("/feeds", "/feed?name=trending", "/search?text=ember", "/details?key=movie:tmdb:1"):
            assert (await nobody.get(API + path)).status_code == 401
    [feed] = (await ann.client.get(f"{API}/feeds")).json()
    assert (feed["name"], feed["sources"]) == ("trending", ["tmdb"])
    page = (await ann.client.get(f"{API}/feed", params={"name": feed["name"]})).json()
    [entry] = page["entries"]
    assert (entry["title"], entry["available"], page["attributions"]) == (
        "Ember Index",
        None,
        ["Told by the fake catalog."],
    )
    found = (await ann.client.get(f"{API}/search", params={"text": "ember"})).json()
    assert [one["key"] for one in found["entries"]] == ["movie:tmdb:1"]
    details = await ann.client.get(f"{API}/details", params={"key": entry["key"]})
    assert details.json()["entry"]["title"] == "Ember Index"
    assert (await ann.client.get(f"{API}/details", params={"key": "movie"})).status_code == 422
    assert (await ann.client.get(f"{API}/details", params={"key": "movie:tmdb:2"})).status_code == 404
    picture = await ann.client.get(f"/img/{entry['image']}?w=300")
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    assert "immutable" in picture.headers["cache-control"]
    assert (await ann.client.get("/img/catalog/made-up")).status_code == 404
    async with gate.client() as nobody:
        assert (await nobody.get(f"/img/{entry['image']}")).status_code in (302, 303, 401)
    shelf.fail = NotReady("No connection to tmdb.")
    away = await ann.client.get(f"{API}/details", params={"key": "movie:tmdb:3"})
    assert (away.status_code, away.json()["detail"]) == (503, "No connection to tmdb.")
    away = (await ann.client.get(f"{API}/search", params={"text": "salt"})).json()
    assert [one["reason"] for one in away["troubles"]] == ["No connection to tmdb."]
