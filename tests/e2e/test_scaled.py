"""The portal scaled out, as a browser sees it: nginx under a sub-path, two web processes, a worker, PostgreSQL and Redis."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import imageio_ffmpeg
import pytest
from playwright.sync_api import Browser, Page, WebSocket, expect

from tests.conftest import eventually
from tests.e2e.conftest import NewPage
from tests.e2e.nginx import Nginx
from tests.e2e.steps import sign_in_local
from tests.integration.crash.town import Town, ask

pytestmark = [pytest.mark.browser, pytest.mark.full, pytest.mark.timeout(400)]
PLAYLIST = "Odds and ends"
FILMS = 4
SLOW = 120_000
"""Bytes a second of one film while its progress is watched."""
ROOT = "/medianest"
PATIENCE = 120_000
"""Milliseconds for what other processes have to do."""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    settings = {"MEDIANEST_ROOT_PATH": ROOT, "MEDIANEST_TRUSTED_PROXIES": "127.0.0.1"}
    with Town(tmp_path_factory.mktemp("town"), scaled=True, settings=settings, pace=SLOW) as made:
        yield made


@pytest.fixture(scope="module")
def nginx(town: Town) -> Iterator[Nginx]:
    """Doors: to both web processes in turn, to each alone, and one that lets no websocket through."""
    first, second = (one.port or 0 for one in town.webs)
    doors = {"all": [first, second], "first": [first], "second": [second], "deaf": [second]}
    server = Nginx(doors, deaf=["deaf"])
    try:
        server.start()
        yield server
    finally:
        server.close()


def _sockets(page: Page) -> list[str]:
    """Addresses of the websockets that the page will open."""
    opened: list[str] = []

    def note(socket: WebSocket) -> None:
        opened.append(socket.url)

    page.on("websocket", note)
    return opened


def _api(page: Page, url: str) -> Any:
    return page.request.get(url).json()


def test_submitted_here_done_there_and_seen_elsewhere(town: Town, nginx: Nginx, new_page: NewPage) -> None:
    """One process takes the submission, the worker does it, the other process shows how it goes; Redis forgets all midway."""
    first, second = nginx.url("first"), nginx.url("second")
    page = new_page()
    sign_in_local(page, first, town.admin["username"], town.admin["password"])
    download_id = _submit(page, first, town)

    # The same browser: a session of one process is one of all.
    other = page.context.new_page()
    opened = _sockets(other)
    other.goto(f"{second}/downloads/{download_id}")
    expect(other.locator("[data-live-indicator]")).to_have_attribute("data-state", "live", timeout=60_000)
    assert opened and all(f"{ROOT}/live/socket.io/" in one for one in opened), opened
    bar = f'[data-progress="download/{download_id}"] progress'
    other.wait_for_function("bar => document.querySelector(bar)?.value > 0", arg=bar, timeout=PATIENCE)
    other.evaluate("window.neverLeft = true")
    _the_worker_does_it(town)

    assert town.redis is not None
    town.redis.flush()
    ask(f"{town.site.url}/_sim/site", {"bytes_per_second": None})
    expect(other.locator("#download .page-head .badge")).to_have_text("Done", timeout=PATIENCE)
    assert other.evaluate("window.neverLeft") is True, "the page had to be loaded again to go on"
    expect(page.locator("#download .page-head .badge")).to_have_text("Done", timeout=PATIENCE)
    told = _api(other, f"{second}/api/v1/downloads/{download_id}")
    assert [item["status"] for item in told["items"]] == ["done"] * FILMS, told["items"]
    assert told["download"]["filing"]["stage"] == "done", told["download"]["filing"]
    _files_play(town)
    _one_collection(town)
    expect(other.get_by_role("link", name="Open the collection")).to_be_visible()
    # Nobody was signed out by what Redis forgot.
    assert page.request.get(f"{first}/api/v1/me").ok and page.request.get(f"{second}/api/v1/me").ok


def _submit(page: Page, url: str, town: Town) -> str:
    page.goto(f"{url}/downloads")
    page.get_by_label("Link").fill(town.site.facts["mixed_playlist_url"])
    page.get_by_role("button", name="Look").click()
    preview = page.locator("#preview")
    expect(preview.get_by_role("heading", name=PLAYLIST)).to_be_visible(timeout=PATIENCE)
    assert "Videos" in (preview.get_by_label("File it into").locator("option:checked").text_content() or "")
    preview.get_by_label("Quality").select_option("360")
    preview.get_by_role("button", name="Download", exact=True).click()
    page.wait_for_url(re.compile(rf"{re.escape(url)}/downloads/[0-9a-f-]{{36}}$"))
    return page.url.rpartition("/")[2]


def _the_worker_does_it(town: Town) -> None:
    worker = next(one for one in town.members if one.role == "worker")
    running = town.rows("SELECT worker FROM jobs WHERE name = 'downloads.item' AND state = 'leased'")
    assert running
    assert {row["worker"].split(":")[1] for row in running} == {str(worker.pid)}


def _files_play(town: Town) -> None:
    films = sorted(town.downloads.glob(f"*/{PLAYLIST}/*.mp4"))
    assert len(films) == FILMS
    for film in films:
        command = [
            imageio_ffmpeg.get_ffmpeg_exe(),
            "-v",
            "error",
            "-xerror",
            "-i",
            str(film),
            "-f",
            "null",
            "-",
        ]
        run = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert (run.returncode, run.stderr) == (0, ""), film.name


def _one_collection(town: Town) -> None:
    created = town.effects(town.plex, "collection.created")
    assert [one["title"] for one in created] == [PLAYLIST]
    added = town.effects(town.plex, "collection.items_added")
    put = Counter([*created[0]["items"], *(key for one in added for key in one["asked"])])
    assert sorted(put.values()) == [1] * FILMS


def test_pages_work_whichever_process_answers(town: Town, nginx: Nginx, new_page: NewPage) -> None:
    url = nginx.url("all")
    page = new_page()
    opened = _sockets(page)
    sign_in_local(page, url, town.admin["username"], town.admin["password"])
    for path in ("/library", "/downloads", "/admin/services", "/admin/jobs", "/account", "/"):
        page.goto(f"{url}{path}")
        expect(page.locator("[data-live-indicator]")).to_have_attribute("data-state", "live", timeout=60_000)
    assert len(opened) >= 6
    links = page.locator("a[href^='/']").evaluate_all("found => found.map(one => one.getAttribute('href'))")
    assert links and all(one.startswith(f"{ROOT}/") or one == ROOT for one in links), links


def test_live_updates_without_websockets(town: Town, nginx: Nginx, browser: Browser) -> None:
    """A network that lets no websocket through: the page asks again and again instead, and hears the same."""
    url = nginx.url("deaf")
    # Not a watched page: the console rightly complains of the websocket that fails.
    context = browser.new_context()
    page = context.new_page()
    polls: list[str] = []
    page.on(
        "request", lambda request: polls.append(request.url) if "transport=polling" in request.url else None
    )
    sign_in_local(page, url, town.admin["username"], town.admin["password"])
    page.goto(f"{url}/admin/jobs")
    expect(page.locator("[data-live-indicator]")).to_have_attribute("data-state", "live", timeout=60_000)
    assert polls and all(f"{ROOT}/live/socket.io/" in one for one in polls)
    page.evaluate(
        "window.heard = []; document.addEventListener('mn:live', one => window.heard.push(one.detail.name))"
    )
    # Asked of the other process, done in the worker, heard here.
    other = nginx.url("first")
    started = page.request.post(f"{other}/api/v1/sync", data={}, headers={"Origin": other.removesuffix(ROOT)})
    assert started.status == 202, started.text()
    page.wait_for_function("() => window.heard.includes('job:changed')", timeout=60_000)
    context.close()


def test_who_asks_is_believed_from_known_proxies_only(town: Town, nginx: Nginx) -> None:
    """What a client says of itself changes nothing: neither past nginx, which replaces it, nor to a process directly."""
    web = town.webs[0]
    lies = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "for=203.0.113.9;proto=https;host=evil.example",
    }
    for base, peer in ((nginx.url("all"), "127.0.0.3"), (f"{web.url}{ROOT}", "127.0.0.2")):
        transport = httpx.HTTPTransport(local_address=peer)
        with httpx.Client(transport=transport, timeout=30) as client:
            origin = base.removesuffix(ROOT)
            reply = client.post(
                f"{base}/api/v1/sign-in/local", json=town.admin, headers={"Origin": origin, **lies}
            )
            assert reply.status_code == 200, reply.text
            cookie = reply.headers["set-cookie"]
            # Over http in truth: no cookie for https was made, whatever was claimed.
            assert cookie.startswith("mn=") and "secure" not in cookie.lower(), cookie
            found = client.get(f"{base}/api/v1/sessions", headers=lies).raise_for_status().json()
            assert peer in {one["ip"] for one in found} and "203.0.113.9" not in {one["ip"] for one in found}
            # The origin that was claimed by a header is not the portal's.
            refused = client.patch(
                f"{base}/api/v1/me", json={}, headers={"Origin": "https://evil.example", **lies}
            )
            assert refused.status_code == 403, refused.text


def test_a_missing_process_is_not_missed(town: Town, nginx: Nginx) -> None:
    """One web process is killed: the other answers, through the same door, and the first comes back."""
    web = town.webs[0]
    town.kill(web)
    answers = [httpx.get(f"{nginx.url('all')}/healthz", timeout=60).status_code for _ in range(20)]
    town.start(web)
    town.wait(web)
    assert answers.count(200) >= 19, answers
    eventually(lambda: httpx.get(f"{nginx.url('first')}/healthz", timeout=60).status_code == 200, within=90)
