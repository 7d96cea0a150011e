"""Digests of list entries that stay equal while nothing of interest changed.

A listing made with the owner's token carries what the owner watches and selects, and `updatedAt` moves with every look the
server takes at an item. None of that is about the title, so it is left out; changed artwork shows in the artwork's address.
"""

from __future__ import annotations

from collections.abc import Sequence

import xxhash

_VOLATILE = (
    b'"updatedAt":',
    b'"viewCount":',
    b'"lastViewedAt":',
    b'"viewOffset":',
    b'"viewedLeafCount":',
    b'"skipCount":',
    b'"lastRatedAt":',
    b'"userRating":',
    b'"selected":',
)
"""Members whose values are numbers or booleans. Inside texts quotation marks are escaped, so these bytes are never prose."""


def volatile_in(page: bytes) -> Sequence[bytes]:
    """The members that occur in a page at all: most pages lack most of them."""
    return [marker for marker in _VOLATILE if marker in page]


def digest(item: bytes, markers: Sequence[bytes] = _VOLATILE) -> str:
    """16 hexadecimal digits for the JSON object `item`, without the volatile members among `markers`."""
    for marker in markers:
        at = item.find(marker)
        while at >= 0:
            item = _without(item, at, at + len(marker))
            at = item.find(marker, at - 1 if at else 0)
    digits: str = xxhash.xxh3_64_hexdigest(item)
    return digits


def _without(item: bytes, start: int, value: int) -> bytes:
    comma, brace = item.find(b",", value), item.find(b"}", value)
    if comma != -1 and (comma < brace or brace == -1):
        return item[:start] + item[comma + 1 :]
    if item[start - 1 : start] == b",":
        start -= 1
    return item[:start] + item[brace if brace != -1 else len(item) :]
