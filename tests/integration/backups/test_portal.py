"""Backups in a running portal: made and compared by its jobs, taken away and restored by its pages."""

from __future__ import annotations

import asyncio
import re
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import insert, select, text

from medianest_core.asgi import Portal
from medianest_core.base.settings import AppSettings
from medianest_core.builtin.links.tables import metadata as links_tables
from medianest_core.domain.backups.catalogue import Kind, listed
from medianest_core.domain.backups.service import DUE, Backups
from medianest_core.store.repos import portal_settings
from medianest_core.store.repos.audit import record
from medianest_core.store.tables.plugins import plugin_states
from medianest_core.store.tables.system import audit

ORIGIN = "http://portal.test"
PASSWORD = "correct horse"
WITHIN = 120.0


@pytest.fixture(autouse=True)
def _none_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """At seven minutes past each hour the portal would make one beside those of the test."""
    declared = Backups.jobs
    monkeypatch.setattr(Backups, "jobs", lambda self: [replace(one, schedule=None) for one in declared(self)])


class Running:
    """A portal with lifespan, and an admin's browser."""

    def __init__(self, settings: AppSettings) -> None:
        self.portal = Portal(settings)
        self.browser = self.new_browser()

    def new_browser(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.portal, client=("9.9.9.9", 1))
        return httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers={"origin": ORIGIN})

    @property
    def services(self) -> Any:
        return self.portal.runtime.services

    @property
    def folder(self) -> Path:
        return self.portal.settings.data_dir / "backups"

    async def sign_in(self) -> None:
        self.browser = self.new_browser()
        answer = await self.browser.post(
            "/api/v1/sign-in/local", json={"username": "Ada", "password": PASSWORD}
        )
        assert answer.status_code == 200, answer.text

    async def job_done(self, job_id: str) -> Any:
        async with asyncio.timeout(WITHIN):
            while True:
                async with self.services.db.read() as tx:
                    job = await self.services.ledger.get_job(tx, job_id)
                if job.state.value in ("done", "failed", "cancelled"):
                    return job
                await asyncio.sleep(0.1)

    async def make(self, **body: Any) -> str:
        answer = await self.browser.post("/api/v1/backups", json=body)
        assert answer.status_code == 202, answer.text
        job = await self.job_done(answer.json()["job_id"])
        assert job.state.value == "done", job.error
        return str(job.result["name"])

    async def compared(self, name: str) -> Any:
        answer = await self.browser.post(f"/api/v1/backups/{name}/comparison")
        return await self.job_done(answer.json()["job_id"])

    async def restored(self) -> list[int]:
        """Statuses of the start page until the portal is back."""
        seen: list[int] = []
        async with asyncio.timeout(WITHIN):
            while self.portal._restoring is not None and not self.portal._restoring.done():
                answer = await self.browser.get("/readyz")
                if not seen or seen[-1] != answer.status_code:
                    seen.append(answer.status_code)
                await asyncio.sleep(0.01)
        return seen


@asynccontextmanager
async def running(settings: AppSettings) -> AsyncIterator[Running]:
    made = Running(settings)
    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    outgoing: asyncio.Queue[Any] = asyncio.Queue()
    task = asyncio.ensure_future(made.portal({"type": "lifespan"}, incoming.get, outgoing.put))
    await incoming.put({"type": "lifespan.startup"})
    assert (await outgoing.get())["type"] == "lifespan.startup.complete"
    await made.portal.up.wait()
    try:
        await made.services.accounts.setup.add_admin("Ada", PASSWORD)
        await made.sign_in()
        yield made
    finally:
        await incoming.put({"type": "lifespan.shutdown"})
        await task


def settings_in(folder: Path, **more: Any) -> AppSettings:
    return AppSettings(data_dir=folder / "portal", safe_mode=True, _env_file=None, **more)


@pytest.fixture
async def home(tmp_path: Path, backend: str) -> AsyncIterator[Running]:
    async with running(settings_in(tmp_path)) as made:
        yield made


async def _note(home: Running, target: str) -> None:
    async with home.services.db.begin() as tx:
        await record(tx, actor=None, action="test.note", target=target)


async def _notes(home: Running) -> list[str]:
    async with home.services.db.read() as tx:
        rows = await tx.all(select(audit.c.target).where(audit.c.action == "test.note").order_by(audit.c.id))
    return [row["target"] for row in rows]


LINKS = "/api/v1/plugins/links/links"


async def _link(home: Running, title: str, **more: str) -> dict[str, Any]:
    """Add a row to a table that a plugin brought."""
    body = {"title": title, "url": f"http://{title.lower()}.example/", **more}
    made: dict[str, Any] = (await home.browser.post(LINKS, json=body)).raise_for_status().json()
    return made


async def _links(home: Running) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await home.browser.get(LINKS)).raise_for_status().json()["links"]
    return found


