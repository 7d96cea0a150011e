"""Every route of the running portal × everyone who could ask × whose thing it is, generated from the policy table."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from PIL import Image
from starlette.applications import Starlette

from medianest_core.asgi import Portal
from medianest_core.base.settings import AppSettings
from medianest_core.domain.accounts.models import Status
from medianest_core.sdk.permissions import Access
from medianest_core.store.tables.accounts import users
from medianest_core.store.tables.downloads import (
    download_files,
    download_items,
    download_subscriptions,
    downloads,
)
from medianest_core.store.tables.requests import (
    request_comments,
    request_issues,
    request_participants,
    requests,
)
from medianest_core.web.gate.routing import Entry, policy_table
from medianest_core.web.gate.services import Services

ORIGIN = "http://portal.test"
OPEN = {
    "GET /healthz",
    "GET /readyz",
    "GET /static/{path:path}",
    # What browsers fetch by themselves; nothing in them is about a person.
    "GET /manifest.webmanifest",
    "GET /sw.js",
    "GET /offline",
    "GET /setup",
    "POST /setup",
    "GET /sign-in",
    "GET /sign-in/cancel",
    "GET /sign-in/code",
    "GET /sign-in/qr.svg",
    "GET /sign-in/return",
    "POST /sign-in/local",
    "POST /sign-in/start/{method}",
    "GET /api/v1/sign-in/methods",
    "POST /api/v1/sign-in/attempts",
    "GET /api/v1/sign-in/attempts/current",
    "DELETE /api/v1/sign-in/attempts/current",
    "POST /api/v1/sign-in/local",
    "POST /webhooks/{plugin}/{instance}/{token}",
    # The secret in the address, or in the header, is the permission, for one server alone.
    "POST /webhooks/sync/{instance}/{token}",
    "POST /api/v1/webhooks/sync",
    "POST /api/v1/webhooks/system-status",
    # Calendar programs have no session; the unguessable address is the permission, for this alone.
    "GET /calendar/feed/{token}.ics",
    # Whoever reads the mail may end it; the unguessable link is the permission.
    "GET /unsubscribe/{token}",
    "POST /unsubscribe/{token}",
}
"""What anyone may reach without signing in. Whoever adds to this list says why."""

NOBODY = "nobody"
SUSPENDED = "suspended"
PENDING = "pending"
USER = "user"
OTHER = "other user"
ADMIN = "admin"
SIGNED_IN = (SUSPENDED, PENDING, USER, OTHER, ADMIN)
READ_KEY, WRITE_KEY, PLAIN_ADMIN_KEY, ADMIN_KEY = "read key", "write key", "admin's key", "admin key"
_REFUSALS = {"sign_in", "waiting", "forbidden", "scope"}


@dataclass
class World:
    app: Starlette
    services: Services
    table: list[Entry]
    people: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    owned: dict[str, str] = field(default_factory=dict)

    async def ask(self, who: str, entry: Entry, values: Mapping[str, str]) -> httpx.Response:
        """One request, with a session of its own: some of them end it."""
        path = re.sub(
            r"\{([a-z_]+)(?::[a-z]+)?\}", lambda found: values.get(found[1], _dummy(found[0])), entry.path
        )
        headers, cookies = {"origin": ORIGIN}, {}
        if who in self.keys:
            headers = {"authorization": f"Bearer {self.keys[who]}"}
        elif who in self.people:
            async with self.services.db.begin() as tx:
                made = await self.services.accounts.sessions.create(
                    tx, self.people[who], identity_id=None, remember=False
                )
            cookies["mn"] = made.cookie
        transport = httpx.ASGITransport(self.app, client=("9.9.9.9", 1))
        async with httpx.AsyncClient(
            transport=transport, base_url=ORIGIN, headers=headers, cookies=cookies
        ) as client:
            body: dict[str, Any] = {}
            if entry.method not in ("GET", "DELETE"):
                body = {"json": {}} if entry.path.startswith("/api/") else {"data": {"x": "y"}}
            return await client.request(entry.method, path, **body)


def _dummy(parameter: str) -> str:
    return "999999" if parameter.endswith(":int}") or "title_id" in parameter else "no-such-thing"


@asynccontextmanager
async def running(settings: AppSettings) -> AsyncIterator[World]:
    portal = Portal(settings)
    inbox: asyncio.Queue[Any] = asyncio.Queue()
    outbox: asyncio.Queue[Any] = asyncio.Queue()
    await inbox.put({"type": "lifespan.startup"})
    life = asyncio.create_task(portal({"type": "lifespan"}, inbox.get, outbox.put))
    assert (await outbox.get())["type"] == "lifespan.startup.complete"
    await portal.up.wait()
    try:
        app = cast(Starlette, portal._app)
        services = portal.runtime.services
        await services.portal_settings.change({"api_per_minute": 100_000}, None, None)
        yield World(app, services, policy_table(app.routes))
    finally:
        await inbox.put({"type": "lifespan.shutdown"})
        await life


@pytest.fixture
async def world(tmp_path: Path, backend: str, install_toy: Callable[[], list[str]]) -> AsyncIterator[World]:
    settings = AppSettings(data_dir=tmp_path / "portal", plugins_disabled=install_toy(), _env_file=None)
    async with running(settings) as world:
        accounts = world.services.accounts
        await accounts.setup.add_admin("root", "correct horse")
        for who in SIGNED_IN:
            user = await accounts.setup.add_admin(who, "correct horse")
            world.people[who] = user.id
            status = who if who in (PENDING, SUSPENDED) else Status.ACTIVE.value
            async with world.services.db.begin() as tx:
                await tx.execute(
                    users.update()
                    .where(users.c.id == user.id)
                    .values(role="admin" if who == ADMIN else "user", status=status)
                )
        for name, who, scopes in (
            (READ_KEY, USER, ["read"]),
            (WRITE_KEY, USER, ["write"]),
            (PLAIN_ADMIN_KEY, ADMIN, ["read", "write"]),
            (ADMIN_KEY, ADMIN, ["admin"]),
        ):
            role = "admin" if who == ADMIN else "user"
            _, world.keys[name] = await accounts.api_keys.create(world.people[who], role, name, scopes)
        yield world


def allowed(who: str, entry: Entry) -> bool:
    """The rules once more, spelt out by hand: the test's own opinion."""
    policy = entry.policy
    if who == READ_KEY and entry.method != "GET":
        return False
    if policy.access is Access.PUBLIC:
        return True
    if who in (NOBODY, SUSPENDED):
        return False
    if who == PENDING:
        return policy.access is Access.PENDING
    if policy.access is Access.ADMIN:
        return who in (ADMIN, ADMIN_KEY)
    if policy.permission == "toy.break":
        return who in (ADMIN, ADMIN_KEY)
    return True


