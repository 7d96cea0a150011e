"""Groups and lists of settings with secrets, on the pages of a service and over the API."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from medianest_core.sdk.settings import MASK
from medianest_core.web.portal.app import Portal
from medianest_core.web.rest.mount import RestApi

PASSWORD = "correct horse"
CODE, LEFT, RIGHT = "code-canary-6101", "pin of left", "pin of right"
A, B, C = "aaaaaa", "bbbbbb", "cccccc"
FORM = {"instance_title": "My toy", "lock.sign": "open"}


class Page:
    """An admin at the form of the toy. seen: all that was answered."""

    def __init__(self, gate: Any, person: Any) -> None:
        self.instances = gate.services.host.instances
        self.client = person.client
        self.toy = gate.toy
        self.home = f"/admin/services/{gate.toy}"
        self.seen: list[str] = []

    async def get(self, path: str = "") -> str:
        answer = await self.client.get(self.home + path)
        assert answer.status_code == 200, (path, answer.status_code)
        self.seen.append(answer.text)
        return str(answer.text)

    async def post(self, fields: dict[str, Any], path: str = "", status: int = 303) -> str:
        version = str(self.instances.info(self.toy).version)
        answer = await self.client.post(self.home + path, data={"version": version} | fields)
        assert answer.status_code == status, (answer.status_code, answer.text[-3000:])
        self.seen.append(answer.text)
        return str(answer.text)

    async def in_use(self) -> tuple[str, dict[str, str]]:
        """What the plugin is given: the code, and the pin of each drawer in order."""
        await self.instances.settle(60)
        settings = self.instances.client(self.toy)
        code = settings.lock.code
        return code.reveal() if code else "", {one.label: one.pin.reveal() for one in settings.drawers}


@pytest.fixture
async def page(toy_gate: Any) -> Any:
    services = toy_gate.services
    toy_gate.serve([*RestApi(services).routes(), *Portal(services).routes()])
    found = Page(toy_gate, await toy_gate.person("admin", role="admin"))
    await found.post(FORM | {"lock.code": CODE} | drawers((A, "left", LEFT), (B, "right", RIGHT)))
    yield found
    for secret in (CODE, LEFT, RIGHT, "right-key"):
        assert not [text for text in found.seen if secret in text], secret


def drawers(*given: tuple[str, str, str]) -> dict[str, Any]:
    """Form fields of drawers: (id, label, pin)."""
    fields: dict[str, Any] = {"drawers": [entry for entry, _, _ in given]}
    for entry, label, pin in given:
        fields |= {f"drawers.{entry}.label": label, f"drawers.{entry}.pin": pin}
    return fields


def told(page: str) -> str:
    """The words of a page."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


async def test_entries_are_edited_and_their_secrets_never_shown(page: Page) -> None:
    assert await page.in_use() == (CODE, {"left": LEFT, "right": RIGHT})
    shown = await page.get()
    assert shown.count(">Stored</span>") == 4, "the key, the code and two pins"
    assert f'name="drawers" value="{A}"' in shown and 'name="lock.code__clear"' in shown
    assert "drawers.--new-entry--.pin" in shown, "a blank one for the script"

    await page.post(FORM | drawers((B, "right", ""), (C, "new", "pin of new"), (A, "first", "")))
    assert await page.in_use() == (CODE, {"right": RIGHT, "new": "pin of new", "first": LEFT})
    await page.post(FORM | {"lock.code__clear": "1"} | drawers((A, "first", "")))
    assert await page.in_use() == ("", {"first": LEFT})


async def test_without_a_script_an_entry_is_added_and_removed(page: Page) -> None:
    shown = await page.get()
    (spare,) = re.findall(r'name="drawers__spare" value="([a-z0-9]+)"', shown)
    fields = drawers((A, "left", ""), (B, "right", "")) | {
        f"drawers.{A}__remove": "1",
        "drawers__spare": spare,
        f"drawers.{spare}.label": "new",
        f"drawers.{spare}.pin": "pin of new",
    }
    await page.post(FORM | fields)
    assert (await page.in_use())[1] == {"right": RIGHT, "new": "pin of new"}


async def test_a_refused_form_keeps_what_is_typed_but_for_secrets(page: Page) -> None:
    typed = drawers((B, "second", ""), (C, "", "typed-canary-1"), (A, "left", "typed-canary-2"))
    shown = await page.post(FORM | {"lock.sign": "ajar", "lock.code": "typed-canary-3"} | typed, status=422)
    assert 'value="ajar"' in shown and 'value="second"' in shown and "typed-canary" not in shown
    assert shown.count("Type this again: nothing was saved yet.") == 3
    assert shown.count("This is needed.") == 1
    assert shown.count(">Stored</span>") == 4, "the key, the code, and the pins of what is stored"
    assert (await page.in_use())[1] == {"left": LEFT, "right": RIGHT}


