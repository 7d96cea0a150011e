"""Values of field owners: asked for in the background, merged as one more source, kept and given up as the owner says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select, update

from medianest_core.bus.events import InstanceChanged
from medianest_core.domain.library.enriching.enrich import JOB, EnrichArgs
from medianest_core.domain.library.reading.titles import TitleDetail
from medianest_core.host.states import InstanceState
from medianest_core.ledger.states import FINISHED, JobInfo, JobState, job_info
from medianest_core.sdk.errors import InvalidResponse, ProviderError, RateLimited
from medianest_core.sdk.events import Audience
from medianest_core.sdk.fields import FieldOwner, FieldReport, TitleKey
from medianest_core.sdk.media import MediaRecord
from medianest_core.store.tables.ledger import jobs
from medianest_core.store.tables.library import title_ids, title_owned
from tests.fakes.media import FakeServer, movie
from tests.fakes.portal import Writes
from tests.integration.library.conftest import Shelf


@dataclass
class Register:
    """What the owner knows, by TMDB id. dark: ids it does not get round to. asked: TMDB ids of each question."""

    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    dark: set[str] = field(default_factory=set)
    asked: list[list[str]] = field(default_factory=list)
    fail: ProviderError | None = None
    breaks_after: int | None = None
    changed: list[str] = field(default_factory=list)
    since: list[float] = field(default_factory=list)

    @property
    def all_asked(self) -> list[str]:
        return [one for batch in self.asked for one in batch]


class FakeOwner(FieldOwner[Any, Any]):
    def __init__(self, register: Register) -> None:
        self.register = register

    def fields(self) -> Mapping[str, Sequence[str]]:
        return {"movie": ("title", "summary", "tagline", "genres", "assets", "ids", "media", "year")}

    async def report(self, keys: Sequence[TitleKey]) -> FieldReport:
        register = self.register
        register.asked.append([key.ids.get("tmdb", "") for key in keys])
        if register.fail is not None:
            raise register.fail
        if register.breaks_after is not None and len(register.asked) > register.breaks_after:
            raise RateLimited("slow down", 90.0)
        probed = {key.id for key in keys if key.ids.get("tmdb") and key.ids["tmdb"] not in register.dark}
        values = {key.id: register.known.get(key.ids.get("tmdb", ""), {}) for key in keys if key.id in probed}
        return FieldReport(values, frozenset(probed), len(probed) == len(keys))


class TellingOwner(FakeOwner):
    async def changes(self, since: float) -> AsyncIterator[Mapping[str, str]]:
        self.register.since.append(since)
        for one in self.register.changed:
            yield {"tmdb": one}


def film(key: str, **fields: Any) -> MediaRecord:
    return movie(key, f"Film {key}", ids={"tmdb": key}, fields=fields)


def owner(shelf: Shelf, instance_id: str = "o", *, telling: bool = False) -> Register:
    shelf.library.enrich.pause = 0.0
    register = Register()
    made = TellingOwner(register) if telling else FakeOwner(register)
    shelf.instances.add(instance_id, FieldOwner, made)
    return register


async def enriched(shelf: Shelf) -> list[JobInfo]:
    """All jobs that ask owners, once they have ended."""
    while True:
        async with shelf.floor.db.read() as tx:
            rows = await tx.all(select(jobs).where(jobs.c.name == JOB).order_by(jobs.c.created_at, jobs.c.id))
        found = [job_info(row) for row in rows]
        if all(job.state in FINISHED for job in found):
            return found
        await asyncio.sleep(0.01)


async def ask(shelf: Shelf, instance_id: str = "o") -> JobInfo:
    """Run the job once, to its end."""
    async with shelf.floor.db.begin() as tx:
        job = await shelf.floor.ledger.enqueue(tx, JOB, EnrichArgs(instance_id=instance_id))
    return await shelf.floor.finished(job)


async def synced(shelf: Shelf, **options: Any) -> None:
    await shelf.sync(**options)
    await enriched(shelf)


async def detail(shelf: Shelf, key: str = "1", instance: str = "a") -> TitleDetail:
    title_id = (await shelf.library.titles_at(instance, [key]))[key]
    found = await shelf.library.titles.detail(title_id)
    assert found is not None
    return found


async def make_due(shelf: Shelf) -> None:
    async with shelf.floor.db.begin() as tx:
        await tx.execute(update(title_owned).values(due_at=1.0))


async def test_an_owners_values_fill_what_the_server_does_not_say(shelf: Shelf) -> None:
    shelf.server("a").put(film("1"))
    register = owner(shelf)
    register.known["1"] = {
        "title": "Other",
        "tagline": "Be brave.",
        "ids": {"imdb": "tt1"},
        "media": {"hdr": "HLG"},
    }
    await synced(shelf)
    found = await detail(shelf)
    assert found.row.title == "Film 1", "who holds the title goes first where the admin gave no order"
    assert found.values["tagline"] == "Be brave."
    assert found.ids == {"tmdb": "1", "imdb": "tt1"}
    assert found.provenance[("tagline",)] == "o"
    assert found.provenance[("title",)] == "a"
    assert found.provenance[("media", "hdr")] == "o"


async def test_an_owner_is_no_place_to_watch_and_makes_no_title(shelf: Shelf) -> None:
    shelf.server("a").put(film("1"), film("2"))
    register = owner(shelf)
    register.known |= {
        "1": {"tagline": "One", "ids": {"tmdb": "2", "imdb": "tt9"}},
        "7": {"tagline": "Seven"},
    }
    await synced(shelf)
    found = await detail(shelf)
    assert [place.instance_id for place in found.availability] == ["a"]
    assert found.row.instance_ids == ("a",)
    assert await shelf.names() == ["Film 1", "Film 2"]
    async with shelf.floor.db.read() as tx:
        assert not (await tx.execute(select(title_ids).where(title_ids.c.value == "tt9"))).all()


async def test_the_order_of_the_admin_holds_for_owners_too(shelf: Shelf) -> None:
    shelf.server("a").put(film("1"))
    register = owner(shelf)
    register.known["1"] = {"summary": "By the owner."}
    await shelf.order("text", ["o", "a"])
    await synced(shelf)
    assert (await detail(shelf)).values["summary"] == "By the owner."
    await shelf.order("text", ["a", "o"])
    found = await detail(shelf)
    assert found.values["summary"] == "About Film 1."
    assert len(register.asked) == 1, "a new order needs no new answer"


async def test_what_is_unchanged_is_neither_asked_again_nor_written(shelf: Shelf) -> None:
    shelf.server("a").put(film("1"), film("2"))
    register = owner(shelf)
    register.known["1"] = {"tagline": "One"}
    await synced(shelf)
    before = await shelf.dump()
    register.asked.clear()
    assert (await ask(shelf)).result == {"asked": 0, "probed": 0, "changed": 0, "away": False}
    assert register.asked == []
    await make_due(shelf)
    with Writes(shelf.floor.db) as writes:
        assert (await ask(shelf)).result == {"asked": 2, "probed": 2, "changed": 0, "away": False}
    assert "title_docs" not in writes.tables and "titles" not in writes.tables
    assert await shelf.dump() == before


async def test_an_owner_that_reads_more_is_asked_about_everything_once_more(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.server("a").put(film("1"), film("2"))
    register = owner(shelf)
    await synced(shelf)
    named = FakeOwner.fields(FakeOwner(register))
    for newer in ({"reading": 2}, {"fields": lambda _: {"movie": (*named["movie"], "studio")}}):
        for name, value in newer.items():
            monkeypatch.setattr(FakeOwner, name, value)
        register.asked.clear()
        register.known["1"] = {"tagline": "One", "studio": "Harbour"}
        assert (await ask(shelf)).result is not None
        assert sorted(register.all_asked) == ["1", "2"], newer
        register.asked.clear()
        await ask(shelf)
        assert register.asked == []
    assert (await detail(shelf)).values["studio"] == "Harbour"


async def test_new_titles_come_first_then_changed_ones_then_the_oldest(shelf: Shelf) -> None:
    server = shelf.server("a")
    server.put(film("1"), film("2"), film("3"))
    register = owner(shelf)
    await synced(shelf)
    await make_due(shelf)
    async with shelf.floor.db.begin() as tx:
        ids = await shelf.library.titles_at("a", ["2"])
        await tx.execute(update(title_owned).where(title_owned.c.title_id == ids["2"]).values(due_at=0.5))
    server.put(film("3", tagline="New"), film("4"))
    register.asked.clear()
    await synced(shelf)
    assert register.all_asked == ["4", "3", "2", "1"]


async def test_a_title_that_was_not_probed_keeps_what_was_said(shelf: Shelf) -> None:
    shelf.server("a").put(film("1"))
    register = owner(shelf)
    register.known["1"] = {"tagline": "One"}
    await synced(shelf)
    register.known.clear()
    register.dark.add("1")
    await make_due(shelf)
    await ask(shelf)
    assert (await detail(shelf)).values["tagline"] == "One"
    register.dark.clear()
    await make_due(shelf)
    await ask(shelf)
    found = await detail(shelf)
    assert "tagline" not in found.values, "it looked and there is nothing any more"
    assert ("tagline",) not in found.provenance


async def test_values_go_with_their_owner_and_the_next_ones_come(shelf: Shelf) -> None:
    shelf.server("a").put(film("1"), film("2"))
    for name in ("o", "p"):
        owner(shelf, name).known["1"] = {"tagline": f"Of {name}", "genres": [name]}
    await shelf.order("*", ["o", "p", "a"])
    await synced(shelf)
    assert (await detail(shelf)).values["tagline"] == "Of o"
    await shelf.library.start()
    for name, left in (("o", "Of p"), ("p", None)):
        shelf.instances.remove(name)
        async with shelf.floor.db.begin() as tx:
            await shelf.floor.bus.publish(
                tx,
                InstanceChanged(instance_id=name, plugin="fake", state="removed", reason=""),
                Audience.admins(),
            )
        await shelf.floor.bus.drain()
        await enriched(shelf)
        assert (await detail(shelf)).values.get("tagline") == left
    async with shelf.floor.db.read() as tx:
        assert not (await tx.execute(select(title_owned))).all()


async def test_an_owner_that_says_what_changed_is_asked_about_that_alone(shelf: Shelf) -> None:
    shelf.server("a").put(*(film(str(n)) for n in range(1, 6)))
    register = owner(shelf, telling=True)
    await synced(shelf)
    assert register.since == [], "at first everything is asked about"
    register.asked.clear()
    register.known["3"] = {"tagline": "Three"}
    register.changed = ["3", "77"]
    await ask(shelf)
    assert register.asked == [["3"]]
    assert (await detail(shelf, "3")).values["tagline"] == "Three"
    assert len(register.since) == 1


async def test_a_batch_that_fails_spoils_no_other_and_is_asked_again(shelf: Shelf) -> None:
    shelf.server("a").put(film("1"))
    register = owner(shelf)
    register.fail = InvalidResponse("broken")
    job = await ask_failing(shelf)
    assert job.state is JobState.QUEUED, "it is tried again later"
    register.fail = None
    register.known["1"] = {"tagline": "One"}
    async with shelf.floor.db.begin() as tx:
        await tx.execute(update(jobs).where(jobs.c.name == JOB).values(due_at=0.0, send_at=0.0))
    await enriched(shelf)
    assert (await detail(shelf)).values["tagline"] == "One"


async def ask_failing(shelf: Shelf) -> JobInfo:
    await shelf.sync()
    while True:
        async with shelf.floor.db.read() as tx:
            rows = await tx.all(select(jobs).where(jobs.c.name == JOB))
        found = [job_info(row) for row in rows]
        if found and found[0].state is JobState.QUEUED and found[0].error:
            return found[0]
        await asyncio.sleep(0.01)


async def test_a_pause_that_the_owner_asks_for_costs_no_attempt(shelf: Shelf) -> None:
    shelf.server("a").put(*(film(str(n)) for n in range(120)))
    register = owner(shelf)
    register.fail = RateLimited("slow down", 90.0)
    await shelf.sync()
    while True:
        async with shelf.floor.db.read() as tx:
            row = await tx.first(select(jobs).where(jobs.c.name == JOB))
        if row is not None and register.asked and row["state"] == "queued":
            break
        await asyncio.sleep(0.01)
    assert row["due_at"] - row["created_at"] > 60
    assert row["attempt"] == 0
    assert len(register.asked) == 1, "the other batches would only be refused too"


async def test_what_was_answered_before_a_break_is_not_asked_again(shelf: Shelf) -> None:
    shelf.server("a").put(*(film(str(n)) for n in range(120)))
    register = owner(shelf)
    register.known = {str(n): {"tagline": f"Tag {n}"} for n in range(120)}
    register.breaks_after = 2
    await shelf.sync()
    while True:
        async with shelf.floor.db.read() as tx:
            row = await tx.first(select(jobs).where(jobs.c.name == JOB))
        if row is not None and len(register.asked) == 3 and row["state"] == "queued":
            break
        await asyncio.sleep(0.01)
    answered = [one for batch in register.asked[:2] for one in batch]
    assert len(answered) == 100
    register.breaks_after = None
    register.asked.clear()
    async with shelf.floor.db.begin() as tx:
        await tx.execute(update(jobs).where(jobs.c.name == JOB).values(due_at=0.0, send_at=0.0))
    await enriched(shelf)
    assert sorted(register.all_asked) == sorted({str(n) for n in range(120)} - set(answered))
    assert (await detail(shelf, "119")).values["tagline"] == "Tag 119"


async def test_an_owner_that_is_away_is_asked_when_it_is_back(shelf: Shelf) -> None:
    shelf.server("a").put(film("1"))
    register = owner(shelf)
    shelf.instances.states["o"] = InstanceState.RETRYING
    await shelf.library.start()
    await synced(shelf)
    assert register.asked == []
    shelf.instances.states["o"] = InstanceState.READY
    register.known["1"] = {"tagline": "One"}
    async with shelf.floor.db.begin() as tx:
        await shelf.floor.bus.publish(
            tx, InstanceChanged(instance_id="o", plugin="fake", state="ready", reason=""), Audience.admins()
        )
    await shelf.floor.bus.drain()
    await enriched(shelf)
    assert (await detail(shelf)).values["tagline"] == "One"


async def test_a_title_that_goes_takes_its_values_along(shelf: Shelf) -> None:
    server: FakeServer = shelf.server("a")
    server.put(*(film(str(n)) for n in range(30)))
    owner(shelf).known["1"] = {"tagline": "One"}
    await synced(shelf)
    del server.records["1"]
    await shelf.sync()
    await shelf.sync()
    await enriched(shelf)
    async with shelf.floor.db.read() as tx:
        assert len((await tx.execute(select(title_owned))).all()) == 29


async def test_one_job_for_all_owners(shelf: Shelf) -> None:
    shelf.server("a").put(film("1"))
    for name in ("o", "p"):
        owner(shelf, name).known["1"] = {name: name}
    job = await ask(shelf, "")
    assert job.result == {"owners": 2}
    assert len(await enriched(shelf)) == 3


async def test_strange_values_are_left_out(shelf: Shelf) -> None:
    shelf.server("a").put(film("1"), film("2"))
    register = owner(shelf)
    register.known["1"] = {
        "title": 5,
        "year": "1999",
        "assets": ["/a.jpg"],
        "genres": [],
        "media": {"hdr": None, "width": 0},
        "undeclared": "x",
        "tagline": "One",
    }
    register.known["2"] = {"tagline": {1, 2}}
    await synced(shelf)
    found = await detail(shelf)
    assert found.values["tagline"] == "One"
    assert "undeclared" not in found.values
    assert found.values["media"] == {"width": 0}
    assert "tagline" not in (await detail(shelf, "2")).values


async def test_a_title_without_ids_is_asked_about_once(shelf: Shelf) -> None:
    shelf.server("a").put(movie("1", "Film 1"))
    register = owner(shelf)
    await synced(shelf)
    await ask(shelf)
    assert register.asked == [[""]]


async def test_titles_that_an_admin_took_apart_are_asked_about_anew(shelf: Shelf) -> None:
    shelf.server("a").put(film("1"))
    shelf.server("b").put(movie("9", "Film 1", ids={"imdb": "tt9", "tmdb": "1"}))
    register = owner(shelf)
    register.known["1"] = {"tagline": "One"}
    await synced(shelf)
    register.asked.clear()
    title = (await shelf.library.titles_at("a", ["1"]))["1"]
    odd = await shelf.library.matching.split(title, "b", "9", None)
    await ask(shelf)
    assert register.all_asked == ["1", "1"], "the new title, and the one that it was taken off"
    found = await shelf.library.titles.detail(odd)
    assert found is not None and found.values["tagline"] == "One"