async def test_a_backup_is_made_compared_and_restored_in_place(home: Running) -> None:
    page = await home.browser.get("/admin/backups")
    assert "No backups yet" in page.text
    await _note(home, "before")
    router = await _link(home, "Router", group="Network")
    await _link(home, "Printer")
    links = await _links(home)
    assert len(links) == 2
    name = await home.make()
    await _note(home, "after")
    (await home.browser.delete(f"{LINKS}/{router['id']}")).raise_for_status()
    await _link(home, "Photos")
    job = await home.compared(name)
    changed = {one["table"]: one for one in job.result["changes"]}
    assert changed["audit"]["removed"] == 2  # the note, and that the backup was made
    table = changed[links_tables.sorted_tables[0].name]
    assert (table["added"], table["removed"]) == (1, 1), "tables of plugins are compared too"
    page = await home.browser.get(f"/admin/backups/{name}")
    assert "<code>audit</code>" in page.text and "Restore this backup" in page.text
    path = f"/admin/backups/{name}/restore"
    unsure = await home.browser.post(path, data={"password": PASSWORD})
    assert (unsure.status_code, "Say that you are sure." in unsure.text) == (422, True)
    wrong = await home.browser.post(path, data={"password": "wrong", "sure": "true"})
    assert (wrong.status_code, "This is not your password." in wrong.text) == (422, True)
    assert await _notes(home) == ["before", "after"]
    asked = await home.browser.post(path, data={"password": PASSWORD, "sure": "true"})
    assert asked.status_code == 303
    assert 503 in await home.restored()
    assert await _notes(home) == ["before"]
    assert (await home.browser.get("/api/v1/me")).status_code == 401
    await home.sign_in()
    assert (await home.browser.get("/api/v1/me")).json()["username"] == "Ada"
    assert await _links(home) == links, "what a plugin keeps came back as it was"
    assert (await _link(home, "Camera"))["id"] not in {one["id"] for one in links}
    kinds = [one.kind for one in listed(home.folder)]
    assert sorted(kinds) == [Kind.MANUAL, Kind.SAFETY]
    # The job that made the archive is in it, half done; it does not run again.
    async with home.services.db.read() as tx:
        jobs = await home.services.ledger.list_jobs(tx, name="backups.make")
    assert [job.state.value for job in jobs.items] == ["cancelled"]
    assert await home.make()


@pytest.mark.full
async def test_while_it_is_restored_people_are_told_and_led_back(home: Running) -> None:
    name = await home.make()
    asked = await home.browser.post(f"/api/v1/backups/{name}/restore", json={"password": PASSWORD})
    assert asked.status_code == 202
    again = await home.browser.post(f"/api/v1/backups/{name}/restore", json={"password": PASSWORD})
    assert (again.status_code, again.json()["detail"]) == (
        409,
        "A restore is under way. Wait until it is done.",
    )
    page = None
    async with asyncio.timeout(WITHIN):
        while page is None or page.status_code != 503:
            page = await home.browser.get("/", headers={"accept-language": "de"})
            await asyncio.sleep(0.01)
    assert "spielt eine Sicherung ein" in page.text
    assert page.headers["refresh"].endswith("url=/")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert (await home.browser.get("/healthz")).status_code == 200
    assert (await home.browser.get("/api/v1/me")).headers["retry-after"] == "5"
    await home.restored()


async def test_a_damaged_backup_is_not_restored_and_the_page_says_why(home: Running) -> None:
    name = await home.make()
    file = home.folder / name
    file.write_bytes(file.read_bytes()[:-5])
    await _note(home, "kept")
    job = await home.compared(name)
    assert job.state.value == "failed" and "damaged" in job.error
    await home.browser.post(f"/api/v1/backups/{name}/restore", json={"password": PASSWORD})
    assert 503 not in await home.restored()
    assert await _notes(home) == ["kept"]
    page = await home.browser.get("/admin/backups")
    assert "The last restore did not happen" in page.text and "damaged" in page.text
    assert "Not tested here" in page.text


@pytest.mark.full
async def test_it_is_not_restored_under_other_processes(home: Running) -> None:
    name = await home.make()
    async with home.services.db.begin() as tx:
        await tx.execute(
            insert(plugin_states).values(
                process="elsewhere:7:abcd", plugin="local", state="active", since_at=1.0, seen_at=9e9
            )
        )
    refused = await home.browser.post(f"/api/v1/backups/{name}/restore", json={"password": PASSWORD})
    assert refused.status_code == 409 and "elsewhere:7" in refused.json()["detail"]
    await home.compared(name)
    assert "elsewhere:7" in (await home.browser.get(f"/admin/backups/{name}")).text


