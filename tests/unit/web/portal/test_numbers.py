from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_core.web.portal.numbers import MOST, whole
from medianest_core.web.portal.pages.signin import safe_path


@given(st.text() | st.none() | st.integers())
def test_anything_is_a_number_in_range_or_nothing(text: object) -> None:
    found = whole(text)
    assert found is None or (0 <= found <= MOST and int(str(text)) == found)


@pytest.mark.parametrize("text", ["²", "٣", "9" * 5_000, str(2**63), "-1", "+1", "1_0", " 1", "1.0", ""])
def test_what_only_looks_like_a_number_is_none(text: str) -> None:
    assert whole(text) is None


@pytest.mark.parametrize(
    "path",
    [
        "//[",
        "http://[::1",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "\n//evil.example",
        "/sign-in",
        "",
    ],
)
def test_where_to_go_after_sign_in_is_never_another_site(path: str) -> None:
    assert safe_path(path) == "/"


@given(st.text())
def test_any_text_gives_a_path_of_ours(text: str) -> None:
    path = safe_path(text)
    assert path.startswith("/") and not path.startswith(("//", "/\\"))
