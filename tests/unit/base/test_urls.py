"""Where visitors may be sent, and how addresses are shown."""

from __future__ import annotations

import pytest

from medianest_core.base.urls import local_path, origin_of, shown


@pytest.mark.parametrize("value", ["/", "/library?kind=movie", "/title/1#x", "/a//b"])
def test_paths_of_ours(value: str) -> None:
    assert local_path(value) == value


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "library",
        "//evil.example",
        "/\\evil.example",
        "/a\\b",
        "https://evil.example",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: x",
        "\t//evil",
    ],
)
def test_everything_else_leads_home(value: str | None) -> None:
    assert local_path(value, "/home") == "/home"


def test_shown_leaves_secrets_out() -> None:
    assert shown("http://user:pass@nas:32400/a?X-Plex-Token=t#f") == "http://nas:32400/a"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Example.com:443/x", "https://example.com"),
        ("http://example.com:8080/x", "http://example.com:8080"),
        ("http://[::1]:80/", "http://[::1]"),
        ("nonsense", ""),
    ],
)
def test_origin(url: str, origin: str) -> None:
    assert origin_of(url) == origin