def refused(answer: httpx.Response) -> bool:
    location = answer.headers.get("location", "")
    if answer.status_code == 303 and re.fullmatch(r"/(sign-in(\?next=.*)?|pending)", location):
        return True
    if answer.headers.get("content-type") == "application/problem+json":
        return answer.json().get("code") in _REFUSALS
    return answer.status_code in (401, 403)


async def test_what_is_open_is_a_list_that_people_read(world: World) -> None:
    found = {f"{entry.method} {entry.path}" for entry in world.table if entry.policy.access is Access.PUBLIC}
    assert found == OPEN
    kinds = {entry.kind for entry in world.table}
    assert {"page", "api", "live", "mount"} <= kinds
    assert any(entry.path.startswith("/p/toy/") for entry in world.table)
    assert any(entry.path.startswith("/api/v1/plugins/toy/") for entry in world.table)


@pytest.mark.full
async def test_everyone_gets_what_the_policies_say(world: World) -> None:
    # Signing out leads to the sign-in page, the pending are led to theirs, a wrong set-up link is 403, and who orders a sync without
    # a secret has to be an admin: no policy says so.
    own_refusals = {"/sign-out", "/sign-in", "/setup", "/sign-in/return", "/sign-in/cancel", "/sign-in/code"}
    own_refusals |= {"/api/v1/webhooks/sync"}
    wrong = []
    for entry in world.table:
        if entry.kind == "live":
            continue
        everyone = [NOBODY, *SIGNED_IN]
        if entry.path.startswith("/api/"):
            everyone += [READ_KEY, WRITE_KEY, PLAIN_ADMIN_KEY, ADMIN_KEY]
        for who in everyone:
            answer = await world.ask(who, entry, {})
            expected = allowed(who, entry)
            if entry.path in own_refusals and expected:
                assert answer.status_code < 500
                continue
            if refused(answer) is expected or (answer.status_code == 500):
                wrong.append(f"{who}: {entry.method} {entry.path} → {answer.status_code} {answer.text[:120]}")
    assert not wrong, "\n".join(wrong)


