"""A playlist, from the pasted link to files that play and a collection at the media server; and that it is its owner's alone."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import imageio_ffmpeg
import pytest
from playwright.sync_api import Page, WebSocket, expect

from medianest_core.host.calls import RULES
from medianest_core.sdk.downloads import Downloader
from tests.conftest import Demo, eventually, start_demo, stop_demo
from tests.databases import prepare
from tests.e2e.conftest import NewPage
from tests.e2e.steps import sign_in_admin, sign_in_member
from tests.servers import Postgres, Redis

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
PLAYLIST = "Odds and ends"
"""The simulated site's playlist of four films, one that is private and one that was removed."""
FILMS = 4
SLOW = 250_000
"""Bytes a second of one film while its progress is watched; an item then takes some ten seconds."""


@pytest.fixture(scope="module", params=["embedded", pytest.param("shared", marks=pytest.mark.full)])
def demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo on what it brings, and on PostgreSQL and Redis."""
    if request.param == "embedded":
        yield request.getfixturevalue("demo")
        return
    with ExitStack() as stack:
        cluster, redis = Postgres(), Redis()
        for server in (cluster, redis):
            stack.callback(server.close)
            server.start()
        prepare(cluster)
        stores = {"MEDIANEST_DATABASE_URL": cluster.make_database(), "MEDIANEST_REDIS_URL": redis.url}
        running = start_demo(tmp_path_factory.mktemp("shared"), env=stores)
        stack.callback(stop_demo, running)
        yield running


@pytest.fixture
def unhurried(demo: Demo) -> Iterator[None]:
    """The video site sends slowly, afterwards as before."""
    before = demo.sim("youtube", "/_sim/site")
    demo.sim("youtube", "/_sim/site", "PUT", {"bytes_per_second": SLOW})
    yield
    demo.sim("youtube", "/_sim/site", "PUT", {"bytes_per_second": before["bytes_per_second"]})


def test_a_playlist_becomes_files_and_a_collection_for_its_owner_alone(
    demo: Demo, unhurried: None, new_page: NewPage
) -> None:
    admin, casey, jordan = new_page(), new_page(), new_page()
    frames = _frames(jordan)
    sign_in_admin(admin, demo)
    sign_in_member(casey, admin, demo, "casey")
    sign_in_member(jordan, admin, demo, "jordan")
    jordan.goto(f"{demo.url}/downloads")
    expect(jordan.locator("[data-live-indicator]")).to_have_attribute("data-state", "live")

    download_id = _submit(casey, demo)
    _progress_is_live(casey, download_id)
    demo.sim("youtube", "/_sim/site", "PUT", {"bytes_per_second": None})
    badge = casey.locator("#download .page-head .badge")
    expect(badge).to_have_text(re.compile("Done|Failed"), timeout=120_000)
    told = casey.request.get(f"{demo.url}/api/v1/downloads/{download_id}").json()
    assert [item["status"] for item in told["items"]] == ["done"] * FILMS, told["items"]
    expect(badge).to_have_text("Done")
    assert casey.evaluate("window.neverLeft") is True, "the page had to be loaded again to go on"

    files = _files_play(demo, told)
    _the_owner_can_play_and_save(casey, demo, download_id, told)
    _the_collection_holds_each_once(demo, files)
    expect(casey.get_by_role("link", name="Open the collection")).to_be_visible()
    assert admin.request.get(f"{demo.url}/downloads/{download_id}").status == 200
    _for_others_it_does_not_exist(jordan, demo, download_id, told)
    _nothing_was_sent(jordan, frames, download_id, told)


def _frames(page: Page) -> list[str]:
    """Everything that the page's sockets will receive, as text."""
    received: list[str] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda payload: received.append(str(payload)))

    page.on("websocket", listen)
    return received


def _submit(page: Page, demo: Demo) -> str:
    """Paste, look, download; returns the id. What cannot be had is named and cannot be chosen."""
    page.goto(f"{demo.url}/downloads")
    page.get_by_label("Link").fill(demo.sim("youtube", "/_sim/facts")["mixed_playlist_url"])
    # Other parts of the page may load themselves meanwhile.
    page.evaluate(
        "document.addEventListener('htmx:beforeSend', ({detail}) => {"
        " if (detail.requestConfig.path.includes('/inspect')) window.patience = detail.requestConfig.timeout })"
    )
    page.get_by_role("button", name="Look").click()
    preview = page.locator("#preview")
    expect(preview.get_by_role("heading", name=PLAYLIST)).to_be_visible(timeout=60_000)
    allowed = RULES[Downloader]["inspect"].deadline
    assert page.evaluate("window.patience") > allowed * 1000, "the page gives up before the downloader does"
    picks = preview.locator("label.pick")
    expect(picks).to_have_count(FILMS + 2)
    for word in ("Private", "Removed"):
        gone = picks.filter(has_text=word)
        expect(gone).to_have_count(1)
        expect(gone.get_by_role("checkbox")).to_be_disabled()
    assert preview.locator("label.pick input:checked").count() == FILMS
    assert "Videos" in (preview.get_by_label("File it into").locator("option:checked").text_content() or "")
    preview.get_by_label("Quality").select_option("720")
    preview.get_by_role("button", name="Download", exact=True).click()
    page.wait_for_url(re.compile(r"/downloads/[0-9a-f-]{36}$"))
    page.evaluate("window.neverLeft = true")
    return page.url.rpartition("/")[2]


