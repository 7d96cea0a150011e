from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from medianest_core.domain.library.identity import Decisions, Identity, cluster, name_key
from medianest_core.domain.library.wording import match_title, plain, sort_form

_ids = st.dictionaries(
    st.sampled_from(["imdb", "tmdb", "tvdb"]), st.sampled_from(["1", "2", "3"]), max_size=2
)


@st.composite
def identities(draw: st.DrawFn) -> list[Identity]:
    found = []
    for number in range(draw(st.integers(1, 9))):
        place = (draw(st.sampled_from("abc")), str(number))
        kind = draw(st.sampled_from(["movie", "show"]))
        name = draw(st.sampled_from(["Heat", "Ran", "Up"]))
        found.append(Identity(place, kind, draw(_ids), name_key(kind, name, None)))
    return found


def groups(items: list[Identity]) -> set[frozenset[tuple[str, str]]]:
    return {frozenset(one.place for one in group) for group in cluster(items)}


@given(identities(), st.randoms())
def test_the_order_of_arrival_does_not_matter(items: list[Identity], random: object) -> None:
    shuffled = list(items)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis hands out random.Random
    assert groups(shuffled) == groups(items)


@given(identities())
def test_every_record_is_in_one_title_and_a_shared_id_decides(items: list[Identity]) -> None:
    found = cluster(items)
    assert sorted(one.place for group in found for one in group) == sorted(one.place for one in items)
    home = {one.place: number for number, group in enumerate(found) for one in group}
    for one in items:
        for other in items:
            if one.kind == other.kind and one.ids.items() & other.ids.items():
                assert home[one.place] == home[other.place]


@given(identities())
def test_clustering_the_parts_again_changes_nothing(items: list[Identity]) -> None:
    for group in cluster(items):
        assert groups(group) == {frozenset(one.place for one in group)}


def identity(place: str, name: str, **ids: str) -> Identity:
    return Identity(("a", place), "movie", ids, name)


def test_a_name_joins_unless_ids_disagree() -> None:
    same = [identity("1", "heat", imdb="x"), identity("2", "heat"), identity("3", "heat", tmdb="y")]
    assert len(cluster(same)) == 1
    other = [identity("1", "heat", imdb="x"), identity("2", "heat", imdb="y"), identity("3", "heat")]
    assert groups(other) == {frozenset({("a", n)}) for n in "123"}


def test_a_third_record_brings_two_together() -> None:
    apart = [identity("1", "Alien", imdb="x"), identity("2", "Das Unheimliche", tmdb="y")]
    assert len(cluster(apart)) == 2
    assert len(cluster([*apart, identity("3", "Alien (1979)", imdb="x", tmdb="y")])) == 1


def test_names_are_compared_in_one_form() -> None:
    assert match_title("Matrix, The") == match_title("The  MATRIX!")
    assert match_title("Amélie & Co.") == match_title("amelie and co")
    assert match_title("???") != match_title("!!!")
    assert name_key("movie", "Heat", 1995) != name_key("movie", "Heat", 1986)
    assert sort_form("The Office") == "office"
    assert sort_form("The") == "the"


@given(st.text())
def test_the_plain_form_is_stable(text: str) -> None:
    assert plain(plain(text)) == plain(text)


Pairs = list[tuple[tuple[str, str], tuple[str, str]]]


@st.composite
def decided(draw: st.DrawFn) -> tuple[list[Identity], Decisions]:
    """Records, and what an admin said of some pairs of them; also of records that are not there."""
    items = draw(identities())
    places = [one.place for one in items] + [("gone", "1")]
    pairs = draw(
        st.lists(
            st.tuples(st.sampled_from(places), st.sampled_from(places)).filter(
                lambda pair: pair[0] != pair[1]
            ),
            max_size=4,
            unique_by=frozenset,
        )
    )
    cut = draw(st.integers(0, len(pairs)))
    return items, Decisions(frozenset(pairs[:cut]), frozenset(pairs[cut:]))


def decided_groups(items: list[Identity], decisions: Decisions) -> set[frozenset[tuple[str, str]]]:
    return {frozenset(one.place for one in group) for group in cluster(items, decisions)}


def together(items: list[Identity], decisions: Decisions, one: object, other: object) -> bool:
    return any({one, other} <= group for group in decided_groups(items, decisions))


@given(decided(), st.randoms())
def test_with_decisions_too_the_order_of_arrival_does_not_matter(
    case: tuple[list[Identity], Decisions], random: object
) -> None:
    items, decisions = case
    shuffled = list(items)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis hands out random.Random
    assert decided_groups(shuffled, decisions) == decided_groups(items, decisions)
    turned = Decisions(frozenset(pair[::-1] for pair in decisions.same), decisions.apart)
    assert decided_groups(items, turned) == decided_groups(items, decisions)


@given(decided())
def test_with_decisions_too_the_parts_again_are_the_same(case: tuple[list[Identity], Decisions]) -> None:
    items, decisions = case
    found = cluster(items, decisions)
    assert sorted(one.place for group in found for one in group) == sorted(one.place for one in items)
    for group in found:
        assert len({one.kind for one in group}) == 1
        assert decided_groups(group, decisions) == {frozenset(one.place for one in group)}


@given(decided())
def test_what_an_admin_parted_stays_apart_whatever_ids_say(case: tuple[list[Identity], Decisions]) -> None:
    items, decisions = case
    for one, other in decisions.apart:
        assert not together(items, decisions, one, other)


@given(decided())
def test_what_an_admin_joined_is_one_title_whatever_names_say(case: tuple[list[Identity], Decisions]) -> None:
    items, decisions = case
    alone = Decisions(decisions.same)
    kinds = {one.place: one.kind for one in items}
    for one, other in decisions.same:
        if one in kinds and other in kinds:
            assert together(items, alone, one, other) is (kinds[one] == kinds[other])


@given(identities())
def test_who_decides_nothing_changes_nothing(items: list[Identity]) -> None:
    strangers = Decisions(frozenset({(("x", "1"), ("x", "2"))}), frozenset({(("x", "1"), items[0].place)}))
    assert decided_groups(items, strangers) == groups(items)


def test_what_is_new_stays_with_the_title_a_record_was_taken_off() -> None:
    a, b, odd = (identity(place, "heat", imdb="x") for place in ("b", "c", "a1"))
    apart = Decisions(apart=frozenset({(odd.place, a.place), (odd.place, b.place)}))
    for newcomer in ("a0", "b5", "z"):
        found = decided_groups([a, b, odd, identity(newcomer, "heat", imdb="x")], apart)
        assert found == {frozenset({("a", "b"), ("a", "c"), ("a", newcomer)}), frozenset({odd.place})}


def test_a_record_taken_off_by_name_leaves_the_others_together() -> None:
    a, b, odd = identity("2", "heat"), identity("3", "heat"), identity("1", "heat")
    apart = Decisions(apart=frozenset({(odd.place, a.place), (odd.place, b.place)}))
    assert decided_groups([a, b, odd], apart) == {frozenset({a.place, b.place}), frozenset({odd.place})}