async def own(world: World, tmp_path: Path) -> dict[str, str]:
    """Things of the user, by the names of path parameters."""
    owner, services = world.people[USER], world.services
    root = services.downloads.places.root
    root.mkdir(parents=True, exist_ok=True)
    (root / "film.mp4").write_bytes(b"0123456789")
    Image.new("RGB", (32, 18)).save(root / "film.jpg")
    common = {"user_id": owner, "instance_id": "none"}
    async with services.db.begin() as tx:
        job = await services.ledger.enqueue(tx, "some.job", {}, owner=owner, delay=3600)
        await tx.execute(
            downloads.insert().values(
                id="d1",
                url="http://x/",
                kind="video",
                title="mine",
                quality="",
                container="mp4",
                subtitles=[],
                folder="f",
                status="done",
                position=1.0,
                filing={},
                created_at=1.0,
                **common,
            )
        )
        await tx.execute(
            download_items.insert().values(
                id="i1",
                download_id="d1",
                key="k",
                form="video",
                url="http://x/",
                title="mine",
                number=1,
                status="done",
                facts={},
                **common,
            )
        )
        file = {"item_id": "i1", "user_id": owner, "size": 10}
        await tx.execute(
            download_files.insert(),
            [
                {**file, "id": "f1", "path": "film.mp4", "kind": "media", "media_type": "video/mp4"},
                {**file, "id": "f2", "path": "film.jpg", "kind": "thumbnail", "media_type": "image/jpeg"},
            ],
        )
        await tx.execute(
            download_subscriptions.insert().values(
                id="d1",
                url="http://x/",
                name="mine",
                kind="channel",
                wishes={},
                due_at=9e9,
                error="",
                failures=0,
                version=1,
                created_at=1.0,
                **common,
            )
        )
    await _wishes(services, owner)
    return {
        "request_id": "r1",
        "comment_id": "c1",
        "issue_id": "w1",
        "job_id": job,
        "download_id": "d1",
        "subscription_id": "d1",
        "id": "d1",
        "item_id": "i1",
        "file_id": "f1",
        "file": "f1",
        "picture": "item-i1",
    }


async def _wishes(services: Services, owner: str) -> None:
    """A request of the user's with a comment, and a report."""
    title = {"kind": "movie", "ids": {"tmdb": "1"}, "title": "mine", "seasons": [], "episodes": []}
    async with services.db.begin() as tx:
        await tx.execute(
            requests.insert().values(
                id="r1",
                root_kind="movie",
                variant="",
                state="pending",
                open_key="mine",
                user_id=owner,
                created_by=owner,
                options={},
                parts={},
                sizes={},
                created_at=1.0,
                changed_at=1.0,
                **title,
            )
        )
        await tx.execute(
            request_participants.insert().values(
                request_id="r1", user_id=owner, joined_at=1.0, created_at=1.0
            )
        )
        await tx.execute(
            request_comments.insert().values(id="c1", request_id="r1", user_id=owner, text="mine", at=1.0)
        )
        await tx.execute(
            request_issues.insert().values(
                id="w1", user_id=owner, problem="audio", message="mine", state="open", created_at=1.0, **title
            )
        )


