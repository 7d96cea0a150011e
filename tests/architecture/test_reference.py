"""The committed reference is what the code says."""

from __future__ import annotations

import pytest

from docs import make_reference


@pytest.mark.parametrize("page", sorted(make_reference.PAGES))
def test_page_is_up_to_date(page: str) -> None:
    committed = (make_reference.FOLDER / page).read_text(encoding="utf-8")
    assert committed == make_reference.NOTE + make_reference.PAGES[page](), "run `make reference`"


def test_no_page_is_left_over() -> None:
    assert {path.name for path in make_reference.FOLDER.iterdir()} == set(make_reference.PAGES)
