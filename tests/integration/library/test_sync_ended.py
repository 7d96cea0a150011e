"""What follows the end of a sync: who asked for it is told, and what was made of changed titles is made anew."""

from __future__ import annotations

from medianest_core.bus.events import LibraryChanged, SyncEnded
from medianest_core.domain.library.reading.query import LibraryQuery
from medianest_core.domain.library.syncing.runs import SyncArgs
from medianest_core.domain.notify.reactions import Reactions
from medianest_core.domain.notify.service import Notifications
from medianest_core.store.tables.accounts import users
from tests.fakes.media import movie
from tests.integration.library.conftest import Shelf


async def person(shelf: Shelf, name: str) -> str:
    async with shelf.floor.db.begin() as tx:
        await tx.execute(
            users.insert().values(id=name, username=name, role="admin", status="active", created_at=1.0)
        )
    return name


async def asked(shelf: Shelf, actor: str | None, **options: object) -> None:
    job = await shelf.library.runs.request(SyncArgs.model_validate(options), actor)
    await shelf.floor.finished(job)
    await shelf.floor.bus.drain()


async def test_only_who_asked_is_told_and_only_once(shelf: Shelf) -> None:
    notifications = Notifications(shelf.floor.db, shelf.floor.bus, clock=shelf.floor.clock)
    reactions = Reactions(shelf.floor.bus, notifications)
    reactions.start()
    ann, ben = await person(shelf, "ann"), await person(shelf, "ben")
    server = shelf.server("a")
    server.put(movie("1"), movie("2"))
    await asked(shelf, None)
    assert (await notifications.inbox(ann)).items == []
    server.put(movie("3"))
    await asked(shelf, ann)
    [told] = (await notifications.inbox(ann)).items
    assert (told.kind, told.params["added"], told.params["removed"]) == ("sync.done", 1, 0)
    assert told.link is not None and told.link.startswith("/admin/sync/runs/")
    await asked(shelf, ann)
    assert len((await notifications.inbox(ann)).items) == 1, "one line for the newest"
    assert (await notifications.inbox(ben)).items == []
    reactions.close()


async def test_the_end_of_each_run_is_an_event_and_a_rehearsal_is_none(shelf: Shelf) -> None:
    shelf.server("a").put(movie("1"))
    await asked(shelf, None, dry_run=True)
    assert not [one for one in shelf.floor.heard if isinstance(one, SyncEnded)]
    await asked(shelf, None)
    [ended] = [one for one in shelf.floor.heard if isinstance(one, SyncEnded)]
    assert (ended.state, ended.added, ended.problems, ended.requested_by) == ("done", 1, 0, "")


async def test_what_was_made_of_changed_titles_is_made_anew(shelf: Shelf) -> None:
    """Lists, recent titles and totals are kept until the library changes, and no longer; a sync that changes nothing keeps them."""
    server = shelf.server("a")
    server.put(movie("1", "Heat"))
    await shelf.sync()
    before = await shelf.library.generation()
    assert [one.row.title for one in await shelf.library.recent()] == ["Heat"]
    assert (await shelf.library.list_titles(LibraryQuery())).total == 1
    await shelf.sync()
    assert await shelf.library.generation() == before
    server.put(movie("1", "Heat again"), movie("2", "Ran"))
    await shelf.sync()
    assert await shelf.library.generation() > before
    assert {one.row.title for one in await shelf.library.recent()} == {"Heat again", "Ran"}
    assert (await shelf.library.list_titles(LibraryQuery())).total == 2
    [row] = [one for one in (await shelf.library.list_titles(LibraryQuery())).items if one.title == "Ran"]
    told = [one for one in shelf.floor.heard if isinstance(one, LibraryChanged)]
    assert str(row.id) in told[-1].title_ids and (told[-1].added, told[-1].changed) == (1, 1)
