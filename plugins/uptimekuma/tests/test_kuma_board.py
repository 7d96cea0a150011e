"""What is kept of a live connection: any order of events leads to the same, odd ones to nothing."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medianest_uptimekuma import announcements
from medianest_uptimekuma.board import Board
from medianest_uptimekuma.models import Reading, address, number, ping
from medianest_uptimekuma.past import of_hour
from medianest_uptimekuma.times import days_ahead, epoch, utc
from medianest_uptimekuma.track import KEPT, Track

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["1", "id", "name", "time", "monitorID", "certInfo", "parent"]), inner
        )
    ),
    max_leaves=8,
)


def beat(key: int, at: float, status: int = 1, **more: Any) -> dict[str, Any]:
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))
    return {
        "monitorID": key,
        "status": status,
        "time": f"{stamp}.000",
        "msg": "said",
        "important": False,
        **more,
    }


def board(*names: str) -> Board:
    found = Board(lambda: 2_000_000.0)
    listed = {
        str(number): {"id": number, "name": name, "active": True} for number, name in enumerate(names, 1)
    }
    found.take("monitorList", (listed,))
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(sorted(Board.EVENTS)), st.lists(JSON, max_size=3)), max_size=8))
def test_no_event_breaks_it(events: list[tuple[str, list[Any]]]) -> None:
    found = board("Web")
    for name, args in events:
        found.take(name, tuple(args))
    found.items()
    found.readings()
    list(found.beats(0))
    announcements.maintenance(found.maintenance.values(), 1e9, lambda key, now: now)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3)), max_size=40))
def test_items_made_anew_and_kept_ones_are_the_same(told: list[tuple[int, int]]) -> None:
    step, whole = board("A", "B", "C"), board("A", "B", "C")
    for at, (key, status) in enumerate(told):
        for one in (step, whole):
            one.take("heartbeat", (beat(key, 1_000_000 + at, status),))
        step.items()
    assert step.items() == whole.items()


def test_ids_of_either_kind() -> None:
    found = board("Web")
    assert not found.complete
    row = {"monitor_id": 1, "status": 1, "time": "2026-01-01 00:00:00.000", "msg": "200 - OK", "ping": 12}
    found.take("heartbeatList", ("1", [row], True))
    assert found.complete
    found.take("heartbeat", (beat(1, 1_900_000_000, 0),))
    (item,) = found.items()
    assert (item.up, item.response_ms, item.message) == (False, None, "said")
    assert [(one.name, one.up, one.response_ms) for one in found.beats(0)] == [
        ("1", True, 12.0),
        ("1", False, None),
    ]


def test_the_same_check_twice_is_one() -> None:
    found = board("Web")
    for _ in range(3):
        found.take("heartbeat", (beat(1, 1_000_000),))
    assert len(list(found.beats(0))) == 1


def test_a_clock_that_is_put_back_freezes_nothing() -> None:
    found = board("Web")
    found.take("heartbeat", (beat(1, 1_000_000, 1),))
    found.take("heartbeat", (beat(1, 900_000, 0),))
    assert found.items()[0].up is False


def test_groups_name_their_members_however_deep_and_in_circles() -> None:
    found = Board(time.time)
    listed = {
        "1": {"name": "Media", "type": "group", "parent": None},
        "2": {"name": "Servers", "type": "group", "parent": 1},
        "3": {"name": "Plex", "type": "http", "parent": 2, "url": "https://plex.example"},
        "4": {"name": "Lost", "type": "http", "parent": 99},
        "5": {"name": "Circle", "type": "http", "parent": 5},
    }
    found.take("monitorList", (listed,))
    items = {item.name: item for item in found.items()}
    assert items["Plex"].group == "Media / Servers"
    assert items["Lost"].group == ""
    assert set(items) == {"Plex", "Lost", "Circle"}
    found.take("updateMonitorIntoList", ({"1": {"name": "Home", "type": "group"}},))
    assert {item.group for item in found.items() if item.name == "Plex"} == {"Home / Servers"}


def test_news_are_urgent_where_a_state_changed() -> None:
    news: list[bool] = []
    found = board("Web")
    found.news = news.append
    found.take("heartbeat", (beat(1, 1_000_000),))
    found.take("heartbeat", (beat(1, 1_000_060),))
    found.take("heartbeat", (beat(1, 1_000_120, 0),))
    assert news == [True, False, True]


def test_certificates() -> None:
    found = board("Web")
    found.take("certInfo", ("1", '{"valid":true,"certInfo":{"validTo":"2027-01-01T00:00:00.000Z"}}'))
    assert found.items()[0].certificate_ends_at == 1798761600.0
    found.take("certInfo", (1, '{"valid":true,"certInfo":{"daysRemaining":3}}'))
    assert found.items()[0].certificate_ends_at == (2_000_000 // 86400 + 3) * 86400
    found.take("certInfo", ("1", '{"valid":false}'))
    assert found.items()[0].certificate_ends_at is None


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), max_size=600))
def test_a_track_keeps_the_newest(statuses: list[int]) -> None:
    track = Track({})
    for at, status in enumerate(statuses):
        track.add(beat(1, 1_000_000 + at, status))
    beats = list(track.beats("1", 0))
    assert min(len(statuses), KEPT) <= len(beats) <= 2 * KEPT
    assert [one.at for one in beats] == [1_000_000 + at for at in range(len(statuses))][-len(beats) :]
    assert track.status == (statuses[-1] if statuses else None)
    assert track.before == next((one for one in reversed(statuses) if one != 2), None)


@pytest.mark.parametrize(
    ("status", "before", "paused", "up", "away"),
    [
        (1, 1, False, True, False),
        (0, 0, False, False, False),
        (2, 1, False, True, False),
        (2, None, False, None, False),
        (3, 3, False, None, True),
        (None, None, False, None, False),
        (0, 0, True, None, False),
        (3, 3, True, None, False),
    ],
)
def test_what_the_portal_makes_of_a_status(
    status: int | None, before: int | None, paused: bool, up: bool | None, away: bool
) -> None:
    item = Reading("1", "Web", status, before=before, paused=paused).item()
    assert (item.up, item.maintenance) == (up, away)


@pytest.mark.parametrize(
    ("given_", "shown"),
    [
        ("https://user:pw@home.example:8443/a/b?key=1#x", "https://home.example:8443/a/b"),
        ("http://[::1]:80/", "http://[::1]:80/"),
        ("https://", None),
        ("", None),
        ("null", None),
        (None, None),
        ("javascript:alert(1)", None),
        ("https://home.example:99999999/", None),
        ("http://[::1", None),
    ],
)
def test_addresses_are_shown_without_their_secrets(given_: str | None, shown: str | None) -> None:
    assert address(given_) == shown


@settings(deadline=None)
@given(st.integers(0, 60), st.integers(0, 60))
def test_the_counts_of_an_hour_hold_their_share_of_it(up: int, down: int) -> None:
    beats = of_hour("1", {"timestamp": 7200, "up": up, "down": down, "avgPing": 12.5})
    ends = [*(beat.at for beat in beats[1:]), *[10800.0] * bool(beats)]
    held = {beat.up: end - beat.at for beat, end in zip(beats, ends, strict=True)}
    if up + down:
        assert held.get(False, 0.0) == pytest.approx(3600 * down / (up + down), abs=1e-3)
        assert sum(held.values()) == pytest.approx(3600)
    else:
        assert beats == []


@settings(deadline=None)
@given(JSON)
def test_no_hour_breaks_anything(row: Any) -> None:
    of_hour("1", row)
    of_hour("1", {"timestamp": row, "up": row, "down": 1})


def test_times() -> None:
    assert utc("2026-01-01 00:00:00.000") == epoch("2026-01-01T00:00:00.000Z") == 1767225600.0
    assert epoch("2026-01-01 02:00:00", "+02:00") == 1767225600.0
    assert epoch("2026-01-01 02:00", "nonsense") == 1767232800.0
    assert epoch("soon") is None and epoch(None) is None and utc(7) is None and epoch("2026-99-01") is None
    assert days_ahead("", 0.0) is None and days_ahead(True, 0.0) is None
    assert days_ahead(float("inf"), 0.0) is None and days_ahead(float("nan"), 0.0) is None


@settings(deadline=None)
@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text())
def test_numbers(value: Any) -> None:
    assert number(value) in (None, 0, 1, 2, 3)
    taken = ping(value)
    assert taken is None or taken >= 0
