"""A title's page shows the original title only where it says more than the title."""

from __future__ import annotations

import pytest

from medianest_core.web.portal.pages.library import _other_name


@pytest.mark.parametrize(
    ("original", "shown"),
    [
        ("Heat", ""),
        ("", ""),
        ("Heat (1995)", ""),
        ("Heat (1995) {tmdb-949}", ""),
        ("La chaleur", "La chaleur"),
        ("Heat 2", "Heat 2"),
        ("Heated", "Heated"),
    ],
)
def test_a_folders_name_is_not_shown(original: str, shown: str) -> None:
    assert _other_name(original, "Heat") == shown
