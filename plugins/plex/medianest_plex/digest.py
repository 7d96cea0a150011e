"""Digests of list entries that stay equal while nothing of interest changed.

A listing made with the owner's token carries what the owner watches and selects; none of that is about the title, so it is left
out. `updatedAt` stays in: it is how the server itself says that a title changed, and its artwork's addresses move with it.
"""

from __future__ import annotations

import xxhash

READING = 2
"""Goes into every digest. Raised whenever `records` or `media_facts` read more out of the same bytes: then all that is stored is read
again, once, in the course of the next complete sync."""
WATCHED = (
    b'"viewCount":',
    b'"lastViewedAt":',
    b'"viewOffset":',
    b'"viewedLeafCount":',
    b'"skipCount":',
    b'"lastRatedAt":',
    b'"userRating":',
)
"""Members whose values are numbers. Inside texts quotation marks are escaped, so these bytes are never prose."""
_SELECTED = b',"selected":true'


def digest(item: bytes, watched: bool = True) -> str:
    """16 hexadecimal digits for the JSON object `item`.

    watched: it may hold members of `WATCHED`; a caller that knows better saves looking for them, the digest is the same.
    """
    item = item.replace(_SELECTED, b"")
    for member in WATCHED if watched else ():
        at = item.find(member)
        while at >= 0:
            item = _without(item, at, at + len(member))
            at = item.find(member, at - 1 if at else 0)
    digits: str = xxhash.xxh3_64_hexdigest(item, seed=READING)
    return digits


def _without(item: bytes, start: int, value: int) -> bytes:
    comma, brace = item.find(b",", value), item.find(b"}", value)
    if comma != -1 and (comma < brace or brace == -1):
        return item[:start] + item[comma + 1 :]
    if item[start - 1 : start] == b",":
        start -= 1
    return item[:start] + item[brace if brace != -1 else len(item) :]
