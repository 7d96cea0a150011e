"""The order of sources: shown before, saved, applied, taken back."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from medianest_core.domain.library.ordering.ranking import Ranked
from medianest_core.domain.library.stored.priorities import Orders
from medianest_core.sdk.errors import UserError
from medianest_core.store.errors import Stale
from medianest_core.store.tables.library import sync_changes, sync_runs
from medianest_core.store.tables.plugins import instances
from medianest_core.store.tables.system import audit
from tests.fakes.media import movie
from tests.integration.library.conftest import Shelf


async def shared(shelf: Shelf) -> None:
    """Three films at two servers that differ in text and poster, and one film at one of them."""
    for name, updated in (("a", 1.0), ("b", 2.0)):
        server = shelf.server(name)
        for number in "123":
            fields = {
                "summary": f"{name} tells.",
                "assets": {"poster": f"/{name}/{number}"},
                "captions": {"en": {"url": "same"}},
            }
            server.put(
                movie(
                    number, f"Film {number}", ids={"imdb": f"tt{number}"}, fields=fields, updated_at=updated
                )
            )
    shelf.servers["a"].put(movie("4", "Alone", ids={"imdb": "tt4"}))
    await shelf.sync()


async def told(shelf: Shelf, name: str = "Film 1") -> tuple[str, str]:
    [row] = [one for one in await shelf.library.search(name) if one.title == name]
    detail = await shelf.library.title(row.id)
    assert detail is not None
    return detail.values["summary"], detail.values["assets"]["poster"]


async def saved(shelf: Shelf, orders: Orders, version: int | None = None) -> Ranked:
    ranked = await shelf.library.ranking.save(orders, version, None)
    assert ranked.job_id is not None
    await shelf.floor.finished(ranked.job_id)
    return ranked


async def test_the_preview_says_what_saving_does_and_writes_nothing(shelf: Shelf) -> None:
    await shared(shelf)
    before = await shelf.dump()
    found = await shelf.library.ranking.preview({"*": [["a"], ["b"]]})
    assert await shelf.dump() == before
    assert (found.titles, found.fields, found.complete, found.of) == (3, 6, True, 3)
    assert dict(found.groups) == {"text": 3, "artwork": 3}
    assert dict(found.servers) == {"a": 6}
    first = found.examples[0]
    assert (first.title, first.more) == ("Film 1", 0)
    poster, summary = first.swaps
    assert (poster.path, poster.before_from, poster.after_from) == (("assets", "poster"), "b", "a")
    assert poster.before_image and poster.after_image and poster.before_image != poster.after_image
    assert (summary.before, summary.after) == ("b tells.", "a tells.")
    await saved(shelf, {"*": [["a"], ["b"]]})
    assert await told(shelf) == ("a tells.", "/a/1")
    again = await shelf.library.ranking.preview({"*": [["a"], ["b"]]})
    assert (again.titles, again.fields) == (0, 0)


async def test_a_group_has_an_order_of_its_own(shelf: Shelf) -> None:
    await shared(shelf)
    calls = [len(one.calls) for one in shelf.servers.values()]
    await saved(shelf, {"artwork": [["a"], ["b"]]})
    assert await told(shelf) == ("b tells.", "/a/1")
    assert [len(one.calls) for one in shelf.servers.values()] == calls, "no server was asked"
    async with shelf.floor.db.read() as tx:
        [run] = await tx.all(select(sync_runs).where(sync_runs.c.scope.startswith('{"priorities"')))
        assert (run["state"], run["counts"]) == ("done", {"changed": 3})
        assert await tx.scalar(select(func.count()).where(sync_changes.c.run_id == run["id"])) == 3
        actions = [row["action"] for row in await tx.all(select(audit.c.action))]
    assert actions.count("library.priorities") == 1


async def test_who_saves_on_top_of_another_is_told(shelf: Shelf) -> None:
    await shared(shelf)
    first = await saved(shelf, {"*": [["a"], ["b"]]}, 0)
    with pytest.raises(Stale) as stale:
        await shelf.library.ranking.save({"*": [["b"], ["a"]]}, 0, None)
    assert stale.value.current["version"] == first.version
    assert (await shelf.library.ranking.current()).orders == {"*": [["a"], ["b"]]}
    same = await shelf.library.ranking.save({"*": [["a"], ["b"]]}, first.version, None)
    assert same.version == first.version, "what changes nothing is no new version"


async def test_a_change_can_be_undone_and_that_too(shelf: Shelf) -> None:
    await shared(shelf)
    with pytest.raises(UserError):
        await shelf.library.ranking.undo(None, None)
    before = await told(shelf)
    ranked = await saved(shelf, {"*": [["a"], ["b"]]})
    assert await told(shelf) != before
    back = await shelf.library.ranking.undo(ranked.version, None)
    assert back.job_id is not None
    await shelf.floor.finished(back.job_id)
    assert (await told(shelf), back.orders) == (before, {})
    with pytest.raises(Stale):
        await shelf.library.ranking.undo(ranked.version, None)


async def test_orders_that_are_none_are_refused(shelf: Shelf) -> None:
    for wrong in ({"nothing": [["a"]]}, {"*": [["a"], ["a"]]}):
        with pytest.raises(UserError):
            await shelf.library.ranking.preview(wrong)
    ranked = await shelf.library.ranking.save({"*": [["a"], []], "text": []}, None, None)
    assert ranked.orders == {"*": [["a"]]}


async def test_a_server_that_is_switched_off_yields_to_the_next_and_comes_back(shelf: Shelf) -> None:
    await shared(shelf)
    await saved(shelf, {"*": [["a"], ["b"]]})
    assert await told(shelf) == ("a tells.", "/a/1")
    await switch(shelf, "a", enabled=False)
    assert await told(shelf) == ("b tells.", "/b/1")
    assert (await told(shelf, "Alone"))[0] == "About Alone.", "what only it has stays"
    version = (await shelf.library.ranking.current()).version
    await shelf.library.ranking.instances_changed()
    assert (await shelf.library.ranking.current()).version == version
    await switch(shelf, "a", enabled=True)
    assert await told(shelf) == ("a tells.", "/a/1")


async def switch(shelf: Shelf, instance: str, *, enabled: bool) -> None:
    async with shelf.floor.db.begin() as tx:
        await tx.execute(
            tx.insert(instances)
            .values(
                id=instance,
                plugin="fake",
                service="fake",
                name=instance,
                title=instance,
                settings_json={},
                enabled=enabled,
                created_at=1.0,
                updated_at=1.0,
            )
            .on_conflict_do_update(index_elements=["id"], set_={"enabled": enabled})
        )
    await shelf.library.ranking.instances_changed()
    job_id = (await shelf.library.ranking.current()).job_id
    assert job_id is not None
    await shelf.floor.finished(job_id)
