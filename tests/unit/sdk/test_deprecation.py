"""Deprecation tells each place once and never gets in the way."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest

from medianest_core import sdk
from medianest_core.sdk import deprecation
from medianest_core.sdk.deprecation import PluginDeprecation, deprecated, going


@pytest.fixture(autouse=True)
def _untold() -> Iterator[None]:
    deprecation._told.clear()
    yield
    deprecation._told.clear()


@going(since="1.1", gone_in="2.0", instead="new_sum")
def old_sum(one: int, two: int) -> int:
    return one + two


def test_each_place_is_told_once_with_what_to_do() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert [old_sum(1, number) for number in range(3)] == [1, 2, 3]
        old_sum(1, 1)
    assert len(caught) == 2
    assert str(caught[0].message) == "old_sum() is deprecated since API 1.1 and gone in 2.0; use new_sum."
    assert caught[0].filename == __file__ and caught[0].category is PluginDeprecation


def test_it_never_raises() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert old_sum(1, 1) == 2
        deprecated("x", since="1.1", gone_in="2.0", depth=10_000)


def test_a_name_that_was_renamed_still_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sdk._RENAMED, "OldItem", ("Item", "1.1", "2.0"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert sdk.OldItem is sdk.Item
    (told,) = caught
    assert "OldItem is deprecated since API 1.1 and gone in 2.0; use Item." in str(told.message)
    with pytest.raises(AttributeError):
        _ = sdk.NeverWas
