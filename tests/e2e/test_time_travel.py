"""Two servers that show one film differently: why it looks as it does, a lock that a sync leaves alone, and the way back."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import Demo, eventually, start_demo, stop_demo
from tests.e2e.conftest import NewPage
from tests.e2e.steps import sign_in_admin

pytestmark = [pytest.mark.browser, pytest.mark.full]

ITEMS = "12"
FIELD = re.compile("^Description$")


@pytest.fixture
def household(tmp_path: Path) -> Iterator[tuple[Demo, str]]:
    """A portal with a Plex server, and the address of a second one with the same films, but other posters and captions."""
    command = [
        *(sys.executable, "-m", "medianest_core.cli", "sim", "plex", "--json"),
        *("--items", ITEMS, "--seed", "2"),
    ]
    other = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert other.stdout is not None
    running = start_demo(tmp_path, "--items", ITEMS, only=("plex",))
    try:
        told = json.loads(other.stdout.readline())
        yield running, json.dumps({"url": told["url"], "token": told["facts"]["owner_token"]})
    finally:
        stop_demo(running)
        other.terminate()
        other.wait(60)


def test_a_title_is_explained_locked_synced_and_rolled_back(
    household: tuple[Demo, str], new_page: NewPage
) -> None:
    demo, told = household
    second = json.loads(told)
    page = new_page()
    sign_in_admin(page, demo)
    film = _captioned(page, demo)
    key = _places(page, demo, film)[0]["key"]
    # Captions stand in a title's details, which are read after its listing.
    eventually(lambda: _captions(page, demo, film), within=90, every=1.0)
    upstairs = _captions(page, demo, film)
    _edit(second["url"], key, {"summary": "The cellar tells it otherwise.", "tagline": "From the cellar."})
    answer = page.request.post(
        f"{demo.url}/api/v1/services",
        data={"plugin": "plex", "service": "plex", "title": "Cellar", "settings": second},
        headers={"Origin": demo.url},
    )
    assert answer.status == 201, answer.text()
    eventually(lambda: len(_places(page, demo, film)) == 2, within=90, every=1.0)
    eventually(lambda: len(_captions(page, demo, film) - upstairs) == 1, within=90, every=1.0)
    (language,) = _captions(page, demo, film) - upstairs

    page.goto(f"{demo.url}/title/{film['id']}")
    page.get_by_role("link", name="Why does it look like this?").click()
    page.wait_for_url(re.compile(r"/why$"))
    poster = page.locator("#why-assets-poster")
    poster.get_by_text("2 servers offer a value").click()
    expect(poster.locator("details img")).to_have_count(2)
    pictures = [_picture(one.get_attribute("src") or "") for one in poster.locator("details img").all()]
    assert len({page.request.get(f"{demo.url}/img/{one}?w=320").body() for one in pictures}) == 2
    caption = page.locator(f"#why-captions-{language}")
    expect(caption.locator(".row-end").first).to_contain_text("Cellar")
    row = page.locator("#why-summary")
    expect(row.locator(".row-note").first).to_contain_text("in the order of servers")
    fold = row.get_by_text("2 servers offer a value")
    fold.focus()
    page.keyboard.press("Enter")
    offer = row.locator("details .row", has_text="Cellar")
    expect(offer).to_contain_text("The cellar tells it otherwise.")
    offer.get_by_role("button", name="Lock this").click()
    expect(page.locator("#why-summary > .row-end")).to_contain_text("Locked")

    _prefer_cellars_posters(page, demo, film)

    _edit(second["url"], key, {"summary": "The cellar again.", "tagline": "Another line."})
    _edit(demo.simulators["plex"], key, {"summary": "Upstairs again."})
    _sync(page, demo)
    eventually(lambda: "Another line." in _text(page, demo, film), within=60, every=1.0)
    assert "The cellar tells it otherwise." in _text(page, demo, film), "locks win"

    page.goto(f"{demo.url}/title/{film['id']}/why/history?part=tagline")
    changed = page.locator(".row", has_text="Another line.")
    expect(changed).to_contain_text("From the cellar.")
    changed.get_by_role("button", name="Roll back", exact=True).click()
    page.wait_for_url(re.compile(r"/why/history$"))
    expect(page.locator(".row").first).to_contain_text("Rolled back")
    assert "From the cellar." in _text(page, demo, film)
    page.goto(f"{demo.url}/title/{film['id']}/why")
    expect(page.locator("#why-tagline")).to_contain_text("Held since it was rolled back")
    _edit(second["url"], key, {"tagline": "A third line."})
    _sync(page, demo)
    eventually(lambda: "A third line." in _text(page, demo, film), within=60, every=1.0)
    page.goto(f"{demo.url}/title/{film['id']}/why")
    expect(page.locator("#why-tagline")).not_to_contain_text("Held")
    page.locator("#why-summary").get_by_role("button", name="Unlock").click()
    expect(page.locator("#why-summary > .row-end")).not_to_contain_text("Locked")
    assert "tells it otherwise" not in _text(page, demo, film)


def _prefer_cellars_posters(page: Page, demo: Demo, film: dict[str, Any]) -> None:
    """Change the order of pictures: looked at first, nothing changes before it is saved, and then it is as it was shown."""
    chosen = page.request.get(f"{demo.url}/title/{film['id']}")
    page.goto(f"{demo.url}/admin/sync/priorities?group=artwork")
    row = page.locator("[data-source]", has=page.locator(".row-title", has_text="Cellar"))
    cellar = row.get_attribute("data-source")
    last = page.locator("[data-source]").last
    mover = "up" if last.get_attribute("data-source") == cellar else "down"
    page.locator(f"#{mover}-{cellar}").press("Enter")
    example = page.locator("#prospect .ranking-example", has=page.locator(f"a[href$='/title/{film['id']}']"))
    swap = example.locator(".ranking-swap", has_text="Poster").locator("img")
    expect(swap).to_have_count(2)
    before, after = (_picture(one.get_attribute("src") or "") for one in swap.all())
    assert before in chosen.text() and before in _text(page, demo, film)
    page.get_by_role("button", name="Save", exact=True).press("Enter")
    expect(page.locator("body")).to_contain_text("Saved.")
    eventually(lambda: after in _text(page, demo, film), within=60, every=1.0)
    assert before not in _text(page, demo, film)


def _captioned(page: Page, demo: Demo) -> dict[str, Any]:
    """The film that the second server has captions of in one more language."""

    def there() -> dict[str, Any] | None:
        return next((one for one in _films(page, demo) if one["title"] == "Nine Quiet Winters"), None)

    found: dict[str, Any] = eventually(there, within=60, every=1.0)
    return found


def _captions(page: Page, demo: Demo, film: dict[str, Any]) -> set[str]:
    """Languages."""
    title = page.request.get(f"{demo.url}/api/v1/library/titles/{film['id']}").json()
    return set(title["values"].get("captions") or {})


def _picture(address: str) -> str:
    found = re.search(r"/img/([^?]+)", address)
    assert found, address
    return found[1]


def _films(page: Page, demo: Demo) -> list[dict[str, Any]]:
    answer = page.request.get(f"{demo.url}/api/v1/library/titles?kind=movie&limit=20").json()
    found: list[dict[str, Any]] = answer["items"]
    return found


def _places(page: Page, demo: Demo, film: dict[str, Any]) -> list[dict[str, Any]]:
    answer = page.request.get(f"{demo.url}/api/v1/library/titles/{film['id']}").json()
    found: list[dict[str, Any]] = answer["availability"]
    return found


def _text(page: Page, demo: Demo, film: dict[str, Any]) -> str:
    return page.request.get(f"{demo.url}/title/{film['id']}").text()


def _edit(url: str, key: str, values: dict[str, Any]) -> None:
    body = json.dumps(values).encode()
    request = Request(f"{url}/_sim/items/{key}", data=body, method="PATCH")
    request.add_header("Content-Type", "application/json")
    with urlopen(request, timeout=60) as reply:
        assert reply.status == 200


def _sync(page: Page, demo: Demo) -> None:
    answer = page.request.post(f"{demo.url}/api/v1/sync", data={}, headers={"Origin": demo.url})
    assert answer.status == 202, answer.text()
