from __future__ import annotations

import importlib
import sys

import pytest

from medianest_core.base.kept_out import kept_out


def test_what_is_kept_out_cannot_be_imported_until_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "this", raising=False)
    with kept_out("this"), pytest.raises(ImportError):
        importlib.import_module("this")
    assert "this" not in sys.modules
    assert importlib.util.find_spec("this") is not None


def test_what_is_there_already_stays() -> None:
    with kept_out("sys"):
        assert importlib.import_module("sys") is sys
    assert sys.modules["sys"] is sys
