"""The history of settings as rows: what is written down, what a change was, how much is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from medianest_core.sdk.settings import MASK
from medianest_core.store.engine import Database
from medianest_core.store.repos import portal_settings
from medianest_core.store.repos import settings_history as history
from medianest_core.store.repos.portal_settings import PortalSettings
from medianest_core.store.repos.settings_history import Before, Change, UnknownState
from tests.databases import database_url, migrated


@pytest.fixture
async def db(tmp_path: Path, backend: str) -> AsyncIterator[Database]:
    found = Database(database_url(tmp_path))
    await found.start()
    await migrated(found)
    yield found
    await found.close()


async def note(db: Database, values: dict[str, Any], **more: Any) -> None:
    async with db.begin() as tx:
        await history.note(tx, "one", **{"action": "saved", "actor": "ada", "values": values} | more)


async def told(db: Database, **more: Any) -> list[history.State]:
    async with db.read() as tx:
        return await history.states(tx, "one", **more)


async def test_a_change_is_told_against_what_stood_there_before_the_history_began(db: Database) -> None:
    stood = Before({"word": "old", "key": MASK}, "Den", 5.0, "bob")
    await note(db, {"word": "new", "key": MASK}, title="Loft", secrets=["key"], before=stood, at=9.0)
    newest, oldest = await told(db)
    assert (oldest.action, oldest.actor, oldest.at, oldest.changes) == ("found", "bob", 5.0, ())
    assert (newest.actor, newest.at) == ("ada", 9.0)
    assert set(newest.changes) == {
        Change(history.TITLE, "Den", "Loft"),
        Change("word", "old", "new"),
        Change("key", MASK, MASK, secret=True),
    }


async def test_a_save_that_changes_nothing_is_no_state_and_a_restore_is_always_one(db: Database) -> None:
    await note(db, {"word": "a"})
    await note(db, {"word": "a"})
    assert len(await told(db)) == 1
    await note(db, {"word": "a"}, restores=1)
    assert [one.restores for one in await told(db)] == [1, None]


async def test_only_so_many_states_of_each_target_are_kept(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "KEEP", 3)
    async with db.begin() as tx:
        await history.note(tx, "other", action="saved", actor=None, values={"n": 0})
    for number in range(6):
        await note(db, {"n": number})
    assert [one.values["n"] for one in await told(db)] == [5, 4, 3]
    async with db.read() as tx:
        assert len(await history.states(tx, "other")) == 1


async def test_pages_follow_each_other_and_each_state_knows_its_change(db: Database) -> None:
    for number in range(4):
        await note(db, {"n": number})
    first = await told(db, limit=2)
    rest = await told(db, before=first[-1].id, limit=5)
    assert [one.values["n"] for one in (*first, *rest)] == [3, 2, 1, 0]
    assert first[-1].changes == (Change("n", 1, 2),)
    assert rest[-1].changes == ()


async def test_what_has_become_a_secret_is_not_told_and_references_are(db: Database) -> None:
    await note(db, {"key": "was-plain-text", "other": "$env:KEY"})
    (shown,) = await told(db, hide={"key", "other"})
    assert shown.values == {"key": MASK, "other": "$env:KEY"}


async def test_a_state_of_something_else_is_unknown(db: Database) -> None:
    await note(db, {"n": 1})
    (only,) = await told(db)
    async with db.begin() as tx:
        assert (await history.state(tx, "one", only.id)).values == {"n": 1}
        for target, number in (("two", only.id), ("one", only.id + 1)):
            with pytest.raises(UnknownState):
                await history.state(tx, target, number)
        await history.forget(tx, "one")
        with pytest.raises(UnknownState):
            await history.state(tx, "one", only.id)


async def test_the_portals_own_settings_have_a_history(db: Database) -> None:
    async with db.begin() as tx:
        version = await portal_settings.save(tx, PortalSettings(site_name="Attic"), version=0, actor="ada")
    async with db.read() as tx:
        newest, oldest = await history.states(tx, history.PORTAL)
    assert version == 1
    assert newest.changes == (Change("site_name", "MediaNest", "Attic"),)
    assert oldest.action == "found"
