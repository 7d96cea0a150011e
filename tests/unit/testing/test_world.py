"""The invented world: each title is known by ids of its own, the same for whoever asks."""

from __future__ import annotations

from collections import Counter

import pytest

from medianest_core.testing.world.pictures import Subject, poster
from medianest_core.testing.world.titles import MOVIE, SHOW, elsewhere, household, ids_of


@pytest.mark.parametrize("kind", [MOVIE, SHOW])
@pytest.mark.parametrize("provider", ["tmdb", "tvdb", "imdb"])
def test_no_two_titles_share_an_id(kind: str, provider: str) -> None:
    counts = Counter(title.ids[provider] for title in (*household(kind), *elsewhere(kind)))
    assert len(counts) > 50
    assert set(counts.values()) == {1}


@pytest.mark.parametrize("kind", [MOVIE, SHOW])
def test_nobody_has_what_is_elsewhere(kind: str) -> None:
    names = {(title.title, title.year) for title in household(kind)}
    assert not names & {(title.title, title.year) for title in elsewhere(kind)}


def test_ids_follow_from_kind_name_and_year_alone() -> None:
    ids = ids_of(MOVIE, "The Lamplighter's Daughter", 2019)
    assert ids == household(MOVIE)[0].ids
    assert ids != ids_of(SHOW, "The Lamplighter's Daughter", 2019)
    assert ids["imdb"].startswith("tt")


def test_a_title_looks_the_same_whoever_draws_it() -> None:
    one = Subject("movie", "Salt Meridian", 2021, ("Adventure",), key=1)
    other = Subject("movie", "Salt Meridian", 2021, ("Adventure",), key=2)
    assert poster(7, one) == poster(7, other)
