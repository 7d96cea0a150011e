"""Every readable address of the running portal: asked again with its tag it answers 304, and only to the reader of the tag."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from medianest_core.base.settings import AppSettings
from medianest_core.bus.events import LibraryChanged
from medianest_core.sdk.events import Audience
from medianest_core.sdk.permissions import Access
from medianest_core.store.tables.accounts import users
from medianest_core.store.tables.library import library_state
from tests.integration.test_matrix import ADMIN, ORIGIN, OTHER, USER, World, own, running

COUNTS = {"/admin/caches", "/admin", "/api/v1/system", "/api/v1/system/load"}
"""They count what it takes to show them, so each look may be another page."""
NEVER = {
    "/setup": "holds a one-time token",
    "/sign-in": "leads on whoever is signed in",
    "/sign-in/return": "ends an attempt",
    "/sign-in/cancel": "ends an attempt",
    "/sign-in/code": "is about an attempt",
    "/sign-in/qr.svg": "is about an attempt",
    "/healthz": "is about now",
    "/readyz": "is about now",
}
"""What gets no tag, and why."""


@pytest.fixture
async def world(tmp_path: Path, install_toy: Callable[[], list[str]]) -> AsyncIterator[World]:
    settings = AppSettings(data_dir=tmp_path / "portal", plugins_disabled=install_toy(), _env_file=None)
    async with running(settings) as world:
        for who in (USER, OTHER, ADMIN):
            user = await world.services.accounts.setup.add_admin(who, "correct horse")
            world.people[who] = user.id
        async with world.services.db.begin() as tx:
            await tx.execute(users.update().where(users.c.id == world.people[USER]).values(role="user"))
        yield world


@asynccontextmanager
async def reader(world: World, who: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser in one session."""
    async with world.services.db.begin() as tx:
        made = await world.services.accounts.sessions.create(
            tx, world.people[who], identity_id=None, remember=False
        )
    transport = httpx.ASGITransport(world.app, client=("9.9.9.9", 1))
    async with httpx.AsyncClient(
        transport=transport, base_url=ORIGIN, headers={"origin": ORIGIN}, cookies={"mn": made.cookie}
    ) as client:
        yield client


async def settled(
    client: httpx.AsyncClient, path: str, tag: str, *, tries: int, method: str = "GET"
) -> httpx.Response:
    """The answer to its own tag. A page that tells what goes on in the portal may be another one for a moment, and then rests."""
    for left in range(tries, 0, -1):
        answer = await client.request(method, path, headers={"if-none-match": tag})
        if answer.status_code == 304 or left == 1:
            break
        tag = answer.headers.get("etag", "")
        await asyncio.sleep(0.05)
    return answer


async def test_everything_that_can_be_read_is_sent_once(world: World, tmp_path: Path) -> None:
    values = await own(world, tmp_path)
    wrong, tagged = [], 0
    async with reader(world, ADMIN) as admin, reader(world, OTHER) as other, reader(world, ADMIN) as again:
        for entry in world.table:
            if entry.method != "GET" or entry.kind in ("live", "mount"):
                continue
            parameters = re.findall(r"\{([a-z_]+)", entry.path)
            if any(name not in values for name in parameters):
                continue
            path = re.sub(r"\{([a-z_]+)(?::[a-z]+)?\}", lambda found: values[found[1]], entry.path)
            first = await admin.get(path)
            if first.status_code != 200:
                continue
            if "content-disposition" in first.headers or "accept-ranges" in first.headers:
                # A file, which is asked for in pieces.
                continue
            tag = first.headers.get("etag")
            if tag is None:
                if entry.path not in NEVER:
                    wrong.append(f"{entry.path}: no tag")
                continue
            tagged += 1
            held = {"if-none-match": tag}
            second = await settled(admin, path, tag, tries=2 if entry.path in COUNTS else 60)
            if entry.path in COUNTS and second.status_code == 200:
                continue
            if second.status_code != 304 or second.content:
                wrong.append(f"{entry.path}: {second.status_code} to its own tag")
                continue
            missing = [name for name in ("etag", "cache-control", "vary") if name not in second.headers]
            if missing:
                wrong.append(f"{entry.path}: no {missing} with its 304")
            if entry.policy.access is Access.PUBLIC:
                continue
            if "no-cache" not in first.headers["cache-control"] and not path.startswith("/img/"):
                wrong.append(f"{entry.path}: {first.headers['cache-control']}")
            if "cookie" not in first.headers["vary"].lower():
                wrong.append(f"{entry.path}: varies by {first.headers['vary']}")
            if path.startswith("/img/"):
                continue
            for name, stranger in (("another person", other), ("another session", again)):
                if (await stranger.get(path, headers=held)).status_code == 304:
                    wrong.append(f"{entry.path}: 304 to {name}")
            tag = second.headers["etag"]
            head = await settled(admin, path, tag, tries=2 if entry.path in COUNTS else 60, method="HEAD")
            if head.status_code != 304 and entry.path not in COUNTS:
                wrong.append(f"{entry.path}: HEAD differs")
    assert not wrong, "\n".join(wrong)
    assert tagged >= 40


