"""Whole numbers out of what browsers send."""

from __future__ import annotations

MOST = 2**53
"""Beyond it databases and scripts lose digits."""


def whole(text: object) -> int | None:
    """The number that plain digits spell; None for anything else, also for one that is too large for us."""
    if not isinstance(text, str) or not text.isascii() or not text.isdigit() or len(text) > 16:
        return None
    number = int(text)
    return number if number <= MOST else None
