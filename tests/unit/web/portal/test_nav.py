"""The navigation: who sees what, and where one is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from medianest_core.web.portal.nav import BOTTOM, Entry, build_nav


def current(path: str, *extra: Entry) -> list[str]:
    return [link.key for group in build_nav(path, {"admin"}, extra) for link in group.links if link.current]


def test_members_see_no_administration() -> None:
    keys = {link.key for group in build_nav("/", set()) for link in group.links}
    assert "library" in keys
    assert "users" not in keys
    assert "users" in {link.key for group in build_nav("/", {"admin"}) for link in group.links}


def test_the_deepest_place_is_the_current_one() -> None:
    assert current("/") == ["home"]
    assert current("/library/movie") == ["library"]
    assert current("/admin/users/7") == ["users"]
    assert current("/admin") == ["overview"]
    assert current("/librarian") == []


def test_plugin_entries_are_sorted_in_and_keep_to_their_permission() -> None:
    entry = Entry(
        key="hello", label="Hello", path="/p/hello/", icon="puzzle", order=15, permission="hello.see"
    )
    assert "hello" not in {link.key for group in build_nav("/", set(), [entry]) for link in group.links}
    keys = [link.key for link in build_nav("/", {"hello.see"}, [entry])[0].links]
    assert keys[:3] == ["home", "hello", "library"]


def test_counts() -> None:
    links = build_nav("/", set(), counts={"downloads": 3})[0].links
    assert {link.key: link.count for link in links}["downloads"] == 3


@given(st.lists(st.booleans(), max_size=12), st.text())
def test_the_phone_bar_never_overflows(bottoms: list[bool], path: str) -> None:
    extra = [
        Entry(key=f"x{n}", label="x", path=f"/x{n}", icon="x", bottom=b, order=n)
        for n, b in enumerate(bottoms)
    ]
    links = [link for group in build_nav(path, {"admin"}, extra) for link in group.links]
    assert sum(link.bottom for link in links) <= BOTTOM
    assert sum(link.current for link in links) <= 1
