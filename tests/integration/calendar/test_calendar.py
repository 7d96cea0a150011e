"""The calendar over services in memory: one list of what they say, its page, its file and its secret address."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar as ICalendar

from medianest_core.base.clock import FakeClock
from medianest_core.cache.cached import Caches
from medianest_core.cache.memory import MemoryCache
from medianest_core.domain.calendar.service import DAY, Calendar, months
from medianest_core.host.instance import InstanceInfo
from medianest_core.host.states import InstanceState
from medianest_core.sdk.calendar import CalendarEntry, CalendarSource
from medianest_core.sdk.errors import NotReady
from medianest_core.web.portal.app import Portal
from medianest_core.web.rest.mount import RestApi
from tests.fakes.late import Late

HTML = {"accept": "text/html"}
TODAY = time.time() // DAY * DAY


def entry(title: str, at: float, **values: Any) -> CalendarEntry:
    given: dict[str, Any] = {"kind": "movie", "how": "On disc", "day_only": True, **values}
    return CalendarEntry(at, title=title, **given)


@dataclass
class Services:
    """What each instance says, by id; an exception is raised, a gate is waited for."""

    said: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, float]] = field(default_factory=list)

    def all(self) -> list[InstanceInfo]:
        return [
            InstanceInfo(
                name, "fake", "fake", name, name.title(), True, InstanceState.READY, "", 0.0, None, 1
            )
            for name in self.said
        ]

    async def use(self, instance_id: str, what: str, function: Any, rule: object) -> Any:
        return await function(instance_id)

    async def look(self, client: str, start: float, end: float) -> Sequence[CalendarEntry]:
        self.asked.append((client, start))
        said = self.said[client]
        if isinstance(said, Exception):
            raise said
        if isinstance(said, Late):
            await said.wait()
        return [one for one in said if start <= one.at < end] if isinstance(said, list) else said

    def calendar(self, db: Any, caches: Caches, patience: float = 20.0) -> Calendar:
        source = CalendarSource("fake", "fake", self.look)
        return Calendar(
            db=db, instances=self, sources=lambda: [("fake", source)], caches=caches, patience=patience
        )


@pytest.fixture
def services() -> Services:
    return Services()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def calendar(gate: Any, services: Services, clock: FakeClock) -> Calendar:
    """On the gate's database, and behind its pages."""
    made = services.calendar(gate.services.db, Caches(MemoryCache(), clock))
    gate.services = replace(gate.services, calendar=made)
    gate.serve(Portal(gate.services).routes())
    return made


def test_months_cover_a_time_without_gaps() -> None:
    start, end = datetime(2026, 12, 31, 23, tzinfo=UTC), datetime(2027, 2, 1, 1, tzinfo=UTC)
    found = months(start.timestamp(), end.timestamp())
    assert [datetime.fromtimestamp(first, UTC).month for first, _last in found] == [12, 1, 2]
    assert all(before[1] == after[0] for before, after in itertools.pairwise(found))
    assert found[0][0] <= start.timestamp() and found[-1][1] >= end.timestamp()
    assert months(5.0, 5.0) == [(0.0, 31 * DAY)]


async def test_what_two_services_know_stands_there_once(calendar: Calendar, services: Services) -> None:
    here = entry("Ember", TODAY + DAY, available=True)
    services.said = {
        "one": [entry("Ember", TODAY + DAY), entry("Later", TODAY + 9 * DAY)],
        "two": [here, entry("Ember", TODAY + DAY, how="At home")],
    }
    found = await calendar.agenda(TODAY, TODAY + 20 * DAY)
    shown = [(one.title, one.how, one.available) for one in found.entries]
    assert shown == [("Ember", "On disc", True), ("Ember", "At home", False), ("Later", "On disc", False)]
    assert (found.asked, found.silent) == (2, [])
    asked = len(services.asked)
    await calendar.agenda(TODAY, TODAY + 20 * DAY)
    assert len(services.asked) == asked, "what was told is kept for a while"


async def test_one_that_fails_spoils_nothing_and_is_shown_as_it_was(
    calendar: Calendar, services: Services, clock: FakeClock
) -> None:
    services.said = {"one": [entry("Ember", TODAY + DAY)], "two": NotReady("It is away.")}
    found = await calendar.agenda(TODAY, TODAY + 3 * DAY)
    assert [one.title for one in found.entries] == ["Ember"]
    assert [(one.instance_id, one.reason, one.shown_from) for one in found.silent] == [
        ("two", "It is away.", None)
    ]
    told_at = clock.now()
    clock.advance(3600.0)
    services.said["one"] = NotReady("It is away too.")
    found = await calendar.agenda(TODAY, TODAY + 3 * DAY)
    assert [one.title for one in found.entries] == ["Ember"]
    assert {one.instance_id: one.shown_from for one in found.silent} == {"one": told_at, "two": None}


@pytest.mark.parametrize("nonsense", [None, 7, ["x"], [entry("A", float("nan"))]])
async def test_nonsense_is_an_answer_that_is_not_understood(
    calendar: Calendar, services: Services, nonsense: Any
) -> None:
    async def look(client: str, start: float, end: float) -> Any:
        return nonsense if client == "odd" else [entry("Ember", TODAY)]

    services.look = look  # type: ignore[method-assign]
    calendar._sources = lambda: [("fake", CalendarSource("fake", "fake", look))]
    services.said = {"odd": nonsense, "fine": []}
    found = await calendar.agenda(TODAY, TODAY + DAY)
    assert [one.title for one in found.entries] == ["Ember"]