async def test_what_is_typed_is_tried_with_the_secrets_that_are_stored(page: Page) -> None:
    result = told(await page.post(drawers((B, "right", ""), (C, "new", "pin of new")), "/test", 200))
    assert "The toy works." in result and "right: opens" in result and "new: opens" in result
    wrong = told(await page.post(drawers((B, "right", ""), (C, "new", "")), "/test", 200))
    assert "Drawers · new: Pin: This is needed." in wrong


async def test_whoever_was_slower_sees_what_was_added_meanwhile(page: Page) -> None:
    version = str(page.instances.info(page.toy).version)
    await page.post(FORM | drawers((A, "renamed", ""), (B, "right", ""), (C, "new", "pin of new")))
    mine = FORM | {"version": version} | drawers((B, "right", ""), (A, "left", ""))
    stale = await page.post(mine, status=409)
    assert "Saved by someone else: renamed" in stale and "Only in what they saved." in stale
    assert stale.index(f'value="{B}"') < stale.index(f'value="{A}"') < stale.index(f'value="{C}"')
    assert (await page.in_use())[1] == {"renamed": LEFT, "right": RIGHT, "new": "pin of new"}


async def test_the_history_tells_and_brings_back(page: Page) -> None:
    await page.post(FORM | {"lock.code": "another-canary"} | drawers((A, "left", "pin-canary")))
    listed = told(await page.get("/history"))
    assert "Lock: Code, Drawers, Drawers · right: Label, Drawers · right: Pin and 2 more" in listed, listed
    newest, earlier, _ = re.findall(r'href="/admin/services/[^"]+(/history/\d+)"', await page.get("/history"))
    change = told(await page.get(newest))
    assert "Drawers left, right left" in change, change
    assert "Drawers · right: Label right (empty)" in change
    assert "Lock: Code A secret: it was changed, and neither value is kept." in change
    past = told(await page.get(earlier))
    assert "secrets are not kept: Key, Lock: Code, Drawers · left: Pin." in past
    assert "Drawers · right: Pin" in past and "not stored any more" in past
    refused = told(await page.post({"password": PASSWORD}, f"{earlier}/restore", 422))
    assert "This is needed." in refused
    await page.post({"password": PASSWORD, f"again_drawers.{B}.pin": RIGHT}, f"{earlier}/restore")
    assert await page.in_use() == ("another-canary", {"left": "pin-canary", "right": RIGHT})
    page.seen = [text for text in page.seen if "canary" in text]
    assert page.seen == []


async def test_the_api_masks_keeps_and_removes_them(page: Page) -> None:
    path = f"/api/v1/services/{page.toy}"
    shown = (await page.client.get(path)).json()
    settings = shown["settings"]
    assert settings["lock"] == {"sign": "open", "code": MASK}
    assert settings["drawers"] == [
        {"_id": A, "label": "left", "pin": MASK, "wide": False},
        {"_id": B, "label": "right", "pin": MASK, "wide": False},
    ]

    async def patch(settings: dict[str, Any], status: int = 200) -> Any:
        version = page.instances.info(page.toy).version
        answer = await page.client.patch(path, json={"settings": settings, "version": version})
        assert answer.status_code == status, answer.text
        page.seen.append(answer.text)
        return answer.json()

    masked = await patch({"drawers": settings["drawers"]}, 422)
    assert f"drawers.{A}.pin" in str(masked) and "not its mask" in str(masked)
    await patch({"drawers": [{"_id": B, "label": "right"}, {"label": "new", "pin": "pin of new"}]})
    assert await page.in_use() == (CODE, {"right": RIGHT, "new": "pin of new"})
    await patch({"word": "bye"})
    assert await page.in_use() == (CODE, {"right": RIGHT, "new": "pin of new"})
    await patch({"lock": {"code": None}, "drawers": []})
    assert await page.in_use() == ("", {})
    lost = await patch({"drawers": [{"_id": B, "label": "right"}]}, 422)
    assert f"drawers.{B}.pin" in str(lost) and "This is needed." in str(lost)
    history = await page.client.get(f"{path}/history")
    page.seen.append(history.text)
    assert history.json()[0]["secrets"] == ["lock.code"]
