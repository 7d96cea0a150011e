"""Threads share what the C library keeps, unless the operator says otherwise or there is nothing to share."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace
from typing import Any

import pytest

from medianest_core.base.arenas import share_arenas


def _library(monkeypatch: pytest.MonkeyPatch, **functions: Any) -> None:
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace(**functions))


def test_glibc_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []

    def mallopt(option: int, value: int) -> int:
        told.append((option, value))
        return 1

    _library(monkeypatch, mallopt=mallopt)
    assert share_arenas(3)
    # M_ARENA_MAX of malloc.h.
    assert told == [(-8, 3)]


def test_the_operators_choice_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    _library(monkeypatch, mallopt=lambda *_: pytest.fail("asked all the same"))
    monkeypatch.setenv("MALLOC_ARENA_MAX", "8")
    assert not share_arenas()


def test_another_library_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    _library(monkeypatch)
    assert not share_arenas()