async def test_nobody_waits_for_a_slow_one(
    gate: Any, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    calendar = services.calendar(gate.services.db, Caches(MemoryCache()), patience=20.0)
    services.said = {"slow": Late(monkeypatch, 30.0), "quick": [entry("Ember", TODAY)]}
    found = await calendar.agenda(TODAY, TODAY + DAY)
    assert [one.title for one in found.entries] == ["Ember"]
    assert "did not answer in time" in found.silent[0].reason


async def test_the_month_and_the_agenda(gate: Any, calendar: Calendar, services: Services) -> None:
    noon = (datetime.now(UTC).replace(day=15, hour=12, minute=0, second=0, microsecond=0)).timestamp()
    services.said = {
        "one": [
            entry("Ember Index", noon // DAY * DAY, ids={"tmdb": "7"}),
            entry("Harbour", noon, kind="episode", detail="S01E02 The Ferry", day_only=False, how="On air"),
            *(entry(f"Film {number}", noon // DAY * DAY) for number in range(4)),
        ]
    }
    ann = await gate.person("Ann")
    page = (await ann.client.get("/calendar", headers=HTML)).text
    assert page.count("<tr>") >= 5
    assert "Ember Index" in page and 'href="/discover/movie:tmdb:7"' in page
    assert "S01E02 The Ferry · On air · 12:00" in re.sub(r"\s+", " ", page).replace("\u202f", " ").replace(
        " PM", ""
    )
    day = datetime.fromtimestamp(noon, UTC).date()
    assert f'id="day-{day.isoformat()}"' in page and f'href="#day-{day.isoformat()}"' in page
    assert "3 more" in page
    following = (day.replace(day=28) + timedelta(days=7)).replace(day=1)
    assert f'href="/calendar?month={following:%Y-%m}"' in page
    later = (await ann.client.get(f"/calendar?month={following:%Y-%m}", headers=HTML)).text
    assert f'id="day-{day.isoformat()}"' not in later
    for strange in ("month=9999-99", "month=x", "month=0001-01", "view=agenda&weeks=999999", "view=x"):
        assert (await ann.client.get(f"/calendar?{strange}", headers=HTML)).status_code == 200
    agenda = (await ann.client.get("/calendar?view=agenda&weeks=12", headers=HTML)).text
    assert "<table" not in agenda


async def test_without_a_service_the_page_says_what_it_is_for(gate: Any, calendar: Calendar) -> None:
    ann, boss = await gate.person("Ann"), await gate.person("Boss", role="admin")
    page = (await ann.client.get("/calendar", headers=HTML)).text
    assert "The calendar is still empty" in page and 'href="/admin/services"' not in page
    assert "The calendar is still empty" in (await boss.client.get("/calendar", headers=HTML)).text


async def test_calendar_programs_read_it_by_a_secret_address(
    gate: Any, calendar: Calendar, services: Services
) -> None:
    services.said = {
        "one": [
            entry("A\r\nEND:VCALENDAR; b, c", TODAY + DAY),
            entry(
                "Harbour", TODAY + 1000.0, kind="episode", detail="S01E02", day_only=False, ids={"tvdb": "3"}
            ),
        ]
    }
    ann = await gate.person("Ann")
    made = await ann.client.post("/calendar/address", headers=HTML)
    assert made.status_code == 200 and made.headers["cache-control"] == "no-store"
    [address] = re.findall(r'id="calendar-address">http://portal\.test([^<]+)<', made.text)
    assert address.startswith("/calendar/feed/")
    async with gate.client() as program:
        answer = await program.get(address)
        assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/calendar")
        assert answer.content.count(b"END:VCALENDAR") == 2 and answer.content.rstrip().endswith(
            b"END:VCALENDAR"
        )
        events: list[Any] = ICalendar.from_ical(answer.content).walk("VEVENT")
        assert sorted(str(one["summary"]) for one in events)[1] == "Harbour: S01E02"
        assert [str(one["url"]) for one in events if "url" in one] == [
            "http://portal.test/discover/show:tvdb:3"
        ]
        assert len({str(one["uid"]) for one in events}) == 2
        again = await program.get(address, headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304
        assert (await program.get("/calendar.ics")).status_code in (302, 303, 401)
        assert (await program.get("/calendar", headers=HTML)).status_code in (302, 303, 401)
        assert (await program.get("/calendar/feed/" + "x" * 43 + ".ics")).status_code == 404
        page = (await ann.client.get("/calendar", headers=HTML)).text
        assert address not in page and "You have had a secret address" in page
        assert (await ann.client.post("/calendar/address/remove", headers=HTML)).status_code == 303
        assert (await program.get(address)).status_code == 404
    own = await ann.client.get("/calendar.ics")
    assert own.content == answer.content


async def test_the_same_over_the_api(gate: Any, calendar: Calendar, services: Services) -> None:
    services.said = {"one": [entry("Ember", TODAY + DAY), entry("Long ago", TODAY - 90 * DAY)]}
    gate.serve([*RestApi(gate.services).routes(), *Portal(gate.services).routes()])
    ann = await gate.person("Ann")
    found = (await ann.client.get("/api/v1/calendar")).json()
    assert [one["title"] for one in found["entries"]] == ["Ember"]
    past = {"start": TODAY - 100 * DAY, "end": TODAY - 80 * DAY}
    assert [
        one["title"] for one in (await ann.client.get("/api/v1/calendar", params=past)).json()["entries"]
    ] == ["Long ago"]
    assert (await ann.client.get("/api/v1/calendar/address")).status_code == 404
    url = (await ann.client.post("/api/v1/calendar/address", json={})).json()["url"]
    assert url.startswith("http://portal.test/calendar/feed/")
    assert (await ann.client.get("/api/v1/calendar/address")).json()["last_used_at"] is None
    async with gate.client() as program:
        assert (await program.get(url)).status_code == 200
        assert (await ann.client.delete("/api/v1/calendar/address")).status_code == 204
        assert (await program.get(url)).status_code == 404
