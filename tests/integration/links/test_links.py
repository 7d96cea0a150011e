"""The links plugin inside a whole portal: tiles, the admin's pages, the JSON API, and who sees what."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from medianest_core.asgi import Portal
from medianest_core.base.settings import AppSettings
from medianest_core.builtin.links.tables import metadata
from medianest_core.store.tables.accounts import users

PASSWORD = "correct horse battery"
ORIGIN = "http://portal.test"
PLUGINS = ["arr", "overseerr", "plex", "tmdb", "uptimekuma", "youtube"]


class House:
    """A running portal, with an admin and an ordinary person signed in."""

    def __init__(self, portal: Portal, stack: AsyncExitStack) -> None:
        self.portal = portal
        self._stack = stack
        self.root: httpx.AsyncClient
        self.ann: httpx.AsyncClient

    async def client(self, name: str) -> httpx.AsyncClient:
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.portal), base_url=ORIGIN, headers={"Origin": ORIGIN}
        )
        await self._stack.enter_async_context(client)
        given = {"username": name, "password": PASSWORD}
        (await client.post("/api/v1/sign-in/local", json=given)).raise_for_status()
        return client

    async def add(self, title: str, url: str = "http://nas.test/", **more: str) -> dict[str, Any]:
        answer = await self.root.post(
            "/api/v1/plugins/links/links", json={"title": title, "url": url, **more}
        )
        assert answer.status_code == 200, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def titles(self, client: httpx.AsyncClient) -> list[str]:
        found = (await client.get("/api/v1/plugins/links/links")).raise_for_status().json()
        return [one["title"] for one in found["links"]]


@pytest.fixture
async def house(tmp_path: Path, backend: str) -> AsyncIterator[House]:
    settings = AppSettings(data_dir=tmp_path / "portal", plugins_disabled=PLUGINS, _env_file=None)
    portal = Portal(settings)
    inbox: asyncio.Queue[Any] = asyncio.Queue()
    outbox: asyncio.Queue[Any] = asyncio.Queue()
    await inbox.put({"type": "lifespan.startup"})
    life = asyncio.create_task(portal({"type": "lifespan"}, inbox.get, outbox.put))
    assert (await outbox.get())["type"] == "lifespan.startup.complete"
    await portal.up.wait()
    async with AsyncExitStack() as stack:
        house = House(portal, stack)
        services = portal.runtime.services
        await services.accounts.setup.add_admin("root", PASSWORD)
        ann = await services.accounts.setup.add_admin("ann", PASSWORD)
        async with services.db.begin() as tx:
            await tx.execute(users.update().where(users.c.id == ann.id).values(role="user"))
        house.root, house.ann = await house.client("root"), await house.client("ann")
        yield house
    await inbox.put({"type": "lifespan.shutdown"})
    await life


async def test_tables_are_those_of_the_migration(house: House) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    def differences(connection: Any) -> list[Any]:
        options = {"include_name": lambda name, kind, _: kind != "table" or name in metadata.tables}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    async with house.portal.runtime.services.db.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_tiles_open_beside_the_portal_and_in_their_groups(house: House) -> None:
    await house.add("Router", "https://router.test/login", group="Network", icon="wifi")
    await house.add("Camera <1>", "http://camera.test:8080/?a=1&b=2")
    await house.add("Switch", group="Network")
    page = (await house.ann.get("/p/links/")).text
    found = re.search(r'<a class="row" href="(http://camera[^"]+)"([^>]*)>', page)
    assert found is not None
    assert found[1] == "http://camera.test:8080/?a=1&amp;b=2"
    assert 'target="_blank"' in found[2]
    assert 'rel="noopener noreferrer"' in found[2]
    assert "Camera &lt;1&gt;" in page
    assert page.index("Router") < page.index("Switch") < page.index("Camera")
    assert "/p/links/manage" not in page
    card = await house.ann.get("/fragments/card/links:all")
    assert card.status_code == 200
    assert "Router" in card.text
    home = (await house.ann.get("/")).text
    assert 'href="/p/links/"' in home
    assert "/fragments/card/links:all" in home


async def test_what_is_for_admins_reaches_nobody_else(house: House) -> None:
    made = await house.add("Vault of keys", "http://vault.test/", role="admin", group="Hidden group")
    await house.add("Open to all")
    assert await house.titles(house.root) == ["Vault of keys", "Open to all"]
    assert await house.titles(house.ann) == ["Open to all"]
    for path in ("/", "/p/links/", "/fragments/card/links:all", "/api/v1/plugins/links/links"):
        for client, sees in ((house.root, True), (house.ann, False)):
            text = (await client.get(path)).text
            if path != "/":
                assert ("Vault of keys" in text) is sees, path
            if not sees:
                assert "vault.test" not in text and "Hidden group" not in text and made["id"] not in text
    events, _ = await house.portal.runtime.services.bus.since(["everyone"], 0)
    assert "Vault" not in str(events)


async def test_only_admins_can_change_anything(house: House) -> None:
    made = await house.add("Kept")
    identifier, api = made["id"], "/api/v1/plugins/links/links"
    body = {"title": "Mine", "url": "http://evil.test/"}
    for answer in (
        await house.ann.get("/p/links/manage"),
        await house.ann.get("/p/links/manage/new"),
        await house.ann.get(f"/p/links/manage/{identifier}"),
        await house.ann.post("/p/links/manage/new", data=body),
        await house.ann.post(f"/p/links/manage/{identifier}", data={**body, "version": "1"}),
        await house.ann.post(f"/p/links/manage/{identifier}/move", data={"to": "up"}),
        await house.ann.post(f"/p/links/manage/{identifier}/remove"),
        await house.ann.post(api, json=body),
        await house.ann.put(f"{api}/{identifier}", json={**body, "version": 1}),
        await house.ann.post(f"{api}/{identifier}/move", json={"to": "up"}),
        await house.ann.delete(f"{api}/{identifier}"),
    ):
        assert answer.status_code == 403, (answer.request.method, answer.request.url)
    assert await house.titles(house.root) == ["Kept"]


async def test_the_form_adds_says_what_is_wrong_and_keeps_what_was_typed(house: House) -> None:
    wrong = {
        "title": "A & B",
        "url": "javascript:alert(1)",
        "icon": "film",
        "group": "G",
        "role": "admin",
        "version": "0",
    }
    answer = await house.root.post("/p/links/manage/new", data=wrong)
    assert answer.status_code == 303
    page = (await house.root.get(answer.headers["location"])).text
    assert "Enter an address that begins with http:// or https://." in page
    assert 'value="A &amp; B"' in page
    assert 'aria-invalid="true"' in page
    assert 'href="javascript:' not in page
    assert await house.titles(house.root) == []
    answer = await house.root.post("/p/links/manage/new", data={**wrong, "url": "http://nas.test"})
    assert answer.headers["location"].endswith("/p/links/manage")
    assert await house.titles(house.root) == ["A & B"]
    assert "only admins see it" in (await house.root.get("/p/links/manage")).text


async def test_a_stale_save_changes_nothing_and_shows_both(house: House) -> None:
    made = await house.add("First")
    path = f"/p/links/manage/{made['id']}"
    theirs = {"title": "Theirs", "url": made["url"], "icon": "link", "group": "", "role": "", "version": "1"}
    await house.root.post(path, data=theirs)
    answer = await house.root.post(path, data={**theirs, "title": "Mine"})
    assert await house.titles(house.root) == ["Theirs"]
    page = (await house.root.get(answer.headers["location"])).text
    assert "Saved by someone else: Theirs" in page
    assert 'value="Mine"' in page
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version is not None
    await house.root.post(path, data={**theirs, "title": "Mine", "version": version[1]})
    assert await house.titles(house.root) == ["Mine"]
    put = {"title": "Late", "url": "http://nas.test/", "version": 1}
    assert (await house.root.put(f"/api/v1/plugins/links/links/{made['id']}", json=put)).status_code == 409
    assert await house.titles(house.root) == ["Mine"]


async def test_moving_stays_inside_the_group_and_stops_at_its_ends(house: House) -> None:
    for title, group in (("a", "G"), ("x", ""), ("b", "G"), ("c", "G")):
        await house.add(title, group=group)
    found = (await house.root.get("/api/v1/plugins/links/links")).json()["links"]
    c = next(one["id"] for one in found if one["title"] == "c")
    expected = ["acb", "cab", "cab"]
    for order in expected:
        answer = await house.root.post(f"/p/links/manage/{c}/move", data={"to": "up"})
        assert answer.headers["location"].endswith(f"#link-{c}")
        assert "".join(one for one in await house.titles(house.root) if one != "x") == order
    await house.root.post(f"/api/v1/plugins/links/links/{c}/move", json={"to": "down"})
    assert "".join(one for one in await house.titles(house.root) if one != "x") == "acb"
    page = (await house.root.get("/p/links/manage")).text
    assert 'aria-label="Move up: a" title="Move up" disabled' in page


async def test_removing_and_what_is_not_there(house: House) -> None:
    made = await house.add("Gone soon")
    path = f"/p/links/manage/{made['id']}"
    assert (await house.root.post(f"{path}/remove")).status_code == 303
    assert await house.titles(house.root) == []
    assert (await house.root.get(path)).status_code == 404
    assert (await house.root.post(f"{path}/remove")).status_code == 404
    assert (await house.root.delete(f"/api/v1/plugins/links/links/{made['id']}")).status_code == 404
    assert "There are no links yet." in (await house.ann.get("/p/links/")).text


async def test_it_speaks_german(house: House) -> None:
    await house.add("NAS", role="admin")
    german = {"Accept-Language": "de"}
    assert "Link hinzufügen" in (await house.root.get("/p/links/manage", headers=german)).text
    assert "Wer ihn sieht" in (await house.root.get("/p/links/manage/new", headers=german)).text
    assert "Es gibt noch keine Links." in (await house.ann.get("/p/links/", headers=german)).text
