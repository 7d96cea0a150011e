"""A list of settings with a secret each: edited in the browser, where no stored secret ever arrives."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import NewPage
from tests.e2e.processes import PYTHON, Portal, environment, portal
from tests.e2e.steps import sign_in_local

pytestmark = [pytest.mark.full, pytest.mark.browser]
PASSWORD = "correct horse battery"
SOURCE = '''
"""Opens doors."""

from pydantic import Field

from medianest_core.sdk import CheckResult, Manifest, Secret, ServiceSettings, ServiceType, SettingsGroup, hookimpl

manifest = Manifest("doors", title="Doors", api="1.0", description="Opens doors.")


class Lock(SettingsGroup):
    code: Secret | None = Field(None, description="Where the house has one.")


class Door(SettingsGroup):
    name: str = Field(title="Label", description="What is written on it.")
    word: Secret = Field(description="What opens it.")
    heavy: bool = False
    keepers: list[str] = Field(default_factory=list)


class Settings(ServiceSettings):
    lock: Lock = Lock()
    doors: list[Door] = Field(default_factory=list, description="One after the other.")


async def check(settings, client):
    doors = " ".join(f"{one.name}:{len(one.word.reveal())}" for one in settings.doors)
    code = len(settings.lock.code.reveal()) if settings.lock.code else 0
    return CheckResult("They open.", details={"Opened": f"code:{code} {doors}"})


@hookimpl
def register_services():
    return [ServiceType("house", Settings, "House", check=check)]
'''
"""It says how long each secret is, which tells them apart without showing one."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Portal]:
    data = tmp_path / "portal"
    command = [*PYTHON, "users", "create-admin", "root", "--data-dir", str(data)]
    subprocess.run(command, check=True, env=environment(MEDIANEST_ADMIN_PASSWORD=PASSWORD), cwd=tmp_path)
    (data / "plugins").mkdir(exist_ok=True)
    (data / "plugins" / "doors.py").write_text(SOURCE)
    with portal(data, link=False) as running_portal:
        yield running_portal


def add(page: Page, name: str, word: str, keeper: str = "") -> None:
    page.get_by_role("button", name="Add another").last.click()
    entry = page.locator("[data-entry]").last
    expect(entry.get_by_label("Label")).to_be_focused()
    entry.get_by_label("Label").fill(name)
    entry.get_by_label("Word").fill(word)
    if keeper:
        entry.get_by_role("button", name="Add another").click()
        entry.get_by_role("textbox", name="Keepers").last.fill(keeper)


def opened(page: Page) -> None:
    """Ask for a test of what stands in the form."""
    page.get_by_role("button", name="Test connection").click()


def test_entries_are_added_moved_and_removed_with_their_secrets(served: Portal, new_page: NewPage) -> None:
    page = new_page(viewport={"width": 1280, "height": 900})
    received: list[str] = []
    page.on(
        "response",
        lambda reply: (
            received.append(reply.text())
            if "text/html" in reply.headers.get("content-type", "") and reply.status == 200
            else None
        ),
    )
    sign_in_local(page, served.url, "root", PASSWORD)
    page.goto(f"{served.url}/admin/services/add/doors/house")
    page.get_by_label("Code").fill("c" * 9)
    add(page, "front", "f" * 11, "ann")
    add(page, "back", "b" * 12)
    add(page, "side", "s" * 13)
    expect(page.get_by_text("Not saved yet")).to_be_visible()
    opened(page)
    expect(page.locator("#form-test")).to_contain_text("code:9 front:11 back:12 side:13")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("House")

    entries = page.locator("[data-entry]")
    expect(entries).to_have_count(3)
    expect(page.locator(".badge", has_text="Stored")).to_have_count(4)
    expect(entries.first.get_by_role("textbox", name="Keepers")).to_have_value("ann")
    # The last one comes first, by keyboard, and the one in the middle goes.
    for still in ("Move up: side", "Move down: side"):
        page.get_by_role("button", name="Move up: side").press("Enter")
        expect(page.get_by_role("button", name=still)).to_be_focused()
    page.get_by_role("button", name="Remove: front").click()
    expect(page.locator("[data-entry] strong")).to_have_text(["side", "back"])
    entries.last.get_by_role("button", name="Replace").click()
    entries.last.get_by_label("Word").fill("n" * 20)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("[data-entry] strong")).to_have_text(["side", "back"])
    expect(page.get_by_text("Not saved yet")).to_be_hidden()
    opened(page)
    expect(page.locator("#form-test")).to_contain_text("code:9 side:13 back:20")

    # What is wrong stands at its entry, and what was typed as a secret has to be typed again.
    page.get_by_role("button", name="Move down: side").click()
    add(page, "", "z" * 30)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(entries.last.get_by_text("This is needed.")).to_be_visible()
    expect(entries.last.get_by_text("Type this again")).to_be_visible()
    expect(entries).to_have_count(3)
    entries.last.get_by_label("Label").fill("new")
    entries.last.get_by_label("Word").fill("z" * 30)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("[data-entry] strong")).to_have_text(["back", "side", "new"])
    opened(page)
    expect(page.locator("#form-test")).to_contain_text("code:9 back:20 side:13 new:30")
    for secret in ("c" * 9, "f" * 11, "b" * 12, "s" * 13, "n" * 20, "z" * 30):
        assert not [text for text in received if secret in text], secret


def test_it_works_without_a_script(served: Portal, new_page: NewPage) -> None:
    page = new_page(java_script_enabled=False, viewport={"width": 390, "height": 844})
    sign_in_local(page, served.url, "root", PASSWORD)
    page.goto(f"{served.url}/admin/services/add/doors/house")
    for name in ("front", "back"):
        entry = page.locator("[data-entry]").last
        entry.get_by_label("Label").fill(name)
        entry.get_by_label("Word").fill(f"word of {name}")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.locator("[data-entry] strong").filter(has_text=name)).to_be_visible()
    page.locator("[data-entry]").first.locator("label:has([name$='__remove'])").click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("[data-entry] strong")).to_have_text(["back", "New entry"])
