"""What is taken of a channel that somebody subscribed to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from medianest_core.domain.downloads.filters import (
    AT_ONCE,
    DAY,
    Chosen,
    Wanted,
    beyond,
    check,
    choose,
    dates,
    fits,
)
from medianest_core.sdk.downloads import Availability, FoundItem, Inspection
from medianest_core.sdk.errors import UserError

NOW = 1_750_000_000.0


def item(key: str = "a", title: str = "Harbour walk [4K]", **values: Any) -> FoundItem:
    return FoundItem(key, f"https://video.example/{key}", title, **values)


@pytest.mark.parametrize(
    ("wishes", "values", "wanted"),
    [
        ({}, {}, True),
        ({"title": "harbour"}, {}, True),
        ({"title": "mountain"}, {}, False),
        ({"title": "*walk*"}, {}, True),
        ({"title": "walk*"}, {}, False),
        ({"title": "[4k]"}, {}, True),
        ({"shortest": 60.0}, {"duration": 59.0}, False),
        ({"shortest": 60.0}, {"duration": 60.0}, True),
        ({"longest": 60.0}, {"duration": 61.0}, False),
        ({"shortest": 60.0, "longest": 90.0}, {"duration": None}, True),
        ({"after": 100.0}, {"published_at": 99.0}, False),
        ({"after": 100.0}, {"published_at": 100.0}, True),
        ({"after": 100.0}, {}, True),
        ({}, {"short": True}, False),
        ({"shorts": True}, {"short": True}, True),
    ],
)
def test_wishes_decide(wishes: dict[str, Any], values: dict[str, Any], wanted: bool) -> None:
    assert fits(Wanted(url="u", **wishes), item(**values)) is wanted


def test_only_what_can_be_had_and_is_not_known_is_taken_and_once() -> None:
    live = item("live", availability=Availability.LIVE)
    found = Inspection("u", "channel", "u", "U", [item("a"), item("b"), live, item("b"), item("c")], 5)
    assert choose(Wanted(url="u"), found, {"a"}, {}, NOW) == Chosen(["b", "c"], ())
    assert choose(Wanted(url="u", keep=1), found, set(), {}, NOW) == Chosen(["a"], ["b", "c"])
    many = Inspection("u", "channel", "u", "U", [item(str(n)) for n in range(100)], 100)
    assert len(choose(Wanted(url="u"), many, set(), {}, NOW).keys) == AT_ONCE
    most = choose(Wanted(url="u", keep=40), many, set(), {}, NOW)
    assert (len(most.keys), most.passed) == (AT_ONCE, [str(n) for n in range(40, 100)])


def test_the_newest_are_taken_wherever_the_site_lists_them() -> None:
    several = [
        item(key, published_at=NOW - age * DAY) for key, age in (("c", 3), ("a", 1), ("d", 40), ("b", 2))
    ]
    found = Inspection("u", "playlist", "u", "U", several, 4)
    assert choose(Wanted(url="u"), found, set(), {}, NOW).keys == ["a", "b", "c", "d"]
    assert choose(Wanted(url="u", keep=2), found, set(), {}, NOW) == Chosen(["a", "b"], ["c", "d"])
    had = {"x": NOW - 1.5 * DAY}
    assert choose(Wanted(url="u", keep=2), found, set(), had, NOW) == Chosen(["a"], ["b", "c", "d"])
    # What is too old today is not passed over for good: the person may want more days tomorrow.
    assert choose(Wanted(url="u", keep_days=2), found, set(), {}, NOW) == Chosen(["a", "b"], ())
    undated = Inspection("u", "playlist", "u", "U", [*several, item("new")], 5)
    assert choose(Wanted(url="u", keep=1, keep_days=2), undated, set(), had, NOW) == Chosen(
        ["new"], ["a", "b"]
    )


def test_without_dates_the_order_of_the_site_is_what_tells() -> None:
    listed = [item(key) for key in ("new", "newest_had", "had", "older", "oldest")]
    channel, chosen = Inspection("u", "channel", "u", "U", listed, 5), {"new", "older", "oldest"}
    had = {"newest_had": NOW - 50, "had": NOW - 60}
    guessed = dates(channel, chosen, had, NOW)
    assert NOW > guessed["new"] > NOW - 50 and NOW - 60 > guessed["older"] > guessed["oldest"] > NOW - 70
    playlist = dates(replace(channel, kind="playlist"), chosen, had, NOW)
    assert NOW > playlist["new"] > playlist["older"] > playlist["oldest"] > NOW - 1
    dated = replace(channel, items=[item("new", published_at=5.0)])
    assert dates(dated, chosen, {}, NOW) == {}


@pytest.mark.parametrize(
    ("wishes", "gone"),
    [
        ({}, ""),
        ({"keep": 1}, "cd"),
        ({"keep": 2}, "d"),
        ({"keep": 3}, ""),
        ({"keep_days": 2}, "d"),
        ({"keep_days": 1}, "cd"),
        ({"keep": 2, "keep_days": 9}, "d"),
    ],
)
def test_what_is_beyond_goes_and_only_what_is_there_replaces_it(wishes: dict[str, Any], gone: str) -> None:
    rows = [
        {"key": key, "at": NOW - age * DAY, "status": status}
        for key, age, status in (
            ("a", 0.0, "running"),
            ("b", 0.5, "done"),
            ("failed", 0.6, "failed"),
            ("c", 1.5, "done"),
            ("d", 2.5, "done"),
        )
    ]
    found = beyond(Wanted(url="u", **wishes), rows, NOW)
    assert [row["key"] for row in found if row["status"] == "done"] == list(gone)


@pytest.mark.parametrize(
    ("wishes", "field"),
    [
        ({"every": 1.0}, "every"),
        ({"title": "x" * 201}, "title"),
        ({"shortest": -1.0}, "shortest"),
        ({"shortest": 60.0, "longest": 30.0}, "longest"),
        ({"keep": 0}, "keep"),
        ({"keep_days": 0}, "keep_days"),
    ],
)
def test_what_makes_no_sense_is_told_at_its_field(wishes: dict[str, Any], field: str) -> None:
    with pytest.raises(UserError) as wrong:
        check(Wanted(url="u", **wishes))
    assert wrong.value.field == field
