"""Secrets planted in a running portal, which is then used, broken and asked for everything: none of them may come out.

Looked through: every answer with its headers, the log, and every byte the portal keeps but for its key file.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from medianest_core.base.logging import configure
from medianest_core.base.settings import AppSettings
from medianest_core.sdk.settings import Secret
from medianest_core.store.tables.ledger import jobs
from medianest_core.testing.faults import Rule
from medianest_core.web.gate.routing import policy_table
from medianest_plex.simulator import PlexSimulator

from .conftest import PASSWORD, House, until

pytestmark = pytest.mark.full
PERSON = "canary-plex-token-of-a-person-81x"
COOKIE = "canary-value-of-a-youtube-cookie-93z"
COOKIES = f"# Netscape HTTP Cookie File\n.youtube.com\tTRUE\t/\tTRUE\t1999999999\tSID\t{COOKIE}\n"
LOCK = "canary-word-of-the-lock-27d"
BOX = "canary-key-of-a-box-58m"
TYPED = "canary-typed-into-a-form-44q"
SHOWN = ("/admin/webhooks/in/", "/admin/sync/servers/")
"""Pages of an address that services post to."""


@pytest.fixture
def logged(tmp_path: Path) -> Path:
    """The log as `medianest serve` writes it, with everything it can say."""
    configure(AppSettings(data_dir=tmp_path / "portal", log_level="debug", _env_file=None))
    return tmp_path / "portal" / "logs"


class Ear:
    """Keeps what was answered. canaries: by name, text that may stand nowhere."""

    def __init__(self) -> None:
        self.canaries: dict[str, str] = {}
        self.leaks: list[str] = []
        self.heard = 0

    def hear(self, where: str, content: bytes, but: tuple[str, ...] = ()) -> None:
        self.heard += 1
        for name, canary in self.canaries.items():
            if name not in but and canary.encode() in content:
                self.leaks.append(f"{name} in {where}")

    def answer(self, response: httpx.Response, but: tuple[str, ...] = ()) -> httpx.Response:
        told = b"\n".join(
            name + b": " + value for name, value in response.headers.raw if name.lower() != b"set-cookie"
        )
        self.hear(f"{response.request.method} {response.request.url.path}", told + response.content, but)
        return response


async def _ask_everything(house: House, ear: Ear, client: httpx.AsyncClient, values: dict[str, str]) -> None:
    for entry in policy_table(house.app.routes):
        if entry.method != "GET" or entry.path == "/sign-in/cancel":
            continue
        path = re.sub(r"\{([a-z_]+)[^}]*\}", lambda found: values.get(found[1], values["id"]), entry.path)
        for headers in ({}, {"hx-request": "true"}):
            answer = await client.get(path, headers=headers)
            # Admins read there where to point the service.
            shows = entry.path.startswith(SHOWN) and answer.status_code == 200
            ear.answer(answer, but=("the webhook's address",) if shows else ())


async def test_no_planted_secret_comes_out(full_house: House, plex: PlexSimulator, logged: Path) -> None:
    house, services, ear = full_house, full_house.services, Ear()
    accounts, instances = services.accounts, services.host.instances
    casey, casey_cookie = await house.plex_person("casey", token=Secret(PERSON))
    admin_cookie = (await house.sign_in()).cookie
    _, key = await accounts.api_keys.create(house.admin.id, "admin", "script", ["admin"])
    server = next(info for info in instances.all() if info.plugin == "plex")
    hook = await services.webhooks.addresses.get(server.id, house.admin.id)
    tube = await instances.create(
        "youtube",
        "youtube",
        "",
        "Tube",
        {"cookies": COOKIES, "site_url": "http://127.0.0.1:9"},
        house.admin.id,
    )
    vault = await instances.create(
        "vault",
        "vault",
        "",
        "Vault",
        {"lock": {"word": LOCK}, "boxes": [{"name": "left", "key": BOX}]},
        house.admin.id,
    )
    token = str(plex.demo_instances()[0].settings["token"])
    ear.canaries = {
        "the server's Plex token": token,
        "a person's Plex token": PERSON,
        "a cookie of cookies.txt": COOKIE,
        "a secret in a group": LOCK,
        "a secret in a list": BOX,
        "the admin's password": PASSWORD,
        "the admin's session": admin_cookie,
        "a person's session": casey_cookie,
        "an API key": key,
        "the webhook's address": hook.path.rsplit("/", 1)[1],
        "what was typed as a secret": TYPED,
    }
    assert all(len(canary) >= 12 for canary in ear.canaries.values())
    admin, guest = house.client(admin_cookie), house.client(casey_cookie)
    program = house.client(authorization=f"Bearer {key}", accept="application/json")
    values = {
        "id": server.id,
        "instance": server.id,
        "instance_id": server.id,
        "plugin": "plex",
        "service": "plex",
    }
    titles = await services.library.recent(1)
    values |= {"title_id": str(titles[0].row.id), "user_id": casey.id, "name": "youtube"}

    await _mistakes(house, ear, admin, program, server.id, tube.id)
    await _mistakes_with_parts(ear, admin, program, vault.id)
    for fault in ("500", "garbage", "401", "down"):
        plex.faults.set(Rule(fault))
        ear.answer(await program.post(f"/api/v1/services/{server.id}/retry"))
        ear.answer(await program.post("/api/v1/sync", json={"force": True}))
        ear.answer(await admin.post(f"/title/{values['title_id']}/play/{server.id}"))
        ear.answer(await admin.post(f"/sign-in/start/{server.id}:code"))
        await until(lambda: _settled(house))
    for path in ("/", "/admin", f"/admin/services/{server.id}", "/api/v1/services", "/api/v1/status"):
        ear.answer(await admin.get(path))
    for job_id in await _jobs(house):
        ear.answer(await program.get(f"/api/v1/jobs/{job_id}"))
        ear.answer(await admin.get(f"/admin/jobs/{job_id}"))
    for client in (admin, guest, program, house.client()):
        await _ask_everything(house, ear, client, values)
    for person in (house.admin.id, casey.id):
        ear.answer(await admin.get(f"/admin/users/{person}"))
    ear.answer(await admin.get(f"/admin/services/{tube.id}"))
    ear.answer(await program.get(f"/api/v1/services/{tube.id}"))
    assert ear.answer(await admin.get(f"/admin/services/{vault.id}")).status_code == 200
    assert ear.answer(await program.get(f"/api/v1/services/{vault.id}")).status_code == 200
    told = ear.answer(await program.get(f"/api/v1/services/{vault.id}/history"))
    for state in told.json():
        ear.answer(await admin.get(f"/admin/services/{vault.id}/history/{state['id']}"))
    ear.answer(await house.client().post(hook.path, content=b"{}"), but=("the webhook's address",))

    assert next(logged.glob("medianest-*.log")).stat().st_size > 1000
    assert next(logged.glob("security-*.log")).stat().st_size > 100
    # The portal runs, and files come and go meanwhile.
    for folder, _, names in os.walk(services.settings.data_dir):
        for name in names:
            file = Path(folder, name)
            if name != "keys.json":
                with contextlib.suppress(FileNotFoundError):
                    ear.hear(str(file.relative_to(services.settings.data_dir)), file.read_bytes())
    assert ear.heard > 300
    assert sorted(set(ear.leaks)) == []


async def _mistakes(
    house: House, ear: Ear, admin: httpx.AsyncClient, program: httpx.AsyncClient, server: str, tube: str
) -> None:
    """What people get wrong with secrets at hand."""
    typed: dict[str, Any] = {"url": "not an address", "token": TYPED}
    new = {"plugin": "plex", "service": "plex", "title": "x"}
    for body in (
        new | {"settings": typed},
        new | {"settings": typed | {"url": "http://127.0.0.1:9"}, "extra": TYPED},
        new | {"settings": {"url": f"http://user:{TYPED}@127.0.0.1:9", "token": [TYPED]}},
    ):
        ear.answer(await program.post("/api/v1/services", json=body))
        ear.answer(await program.post("/api/v1/services/test", json=body | {"title": None}))
    away = {"plugin": "plex", "service": "plex", "settings": {"url": "http://127.0.0.1:9", "token": TYPED}}
    ear.answer(await program.post("/api/v1/services/test", json=away))
    ear.answer(await program.post("/api/v1/services/test", json=away | {"instance_id": server}))
    ear.answer(
        await program.patch(f"/api/v1/services/{tube}", json={"settings": {"cookies": TYPED}, "version": 1})
    )
    ear.answer(await program.patch(f"/api/v1/services/{tube}", json={"settings": {}, "version": 99}))
    for path in ("/admin/services/add/plex/plex", f"/admin/services/{server}", "/setup/service/plex/plex"):
        form = {"instance_title": "x", "url": "nonsense", "token": TYPED, "version": "1"}
        ear.answer(await admin.post(path, data=form))
        ear.answer(await admin.post(f"{path}/test", data=form | {"url": "http://127.0.0.1:9"}))
    nobody = house.client()
    ear.answer(await nobody.post("/sign-in/local", data={"username": "root", "password": TYPED}))
    ear.answer(await nobody.post("/api/v1/sign-in/local", json={"username": "root", "password": [TYPED]}))
    ear.answer(
        await admin.post("/account/password", data={"current": TYPED, "password": TYPED, "again": TYPED})
    )
    ear.answer(await nobody.get("/api/v1/me", headers={"authorization": f"Bearer {TYPED}"}))
    ear.answer(await nobody.get("/", headers={"cookie": f"mn={TYPED}"}))
    ear.answer(
        await admin.get(
            "/fragments/downloads/inspect", params={"url": "http://127.0.0.1:9/watch?v=aaaaaaaaaaa"}
        )
    )
    ear.answer(
        await program.post("/api/v1/downloads", json={"url": "http://127.0.0.1:9/watch?v=aaaaaaaaaaa"})
    )


async def _mistakes_with_parts(
    ear: Ear, admin: httpx.AsyncClient, program: httpx.AsyncClient, vault: str
) -> None:
    """The same where secrets stand in groups and lists."""
    path = f"/api/v1/services/{vault}"
    (box,) = (await program.get(path)).json()["settings"]["boxes"]
    for settings in (
        {"lock": {"word": [TYPED]}, "boxes": [{"key": TYPED}, {"name": "x", "key": TYPED, TYPED[:6]: 1}]},
        {"lock": TYPED, "boxes": TYPED},
        {"boxes": [{"_id": "bad id", "name": "x", "key": TYPED}]},
    ):
        refused = await program.patch(path, json={"settings": settings, "version": 1})
        assert ear.answer(refused).status_code == 422
    form = {"instance_title": "x", "version": "1", "lock.word": TYPED, "boxes": box["_id"]}
    form |= {f"boxes.{box['_id']}.name": "", f"boxes.{box['_id']}.key": TYPED}
    assert ear.answer(await admin.post(f"/admin/services/{vault}", data=form)).status_code == 422
    ear.answer(await admin.post(f"/admin/services/{vault}/test", data=form))
    late = {"settings": {"boxes": [{"_id": box["_id"], "name": "renamed"}]}, "version": 99}
    assert ear.answer(await program.patch(path, json=late)).status_code == 409
    done = await program.patch(path, json=late | {"version": 1})
    assert ear.answer(done).status_code == 200, done.text


async def _settled(house: House) -> bool:
    async with house.services.db.read() as tx:
        counts = await house.services.ledger.counts(tx)
    return not counts.get("leased")


async def _jobs(house: House) -> list[str]:
    async with house.services.db.read() as tx:
        return [row["id"] for row in await tx.all(select(jobs.c.id))]
