"""Boxes for the seasons of a request."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_core.domain.discover.entries import SeasonInfo
from medianest_core.domain.requests.entries import Request
from medianest_core.sdk.errors import UserError
from medianest_core.web.portal.pages.request_seasons import asked_for, chosen_seasons, season_picks

SEASONS = [SeasonInfo(0, episodes=3), SeasonInfo(1, episodes=7, held=7), SeasonInfo(2, episodes=8, held=3)]
SEASONS.append(SeasonInfo(3, episodes=8))


def request(seasons: tuple[int, ...] = (), **more: Any) -> Request:
    values: dict[str, Any] = dict.fromkeys(Request.__dataclass_fields__) | {
        "seasons": seasons,
        "episodes": (),
        **more,
    }
    return Request(**values)


def test_what_is_there_cannot_be_chosen_and_specials_are_not_by_themselves() -> None:
    field = season_picks(request(), SEASONS, None, "")
    assert [(one.value, one.disabled) for one in field.choices] == [
        ("0", False),
        ("1", True),
        ("2", False),
        ("3", False),
    ]
    assert field.values == ("2", "3")
    assert [one.help for one in field.choices] == [
        "3 episodes",
        "7 episodes · Available",
        "8 episodes · 3 of 8 there",
        "8 episodes",
    ]
    assert not season_picks(request((1,)), SEASONS, None, "").choices[1].disabled, (
        "else it would be dropped unseen"
    )


def test_what_the_boxes_come_to() -> None:
    fresh = [SeasonInfo(one, episodes=8) for one in range(1, 4)]
    assert chosen_seasons(request((1,)), fresh, {1, 2, 3}) == ()
    assert chosen_seasons(request(), fresh, {3, 1}) == (1, 3)
    assert chosen_seasons(request((2,)), SEASONS, {2, 3, 1}) == (2, 3), "the first is there"
    assert chosen_seasons(request((2, 9)), SEASONS, {9}) == (9,), "one that nobody names any more"
    assert chosen_seasons(request((2,)), [], {1}) == (1,)
    with pytest.raises(UserError):
        chosen_seasons(request(), fresh, set())


def test_single_episodes_stay_where_no_season_is_chosen_instead() -> None:
    one = request(episodes=((1, 2),))
    assert chosen_seasons(one, SEASONS, set()) is None and chosen_seasons(one, SEASONS, {3}) == (3,)
    assert "S01E02" in season_picks(one, SEASONS, None, "").help


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(1, 9), st.integers(0, 9)), unique_by=lambda one: one[0]
    ),
    st.frozensets(st.integers(0, 9)),
)
def test_boxes_that_nobody_touched_change_nothing(
    rows: list[tuple[int, int, int]], asked: frozenset[int]
) -> None:
    seasons = [SeasonInfo(number, episodes=count, held=held) for number, count, held in rows]
    one = request(tuple(sorted(asked)))
    shown = {int(value) for value in season_picks(one, seasons, None, "").values}
    assert shown == asked_for(one, seasons)
    if shown:
        assert chosen_seasons(one, seasons, shown) in (None, tuple(sorted(shown)) if not seasons else None)
