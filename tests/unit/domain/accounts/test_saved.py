"""What of an address is kept as a search."""

from __future__ import annotations

import pytest

from medianest_core.domain.accounts.saved import SavedSearch, tidy
from medianest_core.sdk.errors import UserError


def test_equal_searches_are_equal_text() -> None:
    assert tidy("library", "genre=Drama&q=a+b&kind=movie") == "genre=Drama&kind=movie&q=a+b"
    assert tidy("library", "?q=a%20b&kind=movie&genre=Drama&genre=Drama&server=") == tidy(
        "library", "genre=Drama&q=a+b&kind=movie"
    )


def test_what_is_no_filter_is_dropped() -> None:
    assert tidy("library", "q=x&cursor=abc&density=dense&sort=title&next=//evil") == "q=x"
    assert tidy("discover", "q=x&genre=Drama&page=3") == "q=x"
    assert tidy("library", "q=x&sort=-year") == "q=x&sort=-year"


@pytest.mark.parametrize(
    ("place", "query"),
    [
        ("library", ""),
        ("library", "sort=-year"),
        ("discover", "page=2"),
        ("admin", "q=x"),
        ("library", "q=" + "x" * 3000),
    ],
)
def test_nothing_much_or_too_much_is_refused(place: str, query: str) -> None:
    with pytest.raises(UserError):
        tidy(place, query)


def test_where_it_leads() -> None:
    assert SavedSearch("1", "discover", "New", "list=trending", 0.0).path == "/discover?list=trending"
