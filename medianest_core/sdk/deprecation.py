"""Tells authors that a name will go, without ever getting in the way of what they do.

A deprecated name works as it did until the major that takes it away. Whoever uses it is told once for each place, as a
`PluginDeprecation`: `medianest plugins check` lists them, and a test run shows them. Unlike a bare `warnings.warn` it never raises,
not even where warnings are errors.
"""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
_told: set[tuple[str, str, int]] = set()


class PluginDeprecation(DeprecationWarning):
    """A name of the SDK that will go."""


def deprecated(what: str, *, since: str, gone_in: str, instead: str = "", depth: int = 1) -> None:
    """Tell whoever called the caller (depth 1; more for callers further out). since, gone_in: versions of the API. Never raises."""
    try:
        frame = sys._getframe(depth + 1)
        place = (what, frame.f_code.co_filename, frame.f_lineno)
        if place in _told:
            return
        _told.add(place)
        advice = f"; use {instead}" if instead else ""
        text = f"{what} is deprecated since API {since} and gone in {gone_in}{advice}."
        warnings.warn_explicit(text, PluginDeprecation, place[1], place[2])
    except Exception:  # noqa: S110 - a warning that is made an error must not break a plugin that works
        pass


def going(*, since: str, gone_in: str, instead: str = "") -> Callable[[F], F]:
    """Decorates a function or method that will go; its callers are told, its behaviour stays."""

    def mark(function: F) -> F:
        @functools.wraps(function)
        def told(*args: Any, **kwargs: Any) -> Any:
            deprecated(f"{function.__qualname__}()", since=since, gone_in=gone_in, instead=instead)
            return function(*args, **kwargs)

        return told  # type: ignore[return-value]  # wraps keeps the signature

    return mark
