"""What may be a link, who sees it, and in which order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_core.builtin.links.link import ICONS, ROLES, Link, Wanted, checked, grouped, visible
from medianest_core.sdk import UserError, Viewer


@pytest.mark.parametrize(
    "url",
    [
        "http://192.168.1.10:8080", "https://media.example.org/a?b=c#d", "HTTP://nas/", "http://[fd00::1]:32400/web",
        "https://münchen.example/",
    ],
)  # fmt: skip
def test_addresses_that_are_taken(url: str) -> None:
    assert checked(Wanted("Name", f"  {url} ")).url == url


@pytest.mark.parametrize(
    "url",
    [
        "", "nas", "//nas/", "/p/links", "javascript:alert(1)", "JavaScript:alert(1)", "java\nscript:alert(1)",
        "data:text/html,x", "file:///etc/passwd", "ftp://nas/", "http:", "http:///x", "http://", "vbscript:x",
        "http://nas\\@evil/", "http://a b/", "http://nas:port/", "http://[fd00::1/", "\x01javascript:alert(1)",
        "http://ann:secret@nas/", "https://ann@nas/", "http://nas/" + "x" * 2000,
    ],
)  # fmt: skip
def test_addresses_that_are_not(url: str) -> None:
    with pytest.raises(UserError) as error:
        checked(Wanted("Name", url))
    assert error.value.field == "url"
    assert "secret" not in str(error.value)


@given(st.text())
def test_what_is_taken_is_http_whatever_is_typed(url: str) -> None:
    try:
        taken = checked(Wanted("Name", url)).url
    except UserError:
        return
    assert taken.lower().startswith(("http://", "https://"))
    assert not any(sign.isspace() or sign in "\\\x00" for sign in taken)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (Wanted(" \n ", "http://nas"), "title"),
        (Wanted("x" * 81, "http://nas"), "title"),
        (Wanted("x", "http://nas", group="x" * 41), "group"),
        (Wanted("x", "http://nas", icon="skull"), "icon"),
        (Wanted("x", "http://nas", role="owner"), "role"),
    ],
)
def test_the_wrong_field_is_named(wanted: Wanted, field: str) -> None:
    with pytest.raises(UserError) as error:
        checked(wanted)
    assert error.value.field == field


def test_icons_are_in_the_portals_sprite() -> None:
    from pathlib import Path

    import medianest_core.web.portal.render as portal

    listed = (Path(portal.__file__).parent / "frontend/icons.txt").read_text("utf-8").split("\n")
    assert set(ICONS) <= set(listed)


_links = st.lists(
    st.builds(Link, st.text(), st.text(), group=st.sampled_from("abc"), role=st.sampled_from(ROLES)),
    max_size=20,
)


@given(_links)
def test_grouping_keeps_each_link_and_the_order_within_groups(found: list[Link]) -> None:
    made = grouped(found)
    for group, inside in made.items():
        assert inside == [one for one in found if one.group == group]
    assert list(made) == list(dict.fromkeys(one.group for one in found))


@given(_links)
def test_only_admins_see_what_is_for_admins(found: list[Link]) -> None:
    everyone = visible(found, Viewer("1", "ann", "user", frozenset()))
    assert everyone == [one for one in found if one.role == ""]
    assert visible(found, Viewer("2", "root", "admin", frozenset())) == found
