"""The laws of matching records and of absence, tried as often as those of merging."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from medianest_core.domain.library.identity import Decisions, Identity, cluster, housed
from medianest_core.domain.library.syncing.absence import (
    CONFIRMATIONS,
    GUARD_COUNT,
    GUARD_SHARE,
    Known,
    judge,
)
from tests.laws.law import law

_IDS: list[dict[str, str]] = [{}, {"imdb": "1"}, {"imdb": "2"}, {"tmdb": "1"}, {"imdb": "1", "tmdb": "2"}]
_KINDS = ("movie", "show")
_NAMES = ("heat", "ran", "up")
_NUMBER = len(_IDS) * len(_KINDS) * len(_NAMES)


def _identity(place: int, number: int) -> Identity:
    return Identity(
        ("abc"[place % 3], str(place)),
        _KINDS[number % 2],
        _IDS[number // 2 % len(_IDS)],
        f"{_KINDS[number % 2]}|{_NAMES[number // 2 // len(_IDS)]}",
    )


identities = st.lists(st.integers(0, _NUMBER - 1), min_size=1, max_size=8).map(
    lambda numbers: [_identity(place, number) for place, number in enumerate(numbers)]
)


def groups(items: list[Identity]) -> set[frozenset[tuple[str, str]]]:
    return {frozenset(one.place for one in group) for group in cluster(items)}


@law(identities, st.randoms())
def test_titles_do_not_depend_on_the_order_of_arrival(items: list[Identity], random: Any) -> None:
    shuffled = list(items)
    random.shuffle(shuffled)
    assert groups(shuffled) == groups(items)


@law(identities)
def test_every_record_is_in_one_title_of_its_kind(items: list[Identity]) -> None:
    found = cluster(items)
    assert sorted(one.place for group in found for one in group) == sorted(one.place for one in items)
    assert all(len({one.kind for one in group}) == 1 for group in found)


@law(identities)
def test_a_shared_id_makes_one_title(items: list[Identity]) -> None:
    homes = {place: number for number, group in enumerate(groups(items)) for place in group}
    for one in items:
        for other in items:
            if one.kind == other.kind and one.ids.items() & other.ids.items():
                assert homes[one.place] == homes[other.place]


@law(identities)
def test_titles_that_were_found_are_found_again(items: list[Identity]) -> None:
    """Looking at one title alone, as an incremental sync does, comes to the same."""
    for group in cluster(items):
        assert groups(group) == {frozenset(one.place for one in group)}


@law(st.integers(1, 300), st.integers(0, 300), st.integers(0, 1), st.booleans())
def test_absence_needs_two_looks_a_few_records_or_an_admin(
    count: int, seen: int, missing: int, released: bool
) -> None:
    known = {str(number): Known("d", "1", None, missing) for number in range(count)}
    listed = {str(number) for number in range(min(seen, count))}
    found = judge(known, listed, released=released)
    absent = known.keys() - listed
    assert set(found.mark) | set(found.remove) <= absent, "what is listed stays"
    assert not released or not missing or set(found.remove) == absent, "an admin agreed to these"
    if released and missing:
        return
    if len(absent) > max(GUARD_COUNT, GUARD_SHARE * count) or (absent and not listed):
        assert not found.remove and found.held == len(absent), "nothing goes until an admin agrees"
    elif missing + 1 < CONFIRMATIONS:
        assert not found.remove and set(found.mark) == absent
    else:
        assert set(found.remove) == absent and not found.mark
    assert not missing or not found.mark, "nothing is counted twice"


_PLACES = [("abc"[n % 3], str(n)) for n in range(7)]
_HOMES = {place: (1, f"#{number % 3}") for number, place in enumerate(_PLACES)}
_KIND_OF = {place: "episode" if number < 6 else "season" for number, place in enumerate(_PLACES)}
_PAIR = st.tuples(st.sampled_from(_PLACES), st.sampled_from(_PLACES)).filter(lambda pair: pair[0] != pair[1])


def _told(same: list[Any], apart: list[Any]) -> Decisions:
    """Of two records the last word counts, and only one is said."""
    said = {
        frozenset(pair): (pair, verdict)
        for verdict, found in (("same", same), ("apart", apart))
        for pair in found
    }
    return Decisions(
        frozenset(pair for pair, verdict in said.values() if verdict == "same"),
        frozenset(pair for pair, verdict in said.values() if verdict == "apart"),
    )


@law(st.lists(_PAIR, max_size=4), st.lists(_PAIR, max_size=4), st.randoms())
def test_parts_stand_where_an_admin_says_whatever_comes_first(
    same: list[Any], apart: list[Any], random: Any
) -> None:
    told = _told(same, apart)
    found = housed(_HOMES, _KIND_OF, told)
    shuffled = list(_HOMES.items())
    random.shuffle(shuffled)
    assert housed(dict(shuffled), _KIND_OF, told) == found
    assert found.keys() == _HOMES.keys()
    for one, other in told.apart:
        assert found[one] != found[other] or _KIND_OF[one] != _KIND_OF[other]
    untouched = _HOMES.keys() - told.around(_HOMES.keys())
    assert all(found[place] == _HOMES[place] for place in untouched)
    if not told.apart:
        assert all(found[one] == found[other] for one, other in told.same if _KIND_OF[one] == _KIND_OF[other])