def _progress_is_live(page: Page, download_id: str) -> None:
    """The bar moves again and again, a second or so after the last time."""
    bar = f'[data-progress="download/{download_id}"] progress'
    page.wait_for_function("bar => document.querySelector(bar)?.value > 0", arg=bar, timeout=60_000)
    for _ in range(4):
        page.wait_for_function(
            "([bar, old]) => document.querySelector(bar).value > old",
            arg=[bar, page.evaluate("bar => document.querySelector(bar).value", bar)],
            timeout=60_000,
        )
    row = page.locator(f'[data-progress="download/{download_id}"]')
    expect(row.locator("[data-part=rate]")).to_have_text(re.compile(r"\d.*B/s"))
    expect(row.locator("[data-part=percent]")).to_have_text(re.compile(r"\d+\s?%"))


def _files_play(demo: Demo, told: dict[str, Any]) -> list[Path]:
    """ffmpeg reads each film to its end; beside each lies its NFO and its picture."""
    folder = demo.data_dir / "downloads" / told["download"]["folder"]
    films = sorted(folder.glob("*.mp4"))
    assert len(films) == FILMS
    for film in films:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-xerror", "-i", str(film)]
        run = subprocess.run([*command, "-f", "null", "-"], capture_output=True, text=True, timeout=60)
        assert (run.returncode, run.stderr) == (0, ""), film.name
        assert film.with_suffix(".nfo").is_file()
        assert film.with_suffix(".jpg").is_file()
    stored = {file["path"] for item in told["items"] for file in item["files"] if file["kind"] == "media"}
    assert {str(film.relative_to(demo.data_dir / "downloads")) for film in films} == stored
    return films


def _the_owner_can_play_and_save(page: Page, demo: Demo, download_id: str, told: dict[str, Any]) -> None:
    for file in _media(told):
        answer = page.request.get(
            f"{demo.url}/downloads/{download_id}/files/{file['id']}", headers={"Range": "bytes=100-199"}
        )
        assert answer.status == 206
        assert len(answer.body()) == 100
        assert answer.headers["content-range"] == f"bytes 100-199/{file['size']}"
    page.locator("#download article").first.get_by_role("link", name="Play").click()
    player = page.locator("video.player")
    expect(player).to_be_visible()
    page.wait_for_function("() => document.querySelector('video.player').duration > 1")
    saved = page.request.get(f"{demo.url}/downloads/{download_id}/files/{_media(told)[0]['id']}?save=1")
    assert saved.headers["content-disposition"].startswith("attachment")


def _media(told: dict[str, Any]) -> list[dict[str, Any]]:
    return [file for item in told["items"] for file in item["files"] if file["kind"] == "media"]


def _the_collection_holds_each_once(demo: Demo, films: list[Path]) -> None:
    """What the media server says now, and that nothing was put in twice on the way."""
    named = [one for one in _plex(demo, "/library/sections/{Videos}/collections") if one["title"] == PLAYLIST]
    assert len(named) == 1
    members = _plex(demo, f"/library/collections/{named[0]['ratingKey']}/items")
    paths = Counter(member["Media"][0]["Part"][0]["file"] for member in members)
    assert [paths[str(film)] for film in films] == [1] * FILMS
    created = [one["facts"] for one in demo.ledger("plex", "collection.created")]
    added = [one["facts"] for one in demo.ledger("plex", "collection.items_added")]
    key = int(named[0]["ratingKey"])
    put = [item for one in created if one["rating_key"] == key for item in one["items"]]
    put += [item for one in added if one["rating_key"] == key for item in one["asked"]]
    assert max(Counter(put).values()) == 1
    assert len([one for one in created if one["title"] == PLAYLIST]) == 1


def _plex(demo: Demo, path: str) -> list[dict[str, Any]]:
    """Metadata that the simulated media server answers to its owner; {Library} stands for a section's key."""
    facts = demo.sim("plex", "/_sim/facts")
    request = Request(
        demo.simulators["plex"] + path.format(**facts["sections"]),
        headers={"X-Plex-Token": facts["owner_token"], "Accept": "application/json"},
    )
    with urlopen(request, timeout=60) as reply:
        found: list[dict[str, Any]] = json.load(reply)["MediaContainer"].get("Metadata", [])
    return found


def _for_others_it_does_not_exist(page: Page, demo: Demo, download_id: str, told: dict[str, Any]) -> None:
    """By page, fragment, API and file: the same answer as for something that never was."""
    file = _media(told)[0]["id"]
    one = f"/downloads/{download_id}"
    paths = [one, f"/fragments{one}", f"{one}/files/{file}", f"{one}/files/{file}?save=1"]
    paths += [f"/api/v1{one}", f"/api/v1{one}/items", f"/api/v1/downloads/files/{file}"]
    for path in paths:
        never = path.replace(download_id, "0" * 8 + download_id[8:]).replace(file, "0" * 8 + file[8:])
        assert page.request.get(demo.url + path).status == 404, path
        assert page.request.get(demo.url + never).status == 404, never
    for path in (f"{one}/cancel", f"{one}/remove", f"/api/v1{one}/cancel"):
        headers = {"Origin": demo.url, "Sec-Fetch-Site": "same-origin"}
        assert page.request.post(demo.url + path, headers=headers, form={}).status == 404, path
    page.goto(f"{demo.url}/downloads")
    expect(page.get_by_text("No downloads yet")).to_be_visible()
    listed = page.request.get(f"{demo.url}/api/v1/downloads?everyone=true")
    assert listed.status == 403 or listed.json()["items"] == []


def _nothing_was_sent(page: Page, frames: list[str], download_id: str, told: dict[str, Any]) -> None:
    """The other person's socket heard the library change, and nothing of the download."""
    # Frames are told while the page is asked something.
    eventually(
        lambda: page.evaluate("1") and any("library:changed" in frame for frame in frames),
        what="an event for everyone",
    )
    secret = [download_id, *(item["id"] for item in told["items"]), "download:", "job:"]
    assert [frame for frame in frames if any(word in frame for word in secret)] == []
