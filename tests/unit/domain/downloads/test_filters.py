"""What is taken of a channel that somebody subscribed to."""

from __future__ import annotations

from typing import Any

import pytest

from medianest_core.domain.downloads.filters import AT_ONCE, Wanted, check, choose, fits
from medianest_core.sdk.downloads import Availability, FoundItem, Inspection
from medianest_core.sdk.errors import UserError


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
    assert choose(Wanted(url="u"), found, {"a"}) == ["b", "c"]
    assert choose(Wanted(url="u", keep=1), found, set()) == ["a"]
    many = Inspection("u", "channel", "u", "U", [item(str(n)) for n in range(100)], 100)
    assert len(choose(Wanted(url="u"), many, set())) == AT_ONCE


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
