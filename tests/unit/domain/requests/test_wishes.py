"""What of a wish is left beside others, and what tells wishes apart."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_core.domain.requests.holdings import Holding
from medianest_core.domain.requests.kinds import MediaTypes
from medianest_core.domain.requests.wishes import Parts, Wish, checked, narrowed, open_key, parts_of
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.pipeline import MediaType

TYPES = MediaTypes()
SMALL = st.integers(0, 4)
PARTS = st.builds(
    lambda seasons, episodes: Parts(frozenset(seasons), frozenset(episodes)),
    st.sets(SMALL, max_size=4),
    st.sets(st.tuples(SMALL, SMALL), max_size=5),
)


def covered(parts: Parts, season: int, number: int) -> bool:
    return parts.whole or season in parts.seasons or (season, number) in parts.episodes


@given(PARTS, st.lists(PARTS, max_size=3))
def test_what_is_left_and_what_was_taken_are_the_wish(wanted: Parts, others: list[Parts]) -> None:
    left = wanted.without(others)
    if wanted.whole:
        assert (left is None) == any(one.whole for one in others)
        return
    for season in range(5):
        for number in range(5):
            asked = covered(wanted, season, number)
            had = any(covered(one, season, number) for one in others)
            still = left is not None and covered(left, season, number)
            assert not still or asked, "nothing is wanted that was not asked for"
            assert not (asked and not had) or still, "what nobody has is still wanted"


@given(PARTS)
def test_what_one_asks_for_oneself_leaves_nothing(wanted: Parts) -> None:
    assert wanted.without([wanted]) is None
    assert wanted.without([Parts()]) is None
    assert wanted.without([]) == wanted


FILM = Wish("movie", {"tmdb": "603"}, " The Matrix ", 1999)


def test_a_wish_in_its_plain_form() -> None:
    found = checked(
        Wish("show", {"tvdb": "1", "imdb": ""}, "S", seasons=[2, 1, 2], episodes=[(1, 3), (4, 1)]), TYPES
    )
    assert (found.kind, found.seasons, found.episodes) == ("season", (1, 2), ((4, 1),))
    assert found.ids == {"tvdb": "1"}
    assert checked(FILM, TYPES).title == "The Matrix"
    assert checked(replace(FILM, kind="episode", episodes=[(1, 1)]), TYPES).kind == "episode"
    assert narrowed(found, parts_of([2], [])).seasons == (2,)


@pytest.mark.parametrize(
    ("field", "wish"),
    [
        ("kind", replace(FILM, kind="opera")),
        ("title", replace(FILM, title="  ")),
        ("ids", replace(FILM, ids={})),
        ("ids", replace(FILM, ids={"tmdb": "../../x"})),
        ("ids", replace(FILM, ids={"TMDB!": "1"})),
        ("image", replace(FILM, image="https://evil.example/x.png?y")),
        ("image", replace(FILM, image="a/../b")),
        ("variant", replace(FILM, variant="<b>")),
        ("seasons", replace(FILM, seasons=[1])),
        ("seasons", replace(FILM, kind="show", seasons=[-1])),
        ("seasons", replace(FILM, kind="season")),
        ("seasons", replace(FILM, kind="show", seasons=range(501))),
        ("episodes", replace(FILM, kind="episode")),
        ("episodes", replace(FILM, kind="show", episodes=[(1, -5)])),
    ],
)
def test_a_wish_that_makes_no_sense(field: str, wish: Wish) -> None:
    with pytest.raises(UserError) as refused:
        checked(wish, TYPES)
    assert refused.value.field == field


def test_a_contributed_kind_can_be_asked_for() -> None:
    types = MediaTypes(lambda: [MediaType("album", "Album", "Albums"), MediaType("movie", "Mine", "Mine")])
    assert checked(replace(FILM, kind="album"), types).kind == "album"
    assert types.root("album") == "album" and types.root("episode") == "show"
    movie = types.get("movie")
    assert movie is not None and movie.title == "Movie", "the core's own is never replaced"
    hidden = MediaTypes(lambda: [MediaType("artist", "Artist", "Artists", requestable=False)])
    with pytest.raises(UserError):
        checked(replace(FILM, kind="artist"), hidden)


def test_the_key_tells_wishes_apart() -> None:
    keys = {
        open_key(one, "show")
        for one in (
            Wish("show", {"tvdb": "1"}, "S"),
            Wish("show", {"tvdb": "1"}, "S", variant="4k"),
            Wish("season", {"tvdb": "1"}, "S", seasons=(1,)),
            Wish("season", {"tvdb": "1"}, "S", seasons=(1, 2)),
            Wish("episode", {"tvdb": "1"}, "S", episodes=((1, 2),)),
            Wish("show", {"tvdb": "2"}, "S"),
        )
    }
    assert len(keys) == 6
    both, turned = {"imdb": "tt1", "tmdb": "5"}, {"tmdb": "5", "imdb": "tt1"}
    assert open_key(Wish("movie", both, "A"), "movie") == open_key(Wish("movie", turned, "B"), "movie")


def test_how_much_of_a_show_is_there() -> None:
    there = Holding(7, {1: frozenset({1, 2, 3}), 2: frozenset({1})})
    assert there.has(parts_of([1, 2], []), {1: 3, 2: 10}) == parts_of([1], [])
    assert there.has(parts_of([1, 2], []), {}) == parts_of([1, 2], [])
    assert there.has(parts_of([], [(2, 1), (2, 2)]), {}) == parts_of([], [(2, 1)])
    assert there.has(Parts(), {1: 3, 2: 10}) is None
    assert there.has(Parts(), {0: 5, 1: 3, 2: 1}) == Parts()
    assert there.has(parts_of([3], []), {}) is None
    assert there.begun(parts_of([2], [])) and not there.begun(parts_of([3], []))