async def test_things_of_others_do_not_exist(world: World, tmp_path: Path) -> None:
    values = await own(world, tmp_path) | {"action": "cancel"}
    entries = [entry for entry in world.table if entry.policy.owner]
    assert len(entries) >= 12
    # What deletes comes last, so that the others still find something.
    entries.sort(key=lambda entry: ("remove" in entry.path or entry.method == "DELETE", entry.path))
    wrong = []
    for entry in entries:
        parameters = set(re.findall(r"\{([a-z_]+)", entry.path))
        assert parameters <= set(values), f"{entry.path}: give this test something of that kind"
        answer = await world.ask(OTHER, entry, values)
        if answer.status_code != 404 or "mine" in answer.text:
            wrong.append(f"{entry.method} {entry.path} → {answer.status_code}")
    assert wrong == []
    for who in (ADMIN, USER):
        for entry in entries:
            if entry.method == "GET":
                answer = await world.ask(who, entry, values)
                assert answer.status_code == 200, f"{who}: {entry.path} → {answer.status_code}"
    for entry in entries:
        if entry.method not in ("GET", "DELETE") and "remove" not in entry.path:
            answer = await world.ask(USER, entry, values)
            assert answer.status_code not in (401, 403, 404, 500), f"{entry.path} → {answer.status_code}"


async def test_personal_lists_hold_only_ones_own(world: World, tmp_path: Path) -> None:
    values = await own(world, tmp_path)
    await world.services.accounts.api_keys.create(world.people[USER], "user", "mine-key", ["read"])
    async with world.services.db.begin() as tx:
        await world.services.notify.notify(tx, world.people[USER], "x", {"title": "mine-note"})
    for path in (
        "jobs",
        "downloads",
        "subscriptions",
        "requests",
        "issues",
        "notifications",
        "api-keys",
        "sessions",
        "me/identities",
    ):
        entry = next(one for one in world.table if one.path == f"/api/v1/{path}" and one.method == "GET")
        theirs = (await world.ask(OTHER, entry, values)).text
        assert world.people[USER] not in theirs and "mine" not in theirs and values["job_id"] not in theirs


STRANGE = (
    "%00",
    "..%2f..%2fetc",
    "%ff%fe",
    "x" * 3_000,
    "9" * 40,
    "-1",
    "%F0%9F%8E%AC",
    "'%20OR%201=1--",
    "%0d%0aX-A:%201",
)


@pytest.mark.full
async def test_strange_addresses_are_answered_not_stumbled_over(world: World) -> None:
    wrong = []
    for entry in world.table:
        if entry.method != "GET" or entry.kind in ("live", "mount") or "/plugins/toy/" in entry.path:
            continue
        parameters = set(re.findall(r"\{([a-z_]+)", entry.path))
        for strange in STRANGE:
            values = dict.fromkeys(parameters, strange)
            names = [
                "cursor",
                "limit",
                "text",
                "q",
                "kind",
                "sort",
                "year_from",
                "instance",
                "url",
                "tab",
                "next",
                "before",
                "method",
            ]
            query = "&".join(f"{name}={strange}" for name in names)
            asked = Entry(entry.kind, entry.method, f"{entry.path}?{query}", entry.policy)
            answer = await world.ask(ADMIN, asked, values)
            own_answer = answer.status_code in (502, 503) and "problem" in answer.headers["content-type"]
            if answer.status_code >= 500 and not own_answer:
                wrong.append(f"{entry.path} with {strange[:20]} → {answer.status_code}")
            assert "x-a" not in answer.headers
    assert not wrong, "\n".join(wrong)
