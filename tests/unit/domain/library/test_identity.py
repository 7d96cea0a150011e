from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from medianest_core.domain.library.identity import Identity, cluster, name_key
from medianest_core.domain.library.wording import match_title, plain, sort_form

_ids = st.dictionaries(
    st.sampled_from(["imdb", "tmdb", "tvdb"]), st.sampled_from(["1", "2", "3"]), max_size=2
)


@st.composite
def identities(draw: st.DrawFn) -> list[Identity]:
    count = draw(st.integers(1, 9))
    return [
        Identity(
            (draw(st.sampled_from("abc")), str(number)),
            draw(st.sampled_from(["movie", "show"])),
            draw(_ids),
            draw(st.sampled_from(["Heat", "Ran", "Up"])),
        )
        for number in range(count)
    ]


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