async def test_a_page_is_new_when_what_it_shows_changed(world: World) -> None:
    async with reader(world, USER) as client:

        async def status(path: str, tag: str, **headers: str) -> int:
            return (await client.get(path, headers={"if-none-match": tag, **headers})).status_code

        tag = (await client.get("/library")).headers["etag"]
        assert await status("/library", tag) == 304
        assert await status("/library?sort=-year", tag) == 200
        assert await status("/library", tag, **{"hx-request": "true"}) == 200
        assert await status("/library", tag, **{"accept-language": "de"}) == 200
        assert await status("/library", tag, cookie=_with(client, "mn_theme=mn-light")) == 200
        async with world.services.db.begin() as tx:
            await world.services.notify.notify(tx, world.people[USER], "x", {"title": "news"})
        assert await status("/library", tag) == 200
        tag = (await client.get("/library")).headers["etag"]
        assert await status("/library", tag) == 304
        async with world.services.db.begin() as tx:
            await tx.execute(library_state.delete())
            await tx.execute(library_state.insert().values(id=1, generation=1, next_title=1))
            await world.services.bus.publish(tx, LibraryChanged(changed=1), Audience.library())
        assert await status("/library", tag) == 200
        await world.services.portal_settings.change({"site_name": "The Nest"}, None, None)
        tag = (await client.get("/library")).headers["etag"]
        await world.services.portal_settings.change({"site_name": "Our Nest"}, None, None)
        assert await status("/library", tag) == 200


async def test_a_message_that_is_said_once_is_never_held(world: World) -> None:
    async with reader(world, USER) as client:
        tag = (await client.get("/library")).headers["etag"]
        sealed = world.services.keyring.seal("Saved.", "mn_flash")
        told = await client.get(
            "/library", headers={"if-none-match": tag, "cookie": _with(client, f"mn_flash={sealed}")}
        )
    assert told.status_code == 200
    assert "Saved." in told.text
    assert told.headers["cache-control"] == "no-store"
    assert "etag" not in told.headers
    assert "portal-keep" not in told.headers


async def test_only_what_people_look_up_may_be_held_on_a_device(world: World) -> None:
    async with reader(world, ADMIN) as client:
        kept = {
            path: "portal-keep" in (await client.get(path)).headers
            for path in ("/", "/library", "/collections", "/downloads", "/notifications")
        }
        never = {
            path: "portal-keep" in (await client.get(path)).headers
            for path in ("/account", "/admin", "/admin/users", "/search?q=x", "/api/v1/me", "/sw.js")
        }
    assert all(kept.values()), kept
    assert not any(never.values()), never


def _with(client: httpx.AsyncClient, cookie: str) -> str:
    return f"mn={client.cookies['mn']}; {cookie}"