async def test_taking_one_away_needs_the_password_and_is_written_down(home: Running) -> None:
    name = await home.make()
    path = f"/admin/backups/{name}/download"
    assert (await home.browser.post(path, data={"password": "wrong"})).status_code == 422
    assert (await home.browser.get(path)).status_code == 405
    taken = await home.browser.post(path, data={"password": PASSWORD})
    assert taken.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert taken.headers["cache-control"] == "no-store"
    assert "manifest.json" in zipfile.ZipFile(BytesIO(taken.content)).namelist()
    async with home.services.db.read() as tx:
        rows = await tx.all(select(audit.c.action).where(audit.c.target == name).order_by(audit.c.id))
    assert [row["action"] for row in rows] == ["backup.made", "backup.downloaded"]
    foreign = await home.browser.post(
        path, data={"password": PASSWORD}, headers={"origin": "http://evil.test"}
    )
    assert foreign.status_code == 403
    gone = await home.browser.post(f"/admin/backups/{name}/remove")
    assert gone.status_code == 303
    assert list(home.folder.iterdir()) == []
    assert (await home.browser.get(f"/admin/backups/{name}")).status_code == 404


async def test_ten_wrong_passwords_are_enough(home: Running) -> None:
    name = await home.make()
    for _ in range(10):
        await home.browser.post(f"/api/v1/backups/{name}/download", json={"password": "wrong"})
    right = await home.browser.post(f"/api/v1/backups/{name}/download", json={"password": PASSWORD})
    assert right.status_code == 429


async def test_the_schedule_is_versioned(home: Running) -> None:
    page = await home.browser.get("/admin/backups")
    version = re.search(r'name="version" value="(\d+)"', page.text)
    assert version is not None
    form = {
        "version": version[1],
        "backup_daily": "true",
        "backup_hour": "5",
        "backup_keep_daily": "9",
        "backup_keep_weekly": "0",
    }
    assert (await home.browser.post("/admin/backups/schedule", data=form)).status_code == 303
    settings, _ = await portal_settings.load(home.services.db)
    assert (settings.backup_hour, settings.backup_keep_daily, settings.backup_keep_weekly) == (5, 9, 0)
    stale = await home.browser.post("/admin/backups/schedule", data=form | {"backup_hour": "6"})
    assert stale.status_code == 409 and "Someone else changed this" in stale.text
    for field, value in (("backup_hour", "24"), ("backup_keep_daily", "0"), ("backup_keep_weekly", "x")):
        wrong = await home.browser.post("/admin/backups/schedule", data=form | {"version": "1", field: value})
        assert wrong.status_code == 422, field
    assert (await portal_settings.load(home.services.db))[0].backup_hour == 5


async def test_a_daily_backup_is_made_once_when_it_is_due(home: Running) -> None:
    async def due() -> None:
        async with home.services.db.begin() as tx:
            job_id = await home.services.ledger.enqueue(tx, DUE, {})
        assert (await home.job_done(job_id)).state.value == "done"

    async def made() -> list[Kind]:
        async with home.services.db.read() as tx:
            jobs = await home.services.ledger.list_jobs(tx, name="backups.make")
        for job in jobs.items:
            await home.job_done(job.id)
        return [one.kind for one in listed(home.folder)]

    await home.services.portal_settings.change({"backup_daily": False}, None, None)
    await due()
    assert await made() == []
    # Not at this time of day, or the next one could come due between the two looks.
    later = (datetime.now(UTC).hour + 12) % 24
    await home.services.portal_settings.change({"backup_daily": True, "backup_hour": later}, None, None)
    for _ in range(2):
        await due()
        assert await made() == [Kind.DAILY]


@pytest.mark.full
async def test_with_a_passphrase_daily_ones_are_encrypted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medianest_core.store.backup.age.WORK", 4)
    monkeypatch.setenv("MEDIANEST_BACKUP_PASSPHRASE", "correct horse")
    async with running(settings_in(tmp_path)) as home:
        async with home.services.db.begin() as tx:
            job_id = await home.services.ledger.enqueue(tx, "backups.make", {"kind": "daily"})
        assert (await home.job_done(job_id)).state.value == "done"
        [daily] = listed(home.folder)
        assert daily.encrypted and daily.verified_at is not None
        await _note(home, "later")
        await home.browser.post(f"/api/v1/backups/{daily.name}/restore", json={"password": PASSWORD})
        await home.restored()
        assert await _notes(home) == []


async def test_without_a_passphrase_encryption_is_refused(home: Running) -> None:
    refused = await home.browser.post("/api/v1/backups", json={"encrypt": True})
    assert refused.status_code == 422 and "MEDIANEST_BACKUP_PASSPHRASE" in refused.text


@pytest.mark.full
async def test_admins_hear_of_a_backup_that_was_not_made(home: Running) -> None:
    async with home.services.db.begin() as tx:
        await tx.execute(text("UPDATE medianest_versions SET version_num = 'unknown'"))
    answer = await home.browser.post("/api/v1/backups", json={})
    job = await home.job_done(answer.json()["job_id"])
    assert job.state.value == "failed" and "did not pass its test" in job.error
    inbox = (await home.browser.get("/api/v1/notifications")).json()
    assert inbox["items"][0]["title"] == "No backup was made"
    assert "The last backup was not made" in (await home.browser.get("/admin/backups")).text
    assert list(home.folder.iterdir()) == []
