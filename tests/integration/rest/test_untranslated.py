"""With everything gone wrong, no sentence on a page stays English for people who read another language.

The other language is made up: every message of the catalogue in ⟦brackets⟧, values and all. What stands outside of brackets
and reads like a sentence is in no catalogue, or is shown without asking for a translation.
"""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import write_po
from sqlalchemy import insert

from medianest_core.domain.downloads.queue import NO_ROOM
from medianest_core.domain.notify.service import Notifications
from medianest_core.store.tables.downloads import downloads
from medianest_core.store.tables.ledger import jobs
from medianest_core.web.portal import i18n, messages
from medianest_core.web.portal.app import Portal

GERMAN = {"accept": "text/html", "accept-language": "de"}
_SENTENCE = re.compile(r"[A-Za-z]+ [a-z]+ [a-z]+")
_BRACKETS = re.compile(r"⟦[^⟦⟧]*⟧")


class Texts(HTMLParser):
    """What a page says: its text, and the attributes that are read out or shown."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._code = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._code += tag in ("script", "style", "code", "pre")
        self.found += [
            value for name, value in attrs if name in ("title", "aria-label", "placeholder", "alt") and value
        ]

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag in ("script", "style", "code", "pre")

    def handle_data(self, data: str) -> None:
        if not self._code:
            self.found.append(data)


def english(page: str) -> list[str]:
    """Sentences outside of brackets."""
    text = "\x00".join(Texts(page).found)
    while (shorter := _BRACKETS.sub("", text)) != text:
        text = shorter
    return [" ".join(part.split()) for part in text.split("\x00") if _SENTENCE.search(part)]


@pytest.fixture
def brackets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = deepcopy(messages.gather())
    for message in catalogue:
        if message.id:
            texts = message.id if isinstance(message.id, tuple) else (message.id,)
            told = tuple(f"⟦{text}⟧" for text in texts)
            message.string = told if isinstance(message.id, tuple) else told[0]
    po = tmp_path / "locale" / "de" / "LC_MESSAGES" / "medianest.po"
    po.parent.mkdir(parents=True)
    with po.open("wb") as stream:
        write_po(stream, catalogue)
    monkeypatch.setattr(i18n, "catalogues", i18n.Catalogues(tmp_path / "locale"))


async def told(person: Any, path: str, **form: str) -> str:
    """The page at `path`, or the one that posting the form ends at."""
    client = person.client
    answer = await (
        client.post(path, data=form, headers=GERMAN) if form else client.get(path, headers=GERMAN)
    )
    if answer.status_code == 303:
        answer = await client.get(answer.headers["location"], headers=GERMAN)
    assert "⟦" in answer.text, path
    return str(answer.text)


async def test_what_went_wrong_is_told_in_the_readers_language(toy_gate: Any, brackets: None) -> None:
    house = toy_gate
    notify = Notifications(house.services.db, house.services.bus, translate=i18n.told)
    house.services = replace(house.services, notify=notify)
    house.serve(Portal(house.services).routes())
    ada = await house.person("Ada", "admin")
    host = house.services.host
    now = house.services.clock.now()
    down = "Plex is not available: No connection to plex.home:32400."
    async with house.services.db.begin() as tx:
        await tx.execute(
            insert(jobs).values(
                id="job-1",
                name="library.sync",
                queue="default",
                title="Sync the library",
                args={},
                state="failed",
                max_attempts=3,
                created_at=now,
                due_at=now,
                finished_at=now,
                error="The process that ran it ended unexpectedly, 3 times.",
            )
        )
        await tx.execute(
            insert(downloads).values(
                id="download-1",
                user_id=ada.user.id,
                instance_id=house.toy,
                url="https://videos.test/1",
                kind="video",
                title="Rain",
                quality="best",
                container="mp4",
                subtitles=[],
                folder="rain",
                status="queued",
                reason=NO_ROOM,
                position=1.0,
                filing={},
                created_at=now,
            )
        )
        await notify.notify(tx, ada.user.id, "service.down", {"title": "Plex", "reason": down})
        await notify.notify(
            tx,
            ada.user.id,
            "download.failed",
            {"title": "Rain", "reason": "You can submit 5 downloads an hour."},
        )
        alert = {
            "title": "People's access cannot be checked",
            "message": "9 titles of Films are gone at once. They are kept until an admin agrees.",
        }
        await notify.notify(tx, ada.user.id, "system.alert", alert)
    await host.set_enabled("toy", False, ada.user.id)
    pages = {
        path: await told(ada, path)
        for path in (
            "/",
            "/notifications",
            "/downloads",
            "/downloads/download-1",
            "/admin",
            "/admin/jobs?tab=all",
            "/admin/jobs/job-1",
            "/admin/services",
            f"/admin/services/{house.toy}",
            "/admin/plugins",
            "/admin/plugins/toy",
            "/admin/users",
            f"/admin/users/{ada.user.id}",
            "/account",
            "/library",
        )
    }
    assert {path: english(page) for path, page in pages.items() if english(page)} == {}
    assert "⟦No connection to plex.home:32400.⟧" in pages["/notifications"]
    assert "⟦Its plugin Toy is not running: ⟦Switched off.⟧⟧" in pages["/admin/services"]
    assert f"⟦{NO_ROOM}⟧" in pages["/downloads"]


@pytest.mark.full
async def test_what_was_typed_wrong_is_told_in_the_readers_language(toy_gate: Any, brackets: None) -> None:
    house = toy_gate
    house.serve(Portal(house.services).routes())
    ada = await house.person("Ada", "admin")
    version = str(house.services.host.instances.info(house.toy).version)
    long = await told(
        ada, f"/admin/services/{house.toy}", instance_title="x" * 90, word="hello", key="", version=version
    )
    assert "⟦Use at most 80 characters.⟧" in long
    missing = await told(ada, "/admin/services/add/toy/toy", instance_title="", word="hello", key="")
    assert "⟦This is needed.⟧" in missing
    email = await told(ada, "/account/preferences", display_name="Ada", email="nowhere", version="1")
    assert "⟦This is no e-mail address.⟧" in email
    short = await told(ada, "/account/password", current="correct horse", password="short", again="short")
    assert "⟦Use at least " in short
    for page in (long, missing, email, short):
        assert english(page) == []


def test_english_left_over_is_found() -> None:
    page = "<p>⟦Fine, ⟦nested⟧ and told.⟧</p><p>This stayed as it was.</p><code>this is not read</code>"
    assert english(page) == ["This stayed as it was."]
